"""The real server in a process that kills itself at one point: the points are put around it from outside.

A point is a moment between two things that matter: before each statement that writes, before and after each commit
of a transaction that wrote, before a call or a message leaves and after its answer came. Nothing of the product knows
of them. Points are counted once the test has armed them, and each one that is passed goes into the file `points`.
"""

import asyncio
import functools
import logging
import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

import bot.app
from bot.connectors.http import HttpConnector
from bot.settings import read_settings
from bot.slack import new_client
from governance.attempts import Result
from operations.execute import Started
from storage.database import Database, utc_now
from storage.opening import open_database

Point = tuple[str, int]  #: what it is called, and the how manieth of that name
_WRITES = ("INSERT INTO", "UPDATE", "DELETE FROM")


@dataclass(frozen=True)
class Job:
    """One life of the server."""

    folder: Path
    environment: dict[str, str]
    dies_at: Point | None = None


@dataclass
class Points:
    """Counts the points that are passed, and dies at one of them."""

    job: Job
    is_armed: bool = False
    passed: Counter[str] = field(default_factory=Counter)
    written: dict[Any, list[str]] = field(default_factory=dict)

    def __call__(self, name: str) -> None:
        if not self.is_armed:
            return
        self.passed[name] += 1
        with (self.job.folder / "points").open("a") as file:
            file.write(f"{name}\n")
        if (name, self.passed[name]) == self.job.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, database: Database) -> Database:
        """Put points around everything that the writer of a database writes."""
        engine = database.writer.sync_engine
        event.listen(engine, "before_cursor_execute", self._before_statement)
        event.listen(engine, "commit", self._before_commit)
        event.listen(engine, "rollback", lambda connection: self.written.pop(connection, None))
        event.listen(Session, "after_commit", self._after_commit)
        return database

    def _before_statement(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        verb = next((one for one in _WRITES if statement.startswith(one)), None)
        if verb is not None:
            table = statement.removeprefix(verb).split()[0]
            self.written.setdefault(connection, []).append(table)
            self(f"{verb.split()[0]} {table}")

    def _before_commit(self, connection: Any) -> None:
        tables = self.written.pop(connection, [])
        self.last = "+".join(dict.fromkeys(tables))
        if tables:
            self(f"before the commit of {self.last}")

    def _after_commit(self, _session: Any) -> None:
        if self.last:
            self(f"after the commit of {self.last}")


def serve(job: Job, pipe: Connection) -> None:
    """Run one life of the server; the target of a process."""
    os.dup2(os.open(job.folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    logging.basicConfig(level=logging.INFO)
    asyncio.run(_serve(job, pipe))


async def _serve(job: Job, pipe: Connection) -> None:
    points, told, loop = Points(job), asyncio.Event(), asyncio.get_running_loop()
    _surround(points)
    server = await bot.app.build(read_settings(job.environment), job.environment)

    def hear() -> None:
        try:
            word = pipe.recv()
        except EOFError:
            os._exit(1)  # whoever ran the test is gone
        if word == "stop":
            loop.remove_reader(pipe.fileno())
            told.set()
            return
        points.is_armed = True
        pipe.send("armed")

    await server.start()
    loop.add_reader(pipe.fileno(), hear)
    pipe.send(server.port)
    await told.wait()
    await server.stop()


def _surround(points: Points) -> None:
    """Hand the composition root parts with points around them."""

    async def opened(*words: Any, **more: Any) -> Database:
        ahead = functools.partial(clock_of, points.job.folder)
        return points.watch(await open_database(*words, **more, clock=ahead))

    class Connector(HttpConnector):
        async def __call__(self, started: Started) -> Result:
            points("before the call leaves")
            result = await super().__call__(started)
            points("after the call was answered")
            return result

    def client(*words: Any) -> Any:
        made = new_client(*words)
        call = made.api_call

        async def api_call(method: str, **more: Any) -> Any:
            points(f"before {method} leaves")
            answer = await call(method, **more)
            points(f"after {method} was answered")
            return answer

        made.api_call = api_call  # type: ignore[method-assign]
        return made

    bot.app.open_database, bot.app.HttpConnector, bot.app.new_client = opened, Connector, client  # type: ignore[misc]


def clock_of(folder: Path) -> datetime:
    """The present moment, and as many seconds more as the file `ahead` says."""
    return utc_now() + timedelta(seconds=float((folder / "ahead").read_text() or 0))
