"""Agents, people, time and executors do what they like in any order; a small model says what must come of it.

closes governed-proposals 5, 8, 11
closes autonomy-and-trust 18
closes l1-l2-l3-enforcement 2, 8

After every step everything stored is looked at (lifecycle_watch.py), whatever the step was. A new verb needs a rule
here that runs it through `self.does`, and what it means to a call in lifecycle_model.py; the promises are then checked
by themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
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

from governance.attempts import Answer, Result
from governance.errors import Refusal
from governance.policy import Limits, Policy
from governance.reviewers import ReviewVerdict
from governance.rules import Remember
from governance.tiers import ApprovalMode, Tier
from operations import execute, propose, remember, review, stand, withdraw
from operations.remember import Wish
from operations.submission import Submission
from operations.verify import Report, verify
from scheduler.expiry import attend_due
from scheduler.upkeep import seal_audit
from storage.database import Tx
from storage.opening import open_database
from storage.tables import Door, Rule
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.lifecycle_model import KINDS, LEASE, MOST_OPEN, OPEN, Asked, Call, Model
from tests.integration.lifecycle_watch import NOTHING, check_step, look_at_everything
from tests.integration.verbs import TENANT, policy_from, rows
from tests.policies import tool

PEOPLE = ("U0BOB", "U0CAROL", "U0ALICE", "U0DAVE", "U0EVE")
ASKED = ("deploy.production", "deploy.two", "deploy.pair", "deploy.once", "hint.it")
ANY_TOOL = st.sampled_from((*ASKED, "note.auto", "note.l2", "dry.run", "drop.database", "no.such"))
KEYS = st.sampled_from((None, None, "k1", "k2"))
VERDICTS = st.sampled_from(("approve", "approve", "approve", "reject", "defer"))
HOURS = st.sampled_from((1, 20, 100))
WISHES = st.sampled_from(("once", "once", "forever", "session"))
SURE, UNSURE = (Answer.SUCCEEDED, Answer.FAILED), (Answer.NOT_SENT, Answer.NO_ANSWER, Answer.BUSY)
USES = st.sampled_from((None, 1))
NUMBERS = st.integers(0, 11)
#: Mostly short, so that a story is not over before it has begun.
SPANS = (
    *(timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 11, 11, 30, 840, 960)),
    *(timedelta(hours=hours) for hours in (2, 5, 13, 25, 44, 48, 24 * 31)),
)  # fmt: skip


class Lifecycles(RuleBasedStateMachine):
    """One installation under a standing clock."""

    new_url: ClassVar[Callable[[], str]]
    written_policy: ClassVar[Policy]

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.runner = Clock(), asyncio.Runner()
        self.database = self.run(open_database(type(self).new_url(), ENCRYPTION_KEY, clock=self.clock))
        self.model = Model(self.clock)
        self.seen, self.last_entry, self.sealed, self.refused = NOTHING, 0, 0, False
        self.claims: list[execute.Started] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def does(self, verb: Callable[[Tx], Awaitable[Any]]) -> Any:
        """Run one verb in one transaction; a refusal is returned, and then nothing may have changed."""
        try:
            return self.run(self.database.write(TENANT, verb))
        except Refusal as refusal:
            self.refused = True
            return refusal

    @invariant()
    def every_promise_holds(self) -> None:
        before = self.seen
        self.seen, written = self.run(look_at_everything(self.database, self.last_entry))
        self.last_entry = max((one.id or 0 for one in written), default=self.last_entry)
        check_step(before, self.seen, written)
        if self.refused:
            assert (written, before.words) == ([], self.seen.words)
        self.refused = False
        assert set(self.seen.proposals) == {call.id for call in self.model.calls}
        for call in self.model.calls:
            self.model_agrees(call)
        if written:
            assert self.run(self.verified()).faults == []

    async def verified(self) -> Report:
        """The record as it stands, the entries included that no seal names yet."""
        async with self.database.read(TENANT) as tx:
            return await verify(tx)

    def model_agrees(self, call: Call) -> None:
        """The model and the database say the same of a call."""
        assert self.seen.proposals[call.id].state.value == call.state, call
        requests, executions = self.seen.requests_of(call.id), self.seen.executions_of(call.id)
        assert (len(requests), len(executions)) == (call.question is not None, call.run is not None), call
        for request in requests if call.question else ():
            found = (request.status.value, request.warned, request.reopen_at)
            assert found == (call.question.status, call.question.warned, call.question.reopen), call
        for one in executions if call.run else ():
            told = (one.status.value, one.attempt, one.maybe_ran, one.start_by, one.next_attempt_at, one.lease_until)
            run = call.run
            assert told == (run.status, run.attempt, run.maybe_ran, run.start_by, run.due, run.lease), call

    def teardown(self) -> None:
        try:
            self.the_record_is_sound()
        finally:
            self.run(self.database.close())
            self.runner.close()

    def the_record_is_sound(self) -> None:
        async def sealed_and_verified() -> Report:
            await seal_audit(self.database)
            return await self.verified()

        report = self.run(sealed_and_verified())
        assert (report.faults, report.unsealed) == ([], 0)
        assert report.with_mac == report.checked

    # agents

    @initialize(tools=st.lists(st.sampled_from(ASKED), min_size=1, max_size=3, unique=True))
    def there_is_something_to_decide(self, tools: list[str]) -> None:
        for named in tools:
            self.submit(Asked(named, "a", session="s1"))

    @rule(named=st.sampled_from((*ASKED, "note.auto", "note.auto", "note.l2")), service=st.sampled_from("ab"),
          key=KEYS, behalf=st.sampled_from((None, None, "U0CAROL")))  # fmt: skip
    def an_agent_proposes_on_a_quiet_day(self, named: str, service: str, key: str | None, behalf: str | None) -> None:
        if self.model.paused:
            self.an_admin_pauses_or_resumes_the_agent()
            self.every_promise_holds()
        self.model.tightened.clear()
        self.submit(Asked(named, service, key, "s1", behalf))

    @rule(named=ANY_TOOL, service=st.sampled_from(("a", "b", None)), key=KEYS, session=st.sampled_from(("s1", None)),
          behalf=st.sampled_from((None, "U0CAROL", "U0MALLORY")))  # fmt: skip
    def an_agent_proposes_anything(
        self, named: str, service: str | None, key: str | None, session: str | None, behalf: str | None
    ) -> None:
        self.submit(Asked(named, service, key, session, behalf))

    @precondition(lambda self: self.model.calls)
    @rule(n=NUMBERS)
    def an_agent_asks_for_the_same_again(self, n: int) -> None:
        self.submit(replace(pick(self.model.calls, n).asked, key=None))

    @precondition(lambda self: self.model.standing_allows())
    @rule(n=NUMBERS, revoked=st.booleans())
    def an_agent_asks_what_a_rule_answers(self, n: int, revoked: bool) -> None:
        known = pick(self.model.standing_allows(), n)
        self.submit(Asked(known.tool, known.service, session=known.session))
        if revoked:
            self.every_promise_holds()
            assert not isinstance(self.does(lambda tx: remember.revoke_rule(tx, known.id, "U0ADMIN")), Refusal)
            known.ended = True

    def submit(self, asked: Asked) -> None:
        earlier, (word, by_rule) = self.model.repeated(asked), self.model.judged(asked)
        taken = asked.key is not None and self.model.holder(asked.key) is not None
        sent = Submission(
            asked.tool, {} if asked.service is None else {"service": asked.service}, idempotency_key=asked.key,
            session_id=asked.session, on_behalf_of=asked.behalf,
        )  # fmt: skip
        policy = self.policy
        got = self.does(lambda tx: propose.propose(tx, policy, policy.agents["deployer"], sent))
        if earlier is not None:
            assert (got.duplicate, got.proposal.id) == (True, earlier.id)
        elif word == "unsupported":
            assert (got.proposal, got.verdict.code) == (None, "UNSUPPORTED")
        elif taken and word != "denied":
            assert got.name == "IDEMPOTENCY_CONFLICT"
        elif word == "too many":
            assert got.name == "TOO_MANY_PENDING"
        else:
            assert (got.duplicate, got.proposal.state) == (False, word)
            self.model.proposed(asked, got.proposal.id, word, by_rule)

    @precondition(lambda self: len(self.model.waiting()) > 2)
    @rule(n=NUMBERS, stranger=st.sampled_from((False, False, False, True)))
    def an_agent_withdraws(self, n: int, stranger: bool) -> None:
        call = pick(self.model.asking(), n)
        agent = "stranger" if stranger else "deployer"
        got = self.does(lambda tx: withdraw.withdraw(tx, call.id, agent, "no longer needed"))
        if stranger:
            assert got.name == "NOT_FOUND"
        elif call.question.status in OPEN:
            self.model.decided(call, "withdrawn")
        elif call.state != "withdrawn":
            assert got.name == "ALREADY_DECIDED"

    # people

    @precondition(lambda self: self.model.live())
    @rule(n=NUMBERS, who=NUMBERS, verdict=VERDICTS, hours=HOURS, wish=WISHES, uses=USES, confirmed=st.booleans())
    def a_reviewer_answers(self, n: int, who: int, **said: Any) -> None:
        call = pick(self.model.live(), n)
        able = [person for person in PEOPLE if self.model.may_answer(call, person)]
        self.respond(call, pick(able or PEOPLE, who), **said)

    @precondition(lambda self: self.model.live())
    @rule(n=NUMBERS, wish=WISHES)
    def the_reviewers_agree(self, n: int, wish: str) -> None:
        call = pick(self.model.live(), n)
        for person in [one for one in PEOPLE if self.model.may_answer(call, one)]:
            if call.question.status in OPEN:
                self.respond(call, person, "approve", 0, wish, None, True)
                self.every_promise_holds()

    @precondition(lambda self: self.model.live() and len(self.model.calls) > 4)
    @rule(n=NUMBERS, who=NUMBERS, early=st.sampled_from((0, 0, 1)))
    def a_reviewer_approves_at_the_last_moment(self, n: int, who: int, early: int) -> None:
        call = pick(self.model.live(), n)
        self.clock.now = max(self.clock.now, call.question.expires - timedelta(microseconds=early))
        able = [person for person in PEOPLE if self.model.may_answer(call, person)]
        self.respond(call, pick(able or PEOPLE, who), "approve", 0, "once", None, False)

    @precondition(lambda self: self.model.asked_of_the_group())
    @rule(n=NUMBERS)
    def a_member_approves_and_leaves_before_another_approves(self, n: int) -> None:
        call = pick(self.model.asked_of_the_group(), n)
        self.model.members |= {"U0DAVE", "U0EVE"}
        self.respond(call, "U0DAVE", "approve", 0, "once", None, False)
        self.every_promise_holds()
        self.model.members.discard("U0DAVE")
        self.respond(call, "U0EVE", "approve", 0, "once", None, False)

    @precondition(lambda self: self.model.asking())
    @rule(n=NUMBERS, person=st.sampled_from(PEOPLE), verdict=VERDICTS, hours=HOURS, wish=WISHES, uses=USES,
          confirmed=st.booleans())  # fmt: skip
    def anybody_answers_anything(self, n: int, person: str, **said: Any) -> None:
        self.respond(pick(self.model.asking(), n), person, **said)

    def respond(
        self, call: Call, person: str, verdict: str, hours: int, wish: str, uses: int | None, confirmed: bool
    ) -> None:
        until = self.clock() + timedelta(hours=hours) if verdict == "defer" else None
        expected = self.model.reply(call, person, verdict, until, wish)
        settles = expected in ("approved", "rejected")
        lasts = self.model.remembered_for(call, person, wish, expected) if settles else None
        if expected == "approved" and lasts and not confirmed and self.model.contradicts(call):
            expected = "RULE_CONTRADICTS"
        limited = verdict == "approve" and KINDS[call.asked.tool].quorum == 1
        wished = Wish(Remember(wish), max_uses=uses if limited else None, confirmed=confirmed)
        got = self.answer(call, person, verdict, until, wished)
        if isinstance(got, Refusal):
            assert got.name == expected
        elif expected != "repeated":
            assert got.status == expected
            self.model.answered(call, person, verdict, until, wish, expected)
            if lasts:
                self.keep(call, expected, lasts, wished)

    def answer(self, call: Call, person: str, verdict: str, until: datetime | None, wish: Wish) -> Any:
        given = review.Answer(person, ReviewVerdict(verdict), Door.SLACK, "because", until, wish=wish)
        (request,) = self.seen.requests_of(call.id)
        members = {"S0ONCALL": frozenset(self.model.members)}
        return self.does(lambda tx: review.review(tx, request.id, given, members))

    def keep(self, call: Call, status: str, lasts: str, wish: Wish) -> None:
        """Take the rule that an answer made into the model."""
        (request,) = self.seen.requests_of(call.id)
        (made,) = self.run(rows(self.database, Rule, request_id=request.id))
        self.model.remembered(call, status == "approved", lasts, made.id, wish.max_uses)
        assert (set(made.authors), made.expires_at) == (set(self.model.rules[-1].authors), self.model.rules[-1].expires)

    @precondition(lambda self: self.model.asked_of_the_group())
    @rule(person=st.sampled_from(("U0BOB", "U0DAVE", "U0EVE")))
    def somebody_joins_or_leaves_the_group(self, person: str) -> None:
        self.model.members ^= {person}

    @precondition(lambda self: len(self.model.rules) > 1)
    @rule(n=NUMBERS)
    def somebody_revokes_a_rule(self, n: int) -> None:
        known = pick(self.model.rules, n)
        got = self.does(lambda tx: remember.revoke_rule(tx, known.id, "U0ADMIN"))
        if known.ended:
            assert got.name == "NOT_FOUND"
        else:
            known.ended = True

    @precondition(lambda self: self.model.at_stake())
    @rule()
    def an_admin_pauses_or_resumes_the_agent(self) -> None:
        agent, turn = self.policy.agents["deployer"], stand.resume if self.model.paused else stand.pause
        assert not isinstance(self.does(lambda tx: turn(tx, agent, "U0ADMIN", "looking into it")), Refusal)
        self.model.paused = not self.model.paused

    @precondition(lambda self: self.model.at_stake())
    @rule(what=st.sampled_from(("scope", "block", "tier", "version")))
    def the_operator_edits_the_policy(self, what: str) -> None:
        self.model.tightened ^= {what}

    @property
    def policy(self) -> Policy:
        return edited(type(self).written_policy, self.model.tightened)

    # time

    @precondition(lambda self: self.last_entry > self.sealed)
    @rule()
    def the_audit_is_sealed(self) -> None:
        self.run(seal_audit(self.database))
        self.sealed = self.last_entry

    @rule(span=st.sampled_from(SPANS), ticks=st.sampled_from((True, True, False)))
    def time_passes(self, span: timedelta, ticks: bool) -> None:
        self.clock.now += span
        if ticks:
            self.the_clock_ticks()

    @rule()
    def the_clock_ticks(self) -> None:
        self.run(attend_due(self.database))
        self.model.tick()

    # executors

    @precondition(lambda self: self.model.at_stake())
    @rule()
    def an_executor_claims(self) -> None:
        candidates, policy = self.model.due(), self.policy
        got = self.does(lambda tx: execute.start_next(tx, lambda _: policy, f"worker {len(self.claims)}"))
        if not candidates:
            assert got is None
            return
        row = got.execution if isinstance(got, execute.Started) else got
        (call,) = [one for one in candidates if one.id == row.proposal_id]
        assert isinstance(got, execute.Started) == self.model.starts(call)
        if isinstance(got, execute.Started):
            self.claims.append(got)
        self.model.claimed(call)

    @precondition(lambda self: self.model.at_stake())
    @rule(answers=st.lists(st.sampled_from((*SURE, *UNSURE, *UNSURE)), min_size=3, max_size=3))
    def an_executor_works(self, answers: list[Answer]) -> None:
        """Attempt after attempt, with the pauses between them."""
        for answer in answers:
            self.clock.forward(seconds=4)
            self.an_executor_claims()
            self.every_promise_holds()
            if self.claims:
                self.a_call_is_answered(-1, answer, None)
                self.every_promise_holds()

    @precondition(lambda self: self.claims)
    @rule(n=NUMBERS, answer=st.sampled_from(tuple(Answer)), seconds=st.sampled_from((None, 30)))
    def a_call_is_answered(self, n: int, answer: Answer, seconds: int | None) -> None:
        started = pick(self.claims, n)
        wait = timedelta(seconds=seconds) if seconds and answer is Answer.BUSY else None
        held, call = self.still_held(started), self.model.call(started.proposal.id)
        policy = self.policy
        result = Result(answer, result="{}", error="said so", retry_after=wait)
        assert self.does(lambda tx: execute.settle(tx, policy, started, result)) == held
        if held:
            self.model.settled(call, answer.value, wait)

    @precondition(lambda self: self.claims)
    @rule(n=NUMBERS)
    def a_heart_beats(self, n: int) -> None:
        started = pick(self.claims, n)
        held = self.still_held(started)
        assert self.does(lambda tx: execute.keep_lease(tx, started.execution)) == held
        if held:
            self.model.call(started.proposal.id).run.lease = self.clock() + LEASE

    def still_held(self, started: execute.Started) -> bool:
        run = self.model.call(started.proposal.id).run
        return (run.status, run.attempt) == ("running", started.execution.attempt)

    @precondition(lambda self: self.claims)
    @rule()
    def lost_leases_are_taken_back(self) -> None:
        policy, lost = self.policy, self.model.lost()
        taken = []
        while (one := self.does(lambda tx: execute.recover_next(tx, lambda _: policy))) is not None:
            taken.append(one.proposal_id)
            assert len(taken) <= len(lost)
        assert sorted(taken) == sorted(call.id for call in lost)
        for call in lost:
            self.model.settled(call, "no_answer", None)


def pick(some: list[Any], n: int) -> Any:
    return some[n % len(some)]


def edited(policy: Policy, tightened: set[str]) -> Policy:
    """The policy after an operator's edits: a scope taken, a tool blocked, a tier lowered, a tool replaced."""
    agents, tools = dict(policy.agents), dict(policy.tools)
    if "scope" in tightened:
        agents["deployer"] = replace(agents["deployer"], scopes=frozenset())
    if "tier" in tightened:
        tiers = {**agents["deployer"].tiers, "note.write": Tier.ACT_WITH_APPROVAL}
        agents["deployer"] = replace(agents["deployer"], tiers=tiers)
    if "block" in tightened:
        tools["deploy.production"] = replace(tools["deploy.production"], approval_mode=ApprovalMode.ALWAYS_BLOCK)
    if "version" in tightened:
        tools["deploy.two"] = replace(tools["deploy.two"], version="sha256:another")
    return replace(policy, agents=agents, tools=tools, limits=Limits(max_open_requests=MOST_OPEN))


def test_whatever_happens_in_any_order_both_lifecycles_keep_their_promises(
    fresh: Callable[[], str], tmp_path: Path
) -> None:
    pair = tool("deploy.pair", reviewers='["S0ONCALL"]', quorum=2)

    class Here(Lifecycles):
        new_url, written_policy = staticmethod(fresh), policy_from(tmp_path, extra=pair)

    # An example is a long story, not one value: half as many of them as of others.
    examples = max(settings.default.max_examples // 5, 1)
    usual = settings.default
    stories = settings(usual, max_examples=examples, stateful_step_count=50, phases=(Phase.generate, Phase.shrink))
    run_state_machine_as_test(Here, settings=stories)
