"""The decorator behind `gate.guard`, for functions of both kinds."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from countersign_client.binding import Arguments, Binding, binding_of
from countersign_client.flow import Run
from countersign_client.guarding import Guarded
from countersign_client.outcomes import Uncertain

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Options:
    """What `gate.guard` was told."""

    tool: str
    arguments: Arguments | None
    timeout: float | None
    uncertain: tuple[type[BaseException], ...]
    more: Mapping[str, Any]


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling a function returns something to await."""
    return inspect.iscoroutinefunction(function)


def _guarded(options: Options, binding: Binding, bound: inspect.BoundArguments) -> Guarded:
    return Guarded(
        options.tool, binding.arguments(bound), takes_edits=options.arguments is None, timeout=options.timeout,
        uncertain=(Uncertain, TimeoutError, *options.uncertain), more=options.more,
    )  # fmt: skip


def decorated(
    function: Callable[P, R], options: Options, run: Callable[[Guarded, Callable[[Run], Any]], Any]
) -> Callable[P, R]:
    """Return the function, guarded. Raises TypeError where its arguments cannot be named."""
    binding = binding_of(function, options.arguments)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = binding.bound(args, kwargs)

        def running(asked: Run) -> R:
            args, kwargs = binding.replaced(bound, asked.arguments)
            return cast(Callable[..., R], function)(*args, **kwargs)

        return cast(R, run(_guarded(options, binding, bound), running))

    return call


def decorated_async(
    function: Callable[P, R], options: Options, run: Callable[[Guarded, Callable[[Run], Any]], Awaitable[Any]]
) -> Callable[P, R]:
    """Return the coroutine function, guarded. Raises TypeError where its arguments cannot be named."""
    binding = binding_of(function, options.arguments)

    @functools.wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        bound = binding.bound(args, kwargs)

        async def running(asked: Run) -> Any:
            args, kwargs = binding.replaced(bound, asked.arguments)
            return await cast(Callable[..., Awaitable[Any]], function)(*args, **kwargs)

        return await run(_guarded(options, binding, bound), running)

    return cast(Callable[P, R], call)
