"""Slash commands. Their answers are private, unless the person shares a list."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.ids import Command
from bot.listeners.batch import open_batch
from bot.listeners.giving import open_giving
from bot.listeners.replying import private, public, reply_in_time
from bot.listeners.words import table
from bot.listeners.words.families import FAMILIES, GIVE, GRANTS
from bot.listeners.words.family import Family
from bot.listeners.words.parsing import Said, ends_in_share, understand
from bot.listeners.words.spoken import Spoken
from bot.office import Office
from bot.office.sharing import check_may_share


def register(app: AsyncApp, office: Office) -> None:
    """Register the slash commands."""

    @app.command(Command.APPROVALS.value)
    async def approvals(args: AsyncArgs) -> None:
        command = args.body
        if table.word_named(understand(command.get("text", "")).word) == table.BATCH:
            await open_batch(office, args.client, args.ack, command["user_id"], command["trigger_id"])
            return
        await reply_in_time(args.ack, command, _answer(office, table.APPROVALS, command))

    @app.command(Command.GRANTS.value)
    async def grants(args: AsyncArgs) -> None:
        if _asks_for_form(understand(args.body.get("text", ""))):
            await open_giving(office, args, args.body["user_id"])
            return
        await reply_in_time(args.ack, args.body, _answer(office, GRANTS, args.body))

    for family in FAMILIES:
        if family.command not in (Command.APPROVALS, Command.GRANTS):
            app.command(family.command.value)(_listener(office, family))


def _asks_for_form(said: Said) -> bool:
    return GRANTS.word_named(said.word) == GIVE and not said.rest


def _listener(office: Office, family: Family) -> Any:
    async def listener(args: AsyncArgs) -> None:
        await reply_in_time(args.ack, args.body, _answer(office, family, args.body))

    return listener


async def _answer(office: Office, family: Family, command: dict[str, Any]) -> dict[str, Any]:
    """Answer one command: for the person, or for the channel where they end a list command in `share`."""
    said = family.read(office, command.get("text", ""))
    is_list = family.word_named(said.word) in family.lists
    rest, is_shared = ends_in_share(said.rest) if is_list else (said.rest, False)
    reply = await family.speak(Spoken(office, command["user_id"], rest), said.word)
    if not is_shared or reply.shared is None:
        return private(reply.message)
    await check_may_share(office, command["channel_id"])
    return public(reply.shared)
