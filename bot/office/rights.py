"""Rights, automations and spend as one person's Home shows them."""

from collections.abc import Collection, Sequence

from bot.cards.home_entries import HomeEntry
from bot.cards.home_rights import HomeAutomation, HomeGrant
from bot.office.office import Office
from bot.office.queue import read_shown
from governance.policy import Policy
from governance.roles import Role, role_of
from storage import automation_lists, grants
from storage.database import Tx
from storage.waiting import Open

_LOOKED_AT = 200


async def grants_of(tx: Tx, policy: Policy, person: str, room: int) -> tuple[tuple[HomeGrant, ...], int]:
    """Return the rights in force of a person's agents and those they gave, newest first; and how many had no room."""
    own = {one.id for one in policy.agents.values() if one.creator == person}
    live = await grants.page(tx, live_only=True, limit=_LOOKED_AT)
    theirs = [one for one in live if one.agent_id in own or one.granted_by == person]
    shown, is_admin = theirs[:room], role_of(policy, person) is Role.ADMIN
    names = await automation_lists.names(tx, {one.automation_id for one in shown if one.automation_id is not None})
    return tuple(HomeGrant(one, names, is_admin) for one in shown), len(theirs) - len(shown)


async def automations_of(
    tx: Tx, office: Office, person: str, found: Sequence[Open], theirs: Collection[str], room: int
) -> tuple[tuple[HomeAutomation, ...], int]:
    """Return a person's automations, those that people are asked about first; and how many had no room. `theirs` are
    the requests that wait for that person."""
    rows = await automation_lists.owned(tx, person, _LOOKED_AT)
    asked = {one.request.target_id: one.request for one in found if one.request.target_id is not None}
    rows.sort(key=lambda row: (row.id not in asked, row.retired_at is not None))
    shown = rows[:room]
    read = await read_shown(office, tx, [asked[row.id] for row in shown if row.id in asked])
    questions = {
        one.dossier.request.target_id: HomeEntry(one.dossier, one.link, one.dossier.request.id in theirs)
        for one in read if one.dossier.request is not None
    }  # fmt: skip
    return tuple(HomeAutomation(row, questions.get(row.id)) for row in shown), len(rows) - len(shown)


def may_give(policy: Policy, person: str) -> bool:
    """Whether a person may give grants to any agent: operators and admins, and those who created one."""
    is_creator = any(one.creator == person for one in policy.agents.values() if not one.is_internal)
    return is_creator or role_of(policy, person).covers(Role.OPERATOR)
