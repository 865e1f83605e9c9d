"""The one way to answer a request, for every door: check the person, look up live groups, then one transaction."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from time import monotonic
from typing import Any, TypeVar

from bot.office import Office
from bot.slack import CLICK_AGE, KEY_AGE, SlackTrouble
from governance.errors import Forbidden, NotFound, Refusal
from operations import review as operation
from operations.review import Answer
from storage import requests
from storage.database import Tx
from storage.tables import ApprovalRequest, Door

log = logging.getLogger(__name__)

T = TypeVar("T")

_PATIENCE = 2.2  # seconds since it came in; Slack gives up after 3 and never sends a click again
_LEAST = 0.4  # seconds to decide in where finding out who it is took nearly all of them
_arrived: ContextVar[float] = ContextVar("arrived")


class CannotAskSlack(Refusal):
    """Slack cannot be asked who you are at the moment, so nothing was decided; try again shortly."""

    code = "SLACK_UNREACHABLE"


def cannot_ask(office: Office, person: str) -> CannotAskSlack:
    """Return the refusal of somebody whom Slack cannot vouch for now, or never where there is none."""
    if office.client.token:
        return CannotAskSlack()
    return CannotAskSlack(
        f"This server has no Slack to ask who you are, so nothing was decided; list {person} under [roles] "
        "offline_deciders in countersign.toml."
    )


class TookTooLong(Refusal):
    """Recording this takes longer than Slack waits. Watch the card; if it does not change, please click again."""

    code = "TOOK_TOO_LONG"


async def decide(
    office: Office, request_id: str, answer: Answer, also: Callable[[Tx], Awaitable[None]] | None = None
) -> ApprovalRequest:
    """Record one person's answer, and do `also` what belongs to it in the same transaction.

    Raises what `operations.review.review` raises, Forbidden and CannotAskSlack.
    """
    max_age = _max_age(answer.via)
    request, approvers = await _request(office, request_id)
    try:
        await check_member(office, answer.reviewer, answer.via)
        members = await office.directory.members(operation.panel_of_request(request))
        left = await _who_left(office, approvers, max_age)
    except SlackTrouble as trouble:
        if not may_decide_offline(office, answer.reviewer, answer.via):
            raise cannot_ask(office, answer.reviewer) from trouble
        members, left = {}, frozenset()

    async def record(tx: Tx) -> ApprovalRequest:
        if also is not None:
            await also(tx)
        return await operation.review(tx, request_id, answer, members, left, office.policy.current)

    return await office.database.write(office.tenant, record)


async def decide_in_time(office: Office, request_id: str, answer: Answer) -> ApprovalRequest:
    """Decide while Slack still waits for the acknowledgement."""
    return await in_time(decide(office, request_id, answer))


def note_arrival() -> None:
    """Note that something came in: whatever is done before it is acknowledged shares the one time Slack waits."""
    _arrived.set(monotonic())


async def in_time(work: Coroutine[Any, Any, T]) -> T:
    """Do what a click asks for while Slack still waits for the acknowledgement. Past that it may yet be recorded, or
    not: a commit cannot be called back, so TookTooLong claims neither."""
    task = asyncio.create_task(work)
    now = monotonic()
    done, _ = await asyncio.wait({task}, timeout=max(_PATIENCE - (now - _arrived.get(now)), _LEAST))
    if done:
        return task.result()
    _late.add(task)
    task.add_done_callback(_ended_late)
    raise TookTooLong()


_late: set[asyncio.Task[Any]] = set()


def _ended_late(task: "asyncio.Task[Any]") -> None:
    _late.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("an answer that took too long was not recorded: %s", error)


async def _request(office: Office, request_id: str) -> tuple[ApprovalRequest, list[str]]:
    """Return a request and who has approved it so far."""
    async with office.database.read(office.tenant) as tx:
        request = await tx.get(ApprovalRequest, request_id)
        seats = requests.approvers(await requests.live_reviews(tx, request_id)) if request else []
    if request is None:
        raise NotFound("There is no approval request under this id.")
    return request, list(dict.fromkeys(one for seat in seats for one in (seat.person, seat.of)))


async def check_member(office: Office, person: str, via: Door) -> None:
    """Raise Forbidden unless a person is a full member of this workspace; SlackTrouble where nobody can tell."""
    if not (await office.directory.person(person, _max_age(via))).may_decide:
        raise Forbidden("Only full members of this workspace may decide; guests and people from outside may not.",
                        code="NOT_A_MEMBER")  # fmt: skip


def _max_age(via: Door) -> float:
    return CLICK_AGE if via is Door.SLACK else KEY_AGE


async def _who_left(office: Office, approvers: list[str], max_age: float) -> frozenset[str]:
    """Return who of those who approved before may no longer decide: their answers count no more."""
    people = await asyncio.gather(*(office.directory.person(one, max_age) for one in approvers))
    return frozenset(person.id for person in people if not person.may_decide)


def may_decide_offline(office: Office, person: str, via: Door) -> bool:
    """Whether a person may decide over the API while Slack cannot be asked who they are."""
    return via is Door.API and person in office.policy.current.offline_deciders
