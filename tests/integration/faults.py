"""Breaking a transaction at any one of its statements, from outside, and comparing everything stored."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from storage.database import Database, Tx
from storage.tables import metadata
from tests.integration.verbs import TENANT

Verb = Callable[[Tx], Awaitable[Any]]
_LIMIT = 200


class Broken(OperationalError):
    """The database went away in the middle of a transaction."""

    def __init__(self, at: str) -> None:
        super().__init__(at, {}, Exception("the connection was lost"))


@dataclass
class Breaker:
    """Lets so many statements of the writer pass and breaks the next one; the commit is the last of them."""

    passing: int
    passed: list[str] = field(default_factory=list)
    broke_at: str | None = None

    def __call__(self, what: str) -> None:
        if self.broke_at is not None:
            return  # the rollback may do its work
        if len(self.passed) == self.passing:
            self.broke_at = what
            raise Broken(what)
        self.passed.append(what)


@contextmanager
def breaking(database: Database, breaker: Breaker) -> Iterator[None]:
    """Break the writer's next transaction where `breaker` says."""
    engine = database.writer.sync_engine

    def statement(_connection: Any, _cursor: Any, what: str, *_: Any) -> None:
        if not what.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")):
            breaker(what)

    def commit(_connection: Any) -> None:
        breaker("COMMIT")

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)


async def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    async with database.reader.connect() as connection:
        found = {}
        for name in sorted(metadata.tables):
            rows = await connection.execute(text(f"SELECT * FROM {name}"))
            found[name] = sorted(map(tuple, rows), key=repr)
        return found


async def break_everywhere(database: Database, verb: Verb, tenant: str = TENANT) -> tuple[Any, list[str]]:
    """Break a verb at each of its statements in turn, then let it through.

    Asserts after every break that it was not swallowed, nothing is stored of it and nobody was woken. Returns what
    the verb returned in the end, and its statements.
    """
    before = await everything(database)
    for passing in range(_LIMIT):
        breaker, woken = Breaker(passing), _Ear(database)
        try:
            with breaking(database, breaker), woken.listening():
                outcome = await database.write(tenant, verb)
        except Broken:
            assert await everything(database) == before, (
                f"something is left of a transaction that broke at {breaker.broke_at}"
            )
            assert woken.heard == [], "waiters were woken for nothing"
            continue
        assert breaker.broke_at is None, f"the verb went on although its transaction broke at {breaker.broke_at}"
        return outcome, breaker.passed
    raise AssertionError(f"still not through after {_LIMIT} statements")


class _Ear:
    """Hears what a database announces to the waiters of this process."""

    def __init__(self, database: Database) -> None:
        self._signals, self.heard = database.signals, list[str]()

    @contextmanager
    def listening(self) -> Iterator[None]:
        announce = self._signals.announce
        self._signals.announce = lambda topics: self.heard.extend(topics) or announce(topics)  # type: ignore[method-assign,func-returns-value]
        try:
            yield
        finally:
            self._signals.announce = announce  # type: ignore[method-assign]
