"""The Home tab: Slack takes it whole whatever is on it, nothing on it pings, and it says what it should."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cards.governing_forms import extending_modal, giving_modal, retiring_modal
from bot.cards.home import HomeRule, Sheet, closed_home, digest_of, home
from bot.cards.home_agents import HomeAgent, agent_line, bar
from bot.cards.home_entries import HomeEntry
from bot.cards.home_rights import HomeAutomation, HomeGrant
from bot.cards.home_settings import away_modal, settings_lines, settings_modal, turning_modal
from bot.cards.spend import Budget as SpendBudget
from bot.cards.spending import Cost, agent_cost_line, window_lines
from bot.ids import Callback
from bot.office.sheets import SHOWN
from bot.workspace.mrkdwn import reach
from governance.automations import ActorKind, AutomationStatus, GrantKind, ReviewKind, SpendSpan
from governance.hours import Absence
from governance.lifecycle import ProposalState
from governance.policy import Agent
from governance.rules import Effect, Scope
from governance.tiers import Tier
from storage.tables import (
    Automation,
    Budget,
    Grant,
    Preference,
    RequestType,
    Rule,
    SpendStop,
    SpendWindow,
    Standing,
    StandingKind,
)
from tests.unit.blockkit import buttons, check_view, mrkdwn_texts, whole_text
from tests.unit.dossiers import NOW, dossier, dossiers, names, request, review, texts

thoroughly = settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
LINK = "https://acme.slack.com/archives/C0/p1"
NOTHING = Sheet(
    (), (), (), (), dict.fromkeys(SHOWN, 0), False,
    Preference(tenant="default", person="U0BOB", updated_at=NOW), None, "Europe/Berlin",
)  # fmt: skip


def rule(**changes):
    made = {
        "id": "rul_0001", "tenant": "default", "agent_id": "deployer", "tool": "deploy.*", "effect": Effect.ALLOW,
        "scope": Scope.FOREVER, "pattern": '{"same":"h"}', "pattern_hash": "h", "authors": ["U0BOB"],
        "created_at": NOW, "uses": 3,
    }  # fmt: skip
    return Rule(**{**made, **changes})


def standing(kind=StandingKind.PAUSE, **changes):
    made = {"id": "stg_0001", "tenant": "default", "agent_id": "deployer", "kind": kind, "by": "U0BOB", "reason": "no",
            "at": NOW}  # fmt: skip
    return Standing(**{**made, **changes})


def grant(**changes):
    made = {
        "id": "grt_0001", "tenant": "default", "kind": GrantKind.CAPABILITY, "agent_id": "deployer",
        "capability": "deploy", "granted_by": "U0BOB", "created_at": NOW, "expires_at": NOW + timedelta(hours=8),
    }  # fmt: skip
    return Grant(**{**made, **changes})


def automation(**changes):
    made = {
        "id": "aut_0001", "tenant": "default", "name": "Nightly", "status": AutomationStatus.ACTIVE, "agents": [],
        "creator_kind": ActorKind.AGENT, "creator_id": "deployer", "owner": "U0BOB", "created_at": NOW,
        "updated_at": NOW, "expires_at": NOW + timedelta(days=90),
    }  # fmt: skip
    return Automation(**{**made, **changes})


def agent(**changes):
    return Agent(**{"id": "deployer", "name": "Deployer", "creator": "U0ALICE", **changes})


@st.composite
def entries(draw):
    found = draw(dossiers())
    found = found if found.request else replace(found, request=request())
    return HomeEntry(found, draw(st.sampled_from(["", LINK])), draw(st.booleans()))


@st.composite
def agents(draw):
    reason, target = draw(texts), draw(names)
    tiers = [standing(StandingKind.TIER, target=target, tier=Tier.ACT_AUTO, reason=reason)] * draw(st.integers(0, 9))
    pause = [standing(reason=reason)] * draw(st.integers(0, 1))
    limit = draw(st.none() | st.integers(0, 10**9))
    return HomeAgent(
        agent(id=draw(names), name=draw(names), budget_per_hour=limit, budget_per_day=limit),
        draw(st.none() | st.sampled_from(Tier)), (*pause, *tiers), {Budget.HOUR: draw(st.integers(0, 10**9))},
        draw(st.integers(0, 500)), dict.fromkeys(ProposalState, 500), draw(st.booleans()),
    )  # fmt: skip


def several(one, most):
    """Any number of different ones, up to all there is room for, each the same as the first: what matters is room."""
    return st.tuples(one, st.integers(0, most)).map(lambda found: (found[0],) * found[1])


def told_apart(listed):
    """Requests on one Home are different ones."""
    return tuple(
        replace(one, dossier=replace(one.dossier, request=one.dossier.request.model_copy(update={"id": f"apr_{i}"})))
        for i, one in enumerate(listed)
    )


def asked_apart(listed):
    """What is asked about different automations are different requests, none of which stands above."""
    return tuple(replace(one, question=one.question and _named(one.question, f"q{i}")) for i, one in enumerate(listed))


def _named(entry, name):
    found = entry.dossier
    proposal = found.proposal.model_copy(update={"id": f"prp_{name}"})
    asked = found.request.model_copy(update={"id": f"apr_{name}"})
    return replace(entry, dossier=replace(found, proposal=proposal, request=asked))


@st.composite
def sheets(draw):
    made = rule(
        tool=draw(names), agent_id=draw(names), session_id=draw(st.sampled_from(["", "s"])),
        pattern=draw(st.sampled_from(['{"any":true}', '{"same":"h"}', '{"fields":{}}'])),
        expires_at=draw(st.none() | st.just(NOW)), max_uses=draw(st.none() | st.just(10**6)),
    )  # fmt: skip
    listed = HomeRule(made, draw(st.booleans()))
    minutes = st.none() | st.integers(0, 1439)
    preference = Preference(
        tenant="default", person="U0BOB", updated_at=NOW, digest_hour=draw(st.none() | st.integers(0, 23)),
        quiet_from=draw(minutes), quiet_to=draw(minutes),
    )  # fmt: skip
    away = Absence(NOW, draw(st.none() | st.just(NOW)), draw(st.none() | st.just("U0CAROL")))
    return Sheet(
        told_apart(draw(several(entries(), SHOWN["waiting"]))), draw(several(entries(), SHOWN["soon"])),
        draw(several(agents(), SHOWN["agents"])), draw(several(st.just(listed), SHOWN["rules"])),
        dict.fromkeys(SHOWN, draw(st.integers(0, 10_000))), draw(st.booleans()), preference,
        draw(st.none() | st.just(away)), draw(st.none() | texts.map(lambda text: text[:64])),
        draw(several(granted(), SHOWN["grants"])), asked_apart(draw(several(recurring(), SHOWN["automations"]))),
        draw(st.booleans()),
    )  # fmt: skip


@st.composite
def granted(draw):
    made = grant(agent_id=draw(names), capability=draw(names), reason=draw(texts))
    return HomeGrant(made, {}, draw(st.booleans()))


@st.composite
def recurring(draw):
    row = automation(name=draw(names) or "-", schedule=draw(st.none() | names), creator_id=draw(names))
    row.review_required, row.review_kind = True, draw(st.sampled_from(ReviewKind))
    return HomeAutomation(row, draw(st.none() | entries()))


@given(sheets())
@thoroughly
def test_any_home_fits_and_is_inert(sheet):
    view = home(sheet, {}, NOW)
    check_view(view)
    reached = reach("", view["blocks"])
    assert reached.pings == []
    assert set(reached.mentions) <= {"U0BOB", "U0CAROL"}
    assert digest_of(sheet) == digest_of(sheet)


def test_a_home_as_full_as_it_gets_fits():
    asked = dossier(request(), arguments={"long": "x" * 900}, consequence="Replaces checkout")
    entry = HomeEntry(asked, LINK)
    sheet = Sheet(
        told_apart((entry,) * SHOWN["waiting"]), (entry,) * SHOWN["soon"],
        (HomeAgent(agent(), None, (standing(),), {}, 1, {}, True),) * SHOWN["agents"],
        (HomeRule(rule(), True),) * SHOWN["rules"], dict.fromkeys(SHOWN, 9), True, NOTHING.preference, None, None,
        (HomeGrant(grant(), {}, True),) * SHOWN["grants"],
        asked_apart((HomeAutomation(automation(), entry),) * SHOWN["automations"]), True,
    )  # fmt: skip
    check_view(home(sheet, {}, NOW))


def test_a_home_with_nothing_on_it_reads_well():
    view = home(NOTHING, {}, NOW)
    check_view(view)
    said = whole_text(view)
    assert "Waiting for you\nNothing. Agents can carry on without you." in said
    assert "Expires soon" not in said
    assert "*Digest* none · *Quiet hours* none · times of Europe/Berlin" in said
    assert [one["action_id"] for one in buttons(view)] == ["home.settings", "home.away"]
    check_view(closed_home())


def test_an_entry_says_what_it_takes_to_decide_and_carries_nothing_but_its_rendering():
    asked = dossier(request(quorum=2), [review("U0CAROL")], consequence="*Replaces* checkout")
    sheet = replace(NOTHING, waiting=(HomeEntry(asked, LINK),), more={**NOTHING.more, "waiting": 4})
    view = home(sheet, {"apr_0001:1": "rnd_7"}, NOW)
    line = mrkdwn_texts(view)[0]
    assert line.startswith(f"*<{LINK}|Deploy to production>* · Deployer\nrisk high write · act_with_approval (L3)")
    assert " · 1 of 2 · expires <!date^" in line
    assert "*Replaces* checkout" not in "".join(mrkdwn_texts(view))  # an agent's words are not parsed
    assert "*Replaces* checkout" in whole_text(view)
    assert [(one["action_id"], one["value"]) for one in buttons(view)][:3] == [
        ("card.approve", "rnd_7"), ("card.reject", "rnd_7"), ("card.details", "rnd_7"),
    ]  # fmt: skip
    assert "and 4 more: `/approvals mine`" in mrkdwn_texts(view)


def test_a_home_looks_different_once_a_request_was_edited_and_the_same_whenever_it_is_drawn():
    first = replace(NOTHING, waiting=(HomeEntry(dossier(request()), LINK),))
    edited = replace(NOTHING, waiting=(HomeEntry(dossier(request(version=2)), LINK),))
    assert digest_of(first) != digest_of(edited)
    drawn = [home(first, {}, NOW + timedelta(hours=hours)) for hours in (0, 1)]
    assert drawn[0] != drawn[1]
    assert drawn[0]["blocks"][:-1] == drawn[1]["blocks"][:-1]


@pytest.mark.parametrize(
    ("used", "allowed", "filled"),
    [(0, 20, 0), (1, 20, 1), (12, 20, 6), (19, 20, 9), (20, 20, 10), (99, 20, 10), (0, 0, 10), (1, 1000, 1)],
)
def test_a_budget_bar_is_full_only_when_nothing_is_left(used, allowed, filled):
    assert bar(used, allowed) == "▰" * filled + "▱" * (10 - filled)


def test_an_agent_shows_what_it_spent_of_its_cap_and_that_it_is_stopped():
    stopped = standing(StandingKind.SPEND, reason="weekly spend cap 10.00 USD reached")
    lines = agent_line(HomeAgent(agent(), None, (stopped,), spend=SpendBudget(5_000_000, 10_000_000)))["line"]
    assert "🛑 *Stopped*: weekly spend cap 10.00 USD reached" in lines
    assert "▰▰▰▰▰▱▱▱▱▱ 5.00 of 10.00 USD spent this week" in lines


def test_an_agent_shows_what_people_decided_about_it_and_what_it_used():
    one = HomeAgent(
        agent(budget_per_hour=20, budget_per_day=50, tier=Tier.SUGGEST), Tier.SUGGEST,
        (standing(reason="it <!channel> loops"),
         standing(StandingKind.TIER, target="deploy", tier=Tier.ACT_AUTO, replaces=None),
         standing(StandingKind.TIER, target="", tier=Tier.SHADOW, replaces=Tier.ACT_AUTO)),
        {Budget.HOUR: 12, Budget.DAY: 12}, 3, {ProposalState.SUCCEEDED: 9, ProposalState.DENIED: 1}, True,
    )  # fmt: skip
    drawn = agent_line(one)
    assert drawn["line"].splitlines() == [
        "*Deployer* (`deployer`) · tier suggest",
        "🎚️ `deploy` at tier act_auto (L1) by <@U0BOB>; the file says nothing",
        "⏸️ *Paused* by <@U0BOB>: it &lt;!channel&gt; loops",
        "▰▰▰▰▰▰▱▱▱▱ 12 of 20 unasked this hour",
        "▰▰▱▱▱▱▱▱▱▱ 12 of 50 unasked today",
        "3 waiting · last 24 hours: 1 denied, 9 succeeded",
    ]
    assert drawn["button"]["action_id"] == "home.resume"
    assert agent_line(replace(one, may_turn=False))["button"] is None


def test_rules_can_be_revoked_only_by_who_may_and_only_after_a_question():
    sheet = replace(NOTHING, rules=(HomeRule(rule(), True), HomeRule(rule(id="rul_2", max_uses=9), False)))
    view = home(sheet, {}, NOW)
    (revoke,) = [one for one in buttons(view) if one["action_id"] == "home.revoke"]
    assert revoke["value"] == "rul_0001"
    assert revoke["confirm"]["title"]["text"] == "Revoke this rule?"
    assert "*allow* `deploy.*` by deployer\nthe very same arguments · used 3 times · until revoked" in whole_text(view)
    assert "3 of 9 uses" in whole_text(view)


def test_rights_and_automations_stand_with_the_buttons_that_their_reader_may_use():
    sheet = replace(
        NOTHING, grants=(HomeGrant(grant(), {}, True), HomeGrant(grant(id="grt_2"), {}, False)), may_give=True,
        automations=(HomeAutomation(automation()), HomeAutomation(automation(retired_at=NOW))),
    )  # fmt: skip
    view = home(sheet, {}, NOW)
    check_view(view)
    said = whole_text(view)
    assert "`grt_0001` *deployer* has `deploy` · until <!date^" in said
    assert "*Nightly* `aut_0001` · ▶️ active · by agent deployer · expires <!date^" in said
    assert [one["action_id"] for one in buttons(view)][:6] == [
        "home.extend", "home.retire", "home.extend", "home.ungrant", "home.give", "home.settings",
    ]  # fmt: skip
    assert buttons(view)[3]["confirm"]["title"]["text"] == "Revoke this right?"


def test_the_question_about_an_automation_is_answered_where_the_automation_stands_and_can_be_read():
    asked = dossier(
        request(request_type=RequestType.RETIREMENT_ACTION, target_type="automation", target_id="aut_0001", quorum=1),
        id="prp_0009", title="Retire Nightly", consequence="Keeping it lets it go on for another 90 days.",
    )  # fmt: skip
    sheet = replace(NOTHING, automations=(HomeAutomation(automation(), HomeEntry(asked, LINK)),))
    view = home(sheet, {"apr_0001:1": "rnd_9"}, NOW)
    check_view(view)
    shown = [(one["text"]["text"], one["value"]) for one in buttons(view)][:5]
    assert shown == [("Retire", "rnd_9"), ("Keep and extend…", "rnd_9"), ("Details", "rnd_9"),
                     ("Extend…", "aut_0001"), ("Retire…", "aut_0001")]  # fmt: skip
    said = whole_text(view)
    assert f"Asked about it: *<{LINK}|Retire Nightly>*" in said
    assert "Keeping it lets it go on for another 90 days." in said
    assert [one.dossier.proposal.id for one in sheet.answerable()] == ["prp_0009"]


def test_a_question_that_stands_above_or_is_not_the_reader_s_is_not_answered_twice():
    asked = HomeEntry(dossier(request(), id="prp_0009"), LINK)
    above = replace(NOTHING, waiting=(asked,), automations=(HomeAutomation(automation(), asked),))
    assert [one["action_id"] for one in buttons(home(above, {}, NOW))].count("card.approve") == 1
    assert "Its question stands above" in whole_text(home(above, {}, NOW))
    assert len(above.answerable()) == 1
    others = replace(NOTHING, automations=(HomeAutomation(automation(), replace(asked, is_theirs=False)),))
    view = home(others, {}, NOW)
    assert next((one["action_id"], one["value"]) for one in buttons(view)) == ("told.details", "prp_0009")
    assert "card.approve" not in {one["action_id"] for one in buttons(view)}
    assert others.answerable() == []


def test_nobody_approves_about_an_automation_what_they_cannot_read_there():
    asked = HomeEntry(dossier(request(), id="prp_0009", arguments={"long": "x" * 900}), LINK)
    view = home(replace(NOTHING, automations=(HomeAutomation(automation(), asked),)), {}, NOW)
    assert [one["action_id"] for one in buttons(view)][:2] == ["card.reject", "card.details"]
    assert "Not all of the arguments stand here" in whole_text(view)


@given(st.lists(names, max_size=120), names, texts)
@thoroughly
def test_any_form_about_rights_and_automations_fits(listed, name, reason):
    agents = [agent(id=f"a{number}", name=one) for number, one in enumerate(listed)] or [agent()]
    rows = [automation(id=f"aut_{number}", name=one) for number, one in enumerate(listed)]
    check_view(giving_modal(agents, [one for one in listed if one] or ["deploy"], rows))
    row = automation(name=name, retire_reason=reason)
    check_view(extending_modal(row))
    check_view(retiring_modal(row))


@given(names, st.integers(0, 10**15), st.none() | st.integers(0, 10**15), st.booleans())
@thoroughly
def test_any_cost_reads_well_and_pings_nobody(name, cost, cap, is_held):
    stop = SpendStop(
        id="stp_1", tenant="default", agent_id=name, reason="r", at=NOW, cost=cost, cap=cap or 0, release_at=NOW,
        lifted_until=NOW,
    )  # fmt: skip
    week = SpendWindow(tenant="default", agent_id=name, span=SpendSpan.WEEKLY, start=NOW, cost=cost, updated_at=NOW)
    found = Cost({SpendSpan.WEEKLY: week}, cap, 0.8, stop, is_held)
    said = "\n".join([agent_cost_line(name, name, found), *window_lines(found)])
    assert reach(said, []).pings == []
    assert ("🛑" in said) is is_held
    assert ("no cap" in said) is (cap is None)


def test_an_absence_is_shown_with_who_answers_and_the_way_back():
    away = Absence(NOW, None, "U0CAROL")
    view = home(replace(NOTHING, absence=away), {}, NOW)
    assert [one["action_id"] for one in buttons(view)] == ["home.settings", "home.back"]
    assert "<@U0CAROL> answers for you" in settings_lines(NOTHING.preference, away, None)[1]
    assert "nobody answers for you" in settings_lines(NOTHING.preference, Absence(NOW), None)[1]


@given(names, st.none() | st.integers(0, 23), st.none() | st.integers(0, 1439), st.none() | texts.map(lambda t: t[:64]))
@thoroughly
def test_any_modal_of_the_home_fits(name, hour, minute, tz):
    preference = Preference(tenant="default", person="U0BOB", updated_at=NOW, digest_hour=hour, quiet_from=minute)
    for view in (
        settings_modal(preference, tz), away_modal(), turning_modal(Callback.PAUSE, name, name),
        turning_modal(Callback.RESUME, name, name),
    ):  # fmt: skip
        check_view(view)


def test_a_destructive_call_is_approved_in_two_steps_on_the_home_as_well():
    def approve(risk):
        made = dossier()
        found = replace(made, request=request(), proposal=made.proposal.model_copy(update={"risk": risk}))
        sheet = replace(NOTHING, waiting=(HomeEntry(found, LINK),))
        return next(one for one in buttons(home(sheet, {}, NOW)["blocks"]) if one["action_id"] == "card.approve")

    assert "destructive" in approve("destructive")["confirm"]["title"]["text"]
    assert "confirm" not in approve("high_write")


def test_where_somebody_travels_is_not_worth_drawing_their_home_again():
    assert digest_of(NOTHING) == digest_of(replace(NOTHING, tz=None))
    moved = replace(NOTHING, preference=NOTHING.preference.model_copy(update={"tz": "Asia/Tokyo"}))
    assert digest_of(NOTHING) != digest_of(moved)
