"""The common part of everything that happens: tell the app, if it subscribed and holds the scope."""

from __future__ import annotations

from bot.workspace.events import Events
from bot.workspace.model import Channel, Json
from bot.workspace.transport import Reply


class Telling:
    """Changes one workspace and delivers events. Methods return the app's reply, None when it was not told."""

    def __init__(self, events: Events) -> None:
        self.events, self.workspace = events, events.workspace

    def _has_bot(self, channel: Channel) -> bool:
        return self.workspace.app.bot_user_id in channel.members

    async def _tell(self, kind: str, more: Json, subscription: str | None = None) -> Reply | None:
        self.workspace.bump()
        return await self.events.deliver({"type": kind, **more, "event_ts": self.workspace.tick()}, subscription)

    async def _deliver(self, event: Json, subscription: str | None = None) -> Reply | None:
        self.workspace.bump()
        return await self.events.deliver(event, subscription)
