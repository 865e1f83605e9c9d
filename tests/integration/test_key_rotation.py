"""Keys that end: rotated with overlap, made to expire, revoked; to the second."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from bot.cli import cli
from governance.errors import Conflict, NotFound
from operations.keys import create_key, hash_of, revoke_key, rotate_key
from storage import access
from storage.database import Database
from storage.tables import ApiKey, AuditEntry, KeyKind, Role
from tests.conftest import ENCRYPTION_KEY, NOON, Clock
from tests.integration.verbs import TENANT, policy_from, rows

DAY = timedelta(hours=24)


async def made(database: Database, **more: object) -> tuple[ApiKey, str]:
    return await database.write(TENANT, lambda tx: create_key(tx, KeyKind.AGENT, "deployer", **more))  # type: ignore[arg-type]


async def rotated(database: Database, key: ApiKey, overlap: timedelta = DAY) -> tuple[ApiKey, str]:
    return await database.write(TENANT, lambda tx: rotate_key(tx, key.id, overlap))


async def works(database: Database, secret: str) -> bool:
    async with database.read("") as tx:
        return await access.agent_key(tx, hash_of(secret)) is not None


async def test_both_keys_work_while_they_overlap_and_the_old_one_not_a_second_longer(
    database: Database, clock: Clock
) -> None:
    old, old_secret = await made(database)
    new, new_secret = await rotated(database, old)
    assert (new.principal, new.kind, new.role, new.expires_at) == (old.principal, old.kind, old.role, None)
    assert new_secret != old_secret
    clock.forward(hours=24, seconds=-1)
    assert (await works(database, old_secret), await works(database, new_secret)) == (True, True)
    clock.forward(seconds=1)
    assert (await works(database, old_secret), await works(database, new_secret)) == (False, True)
    (entry,) = await rows(database, AuditEntry, kind="key.rotated")
    told = json.loads(entry.detail)
    assert (told["key_id"], told["new_key_id"], told["until"]) == (old.id, new.id, (NOON + DAY).isoformat())
    assert old_secret not in entry.detail
    assert new_secret not in entry.detail


async def test_an_operator_key_keeps_its_role_and_both_secrets_open_under_their_own_rows(database: Database) -> None:
    old, _ = await database.write(TENANT, lambda tx: create_key(tx, KeyKind.OPERATOR, "U0ADMIN", Role.REVIEWER))
    new, secret = await rotated(database, old)
    assert (new.role, new.principal) == (Role.REVIEWER, "U0ADMIN")
    assert new.sealed_secret is not None
    assert database.keys.sealer.unseal(new.sealed_secret, new.id).decode() == secret
    async with database.read("") as tx:
        assert {(await access.operator_key(tx, one.id)) is not None for one in (old, new)} == {True}


async def test_no_overlap_ends_the_old_key_at_once(database: Database) -> None:
    old, secret = await made(database)
    await rotated(database, old, timedelta())
    assert not await works(database, secret)


async def test_rotation_never_prolongs_a_key_and_hands_its_lifetime_on(database: Database, clock: Clock) -> None:
    old, _ = await made(database, expires_at=NOON + timedelta(days=90))
    clock.forward(days=89, hours=23)
    new, _ = await rotated(database, old)
    (kept,) = await rows(database, ApiKey, id=old.id)
    assert kept.expires_at == NOON + timedelta(days=90)
    assert new.expires_at == clock.now + timedelta(days=90)


async def test_a_key_is_rotated_once_and_only_while_it_lives(database: Database, clock: Clock) -> None:
    old, _ = await made(database)
    new, _ = await rotated(database, old)
    with pytest.raises(Conflict, match=new.id):
        await rotated(database, old)
    clock.forward(hours=24)
    with pytest.raises(NotFound):
        await rotated(database, old)
    await database.write(TENANT, lambda tx: revoke_key(tx, new.id))
    with pytest.raises(NotFound):
        await rotated(database, new)
    with pytest.raises(NotFound):
        await database.write("T0OTHER", lambda tx: rotate_key(tx, old.id, DAY))


async def test_expiring_and_revoked_keys_stop_at_their_second(database: Database, clock: Clock) -> None:
    key, secret = await made(database, expires_at=NOON + timedelta(days=90))
    other, other_secret = await made(database)
    clock.forward(days=90, seconds=-1)
    assert await works(database, secret)
    clock.forward(seconds=1)
    assert not await works(database, secret)
    assert await works(database, other_secret)
    await database.write(TENANT, lambda tx: revoke_key(tx, other.id))
    assert not await works(database, other_secret)
    states = {one.id: access.state_of(one, clock.now) for one in await rows(database, ApiKey)}
    assert states == {key.id: "expired", other.id: "revoked"}


def test_the_command_line_makes_rotates_and_lists_keys_that_end(sqlite_url: str, tmp_path: object) -> None:
    policy_from(tmp_path)  # type: ignore[arg-type]
    environment = {
        "COUNTERSIGN_CONFIG": f"{tmp_path}/variant.toml", "COUNTERSIGN_DATABASE_URL": sqlite_url,
        "DEPLOY_SECRET": "whsec_QUJD", "COUNTERSIGN_ENCRYPTION_KEY": ENCRYPTION_KEY,
    }  # fmt: skip

    def run(*words: str) -> Result:
        return CliRunner().invoke(cli, ["keys", *words], env=environment)

    first = json.loads(run("create", "--agent", "deployer", "--expires", "90d", "--json").output)
    second = json.loads(run("rotate", first["key_id"], "--overlap", "1h", "--json").output)
    assert second["secret"].startswith("csa_")
    assert second["expires_at"] > first["expires_at"]
    old, new = json.loads(run("list", "--json").output)
    assert (old["state"], old["replaced_by"]) == ("live", new["key_id"])
    assert old["expires_at"] < first["expires_at"]
    assert f"rotated to {new['key_id']}" in run("list").output
    assert run("rotate", first["key_id"]).exit_code == 1
    assert run("revoke", new["key_id"]).exit_code == 0
    assert [one["state"] for one in json.loads(run("list", "--json").output)] == ["live", "revoked"]
    refused = run("create", "--agent", "deployer", "--expires", "soon")
    assert (refused.exit_code, "30s, 15m, 48h or 7d" in refused.output) == (2, True)
