"""`mcp`: an MCP server over standard streams, for clients that start their servers themselves."""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from bot.cli.common import LOG_FORMAT

if TYPE_CHECKING:
    from bot.api.mcp.standard import Keys


@click.command()
@click.option(
    "--url", default="http://127.0.0.1:8080", show_default=True, envvar="COUNTERSIGN_URL", show_envvar=True,
    help="Where the server answers: scheme, host and port.",
)  # fmt: skip
def mcp(url: str) -> None:
    """Speak MCP over standard streams, as a thin client of a running server.

    COUNTERSIGN_AGENT_KEY offers the tools of an agent: propose, get_proposal, wait_for_decision, list_pending and
    withdraw. COUNTERSIGN_OPERATOR_KEY_ID with COUNTERSIGN_OPERATOR_SECRET offers those of an operator: list_approvals,
    get_approval, approve and reject, each call signed with that key.

    With both, whoever runs the model holds both keys: it may then decide in that person's name whatever this person may
    answer, also what its own agent asked for. Give them together only where that is meant. What the person asked for
    on their own behalf the server refuses as ever, and a quorum still needs other people.

    Standard output carries the protocol only; everything else is said on standard error.
    """
    from bot.api.mcp.standard import serve
    from governance.errors import Refusal

    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT, stream=sys.stderr)
    keys, base = keys_of(os.environ), base_of(url)
    try:
        asyncio.run(serve(base, keys))
    except Refusal as refusal:
        raise click.ClickException(refusal.sentence) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def keys_of(environment: Mapping[str, str]) -> "Keys":
    """Return the keys of the environment. Raises ClickException where there are none, or half of one."""
    from bot.api.mcp.remote import OperatorKey
    from bot.api.mcp.standard import Keys

    agent = environment.get("COUNTERSIGN_AGENT_KEY", "").strip()
    id, secret = (environment.get(f"COUNTERSIGN_OPERATOR_{name}", "").strip() for name in ("KEY_ID", "SECRET"))
    if bool(id) != bool(secret):
        missing = "COUNTERSIGN_OPERATOR_SECRET" if id else "COUNTERSIGN_OPERATOR_KEY_ID"
        raise click.ClickException(f"An operator key is an id and a secret; set {missing} too.")
    if not (agent or id):
        raise click.ClickException("Set COUNTERSIGN_AGENT_KEY to the secret of an agent key; `countersign keys create "
                                   "--agent ID` makes one.")  # fmt: skip
    return Keys(agent or None, OperatorKey(id, secret) if id else None)


def base_of(url: str) -> str:
    """Return scheme, host and port of an address. Raises UsageError for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise click.UsageError(f"--url is {url!r}; give scheme, host and port, such as http://127.0.0.1:8080.")
    return f"{parts.scheme}://{parts.netloc}"
