"""Answering by the address that came with a click or a command."""

from typing import Any

from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.trouble import TryLater, calling


async def send(url: str, said: dict[str, Any], *, replace: bool = False) -> None:
    """Answer by response_url. Raises SlackTrouble: it can be used five times within thirty minutes."""
    answer = await calling(AsyncWebhookClient(url).send(**said, replace_original=replace))
    if answer.status_code != 200:
        raise TryLater(str(answer.body)[:100])
