"""OpenTrustGraph v0, the published format of trust records: its words, its hash rule, its links."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from governance.canonical import Json
from governance.tiers import Tier

RECORD_SCHEMA = "opentrustgraph/v0"
LINEAGE_SCHEMA = "opentrustgraph/v0.1"  #: read, never written: the published chain schema pins its items to v0
CHAIN_SCHEMA = "opentrustgraph-chain/v0"
TOPIC = "trust_graph"


class TrustOutcome(StrEnum):
    """How a call ended, in the format's words."""

    SUCCESS = "success"
    FAILURE = "failure"
    DENIED = "denied"
    TIMEOUT = "timeout"


WIRE_TIERS = (Tier.SHADOW, Tier.SUGGEST, Tier.ACT_WITH_APPROVAL, Tier.ACT_AUTO)


def wire_tier(tier: Tier | None) -> Tier:
    """Return the tier as the format knows it. What was refused before a tier applied had the effect of `shadow`."""
    if tier is Tier.ACT_AND_NOTIFY:
        return Tier.ACT_AUTO
    return tier or Tier.SHADOW


def timestamp(at: datetime) -> str:
    """Write a moment so that every implementation hashes the same text: UTC, `Z`, no trailing zeros."""
    text = at.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "Z"


def record_bytes(record: Mapping[str, Json]) -> bytes:
    """Return the bytes a record is hashed over: all of it but `entry_hash`, keys by code point (not RFC 8785)."""
    body = {key: value for key, value in record.items() if key != "entry_hash"}
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def entry_hash(record: Mapping[str, Json]) -> str:
    """Return `sha256:<hex>` of a record."""
    return "sha256:" + hashlib.sha256(record_bytes(record)).hexdigest()


def linked(body: Mapping[str, Json], record_id: str, chain_index: int, previous_hash: str | None) -> dict[str, Json]:
    """Return the whole record: `body` with its id, its place in the chain and its hash."""
    record = {
        **body, "schema": RECORD_SCHEMA, "record_id": record_id, "chain_index": chain_index,
        "previous_hash": previous_hash,
    }  # fmt: skip
    return {**record, "entry_hash": entry_hash(record)}


def written(record: Mapping[str, Json]) -> str:
    """Return a record as it is stored and exported: one line of JSON, keys by code point."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def chain_json(total: int, root: str | None, *, verified: bool, at: datetime, version: str) -> dict[str, Json]:
    """Return what an export says about its chain."""
    return {
        "topic": TOPIC, "total": total, "root_hash": root, "verified": verified, "generated_at": timestamp(at),
        "producer": {"name": "countersign", "version": version},
    }  # fmt: skip
