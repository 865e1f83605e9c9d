"""What people mean when they name an agent, an automation or a right: by id or by name, whatever the case."""

import re
from difflib import get_close_matches

from bot.office import Office
from governance.automations import Right
from governance.errors import NotFound, Unprocessable
from governance.policy import Agent, Policy
from governance.questions import DEPTH_OVERRIDE
from governance.text import cut, one_line
from storage import automation_lists, automations
from storage.tables import Automation

_AUTOMATION = re.compile(r"\baut_[0-9a-z]{1,40}\b")
_SEVERAL = 5


def agent_called(office: Office, text: str) -> Agent | None:
    """Return the agent of this id, else the only one of this name, or None."""
    agents = [one for one in office.policy.current.agents.values() if not one.is_internal]
    by_id = [one for one in agents if one.id.lower() == text.lower()]
    by_name = [one for one in agents if one.name.lower() == text.lower()]
    found = by_id or by_name
    return found[0] if len(found) == 1 else None


def agent_meant(office: Office, text: str) -> Agent:
    """Return the agent that is called so. Raises NotFound, naming the nearest."""
    found = agent_called(office, text)
    if found is None:
        known = [one.id for one in office.policy.current.agents.values() if not one.is_internal]
        raise NotFound(f"There is no agent {_quoted(text)} in the policy.{_nearest(text, known)}")
    return found


async def automation_called(office: Office, text: str) -> Automation | None:
    """Return the automation whose id stands in a text, else the only one of this name, or None.

    Raises Unprocessable where several are called so.
    """
    named = _AUTOMATION.search(text.lower())
    async with office.database.read(office.tenant) as tx:
        if named is not None:
            return await automations.found(tx, named[0])
        found = await automation_lists.named(tx, text, _SEVERAL)
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise Unprocessable(f"Several automations are called {_quoted(text)}; say which: {ids}.")
    return found[0] if found else None


async def automation_meant(office: Office, text: str) -> Automation:
    """Return the automation that is called so. Raises NotFound and Unprocessable."""
    if not text:
        raise Unprocessable("Say which automation, by its name or its id (aut_…); /automations list shows them.")
    found = await automation_called(office, text)
    if found is None:
        raise NotFound(f"There is no automation {_quoted(text)}; /automations list shows them.")
    return found


def rights_known(policy: Policy) -> list[str]:
    """Return every capability that a grant can be about: those of tools, and those that automations declare."""
    of_tools = {tool.capability for tool in policy.tools.values() if not tool.is_internal}
    return sorted(of_tools | {right.value for right in Right} | {DEPTH_OVERRIDE})


def right_meant(policy: Policy, text: str) -> str:
    """Return the capability that is called so. Raises NotFound, naming the nearest."""
    known = rights_known(policy)
    found = next((one for one in known if one.lower() == text.lower()), None)
    if found is None:
        raise NotFound(
            f"There is neither an automation nor a capability {_quoted(text)}.{_nearest(text, known)} "
            "Capabilities are those of the policy's tools; /automations list shows the automations."
        )
    return found


def _nearest(text: str, known: list[str]) -> str:
    found = get_close_matches(text[:80], known, n=1, cutoff=0.6)
    return f" Did you mean {found[0]}?" if found else ""


def _quoted(text: str) -> str:
    return f"“{cut(one_line(text), 60)}”"
