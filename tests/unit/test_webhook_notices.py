"""Direct messages about webhooks: both that are owed have words, and nobody's text starts a mention."""

import re
from pathlib import Path

import pytest

from bot.cards.notices import NOTICES, notice

TOLD = {"webhook": "whk_1", "host": "hooks.example.com", "why": "HTTP 500 <!channel>"}


@pytest.mark.parametrize("event", ["webhook_dead", "webhook_gone"])
def test_it_says_which_webhook_and_why(event: str) -> None:
    said = notice(event, TOLD).text
    assert all(word in said for word in ("hooks.example.com", "whk_1", "HTTP 500"))
    assert "<!channel>" not in said


def test_every_notice_that_is_owed_has_words() -> None:
    text = (Path(__file__).parents[2] / "operations" / "webhook_sending.py").read_text()
    assert set(re.findall(r'"(webhook_\w+)"', text)) <= NOTICES
