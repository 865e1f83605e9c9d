"""The buttons of a list: other pages, the same for everybody in the channel, and approving several."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.ids import Action
from bot.listeners.batch import open_batch
from bot.listeners.private import say_privately
from bot.listeners.replying import private, public
from bot.listeners.words.families import list_called
from bot.listeners.words.paging import read_question
from bot.listeners.words.spoken import Reply, Spoken
from bot.office import Office
from bot.office.sharing import check_may_share
from bot.slack import SlackTrouble
from bot.slack.response_url import send
from governance.errors import Forbidden

_TOO_OLD = "Slack does not let me change this list any more; run the command again."


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for the buttons of lists."""

    @app.action(Action.LIST_BACK.value)
    @app.action(Action.LIST_ON.value)
    async def turn_page(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        step = 1 if body["actions"][0]["action_id"] == Action.LIST_ON else -1
        reply = await _ask_again(office, body, step)
        await _answer(client, body, private(reply.message), replace=True)

    @app.action(Action.LIST_SHARE.value)
    async def share(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        reply = await _ask_again(office, body, 0)
        if reply.shared is None:
            raise Forbidden("There is nothing here that everybody may see, so nothing was shared.")
        await check_may_share(office, str((body.get("channel") or {}).get("id", "")))
        await _answer(client, body, public(reply.shared))

    @app.action(Action.LIST_BATCH.value)
    async def several(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await open_batch(office, client, ack, body["user"]["id"], body["trigger_id"])


async def _ask_again(office: Office, body: dict[str, Any], step: int) -> Reply:
    """Ask what the list's command asked, as whoever clicked. Raises NotFound for a word that is no list."""
    word, rest, page = read_question(str(body["actions"][0].get("value", "")))
    family, name = list_called(word)
    return await family.speak(Spoken(office, body["user"]["id"], rest, page + step), name)


async def _answer(client: AsyncWebClient, body: dict[str, Any], said: dict[str, Any], *, replace: bool = False) -> None:
    try:
        await send(str(body.get("response_url", "")), said, replace=replace)
    except SlackTrouble:
        await say_privately(client, body, _TOO_OLD)
