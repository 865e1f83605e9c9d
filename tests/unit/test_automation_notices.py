"""Direct messages about automations: every one that a verb owes has words, and nobody's name starts a mention."""

import json
import re
from pathlib import Path

import pytest

from bot.cards.automation_notices import LINES
from bot.cards.notices import NOTICES, notice

ROOT = Path(__file__).parents[2]
TOLD = {
    "automation": "<!channel> *Nightly*", "id": "aut_1", "by_person": "U0BOB", "left": "a day", "agent": "deployer",
    "right": "deploy", "title": "Review Nightly", "owner": "U0ALICE", "since": "3 days", "reason": "because",
}  # fmt: skip


@pytest.mark.parametrize("event", sorted(LINES))
def test_a_notice_names_what_it_is_about_and_pings_nobody_it_should_not(event: str) -> None:
    drawn = notice(event, TOLD)
    assert "<!channel>" not in drawn.text + json.dumps(drawn.blocks)
    assert any(word in drawn.text for word in ("Nightly", "deployer"))


def test_who_did_it_is_a_person_an_agent_or_countersign() -> None:
    told = {key: word for key, word in TOLD.items() if key != "by_person"}
    assert "<@U0BOB>" in notice("automation_paused", TOLD).text
    assert "Agent *stranger*" in notice("automation_paused", {**told, "by_agent": "stranger"}).text
    assert "Countersign paused" in notice("automation_paused", told).text


def test_every_notice_that_a_verb_owes_has_words() -> None:
    owed = set()
    for name in ("automations", "dependency", "ending", "grants", "lifecycle", "timing"):
        text = (ROOT / "operations" / f"{name}.py").read_text()
        owed |= set(re.findall(r'(?:tell_owner\(tx, \w+, [\w.]+, |say\(tx, )"(\w+)"', text))
    assert owed == set(LINES) <= NOTICES
