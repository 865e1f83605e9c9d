"""Short forms for questions about governance."""

from typing import Any

from governance.automations import Actor, ActorKind
from governance.policy import Policy
from operations.question import Question, raise_question
from storage.database import Database
from storage.tables import ApprovalRequest, RequestType
from tests.integration.verbs import TENANT

SYSTEM = Actor(ActorKind.SYSTEM)
PERSON = Actor(ActorKind.HUMAN, "U0BOB")
AGENT = Actor(ActorKind.AGENT, "deployer")


def question(kind: RequestType, target: tuple[str, str] = ("agent", "deployer"), **more: Any) -> Question:
    """A question with words that nobody looks at."""
    context, asked_by = more.pop("context", {}), more.pop("asked_by", SYSTEM)
    return Question(kind, target, "Look at this", "Lets it go on", "because", context, asked_by, **more)


async def ask(database: Database, policy: Policy, kind: RequestType, **more: Any) -> ApprovalRequest:
    """Raise a question; about agent deployer unless told otherwise."""
    asked = question(kind, more.pop("target", ("agent", "deployer")), **more)
    return await database.write(TENANT, lambda tx: raise_question(tx, policy, asked))
