"""The scenes that are recorded: in each an agent, people or somebody hostile try something, and the server holds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from storage.tables import KeyKind
from tests.ack.recorder import Asked, Recorder
from tests.integration.calls import API, Key, is_problem, send, signed_headers
from tests.integration.verbs import sql
from tests.policies import tool

CHECKOUT = {"service": "checkout"}
#: Everything JSON can say and a card can show.
RICH = {
    "service": "München <checkout> & `more` \"quoted\" \\ *bold*", "lines": "one\ntwo\n", "count": 3, "ratio": 0.25,
    "dry": False, "none": None, "hosts": ["a", {"b": [1, [2, []]]}], "empty": {}, "日本": "語",
}  # fmt: skip

_OPEN = tool("deploy.open", idempotent="false").replace("additionalProperties = false, ", "")
_ANY = 'properties = { service = { type = "string" }, token = { type = "string" }, note = { type = "string" } }'
EXTRA = "".join(
    (
        _OPEN.replace(_ANY, "properties = {}"),
        tool("deploy.held", more='rate = "1/h"'),  # an approved call waits while another one used the rate up
        tool("deploy.short", more='rate = "1/h"\nttl = "30m"'),
        tool("deploy.own").replace(
            'connector = { kind = "http", url = "TARGET/deploy.own", secret_env = "DEPLOY_SECRET", '
            'idempotent = true, timeout = "5s", attempts = 3 }',
            'connector = { kind = "agent", timeout = "5m" }',
        ),
    )
)

Play = Callable[[Recorder], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: what it is about, the rules whose premise really occurs in it, and how it is played."""

    about: str
    rules: tuple[int, ...]
    play: Play


SCENES: dict[str, Scene] = {}


def scene(about: str, *rules: int) -> Callable[[Play], Play]:
    """Add a scene under its function's name."""

    def add(play: Play) -> Play:
        SCENES[play.__name__] = Scene(about, rules, play)
        return play

    return add


async def key_of(recorder: Recorder, person: str) -> Key:
    """Return a new operator key of a person."""
    return await recorder.stack.key(KeyKind.OPERATOR, person)


async def approved(recorder: Recorder, tool_name: str, arguments: dict[str, Any], **more: Any) -> Asked:
    """Propose a call and have Bob approve it on its card."""
    asked = await recorder.propose(tool_name, arguments, **more)
    await recorder.click(asked, "U0BOB")
    return asked


async def approved_and_held(recorder: Recorder, tool_name: str) -> Asked:
    """Use a tool's rate up, and have another call of it approved, which now waits for the hour to pass."""
    first = await approved(recorder, tool_name, {"service": "first"})
    assert await recorder.ended(first) == "succeeded"
    second = await approved(recorder, tool_name, {"service": "second"})
    assert (await recorder.state(second))["state"] == "allowed"
    return second


@scene("A call is proposed, shown, approved by a click and runs exactly as it was shown", 1, 3, 6, 9)
async def plain_path(recorder: Recorder) -> None:
    asked = await approved(recorder, "deploy.open", RICH)
    assert await recorder.ended(asked) == "succeeded"
    by_key = await recorder.propose("deploy.production", CHECKOUT)
    await recorder.card_of(by_key)
    await recorder.decide(by_key, await key_of(recorder, "U0CAROL"))
    assert await recorder.ended(by_key) == "succeeded"


@scene("A quorum of two: one approval runs nothing, the second one does", 1, 3, 6, 9)
async def quorum_of_two(recorder: Recorder) -> None:
    asked = await recorder.propose("deploy.two", CHECKOUT)
    for _ in range(3):
        await recorder.click(asked, "U0BOB")
    assert (await recorder.state(asked))["state"] == "pending"
    await recorder.click(asked, "U0CAROL")
    assert await recorder.ended(asked) == "succeeded"


@scene("A tool that is blocked or unknown is called all the same, and an outcome is reported that nobody allowed", 1)
async def without_approval(recorder: Recorder) -> None:
    stack = recorder.stack
    status, blocked = await stack.propose("drop.database")
    assert (status, blocked["code"]) == (403, "ALWAYS_BLOCK")
    assert is_problem(await stack.propose("drop.everything"), 404, "UNSUPPORTED")
    asked = await recorder.propose("deploy.production", CHECKOUT)
    for proposal_id in (blocked["details"]["proposal_id"], asked.proposal_id):
        path = f"{API}/proposals/{proposal_id}/outcome"
        assert (await stack.call("POST", path, {"status": "succeeded"}))[0] in (404, 409, 422)
        assert (await stack.call("POST", f"{API}/approvals/{asked.request_id}", {"decision": "approve"}))[0] == 401
    await recorder.card_of(asked)
    assert (await stack.call("DELETE", f"{API}/proposals/{asked.proposal_id}"))[0] == 200
    assert await recorder.ended(asked) == "withdrawn"
    assert stack.service.calls == []


@scene("A rejected call is asked for again under its key, approved too late, and reported as done", 2, 6)
async def after_a_denial(recorder: Recorder) -> None:
    stack, bob = recorder.stack, await key_of(recorder, "U0BOB")
    asked = await recorder.propose("deploy.production", CHECKOUT, idempotency_key="once")
    await recorder.card_of(asked)
    await recorder.decide(asked, bob, "reject", reason="no")
    assert is_problem(await recorder.decide(asked, await key_of(recorder, "U0CAROL")), 409, "ALREADY_DECIDED")
    _, again = await stack.propose(arguments=CHECKOUT, idempotency_key="once")
    assert (again["duplicate"], again["state"]) == (True, "rejected")
    path = f"{API}/proposals/{asked.proposal_id}/outcome"
    assert (await stack.call("POST", path, {"status": "succeeded"}))[0] in (404, 409)
    assert await recorder.ended(asked) == "rejected"
    assert stack.service.calls == []


@scene(
    "A reviewer edits the arguments: the old call is over, the new one needs its own approval, by its digest", 3, 6, 7
)
async def arguments_edited(recorder: Recorder) -> None:
    bob, carol = await key_of(recorder, "U0BOB"), await key_of(recorder, "U0CAROL")
    asked = await recorder.propose("deploy.production", CHECKOUT, intent="deploy")
    card = await recorder.card_of(asked)
    edited = await recorder.edit(asked, bob, {"service": "checkout", "note": "only the canary"})
    await recorder.card_of(edited)
    old = await recorder.deciding(edited, lambda: recorder.stack.slack.click("U0CAROL", card, "Approve"))
    assert old.status == 200
    for digest in ({}, {"digest": f"sha256:{asked.digest}"}):
        assert is_problem(await recorder.decide(edited, carol, **digest), 409, "ARGUMENTS_CHANGED")
    own = await recorder.decide(edited, bob, digest=f"sha256:{edited.digest}")
    assert is_problem(own, 403, "SELF_REVIEW")
    status, _ = await recorder.decide(edited, carol, digest=f"sha256:{edited.digest}")
    assert status == 200
    assert await recorder.ended(edited) == "succeeded"


@scene("What a tool does is changed after its call was approved and before it started", 3, 6)
async def tool_changed(recorder: Recorder) -> None:
    held, stack = await approved_and_held(recorder, "deploy.held"), recorder.stack
    text = stack.config.read_text()
    stack.config.write_text(text.replace("Does deploy.held with", "Undoes deploy.held with"))
    await stack.server.reload_policy()
    recorder.forward(hours=1)
    assert await recorder.ended(held) == "invalidated"
    assert len(stack.service.calls) == 1


@scene("The stored arguments are changed in the database, after the card was shown and again after it was approved", 3)
async def row_changed(recorder: Recorder) -> None:
    other = 'UPDATE proposals SET arguments = \'{"service":"billing"}\' WHERE id = :id'
    asked = await recorder.propose("deploy.production", CHECKOUT)
    await recorder.card_of(asked)
    await sql(recorder.stack.database, other, id=asked.proposal_id)
    await recorder.click(asked, "U0BOB")
    assert await recorder.ended(asked) == "invalidated"
    held = await approved_and_held(recorder, "deploy.held")
    await sql(recorder.stack.database, other, id=held.proposal_id)
    recorder.forward(hours=1)
    assert await recorder.ended(held) == "invalidated"


@scene("A signed decision, a click and a proposal are each made three times more", 4, 6)
async def replayed_three_times(recorder: Recorder) -> None:
    stack, bob = recorder.stack, await key_of(recorder, "U0BOB")
    asked = await recorder.propose("deploy.production", CHECKOUT, idempotency_key="once")
    card = await recorder.card_of(asked)
    target, body = f"{API}/approvals/{asked.request_id}", b'{"decision":"approve"}'
    headers = signed_headers(bob, "POST", target, body, at=recorder.clock().timestamp())
    assert (await recorder.deciding(asked, lambda: send(stack, "POST", target, headers, body)))[0] == 200
    assert await recorder.ended(asked) == "succeeded"
    for _ in range(3):
        assert (await send(stack, "POST", target, headers, body))[0] == 401
        assert (await stack.slack.click("U0CAROL", card, "Approve")).status == 200
        _, again = await stack.propose(arguments=CHECKOUT, idempotency_key="once")
        assert (again["duplicate"], again["state"]) == (True, "succeeded")
    assert stack.service.effects == 1


@scene("Sixty-four clicks and signed calls of two people race for one approval", 4, 6)
async def sixty_four_at_once(recorder: Recorder) -> None:
    stack, carol = recorder.stack, await key_of(recorder, "U0CAROL")
    asked = await recorder.propose("deploy.production", CHECKOUT)
    card = await recorder.card_of(asked)
    path = f"{API}/approvals/{asked.request_id}"

    async def race() -> list[Any]:
        clicks = (stack.slack.click("U0BOB", card, "Approve") for _ in range(32))
        calls = (stack.signed(carol, "POST", path, {"decision": "approve"}) for _ in range(32))
        return await asyncio.gather(*clicks, *calls)

    answers = await recorder.deciding(asked, race)
    assert {one.status for one in answers[:32]} == {200}
    assert {status for status, _ in answers[32:]} <= {200, 409}
    assert await recorder.ended(asked) == "succeeded"
    assert stack.service.effects == 1


@scene("Nobody answers in time, and people try afterwards", 2, 5, 6)
async def expired_unanswered(recorder: Recorder) -> None:
    asked = await recorder.propose("deploy.production", CHECKOUT)
    card = await recorder.card_of(asked)
    recorder.forward(hours=48)
    late = await recorder.decide(asked, await key_of(recorder, "U0BOB"))
    assert is_problem(late, 409, "APPROVAL_EXPIRED")
    await recorder.deciding(asked, lambda: recorder.stack.slack.click("U0CAROL", card, "Approve"))
    assert await recorder.ended(asked) == "expired"
    assert recorder.stack.service.calls == []


@scene("A call is approved in time, but its approval has run out before it could start", 5, 6)
async def expired_before_it_started(recorder: Recorder) -> None:
    held = await approved_and_held(recorder, "deploy.short")
    recorder.forward(hours=1)
    assert await recorder.ended(held) == "invalidated"
    assert len(recorder.stack.service.calls) == 1


@scene("An agent that runs its calls itself says it has done so before anybody decided", 1, 6)
async def before_the_decision(recorder: Recorder) -> None:
    stack = recorder.stack
    own = await recorder.propose("deploy.own", CHECKOUT)
    path = f"{API}/proposals/{own.proposal_id}/outcome"
    assert is_problem(await stack.call("POST", path, {"status": "succeeded"}), 409, "NOT_ALLOWED")
    await recorder.card_of(own)
    await recorder.decide(own, await key_of(recorder, "U0BOB"), "reject", reason="no")
    assert await recorder.ended(own) == "rejected"
    asked = await recorder.propose("deploy.production", CHECKOUT)
    await recorder.card_of(asked)
    assert stack.service.calls == []
    await recorder.click(asked, "U0BOB")
    assert await recorder.ended(asked) == "succeeded"


@scene("After a rejection the agent tries the same with another tool: it needs an approval of its own", 2, 7)
async def another_way_round(recorder: Recorder) -> None:
    bob = await key_of(recorder, "U0BOB")
    first = await recorder.propose("deploy.production", CHECKOUT, intent="ship")
    await recorder.card_of(first)
    await recorder.decide(first, bob, "reject", reason="not today")
    assert await recorder.ended(first) == "rejected"
    second = await recorder.propose("deploy.once", CHECKOUT, intent="ship")
    await recorder.card_of(second)
    assert recorder.stack.service.calls == []
    await recorder.click(second, "U0CAROL")
    assert await recorder.ended(second) == "succeeded"


@scene("The agent is stopped between two approved calls: the second one does not run", 6, 8)
async def stopped_between_two(recorder: Recorder) -> None:
    held = await approved_and_held(recorder, "deploy.held")
    await recorder.stop_agent(await key_of(recorder, "U0ADMIN"))
    recorder.forward(hours=1)
    assert await recorder.ended(held) == "invalidated"
    status, refused = await recorder.stack.propose(arguments=CHECKOUT)
    assert (status, refused["code"]) == (403, "AGENT_PAUSED")
    assert len(recorder.stack.service.calls) == 1
