"""Outbox handlers that speak to Slack: they draw surfaces, add lines to threads, and tell people."""

import logging
from typing import Any

from bot import cards
from bot.cards import Message
from bot.invitations import invitation
from bot.notices import notice
from bot.office import Office
from bot.pacing import Pacer
from bot.queue import link_to_card
from bot.slack import BlocksRefused, Disconnected, MessageLost, Misconfigured, SlackTrouble, TryLater, calling
from operations import show
from operations.show import Drawing, SurfaceBusy
from scheduler.outbox import backoff
from scheduler.ports import Handler, Postponed, Undeliverable
from storage import outbox, surfaces
from storage.database import Database
from storage.dossier import Dossier, dossier
from storage.outbox import Owed
from storage.tables import OutboxMessage, Surface, SurfaceStatus

log = logging.getLogger(__name__)

_METADATA = "countersign_message"
_LOOK_BACK = 200
#: What Slack says of people it will never deliver to.
_NOBODY = frozenset({"channel_not_found", "user_not_found", "users_not_found", "user_disabled", "cannot_dm_bot"})
_PACING = "pacing"
_FIRST_RETRY, _LAST_RETRY = 30.0, 600.0  # seconds between tries where an operator has to help first
_REMEDIES = {
    "not_in_channel": "invite the bot there with /invite @Countersign",
    "channel_not_found": "mend approvals_channel in countersign.toml, or invite the bot to the private channel",
    "is_archived": "unarchive the channel or name another one in countersign.toml",
    "missing_scope": "install the app again with the scopes of manifest.yml",
}


class Delivery:
    """Pays what is owed to one Slack workspace."""

    def __init__(self, database: Database, office: Office) -> None:
        self._database, self._office, self._client = database, office, office.client
        self._pacer = Pacer()

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of each kind of outbox message."""
        return {Owed.SHOW: self.show, Owed.NOTE: self.note, Owed.TELL: self.tell, Owed.SAY: self.say}

    def held_back(self) -> dict[str, Handler]:
        """Return handlers for a server without a workspace: everything waits until one is connected."""

        async def wait(_message: OutboxMessage) -> None:
            raise Postponed("no Slack workspace is connected", after=60.0, certain=True)

        return dict.fromkeys(self.handlers(), wait)

    async def show(self, message: OutboxMessage) -> None:
        """Bring one surface up to date with what is stored now."""
        try:
            drawing = await self._database.write(message.tenant, lambda tx: show.begin(tx, message.subject))
        except SurfaceBusy:
            raise Postponed("the surface is being drawn", after=0.2, certain=True) from None
        if drawing is None:
            return
        try:
            await self._draw(message, drawing)
        except MessageLost as gone:
            why = gone.error
            await self._database.write(message.tenant, lambda tx: show.lost(tx, drawing, why))
        except (SlackTrouble, Postponed) as trouble:
            postponed = (
                trouble if isinstance(trouble, Postponed) else _postponed(trouble, message, drawing.surface.channel)
            )
            await self._database.write(message.tenant, lambda tx: show.let_go(tx, drawing, certain=postponed.certain))
            raise postponed from trouble

    async def _draw(self, message: OutboxMessage, drawing: Drawing) -> None:
        surface = drawing.surface
        said = cards.card(drawing.dossier, drawing.rendering_id, discussed_at=self._thread_link(drawing))
        if surface.ts is not None:
            await self._update(surface.channel, surface.ts, said)
            channel, ts = surface.channel, surface.ts
        else:
            if surface.thread_ts is not None and await self._is_shared_outside(surface.channel):
                why = "the channel is shared with another organisation"
                await self._database.write(message.tenant, lambda tx: show.refuse(tx, drawing, why))
                return
            found = await self._find(surface.channel, surface.thread_ts, surface.id) if drawing.maybe_posted else None
            if found is None and drawing.is_moot:
                await self._database.write(message.tenant, lambda tx: show.drop(tx, drawing))
                return
            channel, ts = found or await self._post(message, surface.channel, said, surface.id, surface.thread_ts)
            if found:  # what was posted then may be older than what is true now
                await self._update(channel, ts, said)
        await self._database.write(message.tenant, lambda tx: show.finish(tx, drawing, ts, channel))

    async def note(self, message: OutboxMessage) -> None:
        """Add one line to the thread where a request is discussed."""
        payload = message.payload
        async with self._database.read(message.tenant) as tx:
            surface = await tx.get(Surface, payload["surface_id"])
            found = await dossier(tx, payload["proposal_id"])
        if surface is not None and surface.status is SurfaceStatus.GONE and surface.ts is None:
            return  # its request was over before anybody saw it
        if surface is None or found is None or surface.status is SurfaceStatus.GONE:
            raise Undeliverable("its card is gone")
        if surface.ts is None or surface.rendered < surface.desired:
            # The card first: drawing it finds out whether it is still there, and a reply to nothing would stand alone.
            after = max(backoff(message.attempts - 1), self._pacer.backlog(surface.channel))
            raise Postponed("its card is not drawn yet", after=after, certain=True)
        said = cards.note(payload["event"], payload, found)
        await self._send_once(message, surface.channel, said, surface.thread_ts or surface.ts)

    async def tell(self, message: OutboxMessage) -> None:
        """Send one person a direct message: how a call of their agent ended, or that a place was handed to them."""
        async with self._database.read(message.tenant) as tx:
            found: Dossier | None = await dossier(tx, message.payload["proposal_id"])
            shown = await surfaces.of_proposal(tx, message.payload["proposal_id"])
        if found is None:
            raise Undeliverable("its proposal is gone")
        event = message.payload["event"]
        if event == "delegated":
            said = invitation(message.payload, found, link_to_card(self._office, shown))
        else:
            said = cards.direct_message(event, found)
        await self._send_once(message, message.payload["person"], said)

    async def say(self, message: OutboxMessage) -> None:
        """Send one person a direct message about something that is no call."""
        said = notice(message.payload["event"], message.payload)
        await self._send_once(message, message.payload["person"], said)

    async def _send_once(self, message: OutboxMessage, to: str, said: Message, thread_ts: str | None = None) -> None:
        """Post a message that is never changed again; after a lost answer, look for it before posting again."""
        try:
            if not message.certain and await self._find(to, thread_ts, message.id):
                return
            await self._database.write(message.tenant, lambda tx: outbox.begin_sending(tx, message.id))
            await self._post(message, to, said, message.id, thread_ts)
        except MessageLost as gone:
            raise Undeliverable(gone.error) from gone
        except Misconfigured as trouble:
            if _is_person(to) and trouble.error in _NOBODY:
                raise Undeliverable(f"Slack does not let us write to {to} ({trouble.error})") from trouble
            raise _postponed(trouble, message, to) from trouble
        except SlackTrouble as trouble:
            raise _postponed(trouble, message, to) from trouble

    async def _post(
        self, message: OutboxMessage, channel: str, said: Message, key: str, thread_ts: str | None
    ) -> tuple[str, str]:
        """Post under a key by which the message can be found again; returns channel and ts."""
        if (wait := self._pacer.wait(channel, message.priority, waited=message.last_error == _PACING)) > 0:
            raise Postponed(_PACING, after=wait, certain=True)
        sending: dict[str, Any] = {
            "channel": channel, "text": said.text, "blocks": said.blocks, "unfurl_links": False, "unfurl_media": False,
            "metadata": {"event_type": _METADATA, "event_payload": {"key": key}},
        }  # fmt: skip
        if thread_ts is not None:
            sending["thread_ts"] = thread_ts
        try:
            answer = await calling(self._client.chat_postMessage(**sending))
        except BlocksRefused as refused:
            log.error("Slack refused the blocks of %s (%s); posted as plain text", key, refused.error)
            answer = await calling(self._client.chat_postMessage(**{**sending, "blocks": None}))
        except TryLater as trouble:
            self._pacer.hold(channel, trouble.after)
            raise
        return str(answer["channel"]), str(answer["ts"])

    async def _update(self, channel: str, ts: str, said: Message) -> None:
        changed: dict[str, Any] = {"channel": channel, "ts": ts, "text": said.text, "blocks": said.blocks}
        try:
            await calling(self._client.chat_update(**changed))
        except BlocksRefused as refused:
            log.error("Slack refused the blocks of %s/%s (%s); shown as plain text", channel, ts, refused.error)
            await calling(self._client.chat_update(**{**changed, "blocks": []}))

    async def _find(self, to: str, thread_ts: str | None, key: str) -> tuple[str, str] | None:
        """Look for a message that may have been posted although no answer came."""
        channel = to
        if _is_person(to):
            opened = await calling(self._client.conversations_open(users=to))
            channel = opened["channel"]["id"]
        asked: dict[str, Any] = {"channel": channel, "limit": _LOOK_BACK, "include_all_metadata": True}
        if thread_ts is not None:
            answer = await calling(self._client.conversations_replies(ts=thread_ts, **asked))
        else:
            answer = await calling(self._client.conversations_history(**asked))
        for one in answer["messages"]:
            if ((one.get("metadata") or {}).get("event_payload") or {}).get("key") == key:
                return channel, str(one["ts"])
        return None

    async def _is_shared_outside(self, channel: str) -> bool:
        info = (await calling(self._client.conversations_info(channel=channel)))["channel"]
        return any(info.get(flag) for flag in ("is_ext_shared", "is_pending_ext_shared", "is_org_shared"))

    def _thread_link(self, drawing: Drawing) -> str | None:
        """Return the link from the copy in the approvals channel to the thread where the work is discussed."""
        proposal = drawing.dossier.proposal
        if drawing.surface.thread_ts is not None or not (proposal.thread_channel and proposal.thread_ts):
            return None
        return f"{self._office.identity.url}archives/{proposal.thread_channel}/p{proposal.thread_ts.replace('.', '')}"


def _is_person(to: str) -> bool:
    return to[:1] in "UW"


def _postponed(trouble: SlackTrouble, message: OutboxMessage, channel: str) -> Postponed:
    """Say when to try again after trouble, and tell the operator where only an operator can help."""
    if isinstance(trouble, TryLater):
        after = max(trouble.after, backoff(message.attempts))
        return Postponed(trouble.error, after=after, certain=not trouble.uncertain)
    if isinstance(trouble, Misconfigured | Disconnected):
        remedy = _REMEDIES.get(trouble.error, "install the app again, then restart")
        log.error("Slack answers %s for %s: %s", trouble.error, channel, remedy)
    after = min(_FIRST_RETRY * 2.0 ** min(message.attempts - 1, 10), _LAST_RETRY)
    return Postponed(trouble.error, after=after, certain=True)
