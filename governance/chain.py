"""The audit chain: how an entry is hashed, authenticated and linked to the one before it."""

import hashlib
import hmac
from collections.abc import Mapping

from governance.canonical import Json, canonical

GENESIS = "0" * 64


NONCE_BYTES = 8
_NONCE_LENGTH = 2 * NONCE_BYTES
_MAC_LENGTH = 64  # with the nonce: as long as the column


def entry_mac(key: bytes, nonce: str, content: Mapping[str, Json]) -> str:
    """Return an entry's MAC under a key that is kept outside the database: the nonce, then 192 bits of HMAC-SHA256.

    `nonce` is 16 hex characters that no other entry has, so that a copy of an entry gives itself away.
    """
    body = canonical({"nonce": nonce, "content": dict(content)})
    return (nonce + hmac.new(key, body, hashlib.sha256).hexdigest())[:_MAC_LENGTH]


def is_authentic(key: bytes, mac: str, content: Mapping[str, Json]) -> bool:
    """Return whether `entry_mac` made this MAC for this content."""
    return hmac.compare_digest(entry_mac(key, mac[:_NONCE_LENGTH], content).encode(), mac.encode())


def link(
    previous_hash: str, chain_index: int, entry_id: int, content: Mapping[str, Json], key: bytes | None = None
) -> str:
    """Return the hash that seals an entry into the chain after `previous_hash`; with `key`, an HMAC."""
    body = canonical({"previous": previous_hash, "index": chain_index, "entry": entry_id, "content": dict(content)})
    return (hmac.new(key, body, hashlib.sha256) if key else hashlib.sha256(body)).hexdigest()
