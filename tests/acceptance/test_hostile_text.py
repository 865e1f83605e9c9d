"""Hostile text in every field an agent fills neither breaks a card nor pings anybody, on both databases."""

import json

import pytest

from tests.stack import Stack

pytestmark = pytest.mark.both_databases

HOSTILE = {
    "pings": "<!channel> <!here> <!everyone> <!subteam^S0ONCALL> <@U0CAROL> <#C0DEPLOYS>",
    "markup": "*bold* _italic_ ~strike~ `code` ```pre``` > quote\n• list",
    "links": "<https://evil.example|Approve here> https://evil.example/approve",
    "long": "x" * 10_000,
    "bidi": "abc\u202edef\u2066ghi\u2069\u200b\u200d\ufeff\u00ad",
    "json": '"}]}, {"type": "actions", "elements": []}, \\" \\u0000',
    "templates": "{{ 7777 * 3 }} {% for i in range(10) %}x{% endfor %} {# no #} ${7*7}",
    "controls": "nul \x00 bell \x07 escape \x1b[2J newline \n tab \t",
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_text_is_shown_inert(stack: Stack, kind: str) -> None:
    """closes slack-approval-bots 5, 16"""
    text = HOSTILE[kind]
    status, proposed = await stack.propose(
        arguments={"service": f"checkout {text}", "note": text, "token": f"token {text}"}, rationale=text
    )
    assert status == 202, proposed
    card = await stack.card("checkout")
    assert (card.pings, card.unfurls) == ([], [])
    assert "<!channel" not in card.text
    shown = json.dumps(card.blocks, ensure_ascii=False)
    assert not set("\u202e\u2066\u200b\u200d\ufeff\x00\x07\x1b") & set(json.loads(json.dumps(shown)))
    assert "23331" not in shown

    assert (await stack.modal("U0BOB", card, "Details")).blocks
    await stack.slack.click("U0BOB", card, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    assert stack.service.calls[0].body["arguments"]["note"] == text
    after = await stack.shown("C0APPROVALS", card.ts, "Succeeded")
    assert after.pings == []
    workspace = stack.slack.workspace
    told = await workspace.until(lambda: workspace.dm("U0ALICE"))
    assert told[0].pings == []


async def test_half_a_surrogate_pair_is_refused_with_a_sentence(stack: Stack) -> None:
    raw = b'{"tool": "deploy.production", "arguments": {"service": "\\ud800"}}'
    status, told = await stack.call("POST", "/api/v1/proposals", raw=raw)
    assert (status, told["code"]) == (422, "NOT_STRICT_JSON")
    assert "surrogate" in told["error"]


async def test_a_withdrawing_agent_s_reason_is_inert_too(stack: Stack) -> None:
    """closes slack-approval-bots 16"""
    _, proposed = await stack.propose()
    card = await stack.card("checkout")
    status, told = await stack.call(
        "DELETE", f"/api/v1/proposals/{proposed['proposal_id']}", {"reason": HOSTILE["pings"] + "\x00"}
    )
    assert (status, told["state"]) == (200, "withdrawn")
    assert (await stack.shown("C0APPROVALS", card.ts, "Withdrawn")).pings == []
    workspace = stack.slack.workspace
    line = await workspace.until(lambda: workspace.thread("C0APPROVALS", card.ts))
    assert line[0].pings == []
