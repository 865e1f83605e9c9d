"""The server, broken on purpose: for every rule something is taken away that keeps it, and the rule must notice."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agentack.policy import Policy

from governance.canonical import call_digest
from operations.allow import mac_of, queue_execution
from storage import executions
from storage.database import Tx
from storage.tables import Proposal
from tests.ack.recorder import STRICT, Asked, Recorder
from tests.ack.scenes import CHECKOUT, approved, approved_and_held, key_of
from tests.integration.verbs import TENANT, sql

Play = Callable[[Recorder], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Break:
    """One broken server: the rule that notices, what was broken, and how."""

    rule: int
    about: str
    play: Play
    policy: Policy


BREAKS: dict[str, Break] = {}


def broken(rule: int, about: str, policy: Policy = STRICT) -> Callable[[Play], Play]:
    """Add a broken server under its function's name. `policy` is what AgentAck judges by."""

    def add(play: Play) -> Play:
        BREAKS[play.__name__] = Break(rule, about, play, policy)
        return play

    return add


async def run_anyway(recorder: Recorder, asked: Asked) -> None:
    """Queue a call as if it had been allowed, with everything that only the program itself can make."""

    async def queue(tx: Tx) -> None:
        proposal = await tx.get(Proposal, asked.proposal_id)
        assert proposal is not None
        await queue_execution(tx, proposal)

    await recorder.stack.database.write(TENANT, queue)


@broken(1, "the gate lets a tool run that people should be asked about")
async def gate_left_open(recorder: Recorder) -> None:
    stack = recorder.stack
    text = stack.config.read_text()
    stack.config.write_text(
        text.replace('[agents.tiers]\n"note.write"', '[agents.tiers]\n"deploy" = "L1"\n"note.write"')
    )
    await stack.server.reload_policy()
    assert await recorder.ended(await recorder.propose("deploy.production", CHECKOUT)) == "succeeded"


@broken(2, "a rejected call is queued all the same")
async def rejection_ignored(recorder: Recorder) -> None:
    asked = await recorder.propose("deploy.production", CHECKOUT)
    await recorder.card_of(asked)
    await recorder.decide(asked, await key_of(recorder, "U0BOB"), "reject", reason="no")
    await run_anyway(recorder, asked)
    await recorder.stack.service.called(1)


@broken(3, "the card shows other arguments than the agent sent")
async def card_shows_another_call(recorder: Recorder) -> None:
    await sql(
        recorder.stack.database,
        "CREATE TRIGGER lies AFTER INSERT ON proposals BEGIN "
        'UPDATE proposals SET arguments = \'{"service":"harmless"}\' WHERE id = NEW.id; END',
    )
    asked = await approved(recorder, "deploy.production", CHECKOUT)
    assert await recorder.ended(asked) == "invalidated"  # the digest still holds


@broken(3, "other arguments run than were shown: stored call, digest and MAC are all made to fit")
async def another_call_runs(recorder: Recorder) -> None:
    held = await approved_and_held(recorder, "deploy.held")

    async def exchange(tx: Tx) -> None:
        proposal, execution = (
            await tx.get(Proposal, held.proposal_id),
            await executions.of_proposal(tx, held.proposal_id),
        )
        assert proposal is not None
        assert execution is not None
        proposal.arguments = '{"service":"billing"}'
        proposal.digest = call_digest(proposal.tool, proposal.tool_version, {"service": "billing"})
        execution.mac = mac_of(tx, execution, proposal)

    await recorder.stack.database.write(TENANT, exchange)
    recorder.forward(hours=1)
    assert await recorder.ended(held) == "succeeded"


@broken(4, "an approval can be used again: the constraint is gone and a second run is queued")
async def used_twice(recorder: Recorder) -> None:
    asked = await approved(recorder, "deploy.production", CHECKOUT)
    assert await recorder.ended(asked) == "succeeded"
    await sql(recorder.stack.database, "DROP INDEX ux_executions_one_success")
    await run_anyway(recorder, asked)
    await recorder.stack.service.called(2)


@broken(5, "the moment until when an approved call may start is forgotten")
async def deadline_forgotten(recorder: Recorder) -> None:
    held = await approved_and_held(recorder, "deploy.short")
    await sql(
        recorder.stack.database,
        "UPDATE executions SET start_by = '2099-01-01 00:00:00' WHERE proposal_id = :id", id=held.proposal_id,
    )  # fmt: skip
    recorder.forward(hours=1)
    assert await recorder.ended(held) == "succeeded"


@broken(6, "a call runs while people are still being asked")
async def ran_while_asking(recorder: Recorder) -> None:
    asked = await recorder.propose("deploy.production", CHECKOUT)
    await recorder.card_of(asked)
    await run_anyway(recorder, asked)
    await recorder.stack.service.called(1)
    await recorder.decide(asked, await key_of(recorder, "U0BOB"), "reject", reason="no")


@broken(
    7, "after a rejection another tool does the same unasked, and nobody says that it needs an approval",
    Policy(require_approval_for=("deploy.*:*",)),
)  # fmt: skip
async def another_tool_unasked(recorder: Recorder) -> None:
    asked = await recorder.propose("deploy.production", CHECKOUT, intent="ship")
    await recorder.card_of(asked)
    await recorder.decide(asked, await key_of(recorder, "U0BOB"), "reject", reason="no")
    assert await recorder.ended(asked) == "rejected"
    assert await recorder.ended(await recorder.propose("note.auto", CHECKOUT, intent="ship")) == "succeeded"


@broken(8, "the stop of an agent is lost from the database")
async def stop_lost(recorder: Recorder) -> None:
    held = await approved_and_held(recorder, "deploy.held")
    await recorder.stop_agent(await key_of(recorder, "U0ADMIN"))
    await sql(recorder.stack.database, "DELETE FROM standings")
    recorder.forward(hours=1)
    assert await recorder.ended(held) == "succeeded"


@broken(9, "no card ever reaches the people who decide")
async def card_never_shown(recorder: Recorder) -> None:
    recorder.stack.slack.workspace.faults.add("chat.postMessage", "channel_not_found", times=1000)
    asked = await recorder.propose("deploy.production", CHECKOUT)
    await recorder.decide(asked, await key_of(recorder, "U0BOB"))
    assert await recorder.ended(asked) == "succeeded"
