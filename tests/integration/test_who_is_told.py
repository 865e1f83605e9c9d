"""Who hears how a call ended: its creator and whoever it was asked for, each once, and nobody twice."""

import pytest

from governance.policy import Policy
from storage.database import Database
from storage.tables import OutboxMessage
from tests.integration.running import DONE, NO, worker
from tests.integration.verbs import REJECT, asked, rows, say


async def told(database: Database) -> list[tuple[str, str]]:
    owed = await rows(database, OutboxMessage, kind="tell")
    return sorted((one.payload["person"], one.payload["event"]) for one in owed)


@pytest.mark.parametrize(
    ("on_behalf_of", "people"),
    [(None, ["U0ALICE"]), ("U0ALICE", ["U0ALICE"]), ("U0CAROL", ["U0ALICE", "U0CAROL"])],
    ids=["for nobody", "for the creator", "for somebody else"],
)
@pytest.mark.parametrize("end", ["succeeded", "failed", "rejected"])
async def test_the_creator_and_the_requester_hear_of_every_end_once(
    database: Database, policy: Policy, on_behalf_of: str | None, people: list[str], end: str
) -> None:
    found = await asked(database, policy, on_behalf_of=on_behalf_of)
    if end == "rejected":
        await say(database, found, "U0BOB", REJECT, "no")
    else:
        await say(database, found, "U0BOB")
        assert await told(database) == []  # nothing has happened yet
    await worker(database, policy, DONE if end == "succeeded" else NO).work()
    assert await told(database) == [(person, end) for person in people]
