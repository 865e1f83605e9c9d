"""A person's settings: how they read on the Home tab, and the modals that change them. Pure."""

from typing import Any

from bot.cards.blocks import date, mrkdwn
from bot.cards.form_parts import Input, blank_form
from bot.cards.modals import View
from bot.ids import Block, Callback, Field
from governance.hours import Absence
from governance.text import cut, one_line
from storage.tables import Preference

NONE = "none"


def settings_lines(preference: Preference, absence: Absence | None, tz: str | None) -> list[str]:
    """Return how a person's settings read."""
    hour = preference.digest_hour
    digest = f"every day at {_clock(hour * 60)}" if hour is not None else "none"
    quiet = "none"
    if preference.quiet_from is not None and preference.quiet_to is not None:
        quiet = f"{_clock(preference.quiet_from)} to {_clock(preference.quiet_to)}"
    return [
        f"*Digest* {digest} · *Quiet hours* {quiet} · times of {mrkdwn(_place(tz))}",
        f"*Out of office* {_away(absence)}",
    ]


def settings_modal(preference: Preference, tz: str | None) -> View:
    """Ask when a person wants to hear from us."""
    hours = [_option("No digest", NONE), *(_option(_clock(hour * 60), str(hour)) for hour in range(24))]
    chosen = hours[0] if preference.digest_hour is None else hours[preference.digest_hour + 1]
    element = {"type": "static_select", "action_id": Field.CHOICE.value, "options": hours, "initial_option": chosen}
    inputs = [
        Input(Block.DIGEST_HOUR, "Daily digest of what waits for you", element),
        Input(Block.QUIET_FROM, "Quiet from", _time(preference.quiet_from), optional=True),
        Input(Block.QUIET_TO, "Quiet until", _time(preference.quiet_to),
              "Leave both empty for no quiet hours. The last warning before something expires comes all the same.",
              optional=True),
    ]  # fmt: skip
    title = f"All times are those of {_place(tz)}, as your Slack profile says."
    return blank_form(Callback.SETTINGS, "Settings", "Save", title, inputs)


def away_modal() -> View:
    """Ask until when a person is away and who answers meanwhile."""
    inputs = [
        Input(Block.UNTIL, "Until when?", {"type": "datetimepicker", "action_id": Field.MOMENT.value},
              "Leave it empty to come back by yourself.", optional=True),
        Input(Block.TO, "Who answers meanwhile?", {"type": "users_select", "action_id": Field.PERSON.value},
              "A full member of this workspace.", optional=True),
    ]  # fmt: skip
    return blank_form(Callback.AWAY, "Out of office", "Save", "You are out of office as soon as you save this.", inputs)


def turning_modal(callback: Callback, agent_id: str, agent_name: str) -> View:
    """Ask why an agent is paused or may go on."""
    pausing = callback is Callback.PAUSE
    says = "stops at once: its calls are denied, and what is queued does not start." if pausing else "may go on."
    word = "Pause" if pausing else "Resume"
    element = {"type": "plain_text_input", "action_id": Field.TEXT.value, "multiline": True, "max_length": 2000}
    hint = "The agent and whoever looks at it read this." if pausing else ""
    name = cut(one_line(agent_name), 100)
    inputs = [Input(Block.REASON, "Why?", element, hint)]
    return blank_form(callback, f"{word} the agent", word, f"{name} {says}", inputs, agent_id)


def _away(absence: Absence | None) -> str:
    if absence is None:
        return "no"
    until = f" until {date(absence.until)}" if absence.until else " until you say that you are back"
    standing_in = f" · <@{absence.delegate}> answers for you" if absence.delegate else " · nobody answers for you"
    return f"since {date(absence.since)}{until}{standing_in}"


def _place(tz: str | None) -> str:
    return one_line(tz).removeprefix("Etc/").replace("_", " ") if tz else "UTC"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _time(minute: int | None) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "timepicker", "action_id": Field.TIME.value}
    return element if minute is None else {**element, "initial_time": _clock(minute)}


def _option(words: str, value: str) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": words, "emoji": False}, "value": value}
