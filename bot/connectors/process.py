"""Processes we start: in a group of their own, with an environment that was written down, and with a certain end."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from governance.canonical import Json
from governance.secret_fields import mask_echoes
from governance.text import cut, visible

log = logging.getLogger(__name__)

_KEPT = 4096  # bytes of each stream that are logged
_TELLING = 8  # characters from which a variable's value is taken for a secret
_GRACE = 0.5  # seconds in which the streams of a killed group run dry
_LAST_GRACE = 5.0


class Child(asyncio.SubprocessProtocol):
    """One process as we see it: what it says, bounded, and when it ended. Reading never blocks the process."""

    def __init__(self) -> None:
        self.said = {1: bytearray(), 2: bytearray()}
        self.exited, self.silent = asyncio.Event(), asyncio.Event()
        self._open = {1, 2}

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep the beginning of what it says; the rest is read and dropped."""
        kept = self.said[fd]
        kept += data[: _KEPT - len(kept)]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note that a stream has ended."""
        self._open.discard(fd)
        if not self._open:
            self.silent.set()

    def process_exited(self) -> None:
        """Note that it has ended."""
        self.exited.set()


@asynccontextmanager
async def running(
    command: Sequence[str], environment: Mapping[str, str], child: Child, pass_fds: Sequence[int] = ()
) -> AsyncIterator[asyncio.SubprocessTransport]:
    """Run a command in a process group of its own; on leaving, the whole group is killed, whoever is left in it.

    Raises OSError where it cannot be started, and ValueError where its words hold a NUL.
    """
    transport, _ = await asyncio.get_running_loop().subprocess_exec(
        lambda: child, *command, env=dict(environment), cwd="/", start_new_session=True, pass_fds=pass_fds
    )
    try:
        yield transport
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        await within(_GRACE, child.silent)  # whoever left the group may hold the streams open for ever
        transport.close()
        await within(_LAST_GRACE, child.exited)


async def within(seconds: float, *events: asyncio.Event) -> bool:
    """Wait for the first of some events; False where none came within so many seconds."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        come, _ = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
    return bool(come)


def environment_of(names: Iterable[str], ours: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process: where programs are, a language, and the variables that were named."""
    given = {"PATH": ours.get("PATH", os.defpath), "LANG": ours.get("LANG", "C.UTF-8")}
    return given | {name: ours[name] for name in names if name in ours}


def secrets_among(names: Iterable[str], ours: Mapping[str, str]) -> tuple[Json, ...]:
    """Return the values of named variables that must not be echoed: all but the shortest."""
    return tuple(ours[name] for name in names if len(ours.get(name, "")) >= _TELLING)


def log_what_it_said(who: str, child: Child, secrets: Sequence[Json]) -> None:
    """Log the beginning of what a process printed, on lines that nobody can forge, with secrets masked."""
    for fd, stream in ((1, "stdout"), (2, "stderr")):
        for line in _masked(bytes(child.said[fd]), secrets).splitlines():
            log.info("%s %s: %s", who, stream, cut(visible(line), 500))


def _masked(said: bytes, secrets: Sequence[Json]) -> str:
    """Mask secrets; where we stopped listening, the last characters may be half of one and are dropped."""
    text = mask_echoes(said.decode("utf-8", "replace"), secrets)
    if len(said) < _KEPT:
        return text
    return text[: -max((len(str(secret)) for secret in secrets), default=0) or None]
