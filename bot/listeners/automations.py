"""The buttons for automations on the Home tab: let one go on longer, or end it."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.cards.governing_forms import extending_modal, retiring_modal
from bot.cards.modals import View
from bot.ids import Action, Block, Callback
from bot.listeners.opening import open_modal
from bot.listeners.values import moment_of, text_of
from bot.office import Office, caretaking, naming
from bot.office.deciding import in_time
from bot.office.homes import refresh


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for automations."""

    @app.action(Action.HOME_EXTEND.value)
    @app.action(Action.HOME_RETIRE.value)
    async def ask(args: AsyncArgs) -> None:
        await open_modal(args, _form(office, args.body))

    @app.view(Callback.EXTEND.value)
    async def extend(ack: AsyncAck, body: dict[str, Any]) -> None:
        person, until = body["user"]["id"], moment_of(body, Block.UNTIL)
        await in_time(caretaking.extend(office, person, _about(body), until, text_of(body)))
        await ack()
        await refresh(office, person)

    @app.view(Callback.RETIRE.value)
    async def retire(ack: AsyncAck, body: dict[str, Any]) -> None:
        person = body["user"]["id"]
        await in_time(caretaking.retire(office, person, _about(body), text_of(body)))
        await ack()
        await refresh(office, person)


async def _form(office: Office, body: dict[str, Any]) -> View:
    pressed = body["actions"][0]
    row = await naming.automation_meant(office, str(pressed.get("value", "")))
    return extending_modal(row) if pressed["action_id"] == Action.HOME_EXTEND else retiring_modal(row)


def _about(body: dict[str, Any]) -> str:
    return str(body["view"].get("private_metadata", ""))
