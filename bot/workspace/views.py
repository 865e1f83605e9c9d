"""The views.* methods: modals on a stack of three, and the Home tab."""

from __future__ import annotations

import json
import secrets

from bot.workspace import blocks as kit
from bot.workspace import limits
from bot.workspace.arguments import need, text
from bot.workspace.call import Call, Method
from bot.workspace.clicks import Shown
from bot.workspace.errors import SlackError
from bot.workspace.model import Json, View
from bot.workspace.state import Workspace
from bot.workspace.values import carried_over, initial_values
from bot.workspace.wire import view_json


def open_view(call: Call) -> Json:
    """views.open: a modal in front of whoever earned the trigger; replaces what was open."""
    body = _body(call, "modal")
    trigger = call.workspace.triggers.exchange(need(call.args, "trigger_id"))
    _unique(call, body, None)
    call.workspace.modals[trigger.user] = [made(call.workspace, trigger.user, body)]
    call.workspace.clicks.opened(call.workspace.modals[trigger.user][-1].id, text(call.args, "trigger_id"))
    return _answer(call, call.workspace.modals[trigger.user][-1])


def push(call: Call) -> Json:
    """views.push: one more modal on top; the trigger must come from inside a modal."""
    body = _body(call, "modal")
    trigger = call.workspace.triggers.exchange(need(call.args, "trigger_id"))
    if not trigger.view_id:
        raise SlackError("invalid_arguments", ["the trigger does not come from a modal"])
    _unique(call, body, None)
    view = pushed(call.workspace, trigger.user, body)
    call.workspace.clicks.opened(view.id, text(call.args, "trigger_id"))
    return _answer(call, view)


def update(call: Call) -> Json:
    """views.update: by view_id or external_id; with `hash`, only if nobody updated it since."""
    view = _named(call)
    _same_hash(call, view)
    body = _body(call, view.type)
    _unique(call, body, view)
    replace(call.workspace, view, body)
    call.workspace.clicks.showed(Shown("modal" if view.type == "modal" else "home", view_id=view.id))
    return _answer(call, view)


def publish(call: Call) -> Json:
    """views.publish: the Home tab of one person."""
    user = call.user(need(call.args, "user_id"))
    if not call.workspace.app.home_enabled:
        raise SlackError("not_enabled")
    body = _body(call, "home")
    view = call.workspace.homes.get(user.id)
    if view is None:
        view = call.workspace.homes[user.id] = made(call.workspace, user.id, body)
    else:
        _same_hash(call, view)
        replace(call.workspace, view, body)
    call.workspace.clicks.showed(Shown("home", user=user.id))
    return _answer(call, view)


def made(workspace: Workspace, user: str, body: Json, below: View | None = None) -> View:
    """A new view with ids filled in; `below` is the modal it is stacked on."""
    view_id = workspace.new_id("V")
    filled = {**body, "blocks": kit.with_ids(body["blocks"])}
    view = View(view_id, user, filled, _hash(workspace), below.root_id if below else view_id)
    view.previous_id = below.id if below else None
    view.values = initial_values(view.blocks)
    return view


def pushed(workspace: Workspace, user: str, body: Json) -> View:
    """Stack one more modal. Raises `push_limit_reached` past three, `not_found` with none open."""
    stack = workspace.modals[user]
    if not stack:
        raise SlackError("not_found")
    if len(stack) >= limits.VIEW_STACK:
        raise SlackError("push_limit_reached")
    stack.append(made(workspace, user, body, stack[-1]))
    return stack[-1]


def replace(workspace: Workspace, view: View, body: Json) -> None:
    """Show another body in the same view; what was typed stays where block_id and action_id stay."""
    typed = view.values
    view.body = {**body, "blocks": kit.with_ids(body["blocks"])}
    view.values = carried_over(initial_values(view.blocks), typed)
    view.errors = {}
    view.hash = _hash(workspace)


def view_problems(workspace: Workspace, where: str, body: object) -> list[str]:
    """What is wrong with a view, remembered among the workspace's violations."""
    problems = limits.view_violations(body)
    workspace.violated(where, problems)
    return problems


def _hash(workspace: Workspace) -> str:
    return f"{int(workspace.now())}.{secrets.token_hex(4)}"


def _body(call: Call, kind: str) -> Json:
    body = call.args.get("view")
    if not isinstance(body, dict):
        raise SlackError("invalid_arguments", ["missing required field: view"])
    unknown = call.workspace.faults.unknown_in(body.get("blocks"), "/view/blocks")
    if unknown:
        raise SlackError("invalid_blocks", unknown)
    problems = view_problems(call.workspace, call.method, body)
    if not problems and body["type"] != kind:
        problems = [f"a {kind} view is needed here [json-pointer:/view/type]"]
    if problems:
        raise SlackError("invalid_arguments", problems)
    if len(json.dumps(body).encode()) > limits.VIEW_BYTES:
        raise SlackError("view_too_large")
    return body


def _named(call: Call) -> View:
    view_id, external_id = text(call.args, "view_id"), text(call.args, "external_id")
    for stack in (*call.workspace.modals.values(), list(call.workspace.homes.values())):
        for view in stack:
            if view.id == view_id or (external_id and view.body.get("external_id") == external_id):
                return view
    raise SlackError("not_found")


def _unique(call: Call, body: Json, own: View | None) -> None:
    external_id = body.get("external_id")
    views = [view for stack in call.workspace.modals.values() for view in stack if view is not own]
    if external_id and any(view.body.get("external_id") == external_id for view in views):
        raise SlackError("duplicate_external_id")


def _same_hash(call: Call, view: View) -> None:
    if text(call.args, "hash") not in ("", view.hash):
        raise SlackError("hash_conflict")


def _answer(call: Call, view: View) -> Json:
    call.workspace.bump()
    return {"view": view_json(call.workspace, view)}


METHODS: dict[str, tuple[str | None, Method]] = {
    "views.open": (None, open_view),
    "views.push": (None, push),
    "views.update": (None, update),
    "views.publish": (None, publish),
}
"""Method name -> the scope it always needs, and the code."""
