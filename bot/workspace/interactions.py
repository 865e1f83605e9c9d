"""What people do: press, choose, submit, close, type a command; and what the app's answer does to them."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.workspace import blocks as kit
from bot.workspace import payloads
from bot.workspace.answers import TROUBLE, command_answered, submission_answered
from bot.workspace.clicks import Click
from bot.workspace.model import Json, Message, View
from bot.workspace.records import Answer
from bot.workspace.state import Workspace
from bot.workspace.transport import Reply, Transport
from bot.workspace.values import FIELD, Values, carried_over, chosen, initial_values, missing

LATE = "{app} did not respond in time. Try again."
BROKEN = "{app} could not handle this (it answered {status}). Try again."
UNREACHABLE = "{app} could not be reached. Try again."


class Interactions:
    """Acts for the people of one workspace. Every method waits for the app's acknowledgement."""

    def __init__(self, workspace: Workspace, transport: Transport) -> None:
        self.workspace, self.transport = workspace, transport
        self._chosen: dict[tuple[str, str, str], Values] = {}
        self._last: tuple[str, str, str, Json] | None = None

    async def click(
        self, user: str, where: Message | View, what: str, value: Any = None, block_id: str | None = None
    ) -> Answer:
        """Press a button or choose `value` in a select, overflow, picker … of a message or view.

        `what` is an action_id or a label. The payload shows `where` as it is passed in, so a snapshot
        stands for a screen that has not caught up. LookupError when there is no such element.
        """
        if self.workspace.faults.take_double():
            return (await self.double_click(user, where, what, value, block_id))[0]
        return await self._press(user, where, what, value, block_id)

    async def double_click(
        self, user: str, where: Message | View, what: str, value: Any = None, block_id: str | None = None
    ) -> tuple[Answer, Answer]:
        """Press twice, faster than anything can come back: two payloads, each with its own trigger."""
        twice = [self._press(user, where, what, value, block_id) for _ in range(2)]
        first, second = await asyncio.gather(*twice)
        return first, second

    async def again(self) -> Answer:
        """Send the last click once more, byte for byte. LookupError when nobody clicked yet."""
        if self._last is None:
            raise LookupError("nobody pressed anything yet")
        return await self._send(*self._last)

    async def _press(self, user: str, where: Message | View, what: str, value: Any, block_id: str | None) -> Answer:
        block, element = kit.find(where.all_blocks, what, block_id)
        element = kit.pressed(element, value)
        state = chosen(element, value) if element["type"] in FIELD else None
        action = payloads.action(self.workspace, block, element, state)
        values = self._values(user, where)
        if state and element["type"] != "overflow":
            values.setdefault(block["block_id"], {})[element["action_id"]] = state
        if isinstance(where, View):
            payload = payloads.view_pressed(self.workspace, user, where, action)
        else:
            payload = payloads.button_pressed(self.workspace, user, where, action, values)
        self._last = ("block_actions", user, kit.label(element), payload)
        return await self._send(*self._last)

    def _values(self, user: str, where: Message | View) -> Values:
        """What this person has chosen here so far; in messages everyone has their own choices."""
        if isinstance(where, View):
            return where.values
        key = (user, where.channel, where.ts)
        fresh = initial_values(where.all_blocks)
        self._chosen[key] = carried_over(fresh, self._chosen.get(key, {}))
        return self._chosen[key]

    async def submit(self, user: str, view: View, values: dict[str, Any] | None = None) -> Answer:
        """Fill in and submit a modal; keys are block_ids, action_ids or labels.

        What the form itself refuses (a required field left empty) is never sent: status 0 and
        `view.errors` says why. The app's own errors land in `view.errors` too.
        """
        fill(view, values or {})
        view.errors = missing(view.blocks, view.values)
        if view.errors:
            self.workspace.bump()
            return Answer(0, "", 0.0, view=view)
        before = self._told(user)
        payload = payloads.view_submitted(self.workspace, view)
        click = self._begin("view_submission", user, view.title, payload)
        reply = await self.transport.interactive(self.workspace, payload)
        self._note(click, reply)
        if reply.ok:
            submission_answered(self.workspace, view, reply)
        else:
            view.errors = {"": TROUBLE}
        return self._answer(user, reply, before)

    async def close(self, user: str, view: View, clear: bool = False) -> Answer:
        """Dismiss the modal in front, or with `clear` the whole stack; the app hears of it if it asked to."""
        stack = self.workspace.modals[user]
        gone = list(stack) if clear else [view]
        self.workspace.modals[user] = [] if clear else [one for one in stack if one is not view]
        self.workspace.bump()
        answer = self._answer(user, Reply(200, "", 0.0), self._told(user))
        for one in gone:
            if one.body.get("notify_on_close"):
                payload = payloads.view_closed(self.workspace, one, clear)
                answer = await self._send("view_closed", user, one.title, payload)
        return answer

    async def command(self, user: str, name: str, text: str, channel: str) -> Answer:
        """Type a slash command in a channel. An unknown one is Slack's own to answer, status 0."""
        workspace = self.workspace
        before = self._told(user)
        if name not in workspace.app.commands:
            workspace.notify(user, f"{name} is not a valid command.")
            return self._answer(user, Reply(0, "", 0.0), before)
        fields = payloads.command(workspace, user, name, text, workspace.channels[channel])
        click = self._begin("command", user, f"{name} {text}".strip(), {**fields, "channel": {"id": channel}})
        reply = await self.transport.slash_command(workspace, fields)
        self._note(click, reply)
        if reply.ok:
            command_answered(workspace, user, channel, reply, click.token or "")
        return self._answer(user, reply, before)

    async def _send(self, kind: str, user: str, what: str, payload: Json) -> Answer:
        before = self._told(user)
        click = self._begin(kind, user, what, payload)
        reply = await self.transport.interactive(self.workspace, payload)
        self._note(click, reply)
        return self._answer(user, reply, before)

    def _begin(self, kind: str, user: str, what: str, payload: Json) -> Click:
        container = payload.get("container") or {}
        return self.workspace.clicks.begin(
            Click(
                kind,
                user,
                what,
                self.workspace.now(),
                (payload.get("channel") or {}).get("id"),
                container.get("message_ts"),
                container.get("thread_ts"),
                (payload.get("view") or {}).get("id"),
                payload.get("trigger_id"),
                str(payload.get("response_url") or "").rpartition("/")[2] or None,
            )
        )

    def _note(self, click: Click, reply: Reply) -> None:
        click.status, click.failure = reply.status, reply.failure
        if reply.ok:
            click.ack_seconds = reply.seconds
            self.workspace.note_ack(click.kind, click.user, click.what, reply.seconds, reply.status)
            return
        words = {"http_timeout": LATE, "connection_failed": UNREACHABLE}.get(str(reply.failure), BROKEN)
        why = words.format(app=self.workspace.app.name, status=reply.status)
        self.workspace.note_unanswered(click.kind, click.user, click.what, why)

    def _told(self, user: str) -> set[str]:
        return {message.ts for message in self.workspace.ephemerals(user)}

    def _answer(self, user: str, reply: Reply, before: set[str]) -> Answer:
        stack = self.workspace.open_views(user)
        return Answer(
            reply.status,
            reply.body,
            reply.seconds,
            [message for message in self.workspace.ephemerals(user) if message.ts not in before],
            stack[-1] if stack else None,
            reply.failure == "http_timeout",
        )


def fill(view: View, values: dict[str, Any]) -> None:
    """Put values into a view's elements. LookupError for a key that names nothing."""
    for key, value in values.items():
        block, element = _field(view, key)
        view.values.setdefault(block["block_id"], {})[element["action_id"]] = chosen(element, value)


def _field(view: View, key: str) -> tuple[Json, Json]:
    for block, element in kit.elements(view.blocks):
        words = str((block.get("label") or {}).get("text", ""))
        if key in (block["block_id"], element["action_id"], words):
            return block, element
    names = [f"{b['block_id']}/{e['action_id']}" for b, e in kit.elements(view.blocks)]
    raise LookupError(f"no field {key!r} in {view.title!r}; there is {', '.join(names) or 'none'}")
