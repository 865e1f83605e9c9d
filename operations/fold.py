"""Telling people of calls that ran without asking: one by one while they are few, counted in one message after that."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.folding import is_over, is_told_alone, kept, went_well
from operations.notify import owners_of, tell
from operations.show import MAX_REPOSTS, SurfaceBusy
from storage import foldings
from storage.database import Tx
from storage.outbox import Owed, Priority, owe
from storage.tables import Folding, Proposal, SurfaceStatus
from storage.tables.base import new_id

_GATHER = timedelta(seconds=10)  # changes of one message are gathered for so long: Slack takes about one a second


async def tell_of_unasked(tx: Tx, proposal: Proposal, outcome: str) -> None:
    """Owe the agent's creator and whom it acted for the news of a call that nobody was asked about."""
    people = owners_of(proposal)
    counted = await foldings.open_of(tx, proposal.agent_id, people)
    for person in people:
        counted[person] = await _current(tx, proposal, person, counted.get(person))
    alone = [person for person, folding in counted.items() if _count(folding, proposal, outcome, tx.now)]
    await tx.session.flush()
    for person in people:
        if person in alone:
            await tell(tx, proposal, outcome, person)
        else:
            await owe(tx, Owed.FOLD, counted[person].id, Priority.OUTCOME, after=_GATHER)


async def _current(tx: Tx, proposal: Proposal, person: str, open_one: Folding | None) -> Folding:
    """Return the count that this call goes into: the open one, or a fresh one where that is over."""
    if open_one is not None and not is_over(open_one.since, open_one.last_at, tx.now):
        return open_one
    if open_one is not None and not open_one.desired:  # it never came to a message, so its row serves again
        open_one.since, open_one.alone, open_one.alone_failed = tx.now, 0, 0
        return open_one
    if open_one is not None:
        open_one.ended_at = tx.now
        await tx.session.flush()  # before the new one, or there would be two
    fresh = Folding(
        id=new_id("fld"), tenant=tx.tenant, person=person, agent_id=proposal.agent_id,
        agent_name=proposal.agent_name, since=tx.now, last_at=tx.now, counts={}, lines=[],
    )  # fmt: skip
    tx.session.add(fresh)
    return fresh


def _count(folding: Folding, proposal: Proposal, outcome: str, now: datetime) -> bool:
    """Count a call; return whether it is told alone."""
    folding.last_at, folding.agent_name = now, proposal.agent_name
    if is_told_alone(outcome, folding.alone, folding.alone_failed):
        folding.alone, folding.alone_failed = folding.alone + 1, folding.alone_failed + (not went_well(outcome))
        return True
    folding.counts = {**folding.counts, outcome: folding.counts.get(outcome, 0) + 1}
    line = {"proposal": proposal.id, "title": proposal.title, "outcome": outcome}
    folding.lines = kept([*folding.lines, line])
    folding.counted_since = folding.counted_since or now
    folding.desired += 1
    return False


@dataclass(frozen=True, slots=True)
class Tally:
    """What to show in a message that counts, as of `revision`."""

    folding: Folding
    revision: int
    maybe_posted: bool  #: an earlier post may have arrived without our knowing


async def begin(tx: Tx, folding_id: str) -> Tally | None:
    """Claim a message that counts; None where there is nothing to show. Raises SurfaceBusy."""
    if not await foldings.seize(tx, folding_id):
        raise SurfaceBusy(folding_id)
    folding = await tx.get(Folding, folding_id)
    if folding is None or folding.status is SurfaceStatus.GONE:
        return None
    maybe_posted = folding.status is SurfaceStatus.POSTING
    if folding.ts is None:
        await foldings.change(tx, folding_id, status=SurfaceStatus.POSTING)
    return Tally(folding, folding.desired, maybe_posted)


async def finish(tx: Tx, tally: Tally, channel: str, ts: str) -> None:
    """Note what a message shows now; where calls have been counted meanwhile, owe the next change."""
    folding_id = tally.folding.id
    await foldings.change(
        tx, folding_id, channel=channel, ts=ts, status=SurfaceStatus.POSTED, rendered=tally.revision, busy_until=None
    )
    folding = await tx.get(Folding, folding_id)
    if folding is not None and folding.desired > tally.revision:
        await owe(tx, Owed.FOLD, folding_id, Priority.OUTCOME, after=_GATHER)


async def let_go(tx: Tx, tally: Tally, *, certain: bool) -> None:
    """Release a message that could not be drawn; `certain` says that nothing reached Slack."""
    never_posted = certain and tally.folding.ts is None and not tally.maybe_posted
    changes = {"status": SurfaceStatus.NEW} if never_posted else {}
    await foldings.change(tx, tally.folding.id, busy_until=None, **changes)


async def lost(tx: Tx, tally: Tally) -> None:
    """Note that somebody deleted the message: posted once more, then given up until the next count begins."""
    again = tally.folding.reposts < MAX_REPOSTS
    changes = {"ts": None, "status": SurfaceStatus.NEW} if again else {"status": SurfaceStatus.GONE}
    await foldings.change(tx, tally.folding.id, busy_until=None, reposts=tally.folding.reposts + 1, **changes)
    if again:
        await owe(tx, Owed.FOLD, tally.folding.id, Priority.OUTCOME)


async def give_up(tx: Tx, tally: Tally) -> None:
    """Give a message up that nobody can be sent."""
    await foldings.change(tx, tally.folding.id, busy_until=None, status=SurfaceStatus.GONE)
