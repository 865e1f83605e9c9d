"""Block Kit from templates: every value is written as JSON, so no text from outside can break a card."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from governance.text import cut, visible

Blocks = list[dict[str, Any]]

_TEMPLATES = Path(__file__).parents[2] / "templates" / "cards"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, finalize=_as_json, autoescape=False,  # noqa: S701
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals.update(date=date)
    environment.filters.update(mrkdwn=mrkdwn, visible=visible, cut=cut)
    return environment


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def draw(template: str, **values: Any) -> Any:
    """Render `templates/cards/<template>.json.j2` and parse it."""
    return json.loads(_environment().get_template(f"{template}.json.j2").render(**values))


def mrkdwn(text: str) -> str:
    """Return text that can ping and link nothing in mrkdwn: visible, with &, < and > escaped.

    Formatting characters stay, so this is for words of operators and reviewers; agents' words go into
    plain_text and rich_text, which Slack does not parse at all.
    """
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def date(moment: datetime) -> str:
    """Return Slack's date token, which every reader sees in their own time zone."""
    fallback = moment.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"
