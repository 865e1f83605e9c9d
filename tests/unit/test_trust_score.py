"""The score of an agent: denials are no failures, and what it recommends only ever tightens."""

from datetime import UTC, datetime

import pytest

from governance.tiers import Tier, is_stricter
from governance.trust_score import Latest, Tally, recommend, score_of
from governance.trustgraph import TrustOutcome

SUCCESS, FAILURE, DENIED, TIMEOUT = TrustOutcome
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def score(*tallies, last_run=SUCCESS, tier=Tier.ACT_AUTO):
    return score_of(tallies, Latest(last_run, NOON) if last_run else None, last_run, tier)


def test_denials_and_silence_do_not_depress_the_rate():
    """closes autonomy-and-trust 25"""
    found = score(
        Tally(SUCCESS, Tier.ACT_AUTO, 3), Tally(FAILURE, Tier.ACT_AUTO, 1), Tally(DENIED, Tier.SHADOW, 40),
        Tally(DENIED, Tier.SUGGEST, 5), Tally(DENIED, Tier.ACT_WITH_APPROVAL, 2, by_people=True),
        Tally(TIMEOUT, Tier.ACT_WITH_APPROVAL, 6),
    )  # fmt: skip
    assert (found.total, found.ran, found.success_rate) == (57, 4, 0.75)
    assert (found.denied_by_policy, found.denied_by_people) == (45, 2)
    assert found.outcomes == {SUCCESS: 3, FAILURE: 1, DENIED: 47, TIMEOUT: 6}
    assert {tier: n for tier, n in found.tiers.items() if n} == {
        Tier.ACT_AUTO: 4, Tier.SHADOW: 40, Tier.SUGGEST: 5, Tier.ACT_WITH_APPROVAL: 8
    }  # fmt: skip


def test_there_is_no_rate_before_a_call_has_run():
    found = score(Tally(DENIED, Tier.SHADOW, 9), last_run=None)
    assert (found.ran, found.success_rate, found.recommended) == (0, None, Tier.ACT_AUTO)


def test_changes_of_tier_are_no_calls():
    found = score(Tally(SUCCESS, Tier.ACT_AUTO, 2, control=True), Tally(FAILURE, Tier.ACT_AUTO, 1), last_run=FAILURE)
    assert (found.total, found.ran, found.success_rate) == (3, 1, 0.0)


def test_an_unknown_that_turned_out_well_counts_once():
    found = score(Tally(FAILURE, Tier.ACT_AUTO, 1), Tally(SUCCESS, Tier.ACT_AUTO, 1, corrects=True))
    assert (found.ran, found.success_rate) == (1, 1.0)


@pytest.mark.parametrize("tier", list(Tier))
@pytest.mark.parametrize(
    ("ran", "rate", "last"), [(1, 0.0, FAILURE), (9, 0.4, SUCCESS), (9, 1.0, SUCCESS), (0, None, None)]
)
def test_a_recommendation_never_loosens(tier, ran, rate, last):
    """closes autonomy-and-trust 25"""
    recommended, _ = recommend(tier, ran, rate, last)
    assert recommended is tier or is_stricter(recommended, tier)


@pytest.mark.parametrize(
    ("ran", "rate", "last", "tightens"),
    [(5, 0.8, FAILURE, True), (3, 0.33, SUCCESS, True), (2, 0.0, SUCCESS, False), (3, 0.5, SUCCESS, False)],
)
def test_failures_recommend_that_people_look_first(ran, rate, last, tightens):
    recommended, why = recommend(Tier.ACT_AUTO, ran, rate, last)
    assert (recommended is Tier.ACT_WITH_APPROVAL) is tightens
    assert ("people should look first" in why) is tightens
