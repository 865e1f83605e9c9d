"""Forms: whatever they ask about, each is one Slack takes, and offers only what would be accepted."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cards.arguments import EDITABLE, editable
from bot.cards.forms import (
    defer_modal,
    delegate_modal,
    edit_modal,
    reconcile_modal,
    reject_modal,
    remember_modal,
    withdraw_modal,
)
from bot.ids import Block, Callback
from bot.listeners.values import rejection_of
from governance.canonical import canonical, parse_strict
from governance.errors import Unprocessable
from governance.secret_fields import MASK
from tests.unit.blockkit import check_view, whole_text
from tests.unit.dossiers import NOW, RENDERING, argument_sets, dossier, dossiers, request

thoroughly = settings(max_examples=40, suppress_health_check=list(HealthCheck))

FORMS = {
    Callback.DEFER: lambda found, rendering: defer_modal(found, rendering, NOW, 3600),
    Callback.DELEGATE: delegate_modal,
    Callback.WITHDRAW: withdraw_modal,
    Callback.REMEMBER: remember_modal,
    Callback.REJECT: reject_modal,
    **{
        one: lambda found, rendering, one=one: reconcile_modal(found, rendering, one)
        for one in (Callback.HAPPENED, Callback.DID_NOT, Callback.RUN_AGAIN)
    },
}


def inputs(view):
    """The inputs of a view by block id."""
    return {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}


def offered(view, block):
    return [option["value"] for option in inputs(view)[block]["element"]["options"]]


@pytest.mark.parametrize("callback", FORMS)
@given(found=dossiers())
@settings(thoroughly, max_examples=15)
def test_every_form_fits_and_carries_the_rendering_alone(callback, found):
    view = FORMS[callback](found, RENDERING)
    check_view(view)
    assert (view["callback_id"], view["private_metadata"]) == (callback, RENDERING)


@pytest.mark.parametrize("callback", [Callback.DEFER, Callback.HAPPENED, Callback.RUN_AGAIN])
def test_what_needs_a_reason_asks_for_one(callback):
    assert inputs(FORMS[callback](dossier(request()), RENDERING))[Block.REASON]["optional"] is False


def test_a_rejection_offers_common_reasons_and_none_of_them_is_chosen_yet():
    shown = inputs(reject_modal(dossier(request()), RENDERING))
    preset = shown[Block.PRESET]["element"]
    words = [one["text"]["text"] for one in preset["options"]]
    assert words == ["Wrong target", "Not now", "Needs more information", "Too risky", "Other"]
    assert "initial_option" not in preset
    assert [name for name, block in shown.items() if block["element"]["type"] == "plain_text_input"] == [Block.REASON]


@pytest.mark.parametrize(
    ("chosen", "typed", "reason"),
    [
        (None, "wrong\n one ", "wrong\n one "),
        (None, "", ""),
        ("target", "", "Wrong target"),
        ("risk", " at night\n", "Too risky: at night"),
        ("other", "we sold it", "we sold it"),
        ("something else", "x", "x"),
    ],
)
def test_the_reason_of_a_rejection_is_what_was_chosen_and_what_was_typed(chosen, typed, reason):
    assert rejection_of(submission(chosen, typed)) == reason


def test_other_alone_is_no_reason():
    with pytest.raises(Unprocessable, match=r"^reason: write what"):
        rejection_of(submission("other", " "))


def submission(chosen, typed):
    picked = {"type": "static_select", "selected_option": {"value": chosen} if chosen else None}
    values = {"reason_preset": {"choice": picked}, "reason": {"text": {"type": "plain_text_input", "value": typed}}}
    return {"view": {"state": {"values": values}}}


@given(argument_sets)
@thoroughly
def test_the_edit_form_holds_every_character_or_says_where_to_go(given_arguments):
    found = dossier(request(), arguments=given_arguments)
    view = edit_modal(found, RENDERING)
    check_view(view)
    if Block.ARGUMENTS not in inputs(view):
        assert len(editable(found.proposal.arguments)) > EDITABLE
        assert "POST /api/v1/approvals/apr_0001/edit" in whole_text(view)
        return
    typed = inputs(view)[Block.ARGUMENTS]["element"]["initial_value"]
    assert canonical(parse_strict(typed.encode())).decode() == found.proposal.arguments


def test_the_edit_form_says_that_somebody_else_approves_and_what_a_mask_means():
    shown = whole_text(edit_modal(dossier(request(), arguments={"token": MASK}), RENDERING))
    assert "Somebody else has to approve the edited call" in shown
    assert f"{MASK} stands for a secret and keeps it" in shown


@pytest.mark.parametrize(
    ("session", "risk", "scopes"),
    [
        (None, "low_write", ["forever"]),
        ("s1", "low_write", ["session", "forever"]),
        ("s1", "high_write", ["session", "forever"]),
    ],
)
def test_a_session_is_offered_only_where_there_is_one(session, risk, scopes):
    view = remember_modal(dossier(request(), session_id=session, risk=risk), RENDERING)
    assert offered(view, Block.REMEMBER) == scopes
    assert ("30 days at this risk" in whole_text(view)) is (risk == "high_write")
    rejecting = reject_modal(dossier(request(), session_id=session, risk=risk), RENDERING)
    assert offered(rejecting, Block.REMEMBER) == ["once", *scopes]


@pytest.mark.parametrize(("quorum", "patterns"), [(1, ["same", "any"]), (2, ["same"])])
def test_every_call_of_a_tool_is_offered_only_where_one_person_decides(quorum, patterns):
    view = remember_modal(dossier(request(quorum=quorum)), RENDERING)
    assert offered(view, Block.PATTERN) == patterns
    assert ("At most so many times" in whole_text(view)) is (quorum == 1)
    assert ("only if all 2 who approve" in whole_text(view)) is (quorum == 2)


def test_the_preview_takes_the_place_of_the_promise_of_one():
    found = dossier(request())
    assert "Looking at what such a rule" in whole_text(remember_modal(found, RENDERING))
    seen = whole_text(remember_modal(found, RENDERING, ["A rule would have matched 3."]))
    assert "A rule would have matched 3." in seen
    assert "Looking at what" not in seen


@pytest.mark.parametrize(
    ("hours", "tz_offset", "until"),
    [
        (48, 0, NOW + timedelta(hours=21)),
        (48, 3600, NOW + timedelta(hours=20)),
        (48, -5 * 3600, NOW + timedelta(hours=26)),
        (10, 0, NOW + timedelta(hours=5)),
        (21, 0, NOW + timedelta(hours=10.5)),
    ],
)
def test_putting_off_suggests_tomorrow_at_nine_or_half_of_what_is_left(hours, tz_offset, until):
    found = dossier(request(expires_at=NOW + timedelta(hours=hours)))
    view = defer_modal(found, RENDERING, NOW, tz_offset)
    assert inputs(view)[Block.UNTIL]["element"]["initial_date_time"] == until.timestamp()


@given(st.integers(0, 10**6), st.integers(-12, 14))
@thoroughly
def test_the_suggested_moment_lies_ahead_and_before_the_end(seconds, zone):
    found = dossier(request(expires_at=NOW + timedelta(seconds=seconds + 2)))
    suggested = inputs(defer_modal(found, RENDERING, NOW, zone * 3600))[Block.UNTIL]["element"]["initial_date_time"]
    assert NOW.timestamp() < suggested < found.request.expires_at.timestamp()
