"""Bookkeeping of one Home tab while it is drawn: opened, claimed, its buttons written down, drawn, or let go."""

from collections.abc import Iterable
from dataclasses import dataclass

from operations.show import note_rendering
from storage import homes
from storage.database import Tx
from storage.dossier import Dossier


class HomeBusy(Exception):
    """Another hand is drawing this Home at the moment."""


@dataclass(frozen=True, slots=True)
class HomeDrawing:
    """Whose Home is drawn, and the changes up to which revision it will show."""

    person: str
    revision: int


async def open_home(tx: Tx, person: str) -> HomeDrawing | None:
    """Note that somebody opens their Home, and claim it for drawing; None where it is just being drawn.

    In that case it may miss what changed a moment ago, so another look at it is owed.
    """
    await homes.add(tx, person)
    try:
        return await begin_home(tx, person)
    except HomeBusy:
        homes.changed(tx)
        return None


async def begin_home(tx: Tx, person: str) -> HomeDrawing:
    """Claim a Home for drawing, before anything is read for it. Raises HomeBusy."""
    if not await homes.seize(tx, person):
        raise HomeBusy(person)
    home = await homes.of(tx, person)
    assert home is not None  # it was just claimed
    return HomeDrawing(person, home.desired)


async def name_buttons(tx: Tx, person: str, entries: Iterable[Dossier]) -> dict[str, str]:
    """Write down what the entries of a Home show; return the rendering id of each, by `entry_key`.

    What is on the Home already keeps its rendering id, which says the same of it. They are committed before Slack is
    told of them, so that no click on them finds us ignorant.
    """
    home = await homes.of(tx, person)
    known = home.buttons if home is not None else {}
    named = {}
    for found in entries:
        key = entry_key(found)
        named[key] = known.get(key) or await note_rendering(tx, found)
    if named != known:
        await homes.change(tx, person, buttons=named)
    return named


def entry_key(found: Dossier) -> str:
    """Return what tells one entry of a Home from any other: the request, and the version of it that is shown."""
    assert found.request is not None
    return f"{found.request.id}:{found.request.version}"


async def finish_home(tx: Tx, drawing: HomeDrawing, digest: str) -> None:
    """Note that the Home shows what has this digest."""
    await homes.change(tx, drawing.person, drawn=digest, drawn_at=tx.now, busy_until=None)
    await homes.seen(tx, drawing.person, drawing.revision)


async def let_home_go(tx: Tx, drawing: HomeDrawing) -> None:
    """Release a Home that could not be drawn; it still has to be."""
    await homes.change(tx, drawing.person, busy_until=None)
