"""Housekeeping: seal the audit chain, repair surfaces that fell behind, forget what is over."""

from operations import digest, remember, seal
from operations.webhook_sending import forget_deliveries
from storage import access, foldings, inbox, sequence, surfaces
from storage.database import Database, Tx
from storage.outbox import Owed, Priority, owe

#: Announced by whoever waits for what was committed to get its place, instead of waiting for the next tick.
SEAL_SOON = "seals"
_BATCH = 100


async def seal_audit(database: Database) -> None:
    """Number and chain every committed audit entry."""
    await _seal(database, wait=False)


async def seal_for_reader(database: Database) -> None:
    """Seal whatever is committed by now, so that who reads the record finds their own writes in it."""
    await _seal(database, wait=True)


async def _seal(database: Database, *, wait: bool) -> None:
    async with database.read("") as tx:
        if not await sequence.is_behind(tx):
            return
    while await database.write("", lambda tx: seal.seal_next(tx, wait=wait)):
        pass


async def reconcile_surfaces(database: Database) -> None:
    """Owe a drawing for every surface and every count that shows less than it should, whatever became of the message
    that was owed for it."""
    await database.write("", _owe_stale)


async def _owe_stale(tx: Tx) -> None:
    for surface in await surfaces.stale(tx, _BATCH):
        tx.tenant = surface.tenant
        await owe(tx, Owed.SHOW, surface.id, Priority.CARD)
    for folding in await foldings.stale(tx, _BATCH):
        tx.tenant = folding.tenant
        await owe(tx, Owed.FOLD, folding.id, Priority.OUTCOME)


async def forget_nonces(database: Database) -> None:
    """Drop nonces that no accepted timestamp can carry any more."""
    await database.write("", access.forget_nonces)


async def forget_events(database: Database) -> None:
    """Drop replies and reactions that were answered long ago."""
    await database.write("", inbox.forget)


async def forget_webhooks(database: Database) -> None:
    """Drop what webhooks were told long ago."""
    while await database.write("", forget_deliveries):
        pass


async def owe_digests(database: Database) -> None:
    """Owe their digest to everybody whose hour has come."""
    while await database.write("", digest.owe_due):
        pass


async def ask_about_old_rules(database: Database) -> None:
    """Ask the authors of rules that have stood for long whether they are still meant."""
    while await database.write("", remember.ask_about_old_rules):
        pass
