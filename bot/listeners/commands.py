"""Slash commands. Their answers are private, unless the person shares a list."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.ids import Command
from bot.listeners.batch import open_batch
from bot.listeners.replying import private, public, reply_in_time
from bot.listeners.words import helping, table
from bot.listeners.words.parsing import ends_in_share, understand
from bot.listeners.words.spoken import Spoken
from bot.office import Office
from bot.office.sharing import check_may_share

_LATER = (Command.GRANTS, Command.SPEND, Command.AUTOMATIONS)


def register(app: AsyncApp, office: Office) -> None:
    """Register the slash commands."""

    @app.command(Command.APPROVALS.value)
    async def approvals(ack: AsyncAck, command: dict[str, Any], client: AsyncWebClient) -> None:
        if table.word_named(understand(command.get("text", "")).word) == table.BATCH:
            await open_batch(office, client, ack, command["user_id"], command["trigger_id"])
            return
        await reply_in_time(ack, command, _answer(office, command))

    for name in _LATER:
        app.command(name.value)(_instead(office, name))


def _instead(office: Office, name: Command) -> Any:
    async def listener(ack: AsyncAck, command: dict[str, Any]) -> None:
        typed = understand(command.get("text", "")).word
        await ack(**private(helping.instead(name, typed, office.policy.current).message))

    return listener


async def _answer(office: Office, command: dict[str, Any]) -> dict[str, Any]:
    """Answer one command: for the person, or for the channel where they end a list command in `share`."""
    said = understand(command.get("text", ""))
    is_list = table.word_named(said.word) in table.LISTS
    rest, is_shared = ends_in_share(said.rest) if is_list else (said.rest, False)
    reply = await table.speak(Spoken(office, command["user_id"], rest), said.word)
    if not is_shared or reply.shared is None:
        return private(reply.message)
    await check_may_share(office, command["channel_id"])
    return public(reply.shared)
