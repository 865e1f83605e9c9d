"""What waits is read in as many statements for two hundred requests as for one, and says where it stopped looking."""

from pathlib import Path

import pytest

from bot.office import Office
from bot.office.queue import queue, shown, waiting
from bot.policy import PolicySource
from bot.slack import new_client
from governance.reviewers import ReviewVerdict
from operations.review import winner_of
from storage import lists
from storage.database import Database
from storage.lists import Filters
from tests.conftest import Clock
from tests.integration.test_list_plans import listening
from tests.integration.verbs import SECRETS, TENANT, asked, say
from tests.policies import policy_text


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    config = tmp_path / "countersign.toml"
    config.write_text(policy_text(top="[limits]\nmax_open_requests = 300\n"))
    return Office(database, PolicySource(config, SECRETS), new_client("xoxb-none", "http://127.0.0.1:9/api/"))


async def test_the_number_of_statements_does_not_grow_with_what_waits(office: Office) -> None:
    database, policy = office.database, office.policy.current
    heard: list[int] = []
    for number in range(25):
        await asked(database, policy, arguments={"service": f"s{number}"})
        if number in (0, 24):
            with listening(database) as statements:
                assert len(await waiting(office, "U0BOB")) == number + 1
            heard.append(len([one for one, _ in statements if "SELECT" in one]))
    assert heard == [7, 7]


async def test_put_off_requests_come_last_and_come_back(office: Office, clock: Clock) -> None:
    database, policy = office.database, office.policy.current
    first = await asked(database, policy, arguments={"service": "first"})
    second = await asked(database, policy, "deploy.two", arguments={"service": "second"})
    until = clock.now.replace(hour=13)
    await say(database, second, "U0BOB", ReviewVerdict.DEFER, "later", until=until)
    order = [one.dossier.proposal.id for one in await waiting(office)]
    assert order == [first.proposal.id, second.proposal.id]
    assert len(await waiting(office, "U0BOB")) == 1
    assert len(await waiting(office, "U0CAROL")) == 2
    await say(database, second, "U0CAROL")  # an answer reopens it, so it waits for Bob again
    assert len(await waiting(office, "U0BOB")) == 2
    assert len(await waiting(office, "U0CAROL")) == 1


async def test_a_group_that_cannot_be_asked_for_hides_only_what_it_alone_decides(office: Office) -> None:
    await asked(office.database, office.policy.current, "deploy.group")
    await asked(office.database, office.policy.current)
    found = await queue(office, "U0BOB")
    assert (len(found.asked), len(found.mine), found.is_blind, found.is_cut) == (2, 1, True, False)


async def test_a_search_looks_at_the_newest_only_and_at_words_as_they_are(office: Office, clock: Clock) -> None:
    database, policy = office.database, office.policy.current
    for service in ("a%b", "a_b", "axb"):
        clock.forward(minutes=1)
        await asked(database, policy, arguments={"service": service})

    async def search(*words: str, window: int = 10) -> list[str]:
        async with database.read(TENANT) as tx:
            found = await lists.search(tx, words, Filters(), window=window, limit=10)
        return [str(one.dossier.proposal.consequence).split()[-1] for one in await shown(office, found)]

    assert await search("a%b") == ["a%b"]
    assert await search("A_B") == ["a_b"]
    assert await search("DEPLOY", "with") == ["axb", "a_b", "a%b"]
    assert await search("deploy", window=2) == ["axb", "a_b"]
    assert await search("apr_") == ["axb", "a_b", "a%b"]


async def test_what_has_expired_or_is_decided_waits_for_nobody(office: Office, clock: Clock) -> None:
    found = await asked(office.database, office.policy.current)
    settled = await say(office.database, found, "U0BOB")
    assert winner_of(settled)["by"] == "U0BOB"
    await asked(office.database, office.policy.current, "deploy.once")
    assert len(await waiting(office)) == 1
    clock.forward(hours=49)
    assert await waiting(office) == []
