"""Buttons: Approve decides and then acknowledges; Reject and Details open a modal at once."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.deciding import decide_in_time
from bot.ids import Action
from bot.listeners.clicks import click_of, look_up, request_of, submission_of
from bot.modals import details_modal, reject_modal
from bot.office import Office
from bot.slack import calling
from governance.errors import Forbidden
from governance.reviewers import ReviewVerdict
from operations.review import Answer, check_answerable, panel_of_request
from storage.dossier import Dossier
from storage.tables import Door


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for buttons."""

    @app.action(Action.APPROVE.value)
    async def approve(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = click_of(body)
        rendering, _ = await look_up(office, click)
        answer = Answer(click.user, ReviewVerdict.APPROVE, Door.SLACK, seen_version=rendering.request_version)
        await decide_in_time(office, request_of(rendering), answer)
        await ack()

    @app.action(Action.REJECT.value)
    async def reject(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        click = click_of(body)
        rendering, dossier = await look_up(office, click)
        await _check_may_answer(office, dossier, click.user, rendering.request_version)
        await calling(client.views_open(trigger_id=body["trigger_id"], view=reject_modal(dossier, click.rendering_id)))
        await ack()

    @app.action(Action.DETAILS.value)
    async def details(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        click = click_of(body)
        _, dossier = await look_up(office, click)
        await _check_may_look(office, dossier, click.user)
        await calling(client.views_open(trigger_id=body["trigger_id"], view=details_modal(dossier, click.rendering_id)))
        await ack()

    @app.action(Action.DETAILS_PAGE_BACK.value)
    @app.action(Action.DETAILS_PAGE_ON.value)
    async def turn_page(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        click, page = submission_of(body), str(body["actions"][0].get("value", "0"))
        _, dossier = await look_up(office, click)
        await _check_may_look(office, dossier, click.user)
        view = details_modal(dossier, click.rendering_id, int(page) if page.isdecimal() else 0)
        await calling(client.views_update(view_id=body["view"]["id"], hash=body["view"].get("hash"), view=view))
        await ack()


async def _check_may_answer(office: Office, dossier: Dossier, user: str, version: int) -> None:
    """Refuse now what the submission would refuse later, before somebody writes a reason in vain."""
    assert dossier.request is not None
    panel = panel_of_request(dossier.request)
    panel.check(user, await office.directory.members(panel))
    check_answerable(dossier.request, office.database.clock(), version)


async def _check_may_look(office: Office, dossier: Dossier, user: str) -> None:
    """Details open for reviewers, the requester, the agent's creator and admins."""
    assert dossier.request is not None
    insiders = {dossier.request.requester, dossier.proposal.creator, *office.policy.current.admins}
    if user in insiders:
        return
    panel = panel_of_request(dossier.request)
    if not panel.admits(user, await office.directory.members(panel)):
        raise Forbidden("Details open for the reviewers of this request, its requester and admins only.")
