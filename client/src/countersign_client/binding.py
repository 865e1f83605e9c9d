"""Arguments of a Python call as arguments of a tool, and back."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Arguments = Callable[..., Mapping[str, Any]]

_NAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Binding:
    """How calls of one function become arguments of its tool. `chosen` makes them, where a caller gave a mapping."""

    signature: inspect.Signature
    method: bool
    chosen: Arguments | None

    def bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        """Bind a call, defaults included. Raises TypeError as the call itself would."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound

    def arguments(self, bound: inspect.BoundArguments) -> dict[str, Any]:
        """Return the tool's arguments: each parameter by its name, without self."""
        if self.chosen is not None:
            return dict(self.chosen(*bound.args, **bound.kwargs))
        found: dict[str, Any] = {}
        for name, value in self._own(bound).items():
            if self.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                found |= value
            else:
                found[name] = value
        return found

    def replaced(
        self, bound: inspect.BoundArguments, arguments: Mapping[str, Any] | None
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return what to call the function with: what it was called with, or other arguments of its tool."""
        if arguments is None:
            return bound.args, bound.kwargs
        other = dict(arguments)
        for name, parameter in self.signature.parameters.items():
            if name not in self._own(bound):
                continue
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                bound.arguments[name] = {key: other.pop(key) for key in list(other) if key not in bound.arguments}
            elif name in other:
                bound.arguments[name] = other.pop(name)
            elif parameter.default is not inspect.Parameter.empty:
                bound.arguments[name] = parameter.default
            else:
                raise TypeError(f"the approved arguments lack {name}")
        if other:
            raise TypeError(f"the approved arguments hold {', '.join(other)}, which the function does not take")
        return bound.args, bound.kwargs

    def _own(self, bound: inspect.BoundArguments) -> dict[str, Any]:
        named = list(bound.arguments.items())
        return dict(named[1:] if self.method else named)


def binding_of(function: Callable[..., Any], chosen: Arguments | None) -> Binding:
    """Return how a function's calls are bound. Raises TypeError where a parameter has no name to propose it under."""
    signature = inspect.signature(function)
    unnamed = [p.name for p in signature.parameters.values() if p.kind is inspect.Parameter.VAR_POSITIONAL]
    if unnamed and chosen is None:
        name = getattr(function, "__qualname__", repr(function))
        raise TypeError(
            f"{name} takes *{unnamed[0]}, which cannot be proposed under a name: "
            "name its parameters, or say arguments=lambda …: {…}"
        )
    first = next(iter(signature.parameters), "")
    return Binding(signature, first in ("self", "cls"), chosen)
