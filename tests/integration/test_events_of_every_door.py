"""Whatever door a change came in by, it is an event of the one order that everybody reads from, wherever they begin."""

from governance.policy import Policy
from operations.review import Answer, review
from operations.withdraw import withdraw
from scheduler.expiry import attend_due
from scheduler.upkeep import seal_audit
from storage import feed
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import Door
from tests.conftest import Clock
from tests.integration.verbs import APPROVE, REJECT, TENANT, asked, say


async def test_every_transition_is_an_event_whichever_door_it_came_in_by(
    database: Database, policy: Policy, clock: Clock
) -> None:
    """closes approval-api 8"""
    calls = [await asked(database, policy, "deploy.two", arguments={"service": name}) for name in "abcd"]
    clicked, signed, withdrawn = calls[:3]
    await say(database, clicked, "U0BOB")
    await say(database, clicked, "U0CAROL")
    await by_key(database, signed, Answer("U0CAROL", APPROVE, Door.API))
    await by_key(database, signed, Answer("U0BOB", REJECT, Door.API, "no"))
    await database.write(TENANT, lambda tx: withdraw(tx, withdrawn.proposal.id, "deployer", None))
    clock.forward(hours=48)
    await attend_due(database)
    await seal_audit(database)
    async with database.read(TENANT) as tx:
        told, head = await feed.after(tx, 0, 1000)
        rest = {one.id: (await feed.after(tx, one.id, 1000))[0] for one in told}
    of = {call.proposal.id: [str(one.event) for one in told if one.proposal_id == call.proposal.id] for call in calls}
    assert list(of.values()) == [
        ["approval_requested", "vote_recorded", "approval_decided"],
        ["approval_requested", "vote_recorded", "approval_decided"],
        ["approval_requested", "approval_withdrawn"],
        ["approval_requested", "approval_expired"],
    ]
    assert [one.id for one in told] == sorted({one.id for one in told})
    assert all(left == told[n + 1 :] for n, left in enumerate(rest.values()))
    async with database.read("T0ELSEWHERE") as tx:
        assert await feed.after(tx, 0, 1000) == ([], 0)
    assert head >= told[-1].id


async def by_key(database: Database, found: Dossier, answer: Answer) -> None:
    request = found.request
    assert request is not None
    await database.write(TENANT, lambda tx: review(tx, request.id, answer, {}))
