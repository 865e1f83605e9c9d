"""What runs is what was shown: byte by byte, with the secret of its own tool, and as it was asked about."""

import base64
import hashlib
import hmac
import json
import re
from typing import Any

import pytest

from governance.canonical import call_digest, canonical
from storage.tables import KeyKind
from tests.integration.calls import API
from tests.policies import tool
from tests.stack import ENVIRONMENT, SIGNING_SECRET, Stack

_OPEN = re.sub(r"input_schema = .*", 'input_schema = { type = "object" }', tool("deploy.open"))
_UNSIGNED = tool("deploy.unsigned").replace('secret_env = "DEPLOY_SECRET", ', "")


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"extra": _OPEN + _UNSIGNED}


def long_arguments(size: int) -> dict[str, Any]:
    """Arguments with a text of so many characters, nested, and with everything that is easily lost on the way."""
    text = ("äß😀\u202e'\"\\\n\t{{ 7 * 7 }}<!channel> None True " * (size // 30 + 1))[:size]
    nested = {"": [None, True, False, 0, -0.5, 1e21, {"b": [], "a": {}}], "\u0000": "nul", "None": None}
    return {"content": text, "nested": nested, "level": "L1", "tier": "act_auto"}


@pytest.mark.parametrize("size", [201, 10_000, 100_000])
async def test_arguments_of_any_length_run_byte_by_byte_as_they_were_asked_about(stack: Stack, size: int) -> None:
    """closes l1-l2-l3-enforcement 3, 14, 19"""
    arguments = long_arguments(size)
    _, proposed = await stack.propose("deploy.open", arguments=arguments)
    assert (proposed["state"], proposed["tier"]) == ("pending", "act_with_approval")
    card = await stack.card(proposed["digest"].split(":")[1][:12])
    await stack.slack.click("U0BOB", card, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    (call,) = stack.service.calls
    assert canonical(arguments) in call.raw
    version = stack.server.office.policy.current.tools["deploy.open"].version
    assert call.body["digest"] == proposed["digest"] == call_digest("deploy.open", version, call.body["arguments"])


@pytest.mark.parametrize("signed", [True, False])
async def test_a_call_carries_the_secret_of_its_own_tool_and_nothing_else_of_ours(stack: Stack, signed: bool) -> None:
    """closes l1-l2-l3-enforcement 6"""
    _, proposed = await stack.propose("deploy.production" if signed else "deploy.unsigned")
    await stack.slack.click("U0BOB", await stack.card("checkout"), "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    (call,) = stack.service.calls
    sent = json.dumps(call.headers) + call.raw.decode()
    ours = ["xoxb", SIGNING_SECRET, stack.agent_secret, ENVIRONMENT["DEPLOY_SECRET"], "Authorization", "Cookie"]
    assert [one for one in ours if one in sent] == []
    assert call.headers.get("webhook-signature") == (_signature(call) if signed else None)


def _signature(call: Any) -> str:
    key = base64.b64decode(ENVIRONMENT["DEPLOY_SECRET"].removeprefix("whsec_"))
    said = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + call.raw
    return "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()


async def test_a_card_keeps_telling_what_was_asked_whatever_the_policy_says_since(stack: Stack) -> None:
    """closes governed-proposals 22"""
    _, proposed = await stack.propose("deploy.two")
    card = await stack.card("checkout")
    text = stack.config.read_text()
    text = text.replace('consequence = "Does deploy.two', 'consequence = "Destroys deploy.two')
    stack.config.write_text(text.replace('title = "Deploy with two keys"', 'title = "Harmless"'))
    await stack.server.reload_policy()
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    await stack.signed(carol, "POST", f"{API}/approvals/{proposed['approval']['id']}", {"decision": "approve"})
    shown = json.dumps((await stack.shown("C0APPROVALS", card.ts, "1 of 2")).blocks)
    assert "Does deploy.two with checkout" in shown
    assert "Deploy with two keys" in shown
    assert "Destroys" not in shown
    assert "Harmless" not in shown
