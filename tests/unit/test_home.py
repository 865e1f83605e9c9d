"""The Home tab: Slack takes it whole whatever is on it, nothing on it pings, and it says what it should."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cards.home import HomeEntry, HomeRule, Sheet, closed_home, digest_of, home
from bot.cards.home_agents import HomeAgent, agent_line, bar
from bot.cards.home_settings import away_modal, settings_lines, settings_modal, turning_modal
from bot.ids import Callback
from bot.office.sheets import SHOWN
from bot.workspace.mrkdwn import reach
from governance.hours import Absence
from governance.lifecycle import ProposalState
from governance.policy import Agent
from governance.rules import Effect, Scope
from governance.tiers import Tier
from storage.tables import Budget, Preference, Rule, Standing, StandingKind
from tests.unit.blockkit import buttons, check_view, mrkdwn_texts, whole_text
from tests.unit.dossiers import NOW, dossier, dossiers, names, request, review, texts

thoroughly = settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
LINK = "https://acme.slack.com/archives/C0/p1"
NOTHING = Sheet(
    (), (), (), (), {"waiting": 0, "soon": 0, "agents": 0, "rules": 0}, False,
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
    )  # fmt: skip


@given(sheets())
@thoroughly
def test_any_home_fits_and_is_inert(sheet):
    view = home(sheet, {}, NOW)
    check_view(view)
    reached = reach("", view["blocks"])
    assert reached.pings == []
    assert set(reached.mentions) <= {"U0BOB", "U0CAROL"}
    assert digest_of(sheet) == digest_of(sheet)


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
