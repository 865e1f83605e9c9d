"""The daily digest, drawn from what is true when it is sent."""

from datetime import datetime, timedelta

from bot.cards.digest import AgentDay, Awaited, Digest, Pause, RuleDay, digest
from bot.delivery.posting import Poster
from bot.delivery.troubles import postponed
from bot.office import Office
from bot.office.queue import Waiting, waiting
from bot.slack import KEY_AGE, SlackTrouble
from scheduler.ports import Undeliverable
from storage import activity, people, standing
from storage.database import Tx
from storage.tables import OutboxMessage, StandingKind

_DAY = timedelta(hours=24)


class Digests:
    """Sends the digests of one workspace."""

    def __init__(self, office: Office, poster: Poster) -> None:
        self._office, self._database, self._poster = office, office.database, poster

    async def send(self, message: OutboxMessage) -> None:
        """Send one person's digest, at the hour they chose also where it lies in their quiet hours; none where there
        is nothing to say, or where they have taken it back."""
        person = message.payload["person"]
        async with self._database.read(message.tenant) as tx:
            wanted = (await people.preference(tx, person)).digest_hour is not None
        if not wanted:
            return
        try:
            who = await self._office.directory.person(person, KEY_AGE)
            waits = await waiting(self._office, person)
        except SlackTrouble as trouble:
            raise postponed(trouble, message, person) from trouble
        if not who.may_decide:
            raise Undeliverable(f"{person} is no full member of the workspace any more")
        async with self._database.read(message.tenant) as tx:
            found = await self._gather(tx, person, waits)
        if not found.is_empty:
            await self._poster.send_once(message, person, digest(found))

    async def _gather(self, tx: Tx, person: str, waits: list[Waiting]) -> Digest:
        since, until = tx.now - _DAY, tx.now + _DAY
        awaited = sorted((_awaited(one) for one in waits), key=lambda one: one.expires_at)
        used = await activity.rules_used_since(tx, person, since)
        return Digest(
            waiting=tuple(awaited), soon=sum(one.expires_at <= until for one in awaited),
            agents=tuple(await self._agents(tx, person, since)),
            rules=tuple(RuleDay(rule.effect, rule.tool, rule.agent_id, count) for rule, count in used),
            paused=tuple(await self._paused(tx, person)),
        )  # fmt: skip

    async def _agents(self, tx: Tx, person: str, since: datetime) -> list[AgentDay]:
        names = {
            agent.id: agent.name for agent in self._office.policy.current.agents.values() if agent.creator == person
        }
        if not names:
            return []
        calls, asked = await activity.calls_since(tx, names, since), await activity.asked_since(tx, names, since)
        return [
            AgentDay(name, calls.get(agent_id, {}), asked.get(agent_id, 0))
            for agent_id, name in names.items()
            if agent_id in calls or agent_id in asked
        ]

    async def _paused(self, tx: Tx, person: str) -> list[Pause]:
        """Return the paused agents among the person's own; to admins and operators all."""
        policy = self._office.policy.current
        sees_all = person in (*policy.admins, *policy.operators)
        found = [one for one in await standing.live(tx) if one.kind is StandingKind.PAUSE]
        agents = [(policy.agents.get(one.agent_id), one) for one in found]
        return [
            Pause(agent.name, one.by)
            for agent, one in agents
            if agent is not None and (sees_all or agent.creator == person)
        ]


def _awaited(one: Waiting) -> Awaited:
    proposal, request = one.dossier.proposal, one.dossier.request
    assert request is not None  # it waits
    return Awaited(proposal.title, proposal.agent_name, one.link, request.expires_at)
