"""Honouring what the app answers: response_action on a submission, a command's reply, a response URL."""

from __future__ import annotations

from typing import Any

from bot.workspace import limits, spoken
from bot.workspace.clicks import Shown
from bot.workspace.errors import SlackError
from bot.workspace.model import Json, Message, View
from bot.workspace.state import Workspace
from bot.workspace.tickets import ResponseUrl
from bot.workspace.transport import Reply
from bot.workspace.views import pushed, replace, view_problems
from bot.workspace.wire import message_json

TROUBLE = "We had some trouble connecting. Try again?"


def submission_answered(workspace: Workspace, view: View, reply: Reply) -> None:
    """Close the modal, or do what `response_action` says: errors, update, push, clear."""
    answer = reply.json()
    try:
        _act(workspace, view, str(answer.get("response_action") or "close"), answer)
    except SlackError as error:
        if error.code != "invalid_blocks":  # a block type switched off on purpose is no fault of the app
            workspace.violated("view_submission", error.messages or [error.code])
        view.errors = {"": TROUBLE}
    workspace.bump()


def _act(workspace: Workspace, view: View, action: str, answer: Json) -> None:
    stack = workspace.modals[view.user]
    kind = {"errors": "errors", "update": "modal", "push": "modal"}.get(action, "closed")
    if action == "errors":
        view.errors = _errors(view, answer.get("errors"))
    elif action == "update":
        replace(workspace, view, _sound(workspace, answer.get("view")))
    elif action == "push":
        pushed(workspace, view.user, _sound(workspace, answer.get("view")))
    elif action == "clear":
        stack.clear()
    elif action == "close":
        workspace.modals[view.user] = [one for one in stack if one is not view]
    else:
        raise SlackError("invalid_arguments", [f"unknown response_action: {action}"])
    workspace.clicks.showed(Shown(kind, view_id=view.id))


def _errors(view: View, errors: object) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors:
        raise SlackError("invalid_arguments", ["response_action errors without errors"])
    strange = sorted(set(errors) - inputs)
    if strange:
        raise SlackError("invalid_arguments", [f"errors name no input block: {', '.join(strange)}"])
    return {str(block_id): str(text) for block_id, text in errors.items()}


def _sound(workspace: Workspace, body: Any) -> Json:
    unknown = workspace.faults.unknown_in(body.get("blocks") if isinstance(body, dict) else None, "/view/blocks")
    if unknown:
        raise SlackError("invalid_blocks", unknown)
    problems = view_problems(workspace, "view_submission", body)
    if problems:
        raise SlackError("invalid_arguments")
    found: Json = body
    return found


def command_answered(workspace: Workspace, user: str, channel: str, reply: Reply, token: str = "") -> None:
    """Show a slash command's direct answer: text or JSON; ephemeral unless it says `in_channel`."""
    if not reply.body.strip():
        return
    answer = reply.json() or {"text": reply.body}
    if answer.get("text") or answer.get("blocks"):
        problems = _post(workspace, ResponseUrl(user, channel, workspace.now()), answer)
        workspace.violated("command answer", problems)
        if not problems:
            workspace.clicks.showed(Shown("command", token=token))


def url_answered(workspace: Workspace, url: ResponseUrl, answer: Json, token: str = "") -> None:
    """What a POST to a response URL does. Raises SlackError when Slack would refuse the body."""
    target = workspace.find(url.channel, url.message_ts) if url.message_ts else None
    if answer.get("delete_original"):
        if target:
            before = message_json(workspace, target)
            workspace.drop(target)
            spoken.app_deleted(workspace, target, before)
        return
    if not answer.get("text") and not answer.get("blocks") and not answer.get("attachments"):
        raise SlackError("no_text")
    if answer.get("replace_original") and target:
        problems = _replace(workspace, target, answer)
    else:
        problems = _post(workspace, url, answer)
    if problems:
        workspace.violated("response_url", problems)
        raise SlackError("invalid_blocks", problems)
    workspace.clicks.showed(Shown("response_url", token=token))


def _replace(workspace: Workspace, message: Message, answer: Json) -> list[str]:
    blocks = answer.get("blocks") or []
    problems = _problems(workspace, blocks)
    if not problems:
        before = message_json(workspace, message)
        message.past.append(message.blocks)
        message.text, message.blocks = str(answer.get("text") or ""), blocks
        message.edited = workspace.tick()
        workspace.put(message)
        spoken.app_changed(workspace, message, before)
    return problems


def _problems(workspace: Workspace, blocks: object) -> list[str]:
    unknown = workspace.faults.unknown_in(blocks)
    if unknown:
        raise SlackError("invalid_blocks", unknown)
    return limits.violations(blocks, "message")


def _post(workspace: Workspace, url: ResponseUrl, answer: Json) -> list[str]:
    blocks = answer.get("blocks") or []
    problems = _problems(workspace, blocks)
    if problems:
        return problems
    public = answer.get("response_type") == "in_channel"
    message = Message(url.channel, workspace.tick(), workspace.app.bot_user_id, from_app=True)
    message.text, message.blocks = str(answer.get("text") or ""), blocks
    message.thread_ts = answer.get("thread_ts") or url.thread_ts
    message.only_for = None if public else url.user
    workspace.put(message)
    if public:
        workspace.announce(*spoken.posted(workspace, message))
    return []
