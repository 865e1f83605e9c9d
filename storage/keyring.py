"""Keys at rest: sealing what must be readable again, and the installation's own derived keys."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12
_SETTING = "COUNTERSIGN_ENCRYPTION_KEY"


class KeyProblem(Exception):
    """The encryption key is missing, malformed or not the one things were sealed under."""


class Sealer:
    """AES-GCM under one or more keys: the first seals, all of them unseal (rotation)."""

    def __init__(self, keys: list[bytes]) -> None:
        self._keys = {_name(key): key for key in keys}
        self._current = _name(keys[0]) if keys else None

    @property
    def ready(self) -> bool:
        """Whether there is a key to seal under."""
        return self._current is not None

    def seal(self, plain: bytes, bound_to: str) -> str:
        """Return sealed text that only opens for the same `bound_to` (a row id). Raises KeyProblem without a key."""
        if self._current is None:
            raise KeyProblem(f"set {_SETTING} (base64 of 32 bytes) to store secrets")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        body = AESGCM(self._keys[self._current]).encrypt(nonce, plain, bound_to.encode())
        return f"v1:{self._current}:{base64.b64encode(nonce + body).decode()}"

    def unseal(self, sealed: str, bound_to: str) -> bytes:
        """Return what `seal` was given. Raises KeyProblem where the key is gone or the text was changed."""
        version, name, body = sealed.split(":", 2)
        key = self._keys.get(name)
        if version != "v1" or key is None:
            raise KeyProblem(f"sealed under key {name}, which {_SETTING} does not list; add it back after a comma")
        raw = base64.b64decode(body)
        try:
            return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound_to.encode())
        except InvalidTag:
            raise KeyProblem("a sealed value was changed or moved to another row") from None


@dataclass(frozen=True, slots=True)
class Secrets:
    """What an installation makes for itself. `audit` is None while there is no encryption key to seal it under:
    then it would lie open in the database, and a MAC would prove nothing.
    """

    install: bytes
    audit: bytes | None = None
    keyless_until: int = 0  #: the last audit entry written before there was an encryption key

    def to_bytes(self) -> bytes:
        """Return them as they are sealed."""
        return self.install + (self.audit or b"") + self.keyless_until.to_bytes(8, "big")

    @classmethod
    def from_bytes(cls, plain: bytes) -> "Secrets":
        """Read what `to_bytes` wrote of sealed secrets. Raises KeyProblem for anything else."""
        if len(plain) != 2 * KEY_BYTES + 8:
            raise KeyProblem("the installation's secrets are of another version of Countersign; start with that one")
        audit = plain[KEY_BYTES : 2 * KEY_BYTES]
        return cls(plain[:KEY_BYTES], audit, int.from_bytes(plain[2 * KEY_BYTES :], "big"))


class Keyring:
    """The sealer and the keys derived from the installation's own secrets."""

    def __init__(self, sealer: Sealer, secrets: Secrets) -> None:
        self.sealer, self.keyless_until = sealer, secrets.keyless_until
        self.digest_key = _derive(secrets.install, "digest")
        self.audit_key = _derive(secrets.audit, "audit") if secrets.audit else None


def parse_keys(setting: str) -> list[bytes]:
    """Parse COUNTERSIGN_ENCRYPTION_KEY: base64 of 32 bytes, or several after commas. Raises KeyProblem."""
    return [_parse_key(part.strip()) for part in setting.split(",") if part.strip()]


def _parse_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyProblem(f"{_SETTING} must be base64 of exactly 32 bytes; make one with: openssl rand -base64 32")
    return key


def key_beside(database: Path) -> bytes:
    """Return the key kept in a 0600 file beside an SQLite database, making it on first use."""
    path = database.with_name(database.name + ".key")
    if not path.exists():
        _place(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
    return _parse_key(path.read_text().strip())


def _place(path: Path, text: str) -> None:
    """Put a whole file in its place unless somebody else was first; nobody ever reads half of it."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()


def _name(key: bytes) -> str:
    return hashlib.sha256(b"countersign key name" + key).hexdigest()[:8]


def _derive(key: bytes, purpose: str) -> bytes:
    return hmac.new(key, f"countersign {purpose}".encode(), hashlib.sha256).digest()
