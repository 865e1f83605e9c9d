"""Who may answer a request, and whose approvals count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import NotAReviewer, SelfReview
from governance.reviewers import Panel, Seat, approvals_that_count, panel_of, seat_of, voices
from tests.unit.rules import agent, policy, tool

MEMBERS = {"S0ONCALL": frozenset({"U0DAVE", "U0EVE"})}
PEOPLE = ["U0ALICE", "U0BOB", "U0CAROL", "U0DAVE", "U0EVE"]


def panel(on_behalf_of=None, admins=("U0ADMIN",), **changes):
    return panel_of(policy(admins=admins), agent(), tool(**changes), on_behalf_of)


@pytest.mark.parametrize(
    ("changes", "reviewers"),
    [
        ({"reviewers": ("U0BOB", "S0ONCALL", "U0BOB")}, ("U0BOB", "S0ONCALL")),
        ({"reviewers": ()}, ("U0ADMIN", "U0ALICE")),
        ({"reviewers": (), "creator_may_approve": True}, ("U0ADMIN", "U0ALICE")),
        ({"reviewers": (), "creator_may_approve": False}, ("U0ADMIN",)),
        ({"reviewers": (), "admins": ("U0ALICE", "U0ADMIN")}, ("U0ALICE", "U0ADMIN")),
        ({"reviewers": (), "admins": ()}, ("U0ALICE",)),
        ({"reviewers": (), "admins": (), "creator_may_approve": False}, ()),
    ],
)
def test_without_a_list_the_admins_and_the_creator_are_asked(changes, reviewers):
    assert panel(**changes).reviewers == reviewers


@pytest.mark.parametrize(
    ("creator_may_approve", "on_behalf_of", "requester"),
    [
        (None, None, None),
        (True, None, None),
        (False, None, "U0ALICE"),
        (None, "U0CAROL", "U0CAROL"),
        (False, "U0CAROL", "U0CAROL"),
    ],
)
def test_the_requester_is_whom_the_agent_acts_for_or_a_barred_creator(creator_may_approve, on_behalf_of, requester):
    asked = panel(on_behalf_of, creator_may_approve=creator_may_approve)
    assert asked.requester == requester


@pytest.mark.parametrize("on_behalf_of", [None, "U0CAROL", "U0ALICE"])
def test_a_barred_creator_cannot_approve_whomever_the_agent_acts_for(on_behalf_of):
    asked = panel(on_behalf_of, reviewers=("U0ALICE", "U0BOB"), creator_may_approve=False)
    with pytest.raises((SelfReview, NotAReviewer)):
        asked.check("U0ALICE", {})
    asked.check("U0BOB", {})


def test_the_requester_is_told_who_else_may_answer():
    asked = Panel(("U0ALICE", "U0BOB"), 1, requester="U0ALICE")
    with pytest.raises(SelfReview) as caught:
        asked.check("U0ALICE", {})
    assert caught.value.details == {"reviewers": ["U0BOB"]}


@pytest.mark.parametrize("person", ["U0MALLORY", "", "S0ONCALL", "u0bob"])
def test_a_stranger_is_told_who_may_answer(person):
    asked = Panel(("U0BOB", "S0ONCALL"), 1)
    with pytest.raises(NotAReviewer) as caught:
        asked.check(person, MEMBERS)
    assert caught.value.details == {"reviewers": ["U0BOB", "S0ONCALL"]}


def test_members_of_a_group_are_eligible_while_they_are_in_it():
    asked = Panel(("S0ONCALL",), 1)
    asked.check("U0DAVE", MEMBERS)
    with pytest.raises(NotAReviewer):
        asked.check("U0DAVE", {"S0ONCALL": frozenset({"U0EVE"})})
    with pytest.raises(NotAReviewer):
        asked.check("U0DAVE", {"S0OTHER": frozenset({"U0DAVE"})})


def test_a_requester_inside_the_group_is_still_the_requester():
    with pytest.raises(SelfReview):
        Panel(("S0ONCALL",), 1, requester="U0DAVE").check("U0DAVE", MEMBERS)


@pytest.mark.parametrize(
    ("reviewers", "quorum", "requester", "able"),
    [
        (("U0BOB",), 1, None, True),
        (("U0BOB",), 2, None, False),
        (("U0BOB", "U0BOB"), 2, None, False),
        (("U0BOB", "U0CAROL"), 2, "U0CAROL", False),
        (("U0BOB", "U0CAROL"), 2, "U0ALICE", True),
        (("S0ONCALL",), 2, None, True),
        ((), 1, None, False),
    ],
)
def test_a_panel_can_settle_where_enough_different_people_may_approve(reviewers, quorum, requester, able):
    assert Panel(reviewers, quorum, requester).can_settle() is able


def test_a_shortage_counts_the_people_named():
    short = Panel(("U0BOB", "U0CAROL"), 3, "U0CAROL").shortage()
    assert short == "1 of the 3 people needed, the requester not counted"


def test_only_groups_are_looked_up():
    assert Panel(("U0BOB", "S0ONCALL", "W0GRID"), 1).groups() == ("S0ONCALL",)


@given(
    st.lists(st.sampled_from([*PEOPLE, "S0ONCALL"])),
    st.lists(st.sampled_from(PEOPLE)),
    st.sampled_from([None, *PEOPLE]),
)
def test_quorum_counts_distinct_people_who_are_eligible_now(reviewers, approvers, requester):
    """closes autonomy-and-trust 10"""
    seats = [Seat(one, one) for one in approvers]
    counted = approvals_that_count(Panel(tuple(reviewers), 1, requester), seats, MEMBERS)
    eligible = set(reviewers) | (MEMBERS["S0ONCALL"] if "S0ONCALL" in reviewers else set())
    assert counted == {one for one in approvers if one in eligible and one != requester}


def test_a_delegated_place_counts_once_and_only_while_its_giver_is_eligible():
    both = Panel(("U0ALICE", "U0BOB"), 2)
    on_alices_place, on_bobs = Seat("U0DAVE", "U0ALICE"), Seat("U0DAVE", "U0BOB")
    assert approvals_that_count(both, [on_alices_place, on_bobs], {}) == {"U0DAVE"}
    assert approvals_that_count(both, [on_alices_place, Seat("U0ALICE", "U0ALICE")], {}) == {"U0DAVE"}
    assert approvals_that_count(Panel(("U0BOB",), 1), [on_alices_place], {}) == set()
    assert approvals_that_count(Panel(("U0ALICE",), 1, "U0ALICE"), [on_alices_place], {}) == set()


def test_whom_somebody_delegated_to_answers_on_their_place():
    asked = Panel(("U0ALICE",), 1, "U0BOB")
    assert seat_of(asked, "U0DAVE", {}, ["U0EVE", "U0ALICE"]) == Seat("U0DAVE", "U0ALICE")
    assert seat_of(asked, "U0ALICE", {}, ["U0EVE"]) == Seat("U0ALICE", "U0ALICE")
    with pytest.raises(NotAReviewer):
        seat_of(asked, "U0DAVE", {}, ["U0EVE"])
    with pytest.raises(SelfReview):
        seat_of(asked, "U0BOB", {}, ["U0ALICE"])


@pytest.mark.parametrize(
    ("handed", "silent", "heard"),
    [
        ({}, None, {"U0BOB", "U0CAROL", "U0DAVE"}),
        ({"U0BOB": "U0ADMIN"}, None, {"U0ADMIN", "U0CAROL", "U0DAVE"}),
        ({"U0BOB": "U0CAROL"}, None, {"U0CAROL", "U0DAVE"}),
        ({"U0MALLORY": "U0ADMIN"}, None, {"U0BOB", "U0CAROL", "U0DAVE"}),
        ({"U0BOB": "U0ALICE"}, None, {"U0CAROL", "U0DAVE"}),
        ({}, "U0BOB", {"U0CAROL", "U0DAVE"}),
        ({"U0CAROL": "U0BOB"}, "U0BOB", {"U0DAVE"}),
    ],
)
def test_one_place_has_one_voice_and_the_requester_has_none(handed, silent, heard):
    panel = Panel(("U0BOB", "U0ALICE", "U0CAROL", "S0ONCALL"), 2, "U0ALICE")
    members = {"S0ONCALL": frozenset({"U0CAROL", "U0DAVE", "U0ALICE"})}
    assert voices(panel, members, handed, silent=silent) == heard
