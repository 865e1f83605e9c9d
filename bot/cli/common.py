"""What commands share: failures in one sentence, and the database of the environment."""

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click

P = ParamSpec("P")
T = TypeVar("T")

LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def failing_clearly(command: Callable[P, T]) -> Callable[P, T]:
    """Turn the failures an operator can mend into one sentence without a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        from sqlalchemy.exc import SQLAlchemyError

        from bot.policy import PolicyProblem
        from bot.settings import SettingProblem
        from governance.errors import Refusal
        from storage.keyring import KeyProblem
        from storage.opening import SchemaProblem

        try:
            return command(*args, **kwargs)
        except (PolicyProblem, SettingProblem, SchemaProblem, KeyProblem, Refusal) as problem:
            raise click.ClickException(str(problem)) from None
        except (SQLAlchemyError, ValueError, OSError) as problem:
            raise click.ClickException(_database_trouble(problem)) from None

    return run


def _database_trouble(problem: Exception) -> str:
    if getattr(problem, "errno", None) == errno.EADDRINUSE:
        return "The port is taken; choose another with COUNTERSIGN_PORT, or --port for the demo."
    cause = getattr(problem, "orig", None) or problem
    return f"{cause} ({type(cause).__name__}); check COUNTERSIGN_DATABASE_URL, COUNTERSIGN_HOST and COUNTERSIGN_PORT"


def with_database(work: Callable[[Any], Awaitable[T]]) -> T:
    """Open the database of the environment, do some work, close it."""
    from bot.settings import read_settings
    from storage.opening import open_database

    async def run() -> T:
        settings = read_settings(os.environ)
        database = await open_database(settings.database_url, settings.encryption_key)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())
