"""What every input of an argument has: its element, how its answer is read, and whether it was touched at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from bot.ids import Field
from governance.canonical import Json, parse_strict
from governance.errors import Malformed, NotStrictJson
from governance.text import cut


class Absent(Enum):
    """No value at all, which is something else than null or an empty text."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
Value = Json | Absent
Schema = Mapping[str, Any]
State = Mapping[str, Any]


#: Keywords that an input can be made from, or that the check after sending looks at.
SIMPLE = frozenset(
    {"type", "title", "description", "default", "examples", "enum", "format", "minLength", "maxLength", "pattern",
     "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "items", "minItems", "maxItems",
     "uniqueItems", "$comment", "deprecated", "readOnly", "writeOnly"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Widget:
    """An element with its initial value. `read` turns what Slack sends back, once it was changed, into a value;
    it raises ValueError with a sentence."""

    element: dict[str, Any]
    read: Callable[[State], Value]
    hint: str = ""
    empty: Value = ABSENT  #: what being left empty means where the field is required


def units(text: str) -> int:
    """Return the length of a text as Slack's clients count it, in UTF-16 units."""
    return len(text) + sum(ord(one) > 0xFFFF for one in text)


def element(kind: str, **more: Any) -> dict[str, Any]:
    """Return an element of Block Kit."""
    return {"type": kind, "action_id": Field.VALUE.value, **more}


def typed(kind: str, text: str, **more: Any) -> dict[str, Any]:
    """Return an element that is typed into, with the text it starts with."""
    return element(kind, **more, **({"initial_value": text} if text else {}))


def option(words: str, value: str) -> dict[str, Any]:
    """Return an option of a select."""
    return {"text": {"type": "plain_text", "text": words, "emoji": False}, "value": value}


def whole(value: Any) -> int | None:
    """Return a limit of a schema where it is a positive whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def typed_text(state: State) -> str:
    """Return what was typed."""
    return str(state.get("value") or "").replace("\r\n", "\n")


def parsed(text: str) -> Json:
    """Parse JSON as strictly as an agent's. Raises ValueError with a sentence."""
    try:
        return parse_strict(text.encode("utf-8", "surrogatepass"))
    except (Malformed, NotStrictJson) as error:
        raise ValueError(cut(error.sentence.replace("The body", "This", 1), 300)) from None


_SAID = ("value", "selected_option", "selected_options", "selected_date", "selected_date_time")
_STARTS = ("initial_value", "initial_option", "initial_options", "initial_date", "initial_date_time")


def is_untouched(widget: Widget, state: State) -> bool:
    """Whether what Slack sends back is what the element started with."""
    return _said(state, _SAID) == _said(widget.element, _STARTS)


def _said(node: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    """Return everything a state, or an element at its start, says: texts, and the values of options in any order."""
    found = next((node[name] for name in names if node.get(name) not in (None, "", [])), "")
    if isinstance(found, list):
        return sorted(str(one.get("value")) for one in found)
    text = str(found.get("value")) if isinstance(found, dict) else str(found)
    return [text.replace("\r\n", "\n")] if text else []
