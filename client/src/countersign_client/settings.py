"""Where the server is and who calls, from arguments or from the environment."""

import os
from urllib.parse import urlsplit

import httpx

from countersign_client.asking import Asker
from countersign_client.calls import AgentKey, Identity, OperatorKey
from countersign_client.drivers import WORLD

URL, AGENT_KEY = "COUNTERSIGN_URL", "COUNTERSIGN_AGENT_KEY"
KEY_ID, SECRET = "COUNTERSIGN_OPERATOR_KEY_ID", "COUNTERSIGN_OPERATOR_SECRET"


def setting(value: str | None, name: str, what: str) -> str:
    """Return a value, or the environment's. Raises ValueError with what to do where there is neither."""
    found = value or os.environ.get(name, "")
    if not found:
        raise ValueError(f"{what} is missing: hand it in, or set {name}")
    return found.strip()


def address(url: str | None) -> str:
    """Return the server's address without a slash at its end."""
    found = setting(url, URL, "the address of the Countersign server").rstrip("/")
    if not _is_address(found):
        raise ValueError(f"{URL} must look like https://countersign.example, not {found!r}")
    return found


def _is_address(url: str) -> bool:
    try:
        parts, _ = urlsplit(url), httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment


def agent(key: str | None) -> AgentKey:
    """Return who an agent is."""
    return AgentKey(setting(key, AGENT_KEY, "the agent's key"))


def operator(key_id: str | None, secret: str | None) -> OperatorKey:
    """Return who an operator is."""
    return OperatorKey(setting(key_id, KEY_ID, "the operator key's id"), setting(secret, SECRET, "its secret"))


def asker(url: str, identity: Identity, patience: float) -> Asker:
    """Return who asks a server at this address."""
    return Asker(identity, WORLD, urlsplit(url).path, patience)
