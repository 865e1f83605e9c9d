"""Which proposal a tool use of Claude Code was let through by, kept until its outcome is reported."""

import hashlib
import os
from pathlib import Path


def _file(tool_use_id: str) -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "countersign-client" / hashlib.sha256(tool_use_id.encode()).hexdigest()


def remember(tool_use_id: str, proposal_id: str) -> None:
    """Keep it. Where there is no place to, the outcome stays unreported; the call may run all the same."""
    file = _file(tool_use_id)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(proposal_id)
    except OSError:
        return


def remembered(tool_use_id: str) -> str | None:
    """Return it, or None for a call that was not proposed."""
    try:
        return _file(tool_use_id).read_text()
    except FileNotFoundError:
        return None


def forget(tool_use_id: str) -> None:
    """It has been reported."""
    _file(tool_use_id).unlink(missing_ok=True)
