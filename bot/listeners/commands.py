"""Slash commands. Their answers are private."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.cards.blocks import date, mrkdwn
from bot.ids import Command
from bot.listeners.governing_words import WORDS, Spoken
from bot.office import Office
from bot.office.queue import Waiting, waiting
from governance.text import cut, one_line

_HELP = (
    "*/approvals* `mine` what waits for you · `pending` what waits for anybody · `rules` what is remembered · "
    "`revoke rul_…` ends a rule\n"
    "`pause deployer because …` · `resume deployer because …` · `tier deployer L2 for deploy.staging because …`\n"
    "Decide on the card itself, in its channel or thread. Everything else about a request is under *Details*."
)
_NOT_YET = {
    Command.GRANTS: "Grants are not in this version of Countersign yet; ask for the action itself and approve it.",
    Command.SPEND: "Spend limits are not in this version of Countersign yet; no agent's spend is counted or stopped.",
    Command.AUTOMATIONS: "Automations are not in this version of Countersign yet; agents propose single calls.",
}


def register(app: AsyncApp, office: Office) -> None:
    """Register the slash commands."""

    @app.command(Command.APPROVALS.value)
    async def approvals(ack: AsyncAck, command: dict[str, Any]) -> None:
        await ack(text=await _answer(office, command.get("text", ""), command["user_id"]), response_type="ephemeral")

    for name, sentence in _NOT_YET.items():
        app.command(name.value)(_saying(sentence))


def _saying(sentence: str) -> Any:
    async def listener(ack: AsyncAck) -> None:
        await ack(text=sentence, response_type="ephemeral")

    return listener


async def _answer(office: Office, text: str, user: str) -> str:
    first, _, rest = text.strip().partition(" ")
    word = (first or "mine").lower().rstrip("?!.")
    if (governed := WORDS.get(word)) is not None:
        return await governed(Spoken(office, user, rest))
    if word in ("mine", "my", "me"):
        return _listed(await waiting(office, user), "Nothing waits for you.")
    if word in ("pending", "all", "list"):
        return _listed(await waiting(office), "Nothing waits for anybody.")
    return _HELP if word == "help" else f"I do not know `{mrkdwn(cut(one_line(word), 40))}`.\n{_HELP}"


def _listed(found: list[Waiting], nothing: str) -> str:
    if not found:
        return nothing
    lines = [_line(one) for one in found[:20]]
    more = [f"… and {len(found) - 20} more"] if len(found) > 20 else []
    return "\n".join([*lines, *more])


def _line(one: Waiting) -> str:
    proposal, request = one.dossier.proposal, one.dossier.request
    assert request is not None
    title = mrkdwn(one_line(f"{proposal.title} · {proposal.agent_name}"))
    linked = f"<{one.link}|{title}>" if one.link else title
    return f"• {linked} · `{proposal.tool}` · expires {date(request.expires_at)}"
