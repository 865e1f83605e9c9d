"""What a click on one of our cards or a submission of one of our modals says, read from its payload."""

from dataclasses import dataclass
from typing import Any

from bot.cards.buttons import read_option
from bot.ids import Option
from bot.office import Office
from governance.errors import NotFound
from storage import surfaces
from storage.database import Tx
from storage.dossier import Dossier, dossier
from storage.tables import Rendering


@dataclass(frozen=True, slots=True)
class Click:
    """Who did it, and the rendering whose button it was."""

    user: str
    rendering_id: str


def click_of(body: dict[str, Any]) -> Click:
    """Read a block action on a card."""
    return Click(body["user"]["id"], str(body["actions"][0].get("value", "")))


def submission_of(body: dict[str, Any]) -> Click:
    """Read a submission of, or an action inside, one of our modals."""
    return Click(body["user"]["id"], str(body["view"].get("private_metadata", "")))


def option_of(body: dict[str, Any]) -> tuple[Option, Click]:
    """Read a choice in the overflow menu of a card. Raises NotFound for one that is none of ours."""
    found = read_option(str((body["actions"][0].get("selected_option") or {}).get("value", "")))
    if found is None:
        raise NotFound("This menu belongs to no request here; it may be from another installation.")
    return found[0], Click(body["user"]["id"], found[1])


async def find(office: Office, click: Click) -> Dossier:
    """Return what is stored behind a card's button, or behind one in a direct message, which names the proposal."""
    if not click.rendering_id.startswith("prp_"):
        return (await look_up(office, click))[1]
    async with office.database.read(office.tenant) as tx:
        found = await dossier(tx, click.rendering_id)
    if found is None:
        raise NotFound("This button belongs to no call here; it may be from another installation.")
    return found


async def look_up(office: Office, click: Click) -> tuple[Rendering, Dossier]:
    """Return the rendering a click belongs to and what is stored about its request. Raises NotFound."""
    async with office.database.read(office.tenant) as tx:
        rendering = await surfaces.rendering(tx, click.rendering_id)
        request_found = await _dossier(tx, rendering) if rendering else None
    if rendering is None or request_found is None:
        raise NotFound("This button belongs to no request here; it may be from another installation.")
    return rendering, request_found


def request_of(rendering: Rendering) -> str:
    """Return the request a rendering asks about. Raises NotFound for one that asks nothing."""
    if rendering.request_id is None:
        raise NotFound("This card asks for no answer.")
    return rendering.request_id


async def _dossier(tx: Tx, rendering: Rendering) -> Dossier | None:
    return await dossier(tx, rendering.proposal_id)
