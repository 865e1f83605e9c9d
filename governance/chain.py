"""The audit chain: how an entry is hashed, authenticated and linked to the one before it."""

import hashlib
import hmac
from collections.abc import Mapping

from governance.canonical import Json, canonical

GENESIS = "0" * 64


def entry_mac(key: bytes, content: Mapping[str, Json]) -> str:
    """Return the hex HMAC-SHA256 of an entry under a key that is kept outside the database."""
    return hmac.new(key, canonical(dict(content)), hashlib.sha256).hexdigest()


def link(previous_hash: str, chain_index: int, entry_id: int, content: Mapping[str, Json]) -> str:
    """Return the hash that seals an entry into the chain after `previous_hash`."""
    body = {"previous": previous_hash, "index": chain_index, "entry": entry_id, "content": dict(content)}
    return hashlib.sha256(canonical(body)).hexdigest()
