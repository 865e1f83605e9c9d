"""Drawing Home tabs: claim one, read what it shows, write its buttons down, and only then publish it."""

import logging

from bot.cards.home import Sheet, closed_home, digest_of, home
from bot.office import Office
from bot.office.sheets import sheet_of
from bot.slack import SlackTrouble, calling
from bot.slack.directory import Person
from operations import home as operation
from operations.home import HomeBusy, HomeDrawing
from storage import homes

log = logging.getLogger(__name__)


async def open_home(office: Office, person_id: str) -> None:
    """Draw the Home of somebody who opens it, fresh. Raises SlackTrouble."""
    with office.working():
        person = await office.directory.person(person_id)
        if not person.may_decide:
            await close_home(office, person_id)
            return
        drawing = await office.database.write(office.tenant, lambda tx: operation.open_home(tx, person_id))
        if drawing is not None:
            await _draw(office, person, drawing)


async def is_true(office: Office, person_id: str) -> bool:
    """Whether a Home shows what it should, and if so note that; what nobody looks at need not be drawn.

    Slack is not asked who they are: that is looked at with every drawing, and asking for everybody after every change
    would use up the calls that clicks need. Raises SlackTrouble.
    """
    async with office.database.read(office.tenant) as tx:
        shown = await homes.of(tx, person_id)
    if shown is None:
        return True
    if digest_of(await sheet_of(office, person_id)) != shown.drawn:
        return False
    await office.database.write(office.tenant, lambda tx: homes.seen(tx, person_id, shown.desired))
    return True


async def redraw_home(office: Office, person_id: str) -> None:
    """Draw the Home of somebody who has opened it before. Raises HomeBusy and SlackTrouble."""
    person = await office.directory.person(person_id)
    if not person.may_decide:
        await close_home(office, person_id)
        return
    await _draw(
        office, person, await office.database.write(office.tenant, lambda tx: operation.begin_home(tx, person_id))
    )


async def refresh(office: Office, person_id: str) -> None:
    """Draw somebody's Home again after they have used it; where that fails now, the next look mends it."""
    try:
        with office.working():
            await redraw_home(office, person_id)
    except (HomeBusy, SlackTrouble) as trouble:
        log.info("the Home of %s is not redrawn at once: %s", person_id, trouble)


async def close_home(office: Office, person_id: str) -> None:
    """Tell somebody who is no full member that nothing here is for them, and look after their Home no longer."""
    await office.database.write(office.tenant, lambda tx: homes.forget(tx, person_id))
    await calling(office.client.views_publish(user_id=person_id, view=closed_home()))


async def _draw(office: Office, person: Person, drawing: HomeDrawing) -> None:
    try:
        sheet = await sheet_of(office, person.id, person.tz)
        await _publish(office, person.id, sheet)
    except SlackTrouble:
        await office.database.write(office.tenant, lambda tx: operation.let_home_go(tx, drawing))
        raise
    digest = digest_of(sheet)
    await office.database.write(office.tenant, lambda tx: operation.finish_home(tx, drawing, digest))


async def _publish(office: Office, person: str, sheet: Sheet) -> None:
    entries = [one.dossier for one in sheet.answerable()]
    buttons = await office.database.write(office.tenant, lambda tx: operation.name_buttons(tx, person, entries))
    view = home(sheet, buttons, office.database.clock())
    await calling(office.client.views_publish(user_id=person, view=view))
