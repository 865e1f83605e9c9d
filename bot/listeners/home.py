"""The Home tab: what waits for the person who opens it."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.blocks import date, draw, mrkdwn
from bot.office import Office
from bot.office.queue import Waiting, waiting
from bot.slack import calling
from governance.text import one_line

_SHOWN = 20


def register(app: AsyncApp, office: Office) -> None:
    """Register the Home tab."""

    @app.event("app_home_opened")
    async def opened(event: dict[str, Any], client: AsyncWebClient) -> None:
        if event.get("tab") != "home":
            return
        view = home(await waiting(office, event["user"]))
        await calling(client.views_publish(user_id=event["user"], view=view))


def home(found: list[Waiting]) -> dict[str, Any]:
    """Draw the Home tab."""
    view: dict[str, Any] = draw(
        "home", requests=[_entry(one) for one in found[:_SHOWN]], more=max(0, len(found) - _SHOWN)
    )
    return view


def _entry(one: Waiting) -> dict[str, str]:
    proposal, request = one.dossier.proposal, one.dossier.request
    assert request is not None
    title = mrkdwn(one_line(proposal.title))
    return {
        "line": f"*{f'<{one.link}|{title}>' if one.link else title}* · {mrkdwn(proposal.agent_name)}",
        "consequence": proposal.consequence or "",
        "expires": f"expires {date(request.expires_at)}",
    }
