"""Recognising a call as the agent first proposed it, after a reviewer has edited it."""

import json

from governance.canonical import Json, canonical
from governance.policy import Tool
from governance.secret_fields import split
from storage.tables import Proposal


def is_first_version(tool: Tool | None, proposal: Proposal, arguments: Json) -> bool:
    """Whether these arguments are the ones an edited proposal came with.

    Of secrets only the places are compared: those it was proposed with may be gone.
    """
    if tool is None or proposal.proposed_arguments is None:
        return False
    return _masked(arguments, tool) == _masked(json.loads(proposal.proposed_arguments), tool)


def _masked(arguments: Json, tool: Tool) -> bytes:
    return canonical(split(arguments, tool.secret_fields, b"").masked)
