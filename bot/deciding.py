"""The one way to answer a request, for every door: check the person, look up live groups, then one transaction."""

import asyncio

from bot.office import Office
from bot.slack import CLICK_AGE, KEY_AGE, SlackTrouble
from governance.errors import Forbidden, NotFound, Refusal
from operations import review as operation
from operations.review import Answer
from storage import requests
from storage.database import Tx
from storage.tables import ApprovalRequest, Door

_PATIENCE = 2.2  # seconds; Slack gives up after 3 and never sends a click again


class CannotAskSlack(Refusal):
    """Slack cannot be asked who you are at the moment, so nothing was decided; try again shortly."""

    code = "SLACK_UNREACHABLE"


class TookTooLong(Refusal):
    """This could not be recorded in time, so nothing was decided; please click again."""

    code = "TOOK_TOO_LONG"


async def decide(office: Office, request_id: str, answer: Answer) -> ApprovalRequest:
    """Record one person's answer. Raises what `operations.review.review` raises, Forbidden and CannotAskSlack."""
    max_age = CLICK_AGE if answer.via is Door.SLACK else KEY_AGE
    request, approvers = await _request(office, request_id)
    try:
        await _check_membership(office, answer, max_age)
        members = await office.directory.members(operation.panel_of_request(request), max_age)
        left = await _who_left(office, approvers, max_age)
    except SlackTrouble as trouble:
        if not _may_decide_offline(office, answer):
            raise CannotAskSlack() from trouble
        members, left = {}, frozenset()

    async def record(tx: Tx) -> ApprovalRequest:
        return await operation.review(tx, request_id, answer, members, left)

    return await office.database.write(office.tenant, record)


async def decide_in_time(office: Office, request_id: str, answer: Answer) -> ApprovalRequest:
    """Decide while Slack still waits for the acknowledgement; past that nothing is decided and TookTooLong says so."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await decide(office, request_id, answer)
    except TimeoutError:
        raise TookTooLong() from None


async def _request(office: Office, request_id: str) -> tuple[ApprovalRequest, list[str]]:
    """Return a request and who has approved it so far."""
    async with office.database.read(office.tenant) as tx:
        request = await tx.get(ApprovalRequest, request_id)
        approvers = requests.approvers(await requests.live_reviews(tx, request_id)) if request else []
    if request is None:
        raise NotFound("There is no approval request under this id.")
    return request, approvers


async def _check_membership(office: Office, answer: Answer, max_age: float) -> None:
    person = await office.directory.person(answer.reviewer, max_age)
    if not person.may_decide:
        raise Forbidden("Only full members of this workspace may decide; guests and people from outside may not.",
                        code="NOT_A_MEMBER")  # fmt: skip


async def _who_left(office: Office, approvers: list[str], max_age: float) -> frozenset[str]:
    """Return who of those who approved before may no longer decide: their answers count no more."""
    people = await asyncio.gather(*(office.directory.person(one, max_age) for one in approvers))
    return frozenset(person.id for person in people if not person.may_decide)


def _may_decide_offline(office: Office, answer: Answer) -> bool:
    return answer.via is Door.API and answer.reviewer in office.policy.current.offline_deciders
