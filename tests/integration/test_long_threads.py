"""A thread where an agent has worked all day: what still waits in it is known, however much was settled since."""

from governance.policy import Policy
from storage import threads
from storage.database import Database
from tests.integration.verbs import REJECT, TENANT, asked, say, sql

THREAD = ("C0DEPLOYS", "1.000001")


async def test_a_card_that_waits_is_found_under_any_number_that_were_settled_since(
    database: Database, policy: Policy
) -> None:
    """Else a reply would decide the newest one as if no other waited."""
    waits = await asked(database, policy, arguments={"service": "waits"}, thread=THREAD)
    for number in range(55):
        found = await asked(database, policy, arguments={"service": f"s{number}"}, thread=THREAD)
        await say(database, found, "U0BOB", REJECT, "no")
    await sql(database, "UPDATE surfaces SET status = 'posted', ts = '2.000002' WHERE channel = 'C0DEPLOYS'")
    async with database.read(TENANT) as tx:
        cards = await threads.cards_in(tx, *THREAD)
    assert [one.proposal_id for one in cards if one.proposal_id == waits.proposal.id] == [waits.proposal.id]
