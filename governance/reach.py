"""Who could answer a call before it is made: every place of its panel, who is on it, and how they stand to the call."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from governance.hours import Absence
from governance.reviewers import is_group
from governance.verdict import Verdict


class Bearing(StrEnum):
    """What keeps a person from answering, or that nothing does."""

    THERE = "there"
    AWAY = "away"
    REQUESTER = "requester"
    BARRED = "barred"  #: the agent's creator, whom the tool keeps out
    GUEST = "guest"
    STRANGER = "stranger"  #: of another organisation
    BOT = "bot"
    DEACTIVATED = "deactivated"
    UNKNOWN = "unknown"  #: Slack does not know them
    NOT_ASKED = "not_asked"  #: Slack could not be asked


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person and how they stand to the call. `covered_by` is who stands in for them, `delegate` whom they named."""

    id: str
    name: str
    bearing: Bearing
    absence: Absence | None = None
    covered_by: str | None = None
    quiet_until: datetime | None = None

    @property
    def delegate(self) -> str | None:
        """Whom they named to answer while they are away."""
        return self.absence.delegate if self.absence else None


@dataclass(frozen=True, slots=True)
class PanelPlace:
    """One reviewer of the policy: a person, or a user group with its live members."""

    id: str
    name: str
    people: tuple[Candidate, ...]

    @property
    def is_group(self) -> bool:
        """Whether it is a user group."""
        return is_group(self.id)


@dataclass(frozen=True, slots=True)
class Reach:
    """Who could answer one call at a moment. `trouble` says why Slack could not be asked; then nobody is known to be
    there and groups are not looked into. `near` are the distinct people within reach."""

    tool: str
    agent: str
    at: datetime
    verdict: Verdict
    quorum: int
    places: tuple[PanelPlace, ...] = ()
    near: frozenset[str] = frozenset()
    escalate_after: timedelta | None = None
    escalation: tuple[PanelPlace, ...] = ()
    admins: tuple[Candidate, ...] = ()
    trouble: str | None = None

    @property
    def can_settle(self) -> bool:
        """Whether enough different people are within reach."""
        return len(self.near) >= self.quorum
