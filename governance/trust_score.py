"""How an agent has done, from its trust records, and whether it should be given less room."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from governance.tiers import Tier, is_stricter
from governance.trustgraph import TrustOutcome

_ENOUGH = 3  #: so many calls must have run before their rate says anything
_POOR = 0.5


@dataclass(frozen=True, slots=True)
class Tally:
    """So many records of one kind: denials that a reviewer gave, outcomes that replace an `unknown`, tier changes."""

    outcome: TrustOutcome
    tier: Tier
    count: int
    by_people: bool = False
    corrects: bool = False
    control: bool = False


@dataclass(frozen=True, slots=True)
class Latest:
    """An agent's newest record that is about a call."""

    outcome: TrustOutcome
    at: datetime


@dataclass(frozen=True, slots=True)
class Score:
    """How an agent has done. `success_rate` is None until a call has run; denials and silence do not lower it."""

    total: int
    ran: int
    success_rate: float | None
    outcomes: dict[TrustOutcome, int]
    tiers: dict[Tier, int]
    denied_by_policy: int
    denied_by_people: int
    latest: Latest | None
    tier: Tier
    recommended: Tier
    why: str


def score_of(tallies: Iterable[Tally], latest: Latest | None, last_run: TrustOutcome | None, tier: Tier) -> Score:
    """Return the score of an agent that stands at `tier`; `last_run` is how its newest call that ran ended."""
    every = list(tallies)
    calls = [one for one in every if not one.control]
    by_outcome = {outcome: _count(one for one in calls if one.outcome is outcome) for outcome in TrustOutcome}
    replaced = _count(one for one in calls if one.corrects)  # each of them was recorded as a failure before
    ran = by_outcome[TrustOutcome.SUCCESS] + by_outcome[TrustOutcome.FAILURE] - replaced
    rate = by_outcome[TrustOutcome.SUCCESS] / ran if ran else None
    by_people = _count(one for one in calls if one.by_people)
    recommended, why = recommend(tier, ran, rate, last_run)
    return Score(
        total=_count(every),
        ran=ran,
        success_rate=rate,
        outcomes=by_outcome,
        tiers={one: _count(tally for tally in calls if tally.tier is one) for one in Tier},
        denied_by_policy=by_outcome[TrustOutcome.DENIED] - by_people,
        denied_by_people=by_people,
        latest=latest,
        tier=tier,
        recommended=recommended,
        why=why,
    )


def recommend(tier: Tier, ran: int, rate: float | None, last_run: TrustOutcome | None) -> tuple[Tier, str]:
    """Return the tier to put an agent at and why. It is never a looser one than it has."""
    if last_run is TrustOutcome.FAILURE:
        why = "its newest call that ran did not succeed"
    elif rate is not None and ran >= _ENOUGH and rate < _POOR:
        why = f"fewer than half of its {ran} calls that ran succeeded"
    else:
        return tier, "nothing speaks for less room"
    if is_stricter(Tier.ACT_WITH_APPROVAL, tier):
        return Tier.ACT_WITH_APPROVAL, f"{why}, so people should look first"
    return tier, f"{why}; people look at its calls already, or nothing runs"


def _count(tallies: Iterable[Tally]) -> int:
    return sum(one.count for one in tallies)
