"""Looking who is there to decide a request: asks Slack about its people, then one transaction."""

from bot.delivery.troubles import postponed
from bot.office import Office
from bot.office.presence import look_around
from bot.slack import SlackTrouble
from governance.lifecycle import OPEN_REQUESTS
from operations.cover import cover
from storage import requests
from storage.tables import ApprovalRequest, OutboxMessage


class Covering:
    """Looks after the reviewers of one workspace's requests."""

    def __init__(self, office: Office) -> None:
        self._office, self._database = office, office.database

    async def cover(self, message: OutboxMessage) -> None:
        """Look who of those a request asks is there, and hand on the places of those who are not."""
        async with self._database.read(message.tenant) as tx:
            request = await tx.get(ApprovalRequest, message.subject)
            holders = [one.taker for one in await requests.delegations(tx, message.subject)]
        if request is None or request.status not in OPEN_REQUESTS:
            return
        try:
            seen = await look_around(self._office, request, holders)
        except SlackTrouble as trouble:
            raise postponed(trouble, message, f"the reviewers of {request.id}") from trouble
        policy = self._office.policy.current
        await self._database.write(message.tenant, lambda tx: cover(tx, policy, request.id, seen))
