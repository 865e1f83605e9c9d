"""`/governance`: questions about governance, filed, listed, decided and used up; and what people owe a look."""

from aiohttp import web
from typing_extensions import TypedDict

from bot.api import bodies
from bot.api.approvals import STATUS, TYPE
from bot.api.cursors import cursor_after
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.governing import wire as governance_wire
from bot.api.governing.wire import OwedAgentReviewJson, OwedLifecycleReviewJson, QuestionJson
from bot.api.principals import Callers, Operator
from bot.api.queries import CURSOR, LIMIT, PAGING
from bot.office import Office
from bot.office.deciding import decide
from governance.automations import Actor, ActorKind
from governance.errors import Forbidden, NotAReviewer, NotFound, SelfReview, Unprocessable
from governance.lifecycle import RequestStatus
from governance.policy import Agent
from governance.reviewers import ReviewVerdict
from governance.roles import Role
from operations.filing import Filing, file_request
from operations.question import KEEPING, OWED
from operations.receipts import spend_receipt
from operations.review import Answer
from storage import governing
from storage.database import Tx
from storage.governing import Sought
from storage.tables import ApprovalRequest, Door, Proposal, RequestType

_MOST = 200  # of each list of what people owe a look


class QuestionsJson(TypedDict):
    """One page of questions about governance."""

    approvals: list[QuestionJson]
    count: int
    next_cursor: str | None


class QuestionTold(TypedDict):
    """One question about governance."""

    approval: QuestionJson


class OwedReviewsJson(TypedDict):
    """What people owe a look."""

    agent_creation_reviews: list[OwedAgentReviewJson]
    automation_lifecycle_reviews: list[OwedLifecycleReviewJson]
    pending_approvals: list[QuestionJson]
    count: int


class Governance:
    """Handlers of `/governance`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        every, told = "/governance/approvals", {200: QuestionTold}
        one, filed, decided = f"{every}/{{id}}", {**told, 201: QuestionTold}, (409, 503)
        return [
            Endpoint("GET", every, self.index, Who.EITHER, {200: QuestionsJson}, query=(STATUS, TYPE, *PAGING),
                     leads=(("approvals/0/approval_id", one),)),
            Endpoint("POST", every, self.create, Who.EITHER, filed, bodies.QuestionBody, refuses=(404, 409),
                     leads=(("approval/approval_id", one),)),
            Endpoint("POST", f"{one}/approve", self.approve, Who.OPERATOR, told, bodies.NotesBody, refuses=decided),
            Endpoint("POST", f"{one}/deny", self.deny, Who.OPERATOR, told, bodies.NotesBody, refuses=decided),
            Endpoint("POST", f"{one}/consume", self.consume, Who.AGENT, told, bodies.ReceiptBody, refuses=(409,)),
            Endpoint("GET", "/governance/reviews", self.reviews, Who.OPERATOR, {200: OwedReviewsJson}),
        ]  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """`GET /governance/approvals`: questions about governance, newest first.

        Operators and admins see all; everybody else what they filed, and people what they may answer.
        """
        caller = await self._callers.either(request)
        limit, kind = LIMIT.read(request), TYPE.read(request)
        sought = Sought(
            STATUS.read(request), (kind,) if kind else (),
            agent_id=caller.id if isinstance(caller, Agent) else None, person=_narrowed(caller),
            before=CURSOR.read(request),
        )  # fmt: skip
        async with self._office.database.read(self._office.tenant) as tx:
            page = await governing.questions(tx, sought, limit + 1)
        last = page[limit - 1][0] if len(page) > limit else None
        shown = [governance_wire.question_json(*one) for one in page[:limit]]
        more = cursor_after(last.created_at, last.id) if last else None
        told: QuestionsJson = {"approvals": shown, "count": len(shown), "next_cursor": more}
        return answer(told)

    async def create(self, request: web.Request) -> web.Response:
        """`POST /governance/approvals`: ask people about governance; 200 where the same is asked already."""
        caller = await self._callers.either(request)
        body, _ = await bodies.read_body(request, bodies.QuestionBody)
        by, governs = _actor(caller), isinstance(caller, Operator) and caller.role.covers(Role.OPERATOR)
        filing = Filing(
            RequestType(body.request_type), (body.target_resource.type, body.target_resource.id), body.rationale,
            body.context or {}, by, governs, body.expires_at,
        )  # fmt: skip
        policy = self._office.policy.current
        filed, is_new = await self._office.database.write(
            self._office.tenant, lambda tx: file_request(tx, policy, filing)
        )
        return await self._answer(filed.id, 201 if is_new else 200)

    async def approve(self, request: web.Request) -> web.Response:
        """`POST /governance/approvals/{id}/approve`: say yes, signed by a person who may answer."""
        return await self._decide(request, ReviewVerdict.APPROVE)

    async def deny(self, request: web.Request) -> web.Response:
        """`POST /governance/approvals/{id}/deny`: say no and why, signed by a person who may answer.

        A no that keeps something going needs no notes.
        """
        return await self._decide(request, ReviewVerdict.REJECT)

    async def consume(self, request: web.Request) -> web.Response:
        """`POST /governance/approvals/{id}/consume`: use up what was approved once, as the agent that asked."""
        agent = await self._callers.agent(request)
        body, _ = await bodies.read_body(request, bodies.ReceiptBody)
        question, proposal = await self._found(request.match_info["id"])
        if proposal.agent_id != agent.id:
            raise _unknown()
        await self._office.database.write(self._office.tenant, lambda tx: spend_receipt(tx, question.id, body.digest))
        return await self._answer(question.id)

    async def reviews(self, request: web.Request) -> web.Response:
        """`GET /governance/reviews`: what people owe a look; who is no operator sees what is theirs."""
        caller = await self._callers.either(request)
        if isinstance(caller, Agent):
            raise Forbidden("Reviews are given by people; an agent sees the requests it filed.")
        async with self._office.database.read(self._office.tenant) as tx:
            shown = await self._owed(tx, caller)
        return answer(shown)

    async def _owed(self, tx: Tx, operator: Operator) -> OwedReviewsJson:
        person = _narrowed(operator)
        agents = self._office.policy.current.agents
        blocked = [
            one for one in await governing.owed_by_agents(tx, _MOST)
            if person is None or (one.agent_id in agents and agents[one.agent_id].creator == person)
        ]  # fmt: skip
        found = await governing.worth_a_look(tx, person, _MOST)
        noticed = await governing.findings(tx, [one.id for one in found])
        waiting = await governing.questions(tx, Sought(RequestStatus.PENDING, sorted(OWED), person=person), _MOST)
        return {
            "agent_creation_reviews": [governance_wire.owed_by_agent_json(one) for one in blocked],
            "automation_lifecycle_reviews": [governance_wire.owed_lifecycle_json(one, noticed) for one in found],
            "pending_approvals": [governance_wire.question_json(*one) for one in waiting],
            "count": len(blocked) + len(found) + len(waiting),
        }

    async def _decide(self, request: web.Request, verdict: ReviewVerdict) -> web.Response:
        caller = await self._callers.either(request)
        if isinstance(caller, Agent):
            raise Forbidden("People decide about governance; sign with an operator key.",
                            code="GOVERNANCE_APPROVAL_REQUIRES_HUMAN")  # fmt: skip
        body, _ = await bodies.read_body(request, bodies.NotesBody)
        question, _proposal = await self._found(request.match_info["id"])
        keeps = question.request_type in KEEPING
        if verdict is ReviewVerdict.REJECT and not keeps and not (body.notes or "").strip():
            raise Unprocessable("notes: say why you reject; whoever asked reads it.")
        try:
            await decide(self._office, question.id, Answer(caller.person, verdict, Door.API, body.notes))
        except SelfReview as refusal:
            raise SelfReview(code="GOVERNANCE_APPROVAL_SELF_REVIEW", details=refusal.details) from None
        except NotAReviewer as refusal:
            raise NotAReviewer(code="GOVERNANCE_APPROVAL_REVIEWER_FORBIDDEN", details=refusal.details) from None
        return await self._answer(question.id)

    async def _answer(self, request_id: str, status: int = 200) -> web.Response:
        told: QuestionTold = {"approval": governance_wire.question_json(*await self._found(request_id))}
        return answer(told, status)

    async def _found(self, request_id: str) -> tuple[ApprovalRequest, Proposal]:
        async with self._office.database.read(self._office.tenant) as tx:
            question = await tx.get(ApprovalRequest, request_id)
            proposal = await tx.get(Proposal, question.proposal_id) if question else None
        if question is None or proposal is None or question.request_type is RequestType.TOOL_CALL:
            raise _unknown()
        return question, proposal


def _actor(caller: Agent | Operator) -> Actor:
    return Actor(ActorKind.AGENT, caller.id) if isinstance(caller, Agent) else Actor(ActorKind.HUMAN, caller.person)


def _narrowed(caller: Agent | Operator) -> str | None:
    """Return whose matters a person who is no operator is kept to."""
    if isinstance(caller, Agent) or caller.role.covers(Role.OPERATOR):
        return None
    return caller.person


def _unknown() -> NotFound:
    return NotFound("There is no governance request under this id.", code="GOVERNANCE_APPROVAL_NOT_FOUND")
