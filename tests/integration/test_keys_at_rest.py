"""The installation's own keys: made once, shared by every process, sealed, and rotated."""

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from governance.policy import Policy
from operations.keys import create_key
from storage.database import Database
from storage.keyring import KeyProblem, key_beside
from storage.opening import open_database
from storage.tables import KeyKind
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.running import approved, execution_of, worker
from tests.integration.verbs import TENANT

NEW_KEY = base64.b64encode(b"n" * 32).decode()


def test_everybody_who_makes_the_key_file_at_once_gets_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        for n in range(200):
            database = tmp_path / f"{n}.db"
            keys = set(threads.map(lambda _, path=database: key_beside(path), range(8)))
            assert len(keys) == 1


def test_the_key_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    key = key_beside(tmp_path / "countersign.db")
    (file,) = tmp_path.iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("countersign.db.key", 0o600)
    assert base64.b64decode(file.read_text()) == key


async def test_a_database_does_not_open_under_another_key(url: str) -> None:
    with pytest.raises(KeyProblem, match="COUNTERSIGN_ENCRYPTION_KEY does not list"):
        await open_database(url, NEW_KEY)


async def test_after_a_rotation_old_secrets_open_and_digests_stay_the_same(
    url: str, database: Database, policy: Policy, clock: Clock
) -> None:
    found = await approved(database, policy, arguments={"service": "checkout", "token": "s3cret"})
    rotated = await open_database(url, f"{NEW_KEY},{ENCRYPTION_KEY}", clock=clock)
    hands = worker(rotated, policy)
    await hands.work()
    assert hands.connector.calls[0].arguments["token"] == "s3cret"
    assert (await execution_of(rotated, found)).status == "succeeded"
    await rotated.close()


async def test_what_was_written_without_a_key_is_sealed_once_there_is_one(empty_postgresql_url: str) -> None:
    plain = await open_database(empty_postgresql_url, "")
    digest_key = plain.keys.digest_key
    await plain.close()
    sealed = await open_database(empty_postgresql_url, ENCRYPTION_KEY)
    assert sealed.keys.digest_key == digest_key
    await sealed.close()
    with pytest.raises(KeyProblem):
        await open_database(empty_postgresql_url, "")


async def test_without_a_key_an_operator_gets_none_and_is_told_the_next_step(empty_postgresql_url: str) -> None:
    plain = await open_database(empty_postgresql_url, "")
    with pytest.raises(KeyProblem, match="set COUNTERSIGN_ENCRYPTION_KEY"):
        await plain.write(TENANT, lambda tx: create_key(tx, KeyKind.OPERATOR, "U0BOB"))
    await plain.close()
