"""Details: everything about a call in a modal, page by page, from its card or from a direct message about it."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.modals import details_modal
from bot.ids import Action
from bot.listeners.clicks import click_of, find, submission_of
from bot.listeners.gates import check_may_look
from bot.office import Office
from bot.slack import calling


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for Details."""

    @app.action(Action.DETAILS.value)
    @app.action(Action.TOLD_DETAILS.value)
    async def details(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        click = click_of(body)
        dossier = await find(office, click)
        await check_may_look(office, dossier, click.user)
        await calling(client.views_open(trigger_id=body["trigger_id"], view=details_modal(dossier, click.rendering_id)))
        await ack()

    @app.action(Action.DETAILS_PAGE_BACK.value)
    @app.action(Action.DETAILS_PAGE_ON.value)
    async def turn_page(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        click, page = submission_of(body), str(body["actions"][0].get("value", "0"))
        dossier = await find(office, click)
        await check_may_look(office, dossier, click.user)
        view = details_modal(dossier, click.rendering_id, int(page) if page.isdecimal() else 0)
        await calling(client.views_update(view_id=body["view"]["id"], hash=body["view"].get("hash"), view=view))
        await ack()
