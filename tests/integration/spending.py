"""Short forms for money: reports, automations with runs, and the loop's look at stops."""

from dataclasses import replace
from typing import Any

from governance.automations import Actor, ActorKind, AutomationStatus, RunStatus
from governance.money import parse_usd
from governance.policy import Policy
from operations.limits import change_limits
from operations.spend import Reported, Spent, report
from scheduler.spending import SpendClock
from storage import spend
from storage.database import Database
from storage.tables import Automation, AutomationRun
from storage.tables.base import new_id
from tests.integration.verbs import TENANT, Held

ADMIN = Actor(ActorKind.HUMAN, "U0ADMIN")
USD = 1_000_000  #: micro-dollars


def capped(policy: Policy, usd: str | None = "10.00", **more: Any) -> Policy:
    """The policy with a weekly cap, and a family: planner above deployer above helper."""
    agents = dict(policy.agents)
    planner = replace(agents["deployer"], id="planner", name="Planner", creator="U0BOB")
    agents |= {
        "planner": planner,
        "deployer": replace(agents["deployer"], parent="planner", report_spend=True),
        "helper": replace(planner, id="helper", name="Helper", parent="deployer"),
    }
    limits = replace(policy.limits, weekly_spend_cap=parse_usd(usd) if usd else None, **more)
    return replace(policy, agents=agents, limits=limits)


async def spent(
    database: Database, policy: Policy, usd: str, agent: str = "stranger", report_id: str | None = None, **more: Any
) -> Reported:
    """Report what an agent spent, under a fresh id unless told otherwise. A stranger has nobody above it."""
    sent, caller = Spent(report_id or new_id("rep"), parse_usd(usd), **more), policy.agents[agent]
    by = Actor(ActorKind.AGENT, agent)
    return await database.write(TENANT, lambda tx: report(tx, policy, caller, sent, by))


async def week(database: Database, agent: str = "stranger") -> int:
    """What an agent spent this week, in micro-dollars."""
    async with database.read(TENANT) as tx:
        return (await spend.week_of(tx, agent)).cost


async def tick(database: Database, policy: Policy) -> None:
    """Let the loop look at what is due."""
    await SpendClock(database, Held(policy)).drain()


async def relimit(database: Database, policy: Policy, **changes: Any) -> None:
    """Change limits at run time."""
    await database.write(TENANT, lambda tx: change_limits(tx, policy, changes, ADMIN))


async def automation(
    database: Database, *runs: RunStatus, creator: str | None = "stranger", agents: tuple[str, ...] = (), **more: Any
) -> list[str]:
    """An automation of an agent, or of a person, with runs in some states; returns the ids of the runs."""

    async def make(tx: Any) -> list[str]:
        row = Automation(
            id=new_id("aut"), tenant=TENANT, name="nightly", status=AutomationStatus.ACTIVE, agents=list(agents),
            creator_kind=ActorKind.AGENT if creator else ActorKind.HUMAN, creator_id=creator or "U0ALICE",
            owner="U0ALICE", created_at=tx.now, updated_at=tx.now, **more,
        )  # fmt: skip
        await tx.add(row)
        made = [
            AutomationRun(
                id=new_id("run"), tenant=TENANT, automation_id=row.id, status=status, created_by="loop",
                created_at=tx.now, updated_at=tx.now,
            )
            for status in runs
        ]  # fmt: skip
        tx.session.add_all(made)
        return [one.id for one in made]

    return await database.write(TENANT, make)
