"""How operators sign: one canonical text over everything that a call says, and nothing that it does not."""

import hashlib
import hmac

PREFIX = "X-Countersign-"


def canonical(method: str, target: str, timestamp: str, nonce: str, body: bytes = b"") -> str:
    """Return the text that is signed. `target` is the raw request target: path and query as they are sent."""
    return "\n".join(("v1", method, target, timestamp, nonce, hashlib.sha256(body).hexdigest()))


def sign(secret: str, method: str, target: str, timestamp: str, nonce: str, body: bytes = b"") -> str:
    """Return the signature of a call, as its header says it.

    `secret` is used as it was printed; `timestamp` is whole seconds since 1970, `nonce` 16 to 64 printable characters.
    """
    text = canonical(method, target, timestamp, nonce, body)
    return "v1=" + hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def headers(
    key_id: str, secret: str, method: str, target: str, body: bytes = b"", *, timestamp: str, nonce: str
) -> dict[str, str]:
    """Return the four headers of a signed call."""
    return {
        f"{PREFIX}Key": key_id,
        f"{PREFIX}Timestamp": timestamp,
        f"{PREFIX}Nonce": nonce,
        f"{PREFIX}Signature": sign(secret, method, target, timestamp, nonce, body),
    }
