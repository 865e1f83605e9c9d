"""Verbs about governance, each prepared so that it can be broken at every statement (see test_atomic_operations)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from governance.lifecycle import RequestStatus
from governance.reviewers import ReviewVerdict
from operations import expire, filing, question, receipts, review
from storage.tables import ApprovalRequest, Door, RequestType
from tests.integration.asking import (
    AGENT,
    AUTOMATION,
    RETIREMENT,
    REVIEW,
    answer,
    ask,
    automation,
    owing,
    owing_agent,
    stopped,
)
from tests.integration.asking import question as worded
from tests.integration.verbs import APPROVE, REJECT

if TYPE_CHECKING:
    from tests.integration.test_atomic_operations import Scene

#: Parts of other verbs: they are broken where the verbs that use them are.
PARTS = {
    "question.open_question", "question.answer_owed", "effects.take_effect", "spend_stop.lift", "lifecycle.acknowledge",
    "lifecycle.acknowledge_agent", "lifecycle.retire", "lifecycle.extend", "receipts.consume",
}  # fmt: skip

Case = Callable[["Scene"], Awaitable[Any]]
CASES: list[tuple[str, Case]] = []


def case(verb: str) -> Callable[[Case], Case]:
    def register(made: Case) -> Case:
        CASES.append((verb, made))
        return made

    return register


def is_open(got: ApprovalRequest) -> bool:
    return got.status is RequestStatus.PENDING


def deciding(scene: Scene, request: ApprovalRequest, verdict: ReviewVerdict) -> Any:
    given = review.Answer("U0ADMIN", verdict, Door.SLACK, "because")
    after = RequestStatus.APPROVED if verdict is APPROVE else RequestStatus.REJECTED
    return (
        lambda tx: review.review(tx, request.id, given, {}, policy=scene.policy),
        lambda got: got.status is after,
    )


@case("question.raise_question")
async def asked_by_itself(scene: Scene) -> Any:
    asked = worded(REVIEW, AUTOMATION, reviewers=("U0OWNER",))
    return lambda tx: question.raise_question(tx, scene.policy, asked), is_open


@case("question.raise_question")
async def asked_in_place_of_one_that_ran_out(scene: Scene) -> Any:
    await ask(scene.database, scene.policy, REVIEW)
    scene.clock.forward(hours=73)
    return lambda tx: question.raise_question(tx, scene.policy, worded(REVIEW)), is_open


@case("question.supersede")
async def no_longer_standing(scene: Scene) -> Any:
    await ask(scene.database, scene.policy, RETIREMENT, target=AUTOMATION)
    return lambda tx: question.supersede(tx, RETIREMENT, AUTOMATION, "extended"), lambda got: got == 1


@case("filing.file_request")
async def filed_by_an_agent(scene: Scene) -> Any:
    filed = filing.Filing(RequestType.EXTERNAL_POST, ("agent", "deployer"), "why", {"text": "hello"}, AGENT)
    return lambda tx: filing.file_request(tx, scene.policy, filed), lambda got: got[1]


@case("filing.file_request")
async def filed_for_what_is_owed(scene: Scene) -> Any:
    await answer(scene.database, scene.policy, await owing_agent(scene.database, scene.policy), REJECT)
    filed = filing.Filing(REVIEW, ("agent", "deployer"), "why", {}, worded(REVIEW).asked_by, governs=True)
    return lambda tx: filing.file_request(tx, scene.policy, filed), lambda got: got[1]


@case("receipts.spend_receipt")
async def used_up(scene: Scene) -> Any:
    request = await ask(scene.database, scene.policy, RequestType.EXTERNAL_POST, asked_by=AGENT)
    await answer(scene.database, scene.policy, request)
    return (
        lambda tx: receipts.spend_receipt(tx, request.id, request.digest),
        lambda got: got.consumed_at is not None,
    )


@case("review.review")
async def a_capability_granted(scene: Scene) -> Any:
    context = {"capability": "mcp:github"}
    request = await ask(scene.database, scene.policy, RequestType.CAPABILITY_REQUEST, asked_by=AGENT, context=context)
    return deciding(scene, request, APPROVE)


@case("review.review")
async def a_spend_stop_lifted(scene: Scene) -> Any:
    return deciding(scene, await stopped(scene.database, scene.policy), APPROVE)


@case("review.review")
async def an_automation_looked_at(scene: Scene) -> Any:
    return deciding(scene, await owing(scene.database, scene.policy), APPROVE)


@case("review.review")
async def an_automation_not_acceptable(scene: Scene) -> Any:
    return deciding(scene, await owing(scene.database, scene.policy), REJECT)


@case("review.review")
async def an_agent_looked_at(scene: Scene) -> Any:
    return deciding(scene, await owing_agent(scene.database, scene.policy), APPROVE)


async def retiring(scene: Scene) -> ApprovalRequest:
    await automation(scene.database)
    return await ask(scene.database, scene.policy, RETIREMENT, target=AUTOMATION, reviewers=("U0OWNER",))


@case("review.review")
async def an_automation_retired(scene: Scene) -> Any:
    return deciding(scene, await retiring(scene), APPROVE)


@case("review.review")
async def an_automation_kept(scene: Scene) -> Any:
    return deciding(scene, await retiring(scene), REJECT)


@case("expire.attend")
async def what_is_owed_asked_again(scene: Scene) -> Any:
    request = await owing(scene.database, scene.policy)
    scene.clock.forward(hours=72)
    return lambda tx: expire.attend(tx, request.id, scene.policy), lambda got: got is None
