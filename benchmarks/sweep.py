"""What a tick of the loop costs over few and over many automations, of which the same few are due.

Counted, not timed: statements, rows that came back, and on SQLite the steps of its virtual machine, which every row
that is looked at adds to, whether it comes back or not. Tables and indexes that a plan reads from end to end are
named with their rows.
"""

import base64
import re
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import event, func, select, table
from sqlmodel import SQLModel

from benchmarks.databases import Place
from benchmarks.fleet import Fixed, fill, make_due
from scheduler.lifecycle import attend_due
from scheduler.spending import SpendClock
from storage.database import Database
from storage.opening import open_database

_NAME = 30
_CONTROL = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA")
_PLANNED = ("SELECT", "UPDATE", "DELETE", "WITH")
_SQLITE_SCAN = re.compile(r"^SCAN (?P<table>\w+)(?: USING (?:COVERING )?INDEX (?P<index>\w+))?")
_POSTGRESQL_SCAN = re.compile(r"Seq Scan on (?P<table>\w+)")


@dataclass
class Tick:
    """What one tick cost. `steps` is 0 on PostgreSQL; `whole` are the rows of tables read from end to end."""

    statements: int = 0
    rows: int = 0
    steps: int = 0
    whole: int = 0

    def ratio_to(self, other: "Tick") -> dict[str, float | None]:
        """Return how many times as much this tick cost as another, None where that cost nothing."""
        pairs = {one.name: (getattr(self, one.name), getattr(other, one.name)) for one in fields(self)}
        return {name: mine / theirs if theirs else None for name, (mine, theirs) in pairs.items()}


@dataclass(frozen=True)
class Sweep:
    """The ticks by name, each by the number of automations; and the names of tables that were read whole."""

    ticks: dict[str, dict[int, Tick]]
    whole: dict[str, int] = field(default_factory=dict)  #: table -> its rows over the most automations

    def as_text(self) -> str:
        """The figures as a table for a terminal; below each tick how many times as much the most automations cost."""
        head = f"{'statements':>11}{'rows':>7}{'steps':>10}{'whole':>8}"
        lines = [f"{'ticks over idle automations':{_NAME}}{'of them':>9}{head}"]
        for name, sizes in self.ticks.items():
            lines += [_line(name, size, tick) for size, tick in sizes.items()]
            lines.append(_ratio(sizes[max(sizes)].ratio_to(sizes[min(sizes)])))
        read = ", ".join(f"{table} ({rows} rows)" for table, rows in sorted(self.whole.items()))
        return "\n".join([*lines, f"read from end to end, each time counted: {read or 'nothing'}"])

    def as_json(self) -> dict[str, object]:
        """The figures as JSON values."""
        ticks = {name: {str(n): vars(tick) for n, tick in sizes.items()} for name, sizes in self.ticks.items()}
        return {"ticks": ticks, "whole": self.whole}


def _line(name: str, size: int, tick: Tick) -> str:
    return f"{name:{_NAME}}{size:9,}{tick.statements:11,}{tick.rows:7,}{tick.steps:10,}{tick.whole:8,}"


def _ratio(ratios: Mapping[str, float | None]) -> str:
    shown = {name: "–" if one is None else f"{one:.2f}" for name, one in ratios.items()}
    return (
        f"{'  ratio':{_NAME}}{'':9}{shown['statements']:>11}{shown['rows']:>7}{shown['steps']:>10}{shown['whole']:>8}"
    )


class Watch:
    """Counts on every engine of a database, and remembers each statement with one set of its values."""

    def __init__(self, database: Database) -> None:
        self.tick, self.heard = Tick(), Counter[str]()
        self._values: dict[str, Any] = {}
        for engine in {database.writer.sync_engine, database.reader.sync_engine}:
            event.listen(engine, "after_cursor_execute", self._statement)
            if database.is_sqlite:
                event.listen(engine, "checkout", self._count_steps)

    def start(self) -> None:
        """Start again from nothing."""
        self.tick, self.heard = Tick(), Counter()

    async def stop(self, database: Database) -> tuple[Tick, dict[str, int]]:
        """Return what was counted since the start, and the rows of each table that was read from end to end."""
        tick, heard = self.tick, self.heard
        self.start()  # asking for plans counts for nothing
        whole = await self._read_whole(database, heard)
        tick.whole = sum(whole.values())
        return tick, whole

    async def _read_whole(self, database: Database, heard: Counter[str]) -> dict[str, int]:
        scans, rows = _scans(database), dict[str, int]()
        explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        async with database.reader.connect() as connection:
            for sql, times in heard.items():
                plan = await connection.exec_driver_sql(explain + sql, self._values[sql])
                for name in scans(str(row[-1]) for row in plan):
                    count = await connection.scalar(select(func.count()).select_from(table(name)))
                    rows[name] = rows.get(name, 0) + times * (count or 0)
        return rows

    def _statement(self, _connection: Any, cursor: Any, sql: str, values: Any, _context: Any, _many: bool) -> None:
        word = sql.lstrip().split(None, 1)[0].upper()
        if word in _CONTROL:
            return
        self.tick.statements += 1
        self.tick.rows += len(cursor._rows)  # the driver's adapter has all of a result at hand
        if word in _PLANNED and values:
            self.heard[sql] += 1
            self._values[sql] = values

    def _count_steps(self, connection: Any, _record: Any, _proxy: Any) -> None:
        connection.run_async(lambda driver: driver.set_progress_handler(self._step, 1))

    def _step(self) -> None:
        self.tick.steps += 1


def _scans(database: Database) -> Callable[[Any], set[str]]:
    """Return what finds the tables that a plan reads whole. A partial index holds only what is due or open."""
    found = _SQLITE_SCAN if database.is_sqlite else _POSTGRESQL_SCAN
    known = SQLModel.metadata.tables
    partial = {
        one.name
        for each in known.values()
        for one in each.indexes
        if one.dialect_kwargs.get("sqlite_where") is not None
    }

    def scanned(lines: Any) -> set[str]:
        hits = [hit for line in lines if (hit := found.search(line))]
        return {hit["table"] for hit in hits if hit["table"] in known and hit.groupdict().get("index") not in partial}

    return scanned


async def measure_sweep(place: Place, sizes: tuple[int, ...]) -> Sweep:
    """Measure the ticks over each number of automations, each in a database of its own."""
    ticks, whole = dict[str, dict[int, Tick]](), dict[str, int]()
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    for size in sizes:
        async with place.scratch() as url:
            database = await open_database(url, key)
            try:
                found, whole = await _measure(database, size)
            finally:
                await database.close()
        for name, tick in found.items():
            ticks.setdefault(name, {})[size] = tick
    return Sweep(ticks, whole)


async def _measure(database: Database, size: int) -> tuple[dict[str, Tick], dict[str, int]]:
    fixed = Fixed()
    await fill(database, size)
    await make_due(database, fixed.policy)
    watch, spending = Watch(database), SpendClock(database, fixed)

    async def lifecycle() -> None:
        await attend_due(database, fixed.of)

    names: dict[str, Callable[[], Awaitable[None]]] = {
        "lifecycle, some due": lifecycle, "lifecycle, nothing due": lifecycle,
        "spending, some due": spending.drain, "spending, nothing due": spending.drain,
    }  # fmt: skip
    ticks, read = dict[str, Tick](), Counter[str]()
    for name, act in names.items():
        watch.start()
        await act()
        ticks[name], whole = await watch.stop(database)
        read.update(whole)
    return ticks, dict(read)
