"""What people do on the page, one function per deed: what they press, say and react with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from bot.workspace.model import Json, Message, View
from bot.workspace.records import Answer
from bot.workspace.seat import Seat
from bot.workspace.transport import Reply

Deed: TypeAlias = Callable[[Seat, Json], Awaitable[Answer]]
"""Takes the seat and the page's JSON, whose `as` names who acts. LookupError, ValueError and PermissionError carry
the sentence the page shows."""


async def _click(seat: Seat, body: Json) -> Answer:
    where = _where(seat, body)
    return await seat.interactions.click(body["as"], where, body["action_id"], body.get("value"), body.get("block_id"))


async def _submit(seat: Seat, body: Json) -> Answer:
    return await seat.interactions.submit(body["as"], _view(seat, body), body.get("values"))


async def _close(seat: Seat, body: Json) -> Answer:
    return await seat.interactions.close(body["as"], _view(seat, body), bool(body.get("clear")))


async def _message(seat: Seat, body: Json) -> Answer:
    text = str(body.get("text", ""))
    await seat.happenings.said(body["as"], str(body["channel"]), text, body.get("thread_ts"))
    return answer(None)


async def _command(seat: Seat, body: Json) -> Answer:
    text = str(body.get("text", ""))
    return await seat.interactions.command(body["as"], str(body["command"]), text, body["channel"])


async def _open_home(seat: Seat, body: Json) -> Answer:
    reply = await seat.happenings.home_opened(body["as"])
    return answer(reply, seat.workspace.home(body["as"]))


async def _react(seat: Seat, body: Json) -> Answer:
    act = seat.happenings.unreacted if body.get("remove") else seat.happenings.reacted
    return answer(await act(body["as"], message_at(seat, body), str(body["name"])))


async def _edit(seat: Seat, body: Json) -> Answer:
    return answer(await seat.happenings.edited(body["as"], message_at(seat, body), str(body.get("text", ""))))


async def _delete(seat: Seat, body: Json) -> Answer:
    return answer(await seat.happenings.deleted(body["as"], message_at(seat, body)))


def message_at(seat: Seat, body: Json) -> Message:
    """The message the page names by channel and ts. LookupError when it is gone."""
    message = seat.workspace.find(str(body.get("channel")), str(body.get("ts")))
    if message is None:
        raise LookupError("this message is gone")
    return message


def _where(seat: Seat, body: Json) -> Message | View:
    if body.get("view_id"):
        return _view(seat, body)
    return message_at(seat, body).snapshot(body.get("revision"))


def _view(seat: Seat, body: Json) -> View:
    view = seat.workspace.view(str(body.get("view_id")))
    if view is None or view.user != body["as"]:
        raise LookupError("this view is gone")
    return view


def answer(reply: Reply | None, view: View | None = None) -> Answer:
    """An event's reply as the page understands it."""
    if reply is None:
        return Answer(0, "", 0.0, view=view)
    return Answer(reply.status, reply.body, reply.seconds, [], view, reply.failure == "http_timeout")


DEEDS: dict[str, Deed] = {
    "click": _click,
    "select-option": _click,
    "submit": _submit,
    "close": _close,
    "message": _message,
    "command": _command,
    "open-home": _open_home,
    "react": _react,
    "edit": _edit,
    "delete": _delete,
}
