"""`countersign audit export` and `audit verify` as an operator types them."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.cli import cli
from bot.policy import load_policy
from governance.canonical import canonical
from governance.chain import GENESIS, link
from storage.opening import open_database
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.chain import check
from tests.integration.graph import disarm_graph
from tests.integration.running import approved, worker
from tests.integration.verbs import SECRETS, sql, submit
from tests.policies import POLICY
from tests.published import path_of, schema_errors

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def record_url(url: str, tmp_path: Path, clock: Clock) -> str:
    """A database with a shadowed call, a refused one and an approved one that ran; nothing sealed yet."""
    (tmp_path / "countersign.toml").write_text(POLICY)

    async def live() -> None:
        database, policy = (
            await open_database(url, ENCRYPTION_KEY, clock=clock),
            load_policy(tmp_path / "countersign.toml", SECRETS),
        )
        await submit(database, policy, "dry.run", arguments={"service": "café"})
        await submit(database, policy, "drop.database")
        await approved(database, policy)
        await worker(database, policy).work()
        await database.close()

    asyncio.run(live())
    return url


def countersign(record_url: str, *words: str, given: str | None = None) -> Result:
    environment = {"COUNTERSIGN_DATABASE_URL": record_url, "COUNTERSIGN_ENCRYPTION_KEY": ENCRYPTION_KEY}
    return CliRunner().invoke(cli, ["audit", *words], env=environment, input=given)


def behind_its_back(record_url: str, statement: str) -> None:
    async def run() -> None:
        database = await open_database(record_url, ENCRYPTION_KEY)
        await disarm_graph(database)
        await sql(database, statement)
        await database.close()

    asyncio.run(run())


def graph_of(record_url: str) -> Any:
    done = countersign(record_url, "export", "--format", "opentrustgraph")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_trust_graph_leaves_as_a_chain_that_is_valid_as_published(record_url: str) -> None:
    """closes autonomy-and-trust 9, 24"""
    document = graph_of(record_url)
    assert document["chain"]["verified"] is True
    assert document["chain"]["producer"]["name"] == "countersign"
    assert [one["outcome"] for one in document["records"]] == ["denied", "denied", "success"]
    assert schema_errors(document) == []


def test_what_was_exported_verifies_anywhere(record_url: str, tmp_path: Path) -> None:
    file = tmp_path / "chain.json"
    done = countersign(record_url, "export", "--format", "opentrustgraph", "--output", str(file))
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"3 trust records written to {file}.\n"
    assert file.stat().st_mode & 0o777 == 0o600
    told = countersign("nonsense://", "verify", "--opentrustgraph", str(file))
    assert (told.exit_code, "3 records checked, 0 faults" in told.stdout) == (0, True)
    as_json = countersign("nonsense://", "verify", "--opentrustgraph", "-", "--json", given=file.read_text())
    root = json.loads(file.read_text())["chain"]["root_hash"]
    assert json.loads(as_json.stdout) == {
        "sound": True, "total": 3, "root_hash": root, "faults": [], "warnings": []
    }  # fmt: skip


def test_a_changed_export_is_rejected_with_every_fault_named(record_url: str, tmp_path: Path) -> None:
    document = graph_of(record_url)
    document["records"][1]["agent"] = "other"
    document["chain"]["total"] = 9
    file = tmp_path / "chain.json"
    file.write_text(json.dumps(document))
    told = countersign(record_url, "verify", "--opentrustgraph", str(file))
    assert told.exit_code == 1
    assert "WRONG record 2: entry_hash mismatch" in told.stdout
    assert "WRONG chain: total says 9" in told.stdout
    assert (
        json.loads(countersign(record_url, "verify", "--opentrustgraph", str(file), "--json").stdout)["sound"] is False
    )


@pytest.mark.parametrize(
    "text", ["", "{", '{"a":1,"a":2}', '{"a":NaN}', "[" * 99, '"\\ud800"'],
    ids=["nothing", "half", "twice", "nan", "deep", "surrogate"],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told_apart_from_one_that_is_wrong(tmp_path: Path, text: str) -> None:
    file = tmp_path / "chain.json"
    file.write_text(text)
    told = countersign("nonsense://", "verify", "--opentrustgraph", str(file))
    assert told.exit_code == 2
    assert told.stderr.startswith(f"Error: {file} cannot be read: ")
    as_json = countersign("nonsense://", "verify", "--opentrustgraph", str(tmp_path / "none.json"), "--json")
    assert as_json.exit_code == 2
    assert json.loads(as_json.stdout) == {"sound": False, "unreadable": "No such file or directory"}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("decision-chain", 0), ("tier-transition", 0), ("export-example", 0), ("effect-inheritance-chain", 0),
        ("tampered-chain", 1), ("missing-approval", 1),
    ],
)  # fmt: skip
def test_published_fixtures_have_their_published_outcome_on_the_command_line(name: str, code: int) -> None:
    told = countersign("nonsense://", "verify", "--opentrustgraph", str(path_of(f"{name}.json")))
    assert told.exit_code == code, told.stdout


def test_a_head_and_a_file_are_two_different_checks(tmp_path: Path) -> None:
    told = countersign("nonsense://", "verify", "--opentrustgraph", str(tmp_path), "--head", f"1:{'0' * 64}")
    assert told.exit_code == 2
    assert "leave it out" in told.stderr


def audit_key_of(record_url: str) -> bytes | None:
    """The key that entries and seals of this installation are authenticated under."""

    async def read() -> bytes | None:
        database = await open_database(record_url, ENCRYPTION_KEY)
        await database.close()
        return database.keys.audit_key

    return asyncio.run(read())


def test_the_record_leaves_as_lines_whose_hashes_the_installation_s_key_makes_again(record_url: str) -> None:
    key = audit_key_of(record_url)
    done = countersign(record_url, "export", "--format", "jsonl")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["chain_index"] for one in lines] == list(range(1, len(lines) + 1))
    assert [one["kind"] for one in lines if one["kind"].startswith("proposal")] == [
        "proposal.shadowed", "proposal.denied", "proposal.pending"
    ]  # fmt: skip
    previous = GENESIS
    for line in lines:
        place = {name: line.pop(name) for name in ("chain_index", "entry_id", "previous_hash", "entry_hash")}
        content = {**line, "detail": canonical(line["detail"]).decode()}
        assert place["previous_hash"] == previous
        assert link(previous, place["chain_index"], place["entry_id"], content, key) == place["entry_hash"]
        previous = place["entry_hash"]


def test_verify_counts_and_checks_the_trust_records(record_url: str) -> None:
    graph_of(record_url)
    told = json.loads(countersign(record_url, "verify", "--json").stdout)
    assert (told["sound"], told["trust_records"]) == (True, 3)
    behind_its_back(record_url, "UPDATE trust_records SET outcome = 'success' WHERE chain_index = 1")
    done = countersign(record_url, "verify")
    assert done.exit_code == 1
    assert "WRONG trust record 1: its columns are not what it says" in done.stdout


def test_a_chain_that_does_not_verify_leaves_saying_so(record_url: str) -> None:
    """closes autonomy-and-trust 24"""
    graph_of(record_url)
    behind_its_back(record_url, "DELETE FROM trust_records WHERE chain_index = 2")
    done = countersign(record_url, "export", "--format", "opentrustgraph")
    assert done.exit_code == 1
    assert "does not verify" in done.stderr
    assert json.loads(done.stdout)["chain"]["verified"] is False


def test_exporting_seals_what_is_committed_first(record_url: str, clock: Clock) -> None:
    graph_of(record_url)

    async def look() -> int:
        database = await open_database(record_url, ENCRYPTION_KEY, clock=clock)
        report = await check(database)
        await database.close()
        return report.unsealed

    assert asyncio.run(look()) == 0


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left_behind(record_url: str, tmp_path: Path) -> None:
    done = countersign(record_url, "export", "--output", str(tmp_path / "no" / "such" / "file"))
    assert done.exit_code == 1
    assert "cannot be written: No such file or directory" in done.stderr
    before = set(tmp_path.iterdir())
    countersign("postgresql://127.0.0.1:9/none", "export", "--output", str(tmp_path / "out.json"))
    assert set(tmp_path.iterdir()) == before


def test_a_reader_that_has_seen_enough_ends_it_quietly(sqlite_url: str) -> None:
    command = f"{sys.executable} -m bot audit export | true"
    environment = {
        "COUNTERSIGN_DATABASE_URL": sqlite_url, "COUNTERSIGN_ENCRYPTION_KEY": ENCRYPTION_KEY, "PYTHONPATH": str(ROOT)
    }  # fmt: skip
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_an_empty_graph_is_a_chain_without_a_root(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "empty.json"
    assert countersign(sqlite_url, "export", "--format", "opentrustgraph", "--output", str(file)).exit_code == 0
    told = countersign(sqlite_url, "verify", "--opentrustgraph", str(file))
    assert (told.exit_code, "Root" in told.stdout) == (0, False)
