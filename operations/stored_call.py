"""A stored call read back as the agent sent it, and written down again when a person or the policy changed it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from governance.canonical import Json, call_digest, canonical
from governance.errors import Conflict
from governance.policy import Tool
from governance.secret_fields import join, split
from governance.text import storable
from operations.execute import secrets_of
from storage.database import Tx
from storage.keyring import KeyProblem
from storage.tables import Proposal


def open_secrets(tx: Tx, proposal: Proposal) -> dict[str, Json]:
    """Open the secret arguments of a call, by JSON Pointer. Raises Conflict where no key here opens them."""
    try:
        return secrets_of(tx, proposal)
    except KeyProblem:
        raise Conflict(
            "The secret arguments of this call cannot be opened with the keys of this installation; "
            "let the agent propose it again.",
            code="SECRETS_UNREADABLE",
        ) from None


def arguments_of(tx: Tx, proposal: Proposal) -> Json:
    """Return the arguments of a call, secrets in place. Raises Conflict, see `open_secrets`."""
    return join(json.loads(proposal.arguments), open_secrets(tx, proposal))


def as_stored(tx: Tx, proposal: Proposal, tool: Tool, arguments: Json, *, also: Iterable[str] = ()) -> dict[str, Any]:
    """Return the columns that hold these arguments under the tool as it is now: masked, sealed, hashed, told.

    `also` are pointers that were secret when the call came in, and stay so whatever the policy says by now.
    """
    parts = split(arguments, {*tool.secret_fields, *also}, tx.keys.digest_key)
    secrets: Mapping[str, Json] = parts.secrets
    return {
        "arguments": canonical(parts.masked).decode(),
        "sealed_secrets": tx.keys.sealer.seal(canonical(dict(secrets)), proposal.id) if secrets else None,
        "digest": call_digest(tool.name, tool.version, parts.hashed),
        "consequence": storable(tool.tell_consequence(parts.masked)),
    }
