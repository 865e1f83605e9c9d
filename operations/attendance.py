"""Owing a look at who is there to decide; the look itself asks Slack, so it comes after the commit."""

from storage import requests
from storage.database import Tx
from storage.outbox import Owed, Priority, owe

_CONCERNED = 500  #: of one person's open requests; the rest is looked at when half their time has passed


async def owe_look(tx: Tx, request_id: str) -> None:
    """Owe a look at who may decide a request and is there."""
    await owe(tx, Owed.COVER, request_id, Priority.WARNING)


async def owe_looks(tx: Tx, person: str) -> None:
    """Owe a look at every open request that may concern a person who leaves or comes back."""
    for request_id in await requests.concerning(tx, person, _CONCERNED):
        await owe_look(tx, request_id)
