"""Short forms of the verbs, so that a test reads like the story it tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from bot.policy import load_policy
from governance.policy import Policy
from governance.reviewers import ReviewVerdict
from operations.propose import Proposed, propose
from operations.review import Answer, review
from operations.submission import Submission
from storage.database import Database
from storage.dossier import Dossier, dossier
from storage.tables import ApprovalRequest, Door, OutboxMessage
from storage.trail import Line, lines_of
from tests.policies import policy_text

TENANT = "default"
SECRETS = {"DEPLOY_SECRET": "whsec_QUJD"}

APPROVE, REJECT, DEFER = ReviewVerdict.APPROVE, ReviewVerdict.REJECT, ReviewVerdict.DEFER


@dataclass
class Held:
    """A policy that a test may exchange while an executor looks at it."""

    current: Policy

    @property
    def hash(self) -> str:
        return self.current.hash

    def of(self, tenant: str) -> Policy:
        return self.current


def policy_from(
    folder: Path, target: str = "http://127.0.0.1:9", *, replace: Mapping[str, str] | None = None, **more: str
) -> Policy:
    """Compile the usual policy with some of its text replaced or added."""
    said = policy_text(target, **more)
    for old, new in (replace or {}).items():
        assert old in said
        said = said.replace(old, new)
    path = folder / "variant.toml"
    path.write_text(said)
    return load_policy(path, SECRETS)


async def submit(
    database: Database,
    policy: Policy,
    tool: str = "deploy.production",
    *,
    agent: str = "deployer",
    **more: Any,
) -> Proposed:
    """Judge and record one call of an agent."""
    submission = Submission(tool, more.pop("arguments", {"service": "checkout"}), **more)
    caller = policy.agents[agent]
    return await database.write(TENANT, lambda tx: propose(tx, policy, caller, submission))


async def look(database: Database, proposed: Proposed | Dossier) -> Dossier:
    """Read what is stored about a proposal now."""
    assert proposed.proposal is not None
    async with database.read(TENANT) as tx:
        found = await dossier(tx, proposed.proposal.id)
    assert found is not None
    return found


async def asked(database: Database, policy: Policy, tool: str = "deploy.production", **more: Any) -> Dossier:
    """Record a call and return its dossier."""
    return await look(database, await submit(database, policy, tool, **more))


async def say(
    database: Database,
    found: Dossier,
    person: str,
    verdict: ReviewVerdict = APPROVE,
    reason: str | None = None,
    *,
    members: Mapping[str, frozenset[str]] | None = None,
    **more: Any,
) -> ApprovalRequest:
    """One person answers. `members` holds the live members of user groups."""
    assert found.request is not None
    given, request_id = Answer(person, verdict, Door.SLACK, reason, **more), found.request.id
    return await database.write(TENANT, lambda tx: review(tx, request_id, given, members or {}))


async def rows(database: Database, table: type[Any], **where: Any) -> list[Any]:
    """Return the rows of a table whose columns have these values, in the order they were made."""
    query = select(table).filter_by(**where)
    order = getattr(table, "created_at", None) or getattr(table, "queued_at", None) or getattr(table, "at", None)
    async with database.read(TENANT) as tx:
        return list(await tx.session.scalars(query.order_by(order, table.id) if order is not None else query))


async def lines(database: Database) -> list[Line]:
    """The lines that threads are owed or were told, in the order of the messages that hold them."""
    return [line for message in await rows(database, OutboxMessage, kind="note") for line in lines_of(message)]


async def count(database: Database, table: type[Any], **where: Any) -> int:
    """Return how many such rows there are."""
    return len(await rows(database, table, **where))


async def sql(database: Database, statement: str, **values: Any) -> None:
    """Run one statement behind the program's back."""

    async def run(tx: Any) -> None:
        await tx.session.execute(text(statement), values)

    await database.write("", run)
