"""What Slack sends, handed to the branch of the workspace it comes from; strangers get one private sentence."""

import json
import logging
from typing import Any

from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.cards.modals import message_modal
from bot.slack import SlackTrouble, calling
from bot.switchboard import Switchboard

log = logging.getLogger(__name__)

_STRANGE = "Countersign does not serve this Slack workspace, so nothing happened. Ask whoever runs it to list it."


async def dispatch(switchboard: Switchboard, request: AsyncBoltRequest) -> BoltResponse:
    """Answer one interaction, command or event, by HTTP or socket alike."""
    if (branch := switchboard.of_team(request.context.team_id)) is not None:
        return await branch.bolt.async_dispatch(request)
    if request.body.get("type") == "url_verification":  # of the app, not of any workspace
        return await switchboard.main.bolt.async_dispatch(request)
    return await _refuse(request.body)


async def _refuse(body: dict[str, Any]) -> BoltResponse:
    """Acknowledge what comes from a workspace we do not serve; whoever did it reads why nothing happened."""
    if body.get("type") == "view_submission":
        return _answer({"response_action": "update", "view": message_modal("Nothing changed", _STRANGE)})
    if "command" in body:
        return _answer({"response_type": "ephemeral", "text": _STRANGE})
    if url := body.get("response_url"):
        try:
            client = AsyncWebhookClient(url, timeout=2, retry_handlers=[])
            await calling(client.send(text=_STRANGE, response_type="ephemeral", replace_original=False))
        except SlackTrouble as trouble:
            log.warning("could not answer a workspace that is not listed: %s", trouble.error)
    return BoltResponse(status=200, body="")


def _answer(body: dict[str, Any]) -> BoltResponse:
    return BoltResponse(status=200, body=json.dumps(body), headers={"content-type": "application/json"})
