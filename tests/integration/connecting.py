"""Tools behind connectors other than http, and the server's own connectors to run them."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from bot.policy import load_policy
from governance.policy import Policy
from scheduler.execution import Executor
from scheduler.ports import Connector
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import Execution
from tests.integration.running import execution_of
from tests.integration.verbs import SECRETS, Held
from tests.policies import policy_text, tool

TOOLS = Path(__file__).parent.parent / "tools"

#: What the server's environment holds in these tests.
OURS = {
    **SECRETS,
    "PATH": os.environ["PATH"],
    "PYTHONPATH": str(TOOLS),
    "TOOL_SECRET": "t00l-s3cret",
    "COUNTERSIGN_ENCRYPTION_KEY": "never handed on",
}


def behind(connector: str, name: str = "deploy.it", **more: str) -> str:
    """One `[[tools]]` table of a tool behind a connector, written as TOML."""
    return re.sub(r"connector = \{.*\}\n", lambda _: f"connector = {connector}\n", tool(name, **more))


def policy_with(folder: Path, *tools: str, environment: Mapping[str, str] = OURS) -> Policy:
    """The usual policy with more tools."""
    path = folder / "connected.toml"
    path.write_text(policy_text(extra="".join(tools)))
    return load_policy(path, environment)


async def attempt(database: Database, policy: Policy, connectors: Mapping[str, Connector], found: Dossier) -> Execution:
    """Make one attempt; returns the execution as it then stands."""
    executor = Executor(database, Held(policy), connectors)
    await executor.drain()
    await executor.stop(60)
    return await execution_of(database, found)
