"""Questions about governance that people file in Slack: as themselves, and never answered by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.office import Office
from bot.office.queue import Waiting, read_shown
from governance.automations import Actor, ActorKind
from governance.canonical import Json
from governance.errors import NotFound
from governance.roles import Role, role_of
from operations.filing import Filing, file_request
from storage.tables import ApprovalRequest, RequestType


@dataclass(frozen=True, slots=True)
class Filed:
    """A question that waits for people now, and whether it is new: the same may have been open already."""

    request: ApprovalRequest
    is_new: bool


async def ask(
    office: Office,
    person: str,
    kind: RequestType,
    target: tuple[str, str],
    reason: str,
    context: Mapping[str, Json] | None = None,
) -> Filed:
    """File a question as a person. Raises what `operations.filing.file_request` raises."""
    policy = office.policy.current
    governs = role_of(policy, person).covers(Role.OPERATOR)
    filing = Filing(kind, target, reason, context or {}, Actor(ActorKind.HUMAN, person), governs)
    request, is_new = await office.database.write(office.tenant, lambda tx: file_request(tx, policy, filing))
    return Filed(request, is_new)


async def shown_question(office: Office, request: ApprovalRequest) -> Waiting:
    """Return a question with the link to its card. Raises NotFound."""
    async with office.database.read(office.tenant) as tx:
        found = await read_shown(office, tx, [request])
    if not found:
        raise NotFound("There is no such request any more.")
    return found[0]
