"""Owing an instance the news that its request over the Agent Approval Protocol is resolved."""

import uuid_utils

from storage import aap
from storage.database import Tx
from storage.outbox import Owed, Priority, owe
from storage.tables import AapRequest, Proposal


async def owe_resolved(tx: Tx, proposal: Proposal) -> None:
    """Queue the notification with the transaction that settles a proposal; nothing where it came in otherwise."""
    request = await aap.of_proposal(tx, proposal)
    if request is not None:
        await owe_event(tx, request)


async def owe_event(tx: Tx, request: AapRequest) -> None:
    """Queue the one event of a request, where its instance lives and is to be notified. Its id never changes."""
    instance = await aap.instance(tx, request.instance_id) if request.instance_id else None
    if instance is None or instance.url is None:
        return
    payload = {"request_id": request.id, "instance_id": instance.id}
    await owe(tx, Owed.AAP, str(uuid_utils.uuid4()), Priority.OUTCOME, payload)
