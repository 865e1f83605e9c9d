"""Consequence lines: the operator's template, rendered over an agent's values in a sandbox."""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import ChainableUndefined, TemplateSyntaxError
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.policy.mistake import Mistake
from bot.policy.places import Path
from governance.text import cut, one_line

MAX_CONSEQUENCE = 500
_UNTOLD = "— (the consequence line of this tool does not fit these arguments)"


class _Dash(ChainableUndefined):
    """A name that the arguments do not have reads as a dash."""

    def __str__(self) -> str:
        return "—"


class _Sandbox(ImmutableSandboxedEnvironment):
    """Templates tell, they do not reckon: `*` and `**` over an agent's values could fill the memory."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Refuse what is intercepted; the line then reads as one that does not fit."""
        raise SecurityError(f"{operator} is not allowed in a consequence line")


_SANDBOX = _Sandbox(undefined=_Dash, autoescape=False)


def compile_consequence(source: str, path: Path) -> Callable[[Mapping[str, Any]], str]:
    """Return what tells the consequence of some arguments. Raises Mistake for a template that is wrong."""
    try:
        template = _SANDBOX.from_string(source)
    except TemplateSyntaxError as error:
        raise Mistake(path, f"the template is wrong: {error.message}") from None

    def tell(arguments: Mapping[str, Any]) -> str:
        try:
            return cut(one_line(template.render(arguments)), MAX_CONSEQUENCE)
        except Exception:  # noqa: BLE001 - whatever an agent's values do to a template, the proposal is still judged
            return _UNTOLD

    return tell
