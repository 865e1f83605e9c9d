"""Details: everything about a call in a modal, page by page, from its card or from a direct message about it."""

import json
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.cards.arguments import spelt
from bot.cards.modals import View, details_modal
from bot.ids import Action
from bot.listeners.clicks import Click, click_of, find, submission_of
from bot.listeners.gates import check_may_look
from bot.listeners.opening import acknowledged, open_modal, update_modal
from bot.office import Office
from bot.office.budgets import budget_of
from bot.slack import calling
from governance.text import cut, one_line
from storage import audit
from storage.dossier import Dossier


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for Details."""

    @app.action(Action.DETAILS.value)
    @app.action(Action.TOLD_DETAILS.value)
    async def details(args: AsyncArgs) -> None:
        await open_modal(args, _details(office, click_of(args.body)))

    @app.action(Action.DETAILS_PAGE_BACK.value)
    @app.action(Action.DETAILS_PAGE_ON.value)
    async def turn_page(args: AsyncArgs) -> None:
        await acknowledged(args, _turn(office, args))

    @app.action(Action.DETAILS_FILE.value)
    async def send_file(args: AsyncArgs) -> None:
        await acknowledged(args, _send(office, args))


async def _turn(office: Office, args: AsyncArgs, *, sent: bool = False) -> None:
    view = await _details(office, submission_of(args.body), _page(args.body), sent=sent)
    await update_modal(args, args.body["view"]["id"], view, args.body["view"].get("hash"))


async def _send(office: Office, args: AsyncArgs) -> None:
    click = submission_of(args.body)
    dossier = await find(office, click)
    await check_may_look(office, dossier, click.user)
    await _upload(args, click.user, dossier)
    await _turn(office, args, sent=True)


async def _details(office: Office, click: Click, page: int = 0, *, sent: bool = False) -> View:
    """Draw a page for whoever may look. Raises NotFound and Forbidden."""
    dossier = await find(office, click)
    await check_may_look(office, dossier, click.user)
    async with office.database.read(office.tenant) as tx:
        trail = await audit.entries_of(tx, dossier.proposal.id)
    budget = await budget_of(office, dossier.proposal.agent_id)
    return details_modal(dossier, click.rendering_id, page, trail=trail, budget=budget, sent=sent)


def _page(body: dict[str, Any]) -> int:
    page = str(body["actions"][0].get("value", "0"))
    return int(page) if page.isdecimal() and len(page) < 10 else 0


async def _upload(args: AsyncArgs, user: str, dossier: Dossier) -> None:
    """Send the complete arguments, secrets masked, into somebody's direct messages."""
    proposal = dossier.proposal
    call = cut(one_line(proposal.title), 100)
    files = {f"{proposal.id}-arguments.json": (f"{call}: exact arguments", proposal.arguments)}
    if (before := proposal.proposed_arguments) is not None:
        files[f"{proposal.id}-as-proposed.json"] = (f"{call}: as the agent proposed it", before)
    opened = await calling(args.client.conversations_open(users=user))
    uploads = [
        {"filename": name, "title": title, "content": spelt(json.loads(text))} for name, (title, text) in files.items()
    ]
    await calling(args.client.files_upload_v2(channel=opened["channel"]["id"], file_uploads=uploads))
