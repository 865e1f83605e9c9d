"""What people are asked about governance: whom it may be about, and what of its context has a meaning."""

from collections.abc import Mapping
from datetime import timedelta

from governance.canonical import Json
from governance.errors import Forbidden, Unprocessable
from governance.policy import Policy
from governance.reviewers import Panel

AGENT, AUTOMATION = "agent", "automation"

#: The connector of what nothing runs: the decision itself is the effect.
NOTHING_RUNS = "governance"

#: The longest that a person can let something stand with one answer.
LONGEST = timedelta(days=30)
_SECOND = 1 / 3600  # in hours

#: The capability under which a lifted depth limit is granted.
DEPTH_OVERRIDE = "depth_override"


def hours_in(context: Mapping[str, Json], default: timedelta | None) -> timedelta | None:
    """Return for how long what is asked for is to hold, from `hours`, else as long as `default`, at most 30 days.

    Raises Unprocessable beyond that, and for less than a second: nobody could say yes to what lasts no time.
    """
    hours = context.get("hours")
    if hours is None:
        return min(default, LONGEST) if default is not None else None
    most = LONGEST // timedelta(hours=1)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not _SECOND <= hours <= most:
        raise Unprocessable(f"context.hours: send a number of hours above 0 and up to {most}.")
    return timedelta(hours=hours)


def capability_in(context: Mapping[str, Json]) -> str:
    """Return the capability that is asked for, from `capability_key`, else `capability`. Raises Unprocessable."""
    named = context.get("capability_key", context.get("capability"))
    named = named.strip() if isinstance(named, str) else ""
    if not named or len(named) > 255 or not named.isprintable():
        raise Unprocessable("context.capability_key: name the capability, on one line of 1 to 255 characters.")
    return named


def panel_for(
    policy: Policy, reviewers: tuple[str, ...], asker: str | None, belongs_to: str | None, quorum: int = 1
) -> Panel:
    """Return who may answer a question about governance: the admins and those it names, never who asks.

    Where neither leaves anybody, the person its subject belongs to answers, so that no block is without a way out.
    Raises Forbidden (NO_REVIEWER) where too few people are left.
    """
    asked = [one for one in dict.fromkeys((*policy.admins, *reviewers)) if one != asker]
    if not asked and belongs_to not in (None, asker):
        asked = [belongs_to]
    panel = Panel(tuple(asked), quorum, asker)
    if not panel.can_settle():
        raise Forbidden(
            f"Nobody can answer this ({panel.shortage()}): name more admins under [roles] in countersign.toml.",
            code="NO_REVIEWER",
        )
    return panel


def quorum_for(policy: Policy, capability: str) -> int:
    """Return how many must agree to a capability: as many as to any tool that it opens."""
    return max((tool.quorum for tool in policy.tools.values() if tool.capability == capability), default=1)
