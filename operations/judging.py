"""Judging a submission on everything that is known at this moment."""

from collections.abc import Sequence
from dataclasses import replace

from governance.facts import Facts
from governance.gates import judge
from governance.policy import Agent, Policy, Problem
from governance.verdict import Outcome, Verdict, denied
from operations.submission import Submission, call_hash_of
from storage import rules
from storage.database import Tx
from storage.facts import facts_about


async def consider(tx: Tx, policy: Policy, agent: Agent, submission: Submission) -> Verdict:
    """Return what `propose` would answer to a new submission now; nothing is written."""
    facts = await _facts(tx, policy, agent, submission, call_hash_of(tx, agent.id, submission))
    return _sealable(tx, policy, submission, judge(policy, agent, submission.call, facts))


async def judged(
    tx: Tx,
    policy: Policy,
    agent: Agent,
    submission: Submission,
    call_hash: str,
    checked: Sequence[Problem] | None = None,
) -> Verdict:
    """Judge on what is known now; a rule that answers is used up by one, or is not asked again."""
    facts = await _facts(tx, policy, agent, submission, call_hash, holding=True)
    verdict = judge(policy, agent, submission.call, facts, checked=checked)
    answered = verdict.rule if verdict.rule is not None and verdict.rule.agreed is None else None
    if answered is not None and not await rules.use(tx, answered.id):
        others = tuple(rule for rule in facts.rules if rule.id != answered.id)
        verdict = judge(policy, agent, submission.call, replace(facts, rules=others), checked=checked)
    return _sealable(tx, policy, submission, verdict)


async def _facts(
    tx: Tx, policy: Policy, agent: Agent, submission: Submission, call_hash: str, *, holding: bool = False
) -> Facts:
    """Read the facts; about a tool that is none, whatever an agent calls it, there is nothing to ask the database."""
    if submission.tool not in policy.tools:
        return Facts(tx.now)
    capability = policy.tools[submission.tool].capability
    return await facts_about(tx, agent, submission.tool, call_hash, capability=capability, holding=holding)


def _sealable(tx: Tx, policy: Policy, submission: Submission, verdict: Verdict) -> Verdict:
    """Refuse what could not be kept: secrets, where there is no key to seal them under."""
    if verdict.outcome is not Outcome.TIER or tx.keys.sealer.ready:
        return verdict
    if not policy.tools[submission.tool].secret_fields:
        return verdict
    return denied("NO_ENCRYPTION_KEY", "the tool has secret fields and COUNTERSIGN_ENCRYPTION_KEY is not set")
