"""What is judged, and what comes of it."""

from dataclasses import dataclass, field
from enum import StrEnum

from governance.canonical import Json
from governance.policy import Place, Problem
from governance.resolution import Scoping
from governance.reviewers import Panel
from governance.rules import Remembered
from governance.tiers import Tier


class Outcome(StrEnum):
    """Which gate answered."""

    UNSUPPORTED = "unsupported"
    NEEDS_INPUT = "needs_input"
    SCOPE_INVALID = "scope_invalid"
    POLICY_DENIED = "policy_denied"
    TIER = "tier"


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call as an agent submitted it."""

    tool: str
    arguments: Json
    on_behalf_of: str | None = None
    channel: str | None = None  #: where the thread lies that the agent wants the card in
    scoping: Scoping = field(default_factory=Scoping)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules answer. `tier` is set only where `outcome` is TIER, `panel` where people are asked.

    `rule` is the remembered decision that answered, `place` the line of the policy that decided.
    """

    outcome: Outcome
    reason: str
    code: str | None = None
    problems: tuple[Problem, ...] = ()
    missing_scopes: tuple[str, ...] = ()
    tier: Tier | None = None
    panel: Panel | None = None
    rule: Remembered | None = None
    place: Place = ()

    @property
    def asks(self) -> bool:
        """Whether a person is asked."""
        return self.tier is not None and self.tier.asks and self.rule is None

    @property
    def runs(self) -> bool:
        """Whether the call may run at once."""
        return self.tier is not None and (self.tier.runs_unasked or self.rule is not None)


def denied(code: str, reason: str, place: Place = ()) -> Verdict:
    """Return a denial by policy."""
    return Verdict(Outcome.POLICY_DENIED, reason, code, place=place)
