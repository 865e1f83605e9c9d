"""How long a server takes from process start to its first 200 on /readyz, beside the imports it cannot avoid."""

import json
import sys
from dataclasses import asdict, dataclass
from time import perf_counter

from benchmarks.processes import SERVE, BenchmarkProblem, ready, running
from benchmarks.site import Site

_IMPORT = "import importlib, os\nfor name in {names!r}:\n    importlib.import_module(name)\nos.write(1, b'.')"


@dataclass(frozen=True)
class StartUp:
    """Seconds, each the least of several runs.

    `server` finds its schema up to date, `first` makes it. `imports` loads exactly those modules of the direct
    dependencies that a started server has loaded, `packages` only their top-level packages, `python` nothing.
    """

    server: float
    first: float
    imports: float
    packages: float
    python: float

    @property
    def ratio(self) -> float:
        """How many times the unavoidable imports a start takes."""
        return self.server / self.imports

    def as_json(self) -> dict[str, float]:
        """The figures as JSON values."""
        return {**asdict(self), "ratio": self.ratio}


async def measure_start_up(site: Site, runs: int) -> StartUp:
    """Measure every kind of start `runs` times, in turns."""
    first = min([await _first_start(site) for _ in range(runs)])
    async with site.place.scratch() as database, site.prepared(database) as (client, settings):
        modules = await _loaded(settings)
        packages = list(dict.fromkeys(name.split(".", 1)[0] for name in modules))
        found = [
            (await _serve(client.url, settings), await _import(modules), await _import(packages), await _import([]))
            for _ in range(runs)
        ]
    server, imports, top, python = (min(column) for column in zip(*found, strict=True))
    return StartUp(server, first, imports, top, python)


async def _first_start(site: Site) -> float:
    async with (
        site.place.scratch() as database,
        site.place.scratch() as empty,
        site.prepared(database) as (client, settings),
    ):
        return await _serve(client.url, {**settings, "COUNTERSIGN_DATABASE_URL": empty})


async def _serve(url: str, settings: dict[str, str]) -> float:
    began = perf_counter()
    async with running(SERVE, settings) as process:
        return await ready(url, process) - began


async def _import(modules: list[str]) -> float:
    began = perf_counter()
    async with running((sys.executable, "-c", _IMPORT.format(names=modules)), {}, pipes=True) as process:
        assert process.stdout is not None
        if await process.stdout.read(1) != b".":
            raise BenchmarkProblem("The imports of the dependencies failed on their own.")
        seconds = perf_counter() - began
        await process.wait()
        return seconds


async def _loaded(settings: dict[str, str]) -> list[str]:
    command = (sys.executable, "-m", "benchmarks.loaded")
    async with running(command, {**settings, "COUNTERSIGN_PORT": "0"}, pipes=True) as probe:
        assert probe.stdout is not None
        modules: list[str] = json.loads(await probe.stdout.read() or "[]")
        await probe.wait()
    if not modules:
        raise BenchmarkProblem("The list of a server's modules could not be made.")
    return modules
