"""What somebody filled into a modal, read from its payload."""

from datetime import UTC, datetime
from typing import Any

from bot.ids import Block, Field
from governance.errors import Unprocessable


def text_of(body: dict[str, Any], block: Block = Block.REASON) -> str:
    """Return what was typed, empty where nothing was."""
    return str(_state(body, block, Field.TEXT).get("value") or "")


def person_of(body: dict[str, Any]) -> str:
    """Return the person who was chosen. Raises Unprocessable where nobody was."""
    person = maybe_person_of(body)
    if person is None:
        raise Unprocessable("to: choose somebody.")
    return person


def maybe_person_of(body: dict[str, Any]) -> str | None:
    """Return the person who was chosen, None where nobody was."""
    person = _state(body, Block.TO, Field.PERSON).get("selected_user")
    return str(person) if person else None


def moment_of(body: dict[str, Any], block: Block) -> datetime | None:
    """Return the moment that was chosen."""
    chosen = _state(body, block, Field.MOMENT).get("selected_date_time")
    return datetime.fromtimestamp(int(chosen), UTC) if chosen else None


def time_of(body: dict[str, Any], block: Block) -> int | None:
    """Return the time of day that was chosen, in minutes after midnight. Raises Unprocessable for anything else."""
    chosen = _state(body, block, Field.TIME).get("selected_time")
    if not chosen:
        return None
    hour, _, minute = str(chosen).partition(":")
    if not (hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
        raise Unprocessable(f"{block}: choose a time of day.")
    return int(hour) * 60 + int(minute)


def choice_of(body: dict[str, Any], block: Block, default: str) -> str:
    """Return the value of the option that was chosen."""
    option = _state(body, block, Field.CHOICE).get("selected_option") or {}
    return str(option.get("value") or default)


def number_of(body: dict[str, Any], block: Block) -> int | None:
    """Return the whole number that was typed. Raises Unprocessable for anything else."""
    typed = _state(body, block, Field.NUMBER).get("value")
    if typed in (None, ""):
        return None
    if not str(typed).isdecimal() or not 1 <= int(typed) <= 1_000_000:
        raise Unprocessable(f"{block}: write a whole number from 1 to 1,000,000.")
    return int(typed)


def is_ticked(body: dict[str, Any], block: Block) -> bool:
    """Whether the box was ticked."""
    return bool(_state(body, block, Field.TICKED).get("selected_options"))


def _state(body: dict[str, Any], block: Block, field: Field) -> dict[str, Any]:
    values = body["view"]["state"]["values"]
    state: dict[str, Any] = values.get(block.value, {}).get(field.value) or {}
    return state
