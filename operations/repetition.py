"""Whether a submission repeats an earlier one, which then is the answer."""

from operations.first_version import is_first_version
from operations.submission import Work
from storage import aap, proposals
from storage.database import Tx
from storage.tables import Proposal


async def earlier_of(tx: Tx, work: Work) -> Proposal | None:
    """Return the proposal this submission may repeat: under its key, or the same call while it is open."""
    key = work.submission.idempotency_key
    if key is not None:
        return await proposals.by_idempotency_key(tx, work.agent.id, key)
    found = await proposals.open_calls(tx, work.agent.id, work.call_hash)
    return next((one for one in found if is_same(one, work) and not _is_aap(one)), None)


def _is_aap(earlier: Proposal) -> bool:
    """Whether a call came in over the Agent Approval Protocol: whoever consumes that approval alone may run it."""
    return (earlier.idempotency_key or "").startswith(aap.KEY)


def is_same(earlier: Proposal, work: Work) -> bool:
    """Whether a submission repeats an earlier one: the same call, for the same person, in the same place."""
    submission, thread = work.submission, work.submission.thread or (None, None)
    same_session = submission.idempotency_key is not None or earlier.session_id == submission.session_id
    return (
        same_session
        and (earlier.call_hash == work.call_hash or _is_its_first_version(earlier, work))
        and earlier.on_behalf_of == submission.on_behalf_of
        and (earlier.thread_channel, earlier.thread_ts) == thread
    )


def _is_its_first_version(earlier: Proposal, work: Work) -> bool:
    """Whether a caller's own key comes with the call as it was before a reviewer edited it: it still means that one."""
    if work.submission.idempotency_key is None or work.submission.tool != earlier.tool:
        return False
    return is_first_version(work.policy.tools.get(earlier.tool), earlier, work.submission.arguments)
