"""The dialects of the tests: engines of one kind count as one to SQLAlchemy's cache of compiled statements.

Every test has an engine of its own, and to compile its statements anew took a fifth of the suite's time.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

_COMPILED: dict[type, dict[Any, Any]] = {}


class _Alike:
    """Dialects of one class are equal, so what one compiled serves the next."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=_COMPILED.setdefault(cls, {}))


class AlikeSQLite(_Alike, SQLiteDialect_aiosqlite):
    supports_statement_cache = True


class AlikePostgreSQL(_Alike, PGDialect_asyncpg):
    supports_statement_cache = True


def register() -> None:
    """Let engines that are created from now on use these."""
    registry.register("sqlite.aiosqlite", __name__, AlikeSQLite.__name__)
    registry.register("postgresql.asyncpg", __name__, AlikePostgreSQL.__name__)
