"""Whoever lists once and applies events from then on sees what a fresh listing shows, whatever happened in between.

closes approval-api 8
"""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from governance.errors import Refusal
from governance.events import Happening
from governance.policy import Policy
from governance.reconciling import Finding
from governance.reviewers import ReviewVerdict
from operations.delegate import Handing, delegate
from operations.withdraw import withdraw
from scheduler.expiry import attend_due
from scheduler.upkeep import seal_audit
from storage import feed, proposals
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, Delegation, Door, Execution, Proposal
from tests.conftest import Clock
from tests.integration.running import DONE, NO, SILENT, worker
from tests.integration.test_asking_again import again
from tests.integration.test_editing import edit
from tests.integration.test_reconciling import answer
from tests.integration.verbs import APPROVE, DEFER, REJECT, TENANT, asked, look, rows, say

AT_MOST, SEED = 300, 5
TOOLS = ("deploy.production", "deploy.two", "deploy.once", "deploy.once", "hint.it", "note.auto")
PEOPLE = ("U0BOB", "U0CAROL", "U0ALICE")
ENDED = ("succeeded", "failed", "unknown", "invalidated")

#: What a listing shows: the status of every request, and how every run ended.
Picture = dict[str, str]


@dataclass
class Walk:
    """Agents, people, time and executors doing this and that."""

    database: Database
    policy: Policy
    clock: Clock
    random: Random
    calls: list[Dossier] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    seen: dict[str, Any] = field(default_factory=dict)

    async def step(self) -> None:
        """Do one thing; whoever waits for a call is woken where anything about it has changed."""
        missing = [name for name in _STEPS if name not in self.done]
        name = self.random.choice([*_STEPS, *missing, *missing, "propose", "review", "review"])
        before, ids = self.seen, [one.proposal.id for one in self.calls]
        with ExitStack() as stack:
            signals = self.database.signals
            woken = {id: stack.enter_context(signals.listen(proposals.topic(id))) for id in ids}
            try:
                await _STEPS[name](self)
            except Refusal:
                return
            after = self.seen = await self.looks()
            changed = {id for id in ids if before[id] != after[id]}
            assert {id for id in ids if woken[id].is_set()} >= changed, f"{name} woke nobody"
        self.done |= {name} if changed or len(after) > len(before) else set()

    async def looks(self) -> dict[str, Any]:
        """What whoever waits for a call could see of it."""
        calls = {one.id: [one.state, one.digest] for one in await rows(self.database, Proposal)}
        asked_by = {one.id: one.proposal_id for one in await rows(self.database, ApprovalRequest)}
        for one in await rows(self.database, ApprovalRequest):
            calls[one.proposal_id] += [one.id, one.status, one.version]
        for one in await rows(self.database, Execution):
            calls[one.proposal_id] += [one.id, one.status, one.attempt]
        for one in await rows(self.database, Delegation):
            calls[asked_by[one.request_id]] += [one.giver, one.ended_at]
        return calls

    async def picture(self) -> Picture:
        listed = {one.id: one.status.value for one in await rows(self.database, ApprovalRequest)}
        runs = {one.proposal_id: one.status.value for one in await rows(self.database, Execution)}
        return listed | {id: status for id, status in runs.items() if status in ENDED}

    async def propose(self) -> None:
        service = {"service": f"s{len(self.calls)}"}
        self.calls.append(await asked(self.database, self.policy, self.random.choice(TOOLS), arguments=service))

    async def review(self) -> None:
        verdict: ReviewVerdict = self.random.choice((APPROVE, APPROVE, APPROVE, REJECT, DEFER))
        until = {"until": self.clock.now + timedelta(hours=2)} if verdict is DEFER else {}
        call = await self.any_call("pending")
        await say(self.database, call, self.random.choice(PEOPLE), verdict, "because", **until)

    async def any_call(self, *states: str) -> Dossier:
        """Return one of the calls that people are asked about, in one of these states where there is one."""
        about = {one.proposal_id for one in await rows(self.database, ApprovalRequest)}
        known = [one for one in await rows(self.database, Proposal) if one.id in about]
        fitting = [one for one in known if one.state in states] or known
        if not fitting:
            raise Refusal("there is nothing yet")
        id = self.random.choice(fitting).id
        return await look(self.database, next(one for one in self.calls if one.proposal.id == id))

    async def withdraw(self) -> None:
        id = (await self.any_call("pending")).proposal.id
        await self.database.write(TENANT, lambda tx: withdraw(tx, id, "deployer", None))

    async def edit(self) -> None:
        call = await self.any_call("pending")
        await edit(self.database, self.policy, call, self.random.choice(PEOPLE), {"service": str(self.clock.now)})

    async def delegate(self) -> None:
        request = (await self.any_call("pending")).request
        assert request
        handing = Handing("U0BOB", "U0ADMIN", Door.API, None)
        await self.database.write(TENANT, lambda tx: delegate(tx, self.policy, request.id, handing, {}))

    async def ask_again(self) -> None:
        await again(self.database, self.policy, await self.any_call("expired", "invalidated"))

    async def run(self) -> None:
        script = [self.random.choice((DONE, NO, SILENT, SILENT, SILENT)) for _ in range(9)]
        await worker(self.database, self.policy, *script).work()

    async def reconcile(self) -> None:
        finding = self.random.choice(list(Finding))
        await answer(self.database, self.policy, await self.any_call("unknown"), "U0BOB", finding)

    async def time_passes(self) -> None:
        self.clock.forward(hours=self.random.choice((0.1, 0.1, 0.1, 3, 50)))
        await attend_due(self.database)

    async def seal(self) -> None:
        await seal_audit(self.database)


_STEPS: dict[str, Callable[[Walk], Awaitable[None]]] = {
    "propose": Walk.propose, "review": Walk.review, "withdraw": Walk.withdraw, "edit": Walk.edit,
    "delegate": Walk.delegate, "ask_again": Walk.ask_again, "run": Walk.run, "reconcile": Walk.reconcile,
    "time_passes": Walk.time_passes, "seal": Walk.seal,
}  # fmt: skip


def applied(picture: Picture, events: list[Happening]) -> Picture:
    """A listing brought up to date by events, as a reader does it."""
    now = dict(picture)
    for one in events:
        is_run = one.event.startswith("execution_")
        id = one.proposal_id if is_run else one.approval_id
        if id is not None and one.status is not None and (not is_run or one.status in ENDED):
            now[id] = one.status
        elif is_run:
            now.pop(one.proposal_id, None)  # it runs again
    return now


async def events_after(database: Database, place: int) -> list[Happening]:
    found: list[Happening] = []
    while True:
        async with database.read(TENANT) as tx:
            more, following = await feed.after(tx, place, 7)
        if following == place:
            return found
        found, place = found + more, following


async def test_a_fresh_listing_is_any_earlier_one_with_the_events_since_applied(
    database: Database, policy: Policy, clock: Clock
) -> None:
    walk, kept = Walk(database, policy, clock, Random(SEED)), list[tuple[int, Picture]]()
    while walk.done < set(_STEPS) - {"seal"}:
        assert len(kept) < AT_MOST, f"after so many steps there was only {walk.done}"
        async with database.read(TENANT) as tx:
            place = await feed.head(tx)
        kept.append((place, await walk.picture()))
        await walk.step()
    await seal_audit(database)
    fresh, events = await walk.picture(), await events_after(database, 0)
    assert [one.id for one in events] == sorted({one.id for one in events})
    for place, picture in kept:
        since = [one for one in events if one.id > place]
        assert applied(picture, since) == fresh
        assert applied(fresh, since) == fresh, "applied to a newer listing, older events end the same"
