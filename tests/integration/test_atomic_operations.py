"""Whatever breaks inside a verb, at whichever statement: nothing of it is left, and trying again works.

closes governed-proposals 4, 24
closes l1-l2-l3-enforcement 5

Every verb is broken at each of its statements, the reads and the commit included, and everything stored is compared
with what was there before. A verb without a case here fails the last test.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

import operations
from governance.attempts import Answer, Result
from governance.coverage import Sight
from governance.lifecycle import ExecutionStatus, ProposalState, RequestStatus
from governance.policy import Connector, Policy
from governance.reconciling import Finding
from governance.rules import Effect, Remember, Scope
from governance.tiers import Tier
from operations import (
    cover,
    delegate,
    digest,
    edit,
    execute,
    expire,
    fallback,
    fold,
    hold,
    home,
    install,
    keys,
    prefer,
    propose,
    reask,
    reconcile,
    remember,
    report,
    review,
    seal,
    show,
    stand,
    warn,
    withdraw,
)
from operations.remember import Draft, Wish
from operations.submission import Submission
from scheduler import upkeep
from storage import access, outbox
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import Door, Folding, KeyKind, Rule, Surface
from tests.conftest import Clock
from tests.integration import atomic_aap, atomic_automations, atomic_governance, atomic_spend, atomic_webhooks
from tests.integration.faults import Verb, break_everywhere
from tests.integration.running import DONE, REFUSED, SILENT, approved
from tests.integration.verbs import APPROVE, DEFER, REJECT, TENANT, asked, rows, say, submit

#: Parts of other verbs: they are broken where the verbs that use them are.
PARTS = {
    "allow.queue_execution", "attendance.owe_look", "attendance.owe_looks", "ask.open_request", "ask.show_request",
    "notify.note", "notify.tell_owners", "notify.say", "notify.tell", "fold.tell_of_unasked",
    "remember.remember", "remember.preview", "verify.verify",
    "claim.next_startable", "cover.return_places", "delegate.check_room", "escalate.escalate", "execute.conclude",
    "execute.start", "judging.consider", "judging.judged", "project.corrected_ids", "project.drafts_of",
    "project.project", "propose.check_room", "propose.let_run", "reconcile.panel_of_proposal",
    "repetition.earlier_of", "review.found_request", "review.proposal_of", "show.drop", "show.note_rendering",
}  # fmt: skip


@dataclass
class Scene:
    """Where a verb is tried: a fresh database, a policy, a clock that stands."""

    database: Database
    policy: Policy
    clock: Clock

    async def asked(self, tool: str = "deploy.production", **more: Any) -> Dossier:
        return await asked(self.database, self.policy, tool, session_id="s1", **more)

    async def started(self, tool: str = "deploy.production", claims: int = 1) -> execute.Started:
        await approved(self.database, self.policy, tool)
        claim = lambda tx: execute.start_next(tx, lambda _: self.policy, "worker")  # noqa: E731
        started = await self.database.write("", claim)
        for _ in range(claims - 1):
            await self.settle(started, SILENT)
            self.clock.forward(minutes=1)
            started = await self.database.write("", claim)
        assert isinstance(started, execute.Started)
        return started

    async def settle(self, started: execute.Started, result: Result) -> None:
        assert await self.database.write(TENANT, lambda tx: execute.settle(tx, self.policy, started, result))

    def submission(self, tool: str, **more: Any) -> Verb:
        sent = Submission(tool, more.pop("arguments", {"service": "checkout"}), session_id="s1", **more)
        return lambda tx: propose.propose(tx, self.policy, self.policy.agents["deployer"], sent)

    def answer(self, found: Dossier, person: str, verdict: Any, wish: Wish = Wish(), hours: int = 1) -> Verb:  # noqa: B008
        until = self.clock() + timedelta(hours=hours) if verdict is DEFER else None
        given = review.Answer(person, verdict, Door.SLACK, "because", until, wish=wish)
        assert found.request is not None
        request_id = found.request.id
        return lambda tx: review.review(tx, request_id, given, {})

    async def surface(self) -> str:
        await self.asked()
        (found,) = await rows(self.database, Surface)
        return str(found.id)

    async def drawing(self) -> show.Drawing:
        surface_id = await self.surface()
        drawing = await self.database.write(TENANT, lambda tx: show.begin(tx, surface_id))
        assert drawing is not None
        return drawing


Case = Callable[[Scene], Awaitable[tuple[Verb, Callable[[Any], bool]]]]
CASES: dict[str, tuple[str, Case]] = {}
WAITING = RequestStatus.PENDING


def case(verb: str) -> Callable[[Case], Case]:
    """Register a case of a verb: it prepares the scene and returns the verb with what its outcome must be."""

    def register(made: Case) -> Case:
        CASES[f"{verb} {made.__name__}"] = (verb, made)
        return made

    return register


def is_state(state: ProposalState) -> Callable[[Any], bool]:
    return lambda got: got.proposal.state is state


def is_status(status: RequestStatus | ExecutionStatus) -> Callable[[Any], bool]:
    return lambda got: got.status is status


_CASES = (atomic_aap, atomic_governance, atomic_spend, atomic_automations, atomic_webhooks)
for _verb, _made in (one for room in _CASES for one in room.CASES):
    case(_verb)(_made)


# propose


@case("propose.propose")
async def noted_only(scene: Scene) -> Any:
    return scene.submission("dry.run"), is_state(ProposalState.SHADOWED)


@case("propose.propose")
async def run_unasked(scene: Scene) -> Any:
    deployer = replace(scene.policy.agents["deployer"], budget_per_hour=5)
    scene.policy = replace(scene.policy, agents={**scene.policy.agents, "deployer": deployer})
    return scene.submission("note.l2", idempotency_key="k"), is_state(ProposalState.ALLOWED)


@case("propose.propose")
async def asked_with_secrets_in_a_thread(scene: Scene) -> Any:
    told = {"service": "checkout", "token": "s3cret"}
    return scene.submission("deploy.two", arguments=told, thread=("C0DEPLOYS", "1.2")), is_state(ProposalState.PENDING)


@case("propose.propose")
async def suggested(scene: Scene) -> Any:
    return scene.submission("hint.it"), is_state(ProposalState.SUGGESTED)


@case("propose.propose")
async def denied(scene: Scene) -> Any:
    return scene.submission("drop.database"), is_state(ProposalState.DENIED)


@case("propose.propose")
async def unknown(scene: Scene) -> Any:
    return scene.submission("no.such"), lambda got: got.proposal is None


@case("propose.propose")
async def under_a_key_that_has_come_free(scene: Scene) -> Any:
    await submit(scene.database, scene.policy, idempotency_key="k")
    scene.clock.forward(days=31)
    return scene.submission("deploy.production", idempotency_key="k"), lambda got: not got.duplicate


@case("propose.propose")
async def answered_by_a_rule(scene: Scene) -> Any:
    found = await scene.asked()
    await say(scene.database, found, "U0BOB", wish=Wish(Remember.FOREVER, max_uses=1))
    await run_all(scene)
    return scene.submission("deploy.production"), is_state(ProposalState.ALLOWED)


async def run_all(scene: Scene) -> None:
    started = await scene.database.write("", lambda tx: execute.start_next(tx, lambda _: scene.policy, "worker"))
    assert await scene.database.write(TENANT, lambda tx: execute.settle(tx, scene.policy, started, DONE))


# review, withdraw


@case("review.review")
async def approved_for_good(scene: Scene) -> Any:
    verb = scene.answer(await scene.asked(), "U0BOB", APPROVE, Wish(Remember.FOREVER))
    return verb, is_status(RequestStatus.APPROVED)


@case("review.review")
async def rejected_in_place_of_an_earlier_rule(scene: Scene) -> Any:
    first = await scene.asked()
    await say(scene.database, first, "U0BOB", wish=Wish(Remember.FOREVER))
    (rule,) = await rows(scene.database, Rule)
    second = await scene.asked(on_behalf_of="U0CAROL")
    assert second.request is None or rule.id  # a rule by Bob alone answers for Carol, too
    third = await scene.asked("deploy.two")
    verb = scene.answer(third, "U0BOB", REJECT, Wish(Remember.SESSION))
    return verb, is_status(RequestStatus.REJECTED)


@case("review.review")
async def put_off(scene: Scene) -> Any:
    return scene.answer(await scene.asked(), "U0BOB", DEFER), is_status(RequestStatus.DEFERRED)


@case("review.review")
async def put_off_again(scene: Scene) -> Any:
    found = await scene.asked()
    await scene.database.write(TENANT, scene.answer(found, "U0BOB", DEFER))
    return scene.answer(found, "U0CAROL", DEFER, hours=5), is_status(RequestStatus.DEFERRED)


@case("review.review")
async def one_of_two_on_a_deferred_request(scene: Scene) -> Any:
    found = await scene.asked("deploy.two")
    await scene.database.write(TENANT, scene.answer(found, "U0BOB", DEFER))
    return scene.answer(found, "U0CAROL", APPROVE), is_status(RequestStatus.PENDING)


@case("review.review")
async def a_changed_mind(scene: Scene) -> Any:
    found = await scene.asked("deploy.two")
    await say(scene.database, found, "U0BOB")
    return scene.answer(found, "U0BOB", REJECT), is_status(RequestStatus.REJECTED)


@case("review.review")
async def the_second_of_two(scene: Scene) -> Any:
    found = await scene.asked("deploy.two")
    await say(scene.database, found, "U0BOB", wish=Wish(Remember.SESSION))
    verb = scene.answer(found, "U0CAROL", APPROVE, Wish(Remember.FOREVER))
    return verb, is_status(RequestStatus.APPROVED)


@case("withdraw.withdraw")
async def taken_back(scene: Scene) -> Any:
    found = await scene.asked()
    verb = lambda tx: withdraw.withdraw(tx, found.proposal.id, "deployer", "no longer")  # noqa: E731
    return verb, lambda got: got.state is ProposalState.WITHDRAWN


# time


@case("expire.attend")
async def warned(scene: Scene) -> Any:
    return await due_after(scene, hours=25)


@case("expire.attend")
async def expired(scene: Scene) -> Any:
    return await due_after(scene, hours=48)


@case("expire.attend")
async def reopened(scene: Scene) -> Any:
    found = await scene.asked()
    await scene.database.write(TENANT, scene.answer(found, "U0BOB", DEFER))
    scene.clock.forward(hours=2)
    assert found.request is not None
    return attending(found.request.id)


async def due_after(scene: Scene, hours: int) -> Any:
    found = await scene.asked()
    scene.clock.forward(hours=hours)
    assert found.request is not None
    return attending(found.request.id)


def attending(request_id: str) -> Any:
    return lambda tx: expire.attend(tx, request_id), lambda got: got is None


# execute


@case("execute.start_next")
async def claimed(scene: Scene) -> Any:
    await approved(scene.database, scene.policy, arguments={"service": "checkout", "token": "s3cret"})
    return claiming(scene.policy), lambda got: isinstance(got, execute.Started)


@case("execute.start_next")
async def not_started_in_time(scene: Scene) -> Any:
    await submit(scene.database, scene.policy, "note.auto")
    scene.clock.forward(minutes=16)
    return claiming(scene.policy), is_status(ExecutionStatus.INVALIDATED)


@case("execute.start_next")
async def not_repeated_although_it_may_have_run(scene: Scene) -> Any:
    started = await scene.started()
    await scene.database.write(TENANT, lambda tx: execute.settle(tx, scene.policy, started, SILENT))
    scene.clock.forward(minutes=1)
    stopped = replace(scene.policy.agents["deployer"], scopes=frozenset())
    policy = replace(scene.policy, agents={**scene.policy.agents, "deployer": stopped})
    return claiming(policy), is_status(ExecutionStatus.UNKNOWN)


def claiming(policy: Policy) -> Verb:
    return lambda tx: execute.start_next(tx, lambda _: policy, "worker")


@case("execute.keep_lease")
async def a_heartbeat(scene: Scene) -> Any:
    started = await scene.started()
    scene.clock.forward(seconds=3)
    return lambda tx: execute.keep_lease(tx, started.execution), bool


def settling(answer: Result, tool: str = "deploy.production") -> Case:
    async def prepared(scene: Scene) -> Any:
        started = await scene.started(tool)
        return lambda tx: execute.settle(tx, scene.policy, started, answer), bool

    prepared.__name__ = f"{answer.answer} {tool}"
    return prepared


for _answer in (DONE, REFUSED, SILENT, Result(Answer.FAILED, error="no"), Result(Answer.BUSY)):
    case("execute.settle")(settling(_answer))
case("execute.settle")(settling(SILENT, "deploy.once"))


@case("execute.recover_next")
async def taken_up_again(scene: Scene) -> Any:
    await scene.started()
    return recovering(scene, ExecutionStatus.QUEUED)


@case("execute.recover_next")
async def given_up(scene: Scene) -> Any:
    await scene.started(claims=3)
    return recovering(scene, ExecutionStatus.UNKNOWN)


def recovering(scene: Scene, status: ExecutionStatus) -> Any:
    scene.clock.forward(seconds=11)
    return lambda tx: execute.recover_next(tx, lambda _: scene.policy), is_status(status)


# rules, standing, keys


def draft(**more: Any) -> Draft:
    return Draft("deployer", "deploy.production", Effect.ALLOW, Scope.FOREVER, remember.ANY, ("U0BOB",), **more)


@case("remember.add_rule")
async def in_place_of_another(scene: Scene) -> Any:
    await scene.database.write(TENANT, lambda tx: remember.add_rule(tx, draft()))
    return lambda tx: remember.add_rule(tx, draft(reason="again")), lambda got: got.reason == "again"


@case("remember.revoke_rule")
async def revoked(scene: Scene) -> Any:
    made = await scene.database.write(TENANT, lambda tx: remember.add_rule(tx, draft()))
    return lambda tx: remember.revoke_rule(tx, made.id, "U0ADMIN"), lambda got: got.ended_by == "U0ADMIN"


@case("remember.ask_about_old_rules")
async def old_rules(scene: Scene) -> Any:
    await scene.database.write(TENANT, lambda tx: remember.add_rule(tx, draft()))
    scene.clock.forward(days=91)
    return remember.ask_about_old_rules, lambda got: got == 1


@case("stand.pause")
async def paused(scene: Scene) -> Any:
    agent = scene.policy.agents["deployer"]
    return lambda tx: stand.pause(tx, agent, "U0ADMIN", "odd"), lambda got: got.by == "U0ADMIN"


@case("stand.resume")
async def resumed(scene: Scene) -> Any:
    agent = scene.policy.agents["deployer"]
    await scene.database.write(TENANT, lambda tx: stand.pause(tx, agent, "U0ADMIN", "odd"))
    return lambda tx: stand.resume(tx, agent, "U0ADMIN", "fine"), lambda got: got is None


def changing(scene: Scene, target: str, tier: Tier) -> stand.TierChange:
    return stand.TierChange(scene.policy.agents["deployer"], target, tier, "because")


@case("stand.change_tier")
async def tightened_at_once(scene: Scene) -> Any:
    change = changing(scene, "note.write", Tier.SHADOW)
    return lambda tx: stand.change_tier(tx, scene.policy, change, "U0ADMIN"), lambda got: got.tier is Tier.SHADOW


@case("stand.change_tier")
async def loosened_by_asking(scene: Scene) -> Any:
    change = changing(scene, "deploy.production", Tier.ACT_AUTO)
    admins = replace(scene.policy, admins=("U0ADMIN", "U0BOB"))
    return lambda tx: stand.change_tier(tx, admins, change, "U0ADMIN"), lambda got: got.proposal is not None


@case("stand.record_tier")
async def recorded_over_another(scene: Scene) -> Any:
    await scene.database.write(
        TENANT, lambda tx: stand.record_tier(tx, changing(scene, "note.write", Tier.SHADOW), "U0ADMIN")
    )
    change = changing(scene, "note.write", Tier.ACT_AND_NOTIFY)
    return lambda tx: stand.record_tier(tx, change, "U0BOB"), lambda got: got.tier is Tier.ACT_AND_NOTIFY


@case("keys.create_key")
async def an_operators_key(scene: Scene) -> Any:
    return lambda tx: keys.create_key(tx, KeyKind.OPERATOR, "U0BOB"), lambda got: got[1].startswith("cso_")


@case("keys.create_key")
async def a_narrow_key(scene: Scene) -> Any:
    return (
        lambda tx: keys.create_key(tx, KeyKind.AGENT, "deployer", scopes=["deploy"]),
        lambda got: got[0].scopes == ["deploy"],
    )


@case("keys.revoke_key")
async def a_key_revoked(scene: Scene) -> Any:
    key, _ = await scene.database.write(TENANT, lambda tx: keys.create_key(tx, KeyKind.AGENT, "deployer"))
    return lambda tx: keys.revoke_key(tx, key.id), lambda got: got is None


# cards, record, outbox


@case("seal.seal_next")
async def sealed(scene: Scene) -> Any:
    await approved(scene.database, scene.policy)
    return seal.seal_next, lambda got: got == 2


@case("show.begin")
async def begun(scene: Scene) -> Any:
    surface_id = await scene.surface()
    return lambda tx: show.begin(tx, surface_id), lambda got: got.revision == 1


@case("show.finish")
async def finished_although_the_truth_moved_on(scene: Scene) -> Any:
    drawing = await scene.drawing()
    await say(scene.database, drawing.dossier, "U0BOB")
    return lambda tx: show.finish(tx, drawing, "1.2", "C0APPROVALS"), lambda got: got is None


@case("show.let_go")
async def let_go(scene: Scene) -> Any:
    drawing = await scene.drawing()
    return lambda tx: show.let_go(tx, drawing, certain=True), lambda got: got is None


@case("show.lost")
async def lost(scene: Scene) -> Any:
    drawing = await scene.drawing()
    return lambda tx: show.lost(tx, drawing, "message_not_found"), lambda got: got is None


@case("show.refuse")
async def refused(scene: Scene) -> Any:
    drawing = await scene.drawing()
    return lambda tx: show.refuse(tx, drawing, "channel_not_found"), lambda got: got is None


CLOSED = fallback.Closed("C0APPROVALS", "is_archived", "unarchive it")


@case("fallback.fall_back")
async def shown_in_direct_messages(scene: Scene) -> Any:
    drawing = await scene.drawing()
    people, admins = ["U0BOB", "U0CAROL"], ["U0ADMIN"]
    return lambda tx: fallback.fall_back(tx, drawing, CLOSED, people, admins), lambda got: got is None


@case("fallback.leave_thread")
async def a_thread_left(scene: Scene) -> Any:
    drawing = await scene.drawing()
    return lambda tx: fallback.leave_thread(tx, drawing, CLOSED, ["U0ADMIN"]), lambda got: got is None


@case("outbox")
async def woken(scene: Scene) -> Any:
    await scene.asked()
    (message,) = await scene.database.write("", lambda tx: outbox.claim(tx, 1))
    later = scene.clock() + timedelta(minutes=10)
    again = lambda tx: outbox.again(tx, message, later, "token_revoked", certain=True, blameless=True)  # noqa: E731
    await scene.database.write(TENANT, again)
    return outbox.wake, lambda got: got is None


@case("outbox")
async def claimed_for_sending(scene: Scene) -> Any:
    await scene.asked()
    return lambda tx: outbox.claim(tx, 1), lambda got: len(got) == 1


@case("outbox")
async def put_back(scene: Scene) -> Any:
    await scene.asked()
    (message,) = await scene.database.write("", lambda tx: outbox.claim(tx, 1))
    later = scene.clock() + timedelta(seconds=5)
    return lambda tx: outbox.again(tx, message, later, "busy", certain=True), lambda got: got is None


@case("upkeep")
async def stale_cards_owed_again(scene: Scene) -> Any:
    await scene.surface()
    (message,) = await scene.database.write("", lambda tx: outbox.claim(tx, 1))
    await scene.database.write("", lambda tx: outbox.dead(tx, message.id, "gave up"))
    return upkeep._owe_stale, lambda got: got is None


@case("upkeep")
async def a_nonce(scene: Scene) -> Any:
    return lambda tx: access.use_nonce(tx, "key_1", "n"), bool


@case("stand.promote")
async def promoted_after_a_countersignature(scene: Scene) -> Any:
    change = stand.TierChange(scene.policy.agents["deployer"], "deploy", Tier.ACT_AUTO, "it has done well")
    since = scene.clock()
    return lambda tx: stand.promote(tx, change, "U0ADMIN", "prp_1", since), lambda got: got.tier is Tier.ACT_AUTO


# what people do about a request besides answering it


@case("delegate.delegate")
async def a_place_handed_on(scene: Scene) -> Any:
    found = await scene.asked("deploy.two")
    await say(scene.database, found, "U0BOB")
    handing = delegate.Handing("U0BOB", "U0ADMIN", Door.SLACK, "on holiday")
    return lambda tx: delegate.delegate(tx, scene.policy, request_of(found), handing, {}), is_status(WAITING)


@case("edit.edit_arguments")
async def arguments_edited(scene: Scene) -> Any:
    found = await scene.asked("deploy.two")
    await say(scene.database, found, "U0BOB")
    change = edit.Edit("U0CAROL", {"service": "billing"}, Door.SLACK, "the other one")
    return (
        lambda tx: edit.edit_arguments(tx, scene.policy, request_of(found), change, {}),
        lambda got: (got.version, got.editor) == (2, "U0CAROL"),
    )


@case("reask.ask_again")
async def asked_again_after_expiry(scene: Scene) -> Any:
    found = await scene.asked()
    scene.clock.forward(days=3)
    await scene.database.write(TENANT, lambda tx: expire.attend(tx, request_of(found)))
    asker = reask.Asker(person="U0ALICE")
    return (
        lambda tx: reask.ask_again(tx, scene.policy, found.proposal.id, asker, {}),
        lambda got: got.state is ProposalState.PENDING,
    )


@case("expire.attend")
async def escalated(scene: Scene) -> Any:
    tool = scene.policy.tools["deploy.production"]
    wider = replace(tool, escalate_after=timedelta(hours=1), escalate_to=("U0ADMIN",))
    scene.policy = replace(scene.policy, tools={**scene.policy.tools, tool.name: wider})
    found = await scene.asked()
    scene.clock.forward(hours=2)
    return lambda tx: expire.attend(tx, request_of(found)), lambda got: got is None


@case("withdraw.withdraw_by_person")
async def withdrawn_by_its_creator(scene: Scene) -> Any:
    proposal_id = (await scene.asked()).proposal.id
    return (
        lambda tx: withdraw.withdraw_by_person(tx, scene.policy, proposal_id, "U0ALICE", "not today"),
        lambda got: got.state is ProposalState.WITHDRAWN,
    )


@case("report.report")
async def an_agent_s_own_report(scene: Scene) -> Any:
    tool = scene.policy.tools["deploy.production"]
    own = replace(tool, connector=Connector("agent", timeout=timedelta(minutes=15)))
    scene.policy = replace(scene.policy, tools={**scene.policy.tools, tool.name: own})
    found = await approved(scene.database, scene.policy)
    said = report.Report(ExecutionStatus.SUCCEEDED, "{}")
    return (
        lambda tx: report.report(tx, scene.policy, found.proposal.id, "deployer", said),
        is_status(ExecutionStatus.SUCCEEDED),
    )


async def reconciled(scene: Scene, finding: Finding) -> Verb:
    started = await scene.started("deploy.once")
    await scene.settle(started, SILENT)
    return lambda tx: reconcile.reconcile(tx, scene.policy, started.proposal.id, "U0BOB", finding, "I looked", {})


@case("reconcile.reconcile")
async def found_to_have_happened(scene: Scene) -> Any:
    return await reconciled(scene, Finding.HAPPENED), is_status(ExecutionStatus.SUCCEEDED)


@case("reconcile.reconcile")
async def found_not_to_have_happened(scene: Scene) -> Any:
    return await reconciled(scene, Finding.DID_NOT), is_status(ExecutionStatus.FAILED)


@case("reconcile.reconcile")
async def run_again_by_a_person(scene: Scene) -> Any:
    return await reconciled(scene, Finding.RUN_AGAIN), is_status(ExecutionStatus.QUEUED)


GRANT = install.Grant("xoxb-1", "Acme", "A0", "B0", "U0BOT", "chat:write", "U0ADMIN")


@case("install.install")
async def install_again(scene: Scene) -> Verb:
    await scene.database.write(TENANT, lambda tx: install.install(tx, GRANT))
    again = replace(GRANT, token="xoxb-2")
    return lambda tx: install.install(tx, again), lambda row: row.removed_at is None


@case("install.uninstall")
async def uninstall(scene: Scene) -> Verb:
    await scene.database.write(TENANT, lambda tx: install.install(tx, GRANT))
    return lambda tx: install.uninstall(tx, "x", tx.now), lambda ended: ended


@case("prefer.prefer")
async def settings_made(scene: Scene) -> Any:
    wishes = prefer.Wishes("Europe/Berlin", 9, 22 * 60, 7 * 60)
    return lambda tx: prefer.prefer(tx, "U0BOB", wishes), lambda row: row.digest_at is not None


async def in_quiet_hours(scene: Scene) -> str:
    """A message to Bob that is being delivered, and Bob in quiet hours."""
    wishes = prefer.Wishes("UTC", None, 11 * 60, 13 * 60)
    await scene.database.write(TENANT, lambda tx: prefer.prefer(tx, "U0BOB", wishes))
    await scene.asked()
    (message,) = await scene.database.write("", lambda tx: outbox.claim(tx, 1))
    return str(message.id)


@case("hold.hold")
async def held(scene: Scene) -> Any:
    message_id = await in_quiet_hours(scene)
    return lambda tx: hold.hold(tx, message_id, "U0BOB"), bool


@case("prefer.prefer")
async def settings_that_let_a_message_go(scene: Scene) -> Any:
    message_id = await in_quiet_hours(scene)
    await scene.database.write(TENANT, lambda tx: hold.hold(tx, message_id, "U0BOB"))
    return lambda tx: prefer.prefer(tx, "U0BOB", prefer.Wishes()), lambda row: row.quiet_from is None


@case("digest.owe_due")
async def digests_due(scene: Scene) -> Any:
    for person in ("U0BOB", "U0CAROL"):
        await scene.database.write(TENANT, lambda tx, who=person: prefer.prefer(tx, who, prefer.Wishes("UTC", 13)))
    scene.clock.forward(hours=1)
    return digest.owe_due, lambda got: got == 2


@case("warn.ask_each")
async def asked_a_last_time(scene: Scene) -> Any:
    await scene.asked()
    (message,) = await scene.database.write("", lambda tx: outbox.claim(tx, 1))
    message.payload = {"proposal_id": "prp_1"}
    return lambda tx: warn.ask_each(tx, message, ["U0BOB", "U0CAROL"]), lambda got: got is None


async def noisy(scene: Scene, calls: int = 4) -> str:
    """An agent that has run so many calls without asking; returns the id of the count, where there is one."""
    for n in range(calls):
        await submit(scene.database, scene.policy, "note.l2", arguments={"service": f"s{n}"})
        await run_all(scene)
    found = await rows(scene.database, Folding)
    return str(found[0].id) if found else ""


async def counted(scene: Scene) -> tuple[str, fold.Tally]:
    folding_id = await noisy(scene)
    tally = await scene.database.write(TENANT, lambda tx: fold.begin(tx, folding_id))
    assert tally is not None
    return folding_id, tally


@case("execute.settle")
async def one_call_of_many(scene: Scene) -> Any:
    await noisy(scene)
    scene.clock.forward(minutes=11)  # the old count ends and a new one begins
    await submit(scene.database, scene.policy, "note.l2")
    started = await scene.database.write("", claiming(scene.policy))
    return lambda tx: execute.settle(tx, scene.policy, started, DONE), bool


@case("fold.begin")
async def a_count_begun(scene: Scene) -> Any:
    folding_id = await noisy(scene)
    return lambda tx: fold.begin(tx, folding_id), lambda got: got.revision == 1


@case("fold.finish")
async def a_count_shown_although_more_was_counted(scene: Scene) -> Any:
    _, tally = await counted(scene)
    await noisy(scene, 1)
    return lambda tx: fold.finish(tx, tally, "D0ALICE", "1.2"), lambda got: got is None


@case("fold.let_go")
async def a_count_let_go(scene: Scene) -> Any:
    _, tally = await counted(scene)
    return lambda tx: fold.let_go(tx, tally, certain=True), lambda got: got is None


@case("fold.lost")
async def a_count_deleted(scene: Scene) -> Any:
    _, tally = await counted(scene)
    return lambda tx: fold.lost(tx, tally), lambda got: got is None


@case("fold.give_up")
async def a_count_for_nobody(scene: Scene) -> Any:
    _, tally = await counted(scene)
    return lambda tx: fold.give_up(tx, tally), lambda got: got is None


@case("prefer.leave")
async def away(scene: Scene) -> Any:
    return lambda tx: prefer.leave(tx, "U0BOB", None, "U0CARA"), lambda row: row.delegate == "U0CARA"


@case("prefer.leave")
async def away_while_requests_wait(scene: Scene) -> Any:
    await scene.asked()
    return lambda tx: prefer.leave(tx, "U0BOB", None, "U0CAROL"), lambda row: row.delegate == "U0CAROL"


def seen(*there: str, away: str) -> cover.Seen:
    return cover.Seen({}, {person: Sight(may_decide=True) for person in (*there, away)})


@case("cover.cover")
async def stood_in_for(scene: Scene) -> Any:
    found = await scene.asked()
    await scene.database.write(TENANT, lambda tx: prefer.leave(tx, "U0BOB", None, "U0ADMIN"))
    looked = seen("U0ADMIN", "U0CAROL", away="U0BOB")
    return lambda tx: cover.cover(tx, scene.policy, request_of(found), looked), is_status(WAITING)


@case("cover.cover")
async def with_nobody_there(scene: Scene) -> Any:
    found = await scene.asked("deploy.two")
    await scene.database.write(TENANT, lambda tx: prefer.leave(tx, "U0BOB", None, None))
    gone = cover.Seen({}, dict.fromkeys(("U0BOB", "U0CAROL", "U0ALICE"), Sight(may_decide=False)))
    return (
        lambda tx: cover.cover(tx, scene.policy, request_of(found), gone),
        lambda request: request.unreachable_since is not None,
    )


@case("prefer.come_back")
async def back_to_places_that_others_hold(scene: Scene) -> Any:
    found = await scene.asked()
    await scene.database.write(TENANT, lambda tx: prefer.leave(tx, "U0BOB", None, "U0ADMIN"))
    looked = seen("U0ADMIN", "U0CAROL", away="U0BOB")
    await scene.database.write(TENANT, lambda tx: cover.cover(tx, scene.policy, request_of(found), looked))
    return lambda tx: prefer.come_back(tx, "U0BOB"), lambda row: row.away_since is None


@case("prefer.come_back")
async def back(scene: Scene) -> Any:
    await scene.database.write(TENANT, lambda tx: prefer.leave(tx, "U0BOB", None, None))
    return lambda tx: prefer.come_back(tx, "U0BOB"), lambda row: row.away_since is None


async def opened_home(scene: Scene) -> home.HomeDrawing:
    """Bob has opened his Home, and it is being drawn."""
    drawing = await scene.database.write(TENANT, lambda tx: home.open_home(tx, "U0BOB"))
    assert drawing is not None
    return drawing


@case("home.open_home")
async def a_home_opened_again(scene: Scene) -> Any:
    drawing = await opened_home(scene)
    await scene.database.write(TENANT, lambda tx: home.finish_home(tx, drawing, "d"))
    return lambda tx: home.open_home(tx, "U0BOB"), lambda made: made.revision == drawing.revision + 1


@case("home.open_home")
async def a_home_opened_while_it_is_drawn(scene: Scene) -> Any:
    await opened_home(scene)
    return lambda tx: home.open_home(tx, "U0BOB"), lambda made: made is None


@case("home.begin_home")
async def a_home_claimed(scene: Scene) -> Any:
    drawing = await opened_home(scene)
    await scene.database.write(TENANT, lambda tx: home.let_home_go(tx, drawing))
    return lambda tx: home.begin_home(tx, "U0BOB"), lambda made: made == drawing


@case("home.name_buttons")
async def an_entry_of_a_home(scene: Scene) -> Any:
    await opened_home(scene)
    found = await scene.asked()
    return lambda tx: home.name_buttons(tx, "U0BOB", [found]), lambda named: list(named) == [home.entry_key(found)]


@case("home.finish_home")
async def a_home_drawn(scene: Scene) -> Any:
    drawing = await opened_home(scene)
    return lambda tx: home.finish_home(tx, drawing, "d"), lambda got: got is None


@case("home.let_home_go")
async def a_home_not_drawn(scene: Scene) -> Any:
    drawing = await opened_home(scene)
    return lambda tx: home.let_home_go(tx, drawing), lambda got: got is None


def request_of(found: Dossier) -> str:
    assert found.request is not None
    return found.request.id


@pytest.mark.parametrize("name", CASES)
async def test_a_verb_that_breaks_anywhere_leaves_nothing_and_works_the_next_time(
    database: Database, policy: Policy, clock: Clock, name: str
) -> None:
    """closes automation-governance 25"""
    verb, is_right = await CASES[name][1](Scene(database, policy, clock))
    got, statements = await break_everywhere(database, verb)
    assert is_right(got), got
    assert statements[-1] == "COMMIT"
    assert any(one.startswith(("INSERT", "UPDATE", "DELETE")) for one in statements)


def test_every_verb_has_a_case() -> None:
    verbs = {
        f"{module.name}.{name}"
        for module in pkgutil.iter_modules(operations.__path__)
        for name, made in vars(importlib.import_module(f"operations.{module.name}")).items()
        if inspect.iscoroutinefunction(made)
        and made.__module__ == f"operations.{module.name}"
        and not name.startswith("_")
    }
    parts = PARTS.union(*(room.PARTS for room in _CASES))
    assert verbs - parts - {verb for verb, _ in CASES.values()} == set()
