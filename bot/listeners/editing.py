"""The edit form that was sent: read field by field, and what is wrong is said at the field."""

import json
import re
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot.cards.argument_form import ArgumentForm, argument_form, arguments_from, block_of
from bot.ids import Block
from bot.listeners.clicks import look_up, request_of, submission_of
from bot.listeners.values import text_of
from bot.office import Office, changing
from bot.office.deciding import in_time
from governance.canonical import Json, parse_strict
from governance.errors import Conflict, Malformed, NotStrictJson, Unprocessable
from governance.text import cut, visible
from operations.edit import Edit, live_parties
from storage.dossier import Dossier
from storage.tables import Door

_INLINE = 300
_AT_A_FIELD = re.compile(r"arguments: (/\S*) (.+)", re.DOTALL)


async def take_edit(office: Office, ack: AsyncAck, body: dict[str, Any]) -> None:
    """Replace the arguments by what was sent, or say at each field what is wrong with it."""
    click = submission_of(body)
    rendering, dossier = await look_up(office, click)
    form = None if Block.ARGUMENTS.value in body["view"]["state"]["values"] else form_of(office, dossier)
    arguments, wrong = _arguments(form, body)
    if not wrong:
        edit = Edit(click.user, arguments, Door.SLACK, text_of(body), rendering.request_version)
        try:
            await in_time(changing.edit_arguments(office, request_of(rendering), edit))
        except Unprocessable as refusal:
            if form is None:
                raise
            wrong = _at_fields(form, refusal)
    await (ack(response_action="errors", errors=wrong) if wrong else ack())


def form_of(office: Office, dossier: Dossier) -> ArgumentForm | None:
    """Return the inputs for a call, None where one text of JSON serves or the tool is another one by now."""
    try:
        _, tool = live_parties(office.policy.current, dossier.proposal)
    except Conflict:
        return None  # the edit is refused in its turn
    return argument_form(tool.input_schema, json.loads(dossier.proposal.arguments))


def _arguments(form: ArgumentForm | None, body: dict[str, Any]) -> tuple[Json, dict[str, str]]:
    values = body["view"]["state"]["values"]
    if form is not None:
        return arguments_from(form, values)
    if Block.ARGUMENTS.value not in values:
        return {}, {}  # made for a tool that has changed: the verb says so
    try:
        return parse_strict(text_of(body, Block.ARGUMENTS).encode("utf-8", "surrogatepass")), {}
    except (Malformed, NotStrictJson) as error:
        said = error.sentence.replace("The body", "This", 1)
        return {}, {Block.ARGUMENTS.value: cut(said, _INLINE)}


def _at_fields(form: ArgumentForm, refusal: Unprocessable) -> dict[str, str]:
    """Say each problem at the input it is about, or at the first where it is about all of them."""
    problems = [(one["field"], one["message"]) for one in refusal.details.get("problems", ())]
    if not problems:
        found = _AT_A_FIELD.fullmatch(refusal.sentence)
        problems = [(found[1], found[2]) if found else ("", refusal.sentence.removeprefix("arguments: "))]
    wrong: dict[str, str] = {}
    for pointer, message in problems:
        block, rest = block_of(form, pointer)
        said = visible(f"{rest} {message}".strip())
        wrong.setdefault(block, cut(said[:1].upper() + said[1:], _INLINE))
    return wrong
