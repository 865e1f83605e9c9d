"""Agents, people, money and time do what they like with automations in any order; no promise breaks, and there is
always a way out.

After every step everything stored is looked at (governed_watch.py). Whatever was done, at the end of a story what an
admin and the owner can do makes an automation run again and its agent create again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from governance.authorising import Caller
from governance.automations import Actor, ActorKind, Right, RunStatus
from governance.errors import Refusal
from governance.policy import Policy
from governance.reviewers import ReviewVerdict
from operations import automations, ending, grants, runs, stand
from operations.automations import Draft
from operations.filing import Filing, file_request
from operations.limits import change_limits
from operations.review import Answer, review
from operations.runs import Step
from operations.spend import Spent, report
from operations.verify import verify
from scheduler import expiry, lifecycle
from scheduler.spending import SpendClock
from scheduler.upkeep import seal_audit
from storage.database import Tx
from storage.opening import open_database
from storage.tables import ApprovalRequest, Automation, Door, Grant, RequestType
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.automating import ADMIN, ALICE, DEPLOYER, STRANGER, limited
from tests.integration.governed_watch import OWED, STILL, check_after_a_tick, check_always, hands_of, look_at_everything
from tests.integration.spending import USD, capped
from tests.integration.verbs import APPROVE, REJECT, TENANT, Held, rows

QUOTA, CAP, THRESHOLD = 3, 5, 4
PARENTS = {"deployer": ("planner",), "stranger": (), "planner": ()}
EVERYBODY = (DEPLOYER, STRANGER, ALICE, ADMIN)
PEOPLE = ("U0ADMIN", "U0BOB", "U0ALICE", "U0MALLORY")
NUMBERS = st.integers(0, 11)
#: Mostly what lets a story go on.
CHANGES = ("rename", "narrow", "widen", "pause", "resume", "resume", "retire", "extend", "extend", "delete", "restore")
MOVES = (RunStatus.RUNNING, RunStatus.RUNNING, RunStatus.COMPLETED, RunStatus.COMPLETED, RunStatus.FAILED,
         RunStatus.PAUSED, RunStatus.QUEUED, RunStatus.AWAITING_APPROVAL)  # fmt: skip
HOURS = st.sampled_from((1, 5, 13, 25, 49, 73, 150, 170, 24 * 11, 24 * 31))


@dataclass
class Charge:
    """What one agent was charged when."""

    agent: str
    cost: int
    at: datetime


class Governed(RuleBasedStateMachine):
    """One installation under a standing clock."""

    new_url: ClassVar[Callable[[], str]]
    policy: ClassVar[Policy]

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.runner = Clock(), asyncio.Runner()
        self.database = self.run(open_database(type(self).new_url(), ENCRYPTION_KEY, clock=self.clock))
        self.seen = self.run(look_at_everything(self.database))
        self.spend_clock = SpendClock(self.database, Held(self.policy))
        self.charges: list[Charge] = []
        self.reports: list[tuple[str, Spent]] = []
        self.refused = self.ticked = False

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def does(self, verb: Callable[[Tx], Awaitable[Any]]) -> Any:
        """Run one verb in one transaction; a refusal is returned, and then nothing may have changed."""
        try:
            return self.run(self.database.write(TENANT, verb))
        except Refusal as refusal:
            self.refused = True
            return refusal

    def must(self, verb: Callable[[Tx], Awaitable[Any]]) -> Any:
        """Run a verb that nothing may stand against."""
        got = self.does(verb)
        assert not isinstance(got, Refusal), got
        return got

    @invariant()
    def every_promise_holds(self) -> None:
        before, self.seen = self.seen, self.run(look_at_everything(self.database))
        if self.refused:
            assert before.words == self.seen.words
        check_always(self.seen, QUOTA, CAP, THRESHOLD)
        if self.ticked:
            check_after_a_tick(self.seen)
        self.money_is_conserved()
        self.refused = self.ticked = False

    def money_is_conserved(self) -> None:
        """Every window of every agent holds what was charged in it, to the last micro-dollar."""
        monday = (self.clock.now - timedelta(days=self.clock.now.weekday())).date()
        for agent in {one.agent for one in self.charges}:
            mine = [one for one in self.charges if one.agent == agent]
            found = [one for one in self.seen.windows if one.agent_id == agent]
            for span in ("daily", "weekly", "monthly", "lifetime"):
                assert sum(one.cost for one in found if one.span == span) == sum(one.cost for one in mine)
            week = sum(one.cost for one in found if one.span == "weekly" and one.start.date() == monday)
            assert week == sum(one.cost for one in mine if one.at.date() >= monday)

    def teardown(self) -> None:
        try:
            self.there_is_a_way_out()
            self.run(seal_audit(self.database))
            assert self.run(self.verified()).faults == []
        finally:
            self.run(self.database.close())
            self.runner.close()

    async def verified(self) -> Any:
        async with self.database.read(TENANT) as tx:
            return await verify(tx)

    # agents

    @initialize(helps=st.booleans())
    def there_is_something_to_govern(self, helps: bool) -> None:
        self.an_agent_creates(DEPLOYER, helps, False)
        self.every_promise_holds()
        self.somebody_starts_a_run(0, ADMIN)

    @rule(agent=st.sampled_from((DEPLOYER, DEPLOYER, STRANGER)), helps=st.booleans(), wants=st.booleans())
    def an_agent_creates(self, agent: Caller, helps: bool, wants: bool) -> None:
        rights = frozenset({Right.CREATES_AGENTS}) if wants else frozenset()
        self.create(agent, Draft("Nightly", agents=("stranger",) if helps else (), rights=rights, tools=("note.auto",)))

    @precondition(lambda self: len(self.seen.live()) < 4)
    @rule(until=st.sampled_from((None, 5, 200)))
    def a_person_creates(self, until: int | None) -> None:
        expires_at = self.clock.now + timedelta(hours=until) if until else None
        made = self.create(ALICE, Draft("Weekly", agents=("deployer",), expires_at=expires_at))
        assert isinstance(made, Automation)

    def create(self, caller: Caller, draft: Draft) -> Any:
        return self.does(lambda tx: automations.create(tx, self.policy, caller, draft))

    @precondition(lambda self: self.seen.automations)
    @rule(n=NUMBERS, who=st.sampled_from(EVERYBODY))
    def somebody_starts_a_run(self, n: int, who: Caller) -> None:
        row = pick(self.seen.automations, n)
        blocks = self.seen.blocks(row)
        got = self.does(lambda tx: runs.start(tx, self.policy, who, row.id))
        assert not blocks or isinstance(got, Refusal), f"a run started although: {blocks}"
        if who is ADMIN and not blocks:
            assert not isinstance(got, Refusal), got

    @precondition(lambda self: self.seen.runs)
    @rule(n=NUMBERS, to=st.sampled_from(MOVES), who=st.sampled_from((DEPLOYER, ADMIN)))
    def a_run_moves(self, n: int, to: RunStatus, who: Caller) -> None:
        self.move(pick(self.seen.runs, n), to, who)

    @precondition(lambda self: any(one.status not in STILL for one in self.seen.runs))
    @rule(n=NUMBERS, ends=st.sampled_from((RunStatus.COMPLETED, RunStatus.COMPLETED, RunStatus.FAILED)))
    def a_run_goes_to_its_end(self, n: int, ends: RunStatus) -> None:
        found = pick([one for one in self.seen.runs if one.status not in STILL], n)
        for to in (RunStatus.RUNNING, ends):
            self.move(found, to, ADMIN)
            self.every_promise_holds()

    def move(self, found: Any, to: RunStatus, who: Caller) -> None:
        row = next(one for one in self.seen.automations if one.id == found.automation_id)
        (before,) = [one.status for one in self.seen.runs if one.id == found.id]
        step = Step(to, {"n": 1} if to is RunStatus.COMPLETED else None)
        got = self.does(lambda tx: runs.change(tx, self.policy, who, found.id, step))
        if to in (RunStatus.RUNNING, RunStatus.QUEUED) and before is not to and self.seen.blocks(row):
            assert isinstance(got, Refusal), f"a run went on although: {self.seen.blocks(row)}"

    @rule(agent=st.sampled_from(("deployer", "stranger", "planner")), cents=st.sampled_from((0, 1, 250, 400, 1100)),
          n=NUMBERS, of_run=st.booleans())  # fmt: skip
    def an_agent_reports_what_it_spent(self, agent: str, cents: int, n: int, of_run: bool) -> None:
        run = pick(self.seen.runs, n) if of_run and self.seen.runs else None
        spent = Spent(f"r{len(self.reports)}", cents * 10_000, run.id if run else None)
        row = next((one for one in self.seen.automations if run and one.id == run.automation_id), None)
        got = self.report(agent, spent)
        if row is not None and agent not in hands_of(row) | set(row.chain):
            assert got.name == "RUN_NOT_FOUND"
            return
        assert not got.duplicate
        charged = {agent, *PARENTS[agent]}
        if row is not None and row.creator_kind is ActorKind.AGENT:
            charged |= {row.creator_id or "", *PARENTS[row.creator_id or ""]}
        self.charges += [Charge(one, spent.cost, self.clock.now) for one in charged]
        self.reports.append((agent, spent))
        self.every_promise_holds()
        self.who_reached_the_cap_is_stopped(charged)

    @precondition(lambda self: self.reports)
    @rule(n=NUMBERS)
    def an_agent_reports_the_same_again(self, n: int) -> None:
        agent, spent = pick(self.reports, n)
        assert self.report(agent, spent).duplicate

    def report(self, agent: str, spent: Spent) -> Any:
        by, found = Actor(ActorKind.AGENT, agent), self.policy.agents[agent]
        return self.does(lambda tx: report(tx, self.policy, found, spent, by))

    def who_reached_the_cap_is_stopped(self, charged: set[str]) -> None:
        live = {one.agent_id for one in self.seen.stops if one.ended_at is None}
        monday = (self.clock.now - timedelta(days=self.clock.now.weekday())).date()
        for one in self.seen.windows:
            if one.agent_id in charged and one.span == "weekly" and one.start.date() == monday:
                assert one.cost < 10 * USD or one.agent_id in live or self.raised, one

    raised = False  #: whether an admin changed the cap

    # people

    @precondition(lambda self: self.seen.automations)
    @rule(n=NUMBERS, what=st.sampled_from(CHANGES), who=st.sampled_from((*EVERYBODY, ADMIN, ALICE)))
    def somebody_changes_an_automation(self, n: int, what: str, who: Caller) -> None:
        id, policy = pick(self.seen.automations, n).id, self.policy
        changes: dict[str, Callable[[Tx], Awaitable[Any]]] = {
            "rename": lambda tx: automations.update(tx, policy, who, id, {"name": "Daily"}),
            "narrow": lambda tx: automations.update(tx, policy, who, id, {"tools": (), "agents": ()}),
            "widen": lambda tx: automations.update(tx, policy, who, id, {"tools": None}),
            "pause": lambda tx: automations.pause(tx, policy, who, id, None),
            "resume": lambda tx: automations.resume(tx, policy, who, id),
            "retire": lambda tx: ending.retire_by(tx, policy, who, id, None),
            "extend": lambda tx: ending.extend_by(tx, policy, who, id, None, None),
            "delete": lambda tx: ending.delete(tx, policy, who, id),
            "restore": lambda tx: ending.restore(tx, policy, who, id),
        }
        self.does(changes[what])

    @precondition(lambda self: self.seen.requests)
    @rule(n=NUMBERS, person=st.sampled_from(PEOPLE), verdict=st.sampled_from((APPROVE, APPROVE, REJECT)))
    def somebody_answers(self, n: int, person: str, verdict: ReviewVerdict) -> None:
        request = pick(self.seen.requests, n)
        got = self.answer(request, person, verdict)
        if person == request.requester:
            assert got.name == "SELF_REVIEW"
        elif person not in request.reviewers:
            assert got.name == "NOT_A_REVIEWER"

    @precondition(lambda self: any(one.status == "pending" for one in self.seen.requests))
    @rule(n=NUMBERS, verdict=st.sampled_from((APPROVE, APPROVE, REJECT)))
    def a_reviewer_answers_what_waits(self, n: int, verdict: ReviewVerdict) -> None:
        request = pick([one for one in self.seen.requests if one.status == "pending"], n)
        self.answer(request, pick(request.reviewers, n), verdict)

    def answer(self, request: ApprovalRequest, person: str, verdict: ReviewVerdict) -> Any:
        given = Answer(person, verdict, Door.SLACK, "because")
        return self.does(lambda tx: review(tx, request.id, given, {}, policy=self.policy))

    @rule(by=st.sampled_from((Actor(ActorKind.AGENT, "deployer"), Actor(ActorKind.HUMAN, "U0BOB"))),
          kind=st.sampled_from((RequestType.CAPABILITY_REQUEST, RequestType.DEPTH_OVERRIDE)))  # fmt: skip
    def somebody_asks_for_a_right(self, by: Actor, kind: RequestType) -> None:
        context = {"capability_key": "creates_agents", "hours": 5}
        filing = Filing(kind, ("agent", "deployer"), "needed", context, by, governs=True)
        self.does(lambda tx: file_request(tx, self.policy, filing))

    @precondition(lambda self: self.seen.live())
    @rule(n=NUMBERS)
    def an_admin_lets_the_stranger_change_one(self, n: int) -> None:
        id = pick(self.seen.live(), n).id
        self.must(lambda tx: grants.give(tx, self.policy, ADMIN, id, "stranger", None))

    @rule(n=NUMBERS)
    def an_admin_revokes_a_grant(self, n: int) -> None:
        if found := self.run(rows(self.database, Grant)):
            self.must(lambda tx: grants.revoke(tx, self.policy, ADMIN, pick(found, n).id, "enough"))

    @precondition(lambda self: self.seen.paused or len(self.seen.runs) > 1)
    @rule(agent=st.sampled_from(("deployer", "planner")))
    def an_admin_pauses_or_resumes_an_agent(self, agent: str) -> None:
        known, verb = self.policy.agents[agent], stand.resume if agent in self.seen.paused else stand.pause
        self.must(lambda tx: verb(tx, known, "U0ADMIN", "because"))

    @precondition(lambda self: self.charges)
    @rule(cap=st.sampled_from((5, 20, None)))
    def an_admin_changes_the_cap(self, cap: int | None) -> None:
        changes = {"weekly_spend_cap": cap * USD if cap else None}
        self.must(lambda tx: change_limits(tx, self.policy, changes, ADMIN.actor))
        self.raised = True

    # time

    @rule(hours=HOURS)
    def time_passes_and_the_loop_looks(self, hours: int) -> None:
        self.clock.forward(hours=hours)
        self.tick()

    @rule(hours=HOURS)
    def time_passes_and_the_loop_is_late(self, hours: int) -> None:
        self.clock.forward(hours=hours)

    @rule()
    def tick(self) -> None:
        held = Held(self.policy)
        self.run(expiry.attend_due(self.database, held))
        self.run(lifecycle.attend_due(self.database, lambda _tenant: self.policy))
        self.run(self.spend_clock.drain())
        self.ticked = True

    # the end of a story

    def there_is_a_way_out(self) -> None:
        """Whatever stands against one automation and its agent, people can take it away, in the order it asks for."""
        self.tick()
        self.every_promise_holds()
        kept = next((one for one in reversed(self.seen.live()) if one.creator_kind is ActorKind.AGENT), None)
        kept = kept or self.must(lambda tx: automations.create(tx, self.policy, ALICE, Draft("New")))
        for other in self.seen.live():
            if other.id != kept.id:
                self.must(lambda tx, id=other.id: ending.delete(tx, self.policy, ADMIN, id))
        self.let_agents_go()
        self.answer_all_about(kept.id)
        if kept.retired_at or kept.expired_at:
            self.must(lambda tx: ending.extend_by(tx, self.policy, ADMIN, kept.id, None, None))
        self.must(lambda tx: automations.resume(tx, self.policy, ADMIN, kept.id))
        self.must(lambda tx: runs.start(tx, self.policy, ADMIN, kept.id))
        self.the_agent_creates_again()
        self.every_promise_holds()

    def let_agents_go(self) -> None:
        for agent in sorted(self.seen.paused):
            self.must(lambda tx, agent=agent: stand.resume(tx, self.policy.agents[agent], "U0ADMIN", "because"))
        for agent in sorted(self.seen.holding()):
            self.ask_and_answer(RequestType.QUOTA_OVERRIDE, agent)
        for one in self.seen.owing:
            if one.review_required:
                self.ask_and_answer(RequestType.LIFECYCLE_REVIEW, one.agent_id)

    def ask_and_answer(self, kind: RequestType, agent: str) -> None:
        """An admin asks once more, or finds the question that is open, and the other admin approves."""
        filing = Filing(kind, ("agent", agent), "let it go on", {}, ADMIN.actor, governs=True)
        request, _ = self.must(lambda tx: file_request(tx, self.policy, filing))
        assert self.answer(request, "U0BOB", APPROVE).status == "approved"

    def answer_all_about(self, id: str) -> None:
        self.every_promise_holds()
        for request in self.seen.open_about(id):
            if request.request_type in OWED:
                verdict = APPROVE if request.request_type is RequestType.LIFECYCLE_REVIEW else REJECT
                self.answer(request, "U0ADMIN", verdict)  # one answer may end the next question
        self.refused = False

    def the_agent_creates_again(self) -> None:
        self.clock.forward(hours=25)
        self.tick()
        self.every_promise_holds()
        self.let_agents_go()
        assert isinstance(self.create(DEPLOYER, Draft("Again")), Automation)


def pick(some: list[Any], n: int) -> Any:
    return some[n % len(some)]


def test_whatever_happens_in_any_order_automations_stay_governed_and_have_a_way_out(
    fresh: Callable[[], str], url: str, policy: Policy
) -> None:
    """closes automation-governance 5, 8, 9, 12"""
    limits = {
        "per_agent_daily_creation_limit": QUOTA, "active_agent_automation_cap": CAP, "run_review_threshold": 3,
        "per_agent_creation_review_threshold": THRESHOLD, "default_expires_after": timedelta(days=10),
    }  # fmt: skip

    class Here(Governed):
        new_url = staticmethod(fresh)

    Here.policy = limited(capped(replace(policy, admins=("U0ADMIN", "U0BOB")), "10.00"), **limits)
    # A story with all that is looked at takes a second, and longer where a server is asked.
    examples = max(settings.default.max_examples // (20 if url.startswith("sqlite") else 50), 1)
    usual = settings.default
    stories = settings(usual, max_examples=examples, stateful_step_count=40, phases=(Phase.generate, Phase.shrink))
    run_state_machine_as_test(Here, settings=stories)
