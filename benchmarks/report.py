"""The table people read, the JSON programs read, and the dated record."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.startup import StartUp
from benchmarks.statements import Counts
from benchmarks.sweep import Sweep

_RECORD = Path(__file__).parent / "results.md"
_TITLE = "# Benchmark results\n\nAppended by `python -m benchmarks --record`. Compare ratios, not times.\n"
_NAME = 42
_HEAD = f"{'':{_NAME}}{'at once':>8}{'calls':>7}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}{'of echo':>9}{'of INSERT':>11}"


@dataclass(frozen=True)
class Report:
    """Everything one run measured on one kind of database."""

    database: str
    at: datetime
    figures: list[Figure]
    start_up: StartUp
    statements: dict[str, Counts]
    sweep: Sweep

    @property
    def title(self) -> str:
        """Where and when, without naming the machine."""
        cores = os.cpu_count() or 1
        return f"{self.at:%Y-%m-%d}: {self.database}, Python {platform.python_version()}, {cores} cores"

    def as_text(self) -> str:
        """The report as a table for a terminal."""
        parts = [
            self.title,
            "",
            _HEAD,
            *map(_line, self.figures),
            *self._missing(),
            "",
            *self._statements(),
            "",
            self.sweep.as_text(),
            "",
            *self._starts(),
        ]
        return "\n".join(line.rstrip() for line in parts)

    def as_json(self) -> str:
        """The report as one JSON document."""
        told = {
            "at": self.at.isoformat(), "database": self.database, "python": platform.python_version(),
            "cores": os.cpu_count(), "figures": [one.as_json() for one in self.figures],
            "start_up_seconds": self.start_up.as_json(),
            "statements": {name: asdict(counts) for name, counts in self.statements.items()},
            "sweep": self.sweep.as_json(),
        }  # fmt: skip
        return json.dumps(told, indent=1, allow_nan=False)

    def record(self) -> Path:
        """Append the report to the record and return where that is."""
        if not _RECORD.exists():
            _RECORD.write_text(_TITLE)
        with _RECORD.open("a") as file:
            file.write(f"\n## {self.title}\n\n```\n{self.as_text()}\n```\n")
        return _RECORD

    def _missing(self) -> list[str]:
        return [
            f"{one.name}: {one.missing} more did not come while they were waited for"
            for one in self.figures
            if one.missing
        ]

    def _statements(self) -> list[str]:
        head = f"{'statements and commits':{_NAME}}{'reads':>8}{'changes':>9}{'commits':>9}{'empty':>9}"
        return [head] + [
            f"{name:{_NAME}}{one.reads:8.1f}{one.changes:9.1f}{one.commits:9.1f}{one.empty_commits:9.1f}"
            for name, one in self.statements.items()
        ]

    def _starts(self) -> list[str]:
        start = self.start_up
        return [
            f"{'start-up, least of several runs':{_NAME}}{'seconds':>8}{'server ÷':>10}",
            _seconds("server, schema up to date, to /readyz 200", start.server, None),
            _seconds("server, empty database, to /readyz 200", start.first, None),
            _seconds("only the modules of its dependencies", start.imports, start.ratio),
            _seconds("only their top-level packages", start.packages, start.server / start.packages),
            _seconds("only Python", start.python, start.server / start.python),
        ]


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def _line(one: Figure) -> str:
    return (
        f"{one.name:{_NAME}}{one.concurrency:8}{one.count:7}{one.per_second:9.1f}"
        f"{_number(one.p50_ms, 9)}{_number(one.p99_ms, 9)}{_percent(one.of_echo, 9)}{_percent(one.of_insert, 11)}"
    )


def _number(value: float | None, width: int) -> str:
    return f"{'–':>{width}}" if value is None else f"{value:{width}.2f}"


def _percent(value: float | None, width: int) -> str:
    return f"{'–':>{width}}" if value is None else f"{value:{width}.1%}"


def _seconds(name: str, seconds: float, ratio: float | None) -> str:
    return f"{name:{_NAME}}{seconds:8.2f}{'' if ratio is None else f'{ratio:10.2f}'}"
