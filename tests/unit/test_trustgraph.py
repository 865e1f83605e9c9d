"""OpenTrustGraph: the hash rule, and verifying a chain whoever wrote it, in the published order."""

import copy
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from referencing.exceptions import Unresolvable

from governance.tiers import Tier
from governance.trust_verify import verify_export
from governance.trustgraph import chain_json, entry_hash, linked, timestamp, wire_tier
from tests.published import ALIAS, published, schema_errors

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def body(**more):
    return {
        "agent": "deployer", "action": "deploy", "approver": None, "outcome": "success", "trace_id": "t-1",
        "autonomy_tier": "act_auto", "timestamp": "2026-11-23T12:00:00Z", "cost_usd": None, "metadata": {}, **more,
    }  # fmt: skip


def chain(*bodies):
    """A sound export of some records."""
    records, previous = [], None
    for n, one in enumerate(bodies, 1):
        records.append(linked(one, f"trr_{n}", n, previous))
        previous = records[-1]["entry_hash"]
    about = chain_json(len(records), previous, verified=True, at=NOON, version="1")
    return {"schema": "opentrustgraph-chain/v0", "chain": about, "records": records}


def rehash(document, n):
    """Hash one record anew and let everything after it follow."""
    for record in document["records"][n - 1 :]:
        if record is not document["records"][n - 1]:
            record["previous_hash"] = document["records"][record["chain_index"] - 2]["entry_hash"]
        record["entry_hash"] = entry_hash(record)
    document["chain"]["root_hash"] = document["records"][-1]["entry_hash"]


def faults(document, *, own_verdict=False):
    """What is wrong with a document, its own verdict on itself aside."""
    found = verify_export(document).faults
    return found if own_verdict else [fault for fault in found if not fault.startswith("chain: verified")]


def test_the_hash_covers_all_but_itself_with_keys_by_code_point_and_text_as_it_is():
    record = linked(body(metadata={"é": 1, "Z": {"b": None, "a": "café\u2028"}}), "trr_1", 1, None)
    text = (
        '{"action":"deploy","agent":"deployer","approver":null,"autonomy_tier":"act_auto","chain_index":1,'
        '"cost_usd":null,"metadata":{"Z":{"a":"café\u2028","b":null},"é":1},"outcome":"success","previous_hash":null,'
        '"record_id":"trr_1","schema":"opentrustgraph/v0","timestamp":"2026-11-23T12:00:00Z","trace_id":"t-1"}'
    )
    assert record["entry_hash"] == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_keys_are_ordered_by_code_point_where_utf_16_would_order_them_otherwise():
    record = {"metadata": {"\U0001f600": 1, "\ufb33": 2}}
    text = '{"metadata":{"\ufb33":2,"\U0001f600":1}}'
    assert entry_hash(record) == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", ["decision-chain", "tier-transition", "export-example", "effect-inheritance-chain"])
def test_every_published_hash_is_reproduced(name):
    records = published(f"{name}.json")["records"]
    assert [entry_hash(one) for one in records] == [one["entry_hash"] for one in records]


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOON, "2026-11-23T12:00:00Z"),
        (NOON.replace(microsecond=500_000), "2026-11-23T12:00:00.5Z"),
        (NOON.replace(microsecond=1), "2026-11-23T12:00:00.000001Z"),
        (NOON.replace(second=50, microsecond=120_000), "2026-11-23T12:00:50.12Z"),
        (NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), "2026-11-23T12:00:00Z"),
    ],
)
def test_moments_are_written_in_utc_without_trailing_zeros(at, text):
    assert timestamp(at) == text


def test_the_fifth_tier_is_written_as_the_format_knows_it():
    assert {tier: wire_tier(tier).value for tier in Tier} == {
        "shadow": "shadow", "suggest": "suggest", "act_with_approval": "act_with_approval",
        "act_and_notify": "act_auto", "act_auto": "act_auto",
    }  # fmt: skip
    assert wire_tier(None) is Tier.SHADOW


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("decision-chain", []),
        ("tier-transition", []),
        ("export-example", []),
        ("effect-inheritance-chain", []),
        ("tampered-chain", ["previous_hash mismatch"]),
        ("missing-approval", ["approval required", "approval required"]),
    ],
)
def test_the_published_fixtures_have_the_published_outcomes(name, expected):
    """closes autonomy-and-trust 24"""
    found = verify_export(published(f"{name}.json")).faults
    assert len(found) == len(expected)
    assert all(word in fault for word, fault in zip(expected, found, strict=True))


@pytest.mark.parametrize("name", ["decision-chain", "tier-transition", "export-example", "tampered-chain"])
def test_what_the_published_schemas_accept(name):
    assert schema_errors(published(f"{name}.json")) == []


def test_the_chain_schema_names_the_record_schema_under_an_alias_that_must_be_registered():
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    record, schema = published("trust-record.v0.schema.json"), published("trust-chain.v0.schema.json")
    assert record["$id"] != ALIAS
    only_its_own_name = Registry().with_resource(record["$id"], Resource.from_contents(record))
    with pytest.raises(Exception, match=r"trust-record\.v0") as caught:
        list(Draft202012Validator(schema, registry=only_its_own_name).iter_errors(published("decision-chain.json")))
    assert isinstance(caught.value.__cause__ or caught.value, Unresolvable)


def test_a_chain_of_ours_is_sound_and_valid():
    document = chain(body(), body(outcome="denied"), body(outcome="timeout", autonomy_tier="shadow"))
    assert faults(document, own_verdict=True) == []
    assert schema_errors(document) == []


def test_an_empty_chain_is_sound():
    assert faults(chain(), own_verdict=True) == []
    assert schema_errors(chain()) == []


def approved(**approval):
    claim = {
        "required": True, "quorum": 1,
        "signatures": [{"reviewer": "U0BOB", "signed_at": "2026-11-23T11:59:00Z", "signature": "hmac-sha256:00"}],
        **approval,
    }  # fmt: skip
    return body(autonomy_tier="act_with_approval", approver="U0BOB", metadata={"approval": claim})


def change(where, value):
    """Return a deed: set one value of a document, addressed by keys and positions."""

    def run(document):
        target = document
        for step in where[:-1]:
            target = target[step]
        if value is None and where[-1] in target and where[-1] not in ("previous_hash", "approver"):
            del target[where[-1]]
        else:
            target[where[-1]] = value

    return run


WRONG = {
    "another envelope": (change(["schema"], "opentrustgraph-chain/v9"), "schema must be"),
    "a field too many": (change(["extra"], 1), "unknown field 'extra'"),
    "no summary": (change(["chain"], None), "chain must be an object"),
    "a summary without a root": (change(["chain", "root_hash"], None), "root_hash is missing"),
    "records that are no list": (change(["records"], {}), "records must be a list"),
    "a record that is no object": (change(["records", 0], 7), "record 1: it is no object"),
    "an unknown outcome": (change(["records", 0, "outcome"], "waiting"), "outcome must be"),
    "an outcome of another kind": (change(["records", 0, "outcome"], ["success"]), "outcome must be"),
    "our own fifth tier": (change(["records", 0, "autonomy_tier"], "act_and_notify"), "autonomy_tier must be"),
    "an empty agent": (change(["records", 0, "agent"], ""), "agent must be"),
    "no metadata": (change(["records", 0, "metadata"], None), "metadata is missing"),
    "a negative cost": (change(["records", 0, "cost_usd"], -1), "cost_usd must be"),
    "a moment without a zone": (change(["records", 0, "timestamp"], "2026-11-23T12:00:00"), "timestamp must be"),
    "a moment that never was": (change(["records", 0, "timestamp"], "2026-02-30T12:00:00Z"), "timestamp must be"),
    "an index that is true": (change(["records", 0, "chain_index"], True), "chain_index must be"),
    "a hash in capitals": (change(["records", 0, "entry_hash"], "sha256:" + "A" * 64), "entry_hash must be"),
    "a record without schema": (change(["records", 0, "schema"], None), "schema is missing"),
    "the same id twice": (change(["records", 1, "record_id"], "trr_1"), "record_id is that of record 1"),
    "a changed agent": (change(["records", 1, "agent"], "other"), "record 2: entry_hash mismatch"),
    "a changed detail": (change(["records", 1, "metadata"], {"x": 1}), "record 2: entry_hash mismatch"),
    "half a surrogate": (change(["records", 1, "agent"], "\ud800"), "cannot be hashed"),
    "another total": (change(["chain", "total"], 3), "total says 3"),
    "another root": (change(["chain", "root_hash"], "sha256:" + "0" * 64), "root_hash mismatch"),
    "a record cut off the end": (lambda document: document["records"].pop(), "total says 2, but there are 1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(name):
    """closes autonomy-and-trust 24"""
    document, (deed, expected) = chain(body(), body()), WRONG[name]
    deed(document)
    assert any(expected in fault for fault in faults(document)), faults(document)


def test_a_missing_record_breaks_link_order_and_total():
    document = chain(body(), body(), body())
    del document["records"][1]
    assert faults(document) == [
        "record 2: previous_hash mismatch: it does not follow the record before it",
        "record 2: expected chain_index 2, found 3",
        "chain: total says 3, but there are 2 records",
    ]


def test_records_that_changed_places_are_noticed():
    document = chain(body(), body(), body())
    document["records"][0], document["records"][1] = document["records"][1], document["records"][0]
    found = faults(document)
    assert sum("previous_hash mismatch" in fault for fault in found) == 3
    assert sum("expected chain_index" in fault for fault in found) == 2


def test_faults_come_in_the_published_order():
    document = chain(body(), approved(signatures=[]), body())
    document["extra"], document["records"][0]["outcome"], document["records"][0]["agent"] = 1, "maybe", "x"
    document["records"][2]["previous_hash"], document["records"][2]["chain_index"] = None, 9
    document["chain"]["total"] = 7
    words = (
        "unknown field",
        "outcome must",
        "entry_hash",
        "previous_hash",
        "expected chain_index",
        "total",
        "approval",
    )
    found = faults(document)
    places = [next(n for n, fault in enumerate(found) if word in fault) for word in words]
    assert places == sorted(places)


APPROVALS = {
    "no approver": ({"approver": None}, {}, "no approver"),
    "an empty approver": ({"approver": ""}, {}, "no approver"),
    "no signatures": ({}, {"signatures": []}, "no signatures"),
    "a quorum of none": ({}, {"quorum": 0}, "quorum must be"),
    "a signature without a moment": (
        {},
        {"signatures": [{"reviewer": "U0BOB", "signature": "x"}]},
        "signature 1 lacks",
    ),
    "a signature that is a text": ({}, {"signatures": ["U0BOB"]}, "signature 1 lacks"),
}


@pytest.mark.parametrize("name", APPROVALS)
def test_an_approval_that_was_required_must_be_proven(name):
    fields, approval, expected = APPROVALS[name]
    document = chain({**approved(**approval), **fields})
    assert any("approval required" in fault and expected in fault for fault in faults(document))
    assert schema_errors(document) != []


def test_fewer_signatures_than_the_quorum_are_pointed_out_and_not_rejected():
    report = verify_export(chain(approved(quorum=2)))
    assert (report.sound, report.warnings) == (True, ["record 1: 1 of the 2 reviewers it needed have signed"])


@pytest.mark.parametrize("fields", [{"outcome": "denied"}, {"autonomy_tier": "act_auto"}])
def test_no_proof_is_asked_where_none_is_claimed(fields):
    document = chain({**approved(signatures=[]), "approver": None, **fields})
    assert faults(document, own_verdict=True) == []
    assert schema_errors(document) == []


def test_records_of_an_unknown_version_are_warned_of_and_skipped():
    document = chain(body(), body(), body())
    document["records"][1].update(schema="opentrustgraph/v7", something="new", outcome="pondering")
    report = verify_export(document)
    assert (report.sound, report.total) == (True, 3)
    assert report.warnings == ["record 2: unknown schema version 'opentrustgraph/v7', skipped"]


@pytest.mark.parametrize("wrong", [True, False])
def test_the_producers_own_verdict_must_be_true(wrong):
    document = chain(body())
    document["chain"]["verified"] = wrong
    if wrong:
        document["records"][0]["agent"] = "other"
    assert any(fault.startswith("chain: verified") for fault in faults(document, own_verdict=True))


NET = {"kind": {"kind": "net"}, "resource": "https://api.example", "scope": "write"}
FILE = {"kind": {"kind": "fs"}, "resource": "/src", "scope": "read"}


def lineage(parent, child, parent_id="trr_1"):
    return faults(chain(body(metadata=parent), body(metadata={"parent_record_id": parent_id, **child})))


ACTORS = {"sub": "U0ALICE", "act": {"sub": "planner"}}
DEEPER = {"sub": "U0ALICE", "act": {"sub": "worker", "act": {"sub": "planner"}}}


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        ({"effects_grant": [NET, FILE]}, {"effects_used": [FILE]}, None),
        ({"effects_grant": [FILE]}, {"effects_used": [NET]}, "effects_used escaped grant"),
        ({"effects_grant": [FILE]}, {"effects_used": [{**FILE, "scope": "write"}]}, "effects_used escaped grant"),
        ({}, {"effects_used": [FILE]}, "effects_used escaped grant"),
        ({}, {"effects_used": "all"}, "effects_used invalid"),
        ({"actor_chain": ACTORS}, {"actor_chain": DEEPER}, None),
        ({"actor_chain": ACTORS}, {"actor_chain": {**DEEPER, "sub": "U0MALLORY"}}, "actor_chain escaped parentage"),
        ({"actor_chain": ACTORS}, {"actor_chain": ACTORS}, "actor_chain escaped parentage"),
        ({"actor_chain": {"sub": "U0ALICE"}}, {"actor_chain": ACTORS}, None),
        ({}, {"actor_chain": DEEPER}, "missing actor_chain"),
        ({"actor_chain": ACTORS}, {"actor_chain": {"act": {}}}, "actor_chain invalid"),
        ({}, {}, None),
    ],
)  # fmt: skip
def test_effects_and_actors_stay_within_what_the_parent_had(parent, child, expected):
    found = lineage(parent, child)
    assert found == [] if expected is None else expected in found[0]


def test_a_parent_must_be_an_earlier_record_of_the_chain():
    assert "not found in chain" in lineage({}, {"effects_used": [FILE]}, "trr_9")[0]
    assert "not found in chain" in lineage({}, {"effects_used": [FILE]}, ["trr_1"])[0]
    assert "not found in chain" in lineage({}, {"effects_used": [FILE]}, "trr_2")[0]  # its own id


def test_unknown_metadata_is_nobodys_business():
    document = chain(body(metadata={"later": {"deep": [1, 2, {"x": None}]}}))
    assert faults(document, own_verdict=True) == []
    assert json.loads(json.dumps(copy.deepcopy(document))) == document
