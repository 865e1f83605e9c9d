"""What people may do besides answering: the roles of people and of their keys."""

from enum import StrEnum

from governance.errors import Forbidden
from governance.policy import Policy


class Role(StrEnum):
    """Least first."""

    REVIEWER = "reviewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, other: "Role") -> bool:
        """Whether this role may do what `other` may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


def role_of(policy: Policy, person: str) -> Role:
    """Return the role the policy gives a person now."""
    if person in policy.admins:
        return Role.ADMIN
    return Role.OPERATOR if person in policy.operators else Role.REVIEWER


def check_role(role: Role, needed: Role, what: str) -> None:
    """Raise Forbidden where a role does not suffice; `what` completes "Only … may"."""
    if not role.covers(needed):
        who = "admins" if needed is Role.ADMIN else "operators and admins"
        raise Forbidden(f"Only {who} may {what}.", details={"needed": needed, "role": role})
