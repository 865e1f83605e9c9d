"""What can be typed."""

import argparse
from typing import TYPE_CHECKING

from countersign_client.cli import verbs
from countersign_client.cli.hook import run_hook

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_ENVIRONMENT = """\
environment:
  COUNTERSIGN_URL              the server
  COUNTERSIGN_AGENT_KEY        for propose, show and hook
  COUNTERSIGN_OPERATOR_KEY_ID  the id of an operator key, for approvals, approve, reject, defer and stream
  COUNTERSIGN_OPERATOR_SECRET  its secret
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="countersign-client", description="Ask people before an agent acts, and answer.", epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    top.add_argument("--url", help="the server, instead of COUNTERSIGN_URL")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _propose(commands)
    _reading(commands)
    _deciding(commands)
    hook = commands.add_parser("hook", help="guard Claude Code as its PreToolUse hook; see hook --help", add_help=False)
    hook.set_defaults(run=lambda asked: run_hook(["--url", asked.url] if asked.url else []))
    return top


def _add(commands: "Commands", name: str, help: str) -> argparse.ArgumentParser:
    added = commands.add_parser(name, help=help, description=help)
    added.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    added.set_defaults(run=getattr(verbs, name))
    return added


def _propose(commands: "Commands") -> None:
    propose = _add(commands, "propose", "Propose a call; with --wait, wait for what becomes of it.")
    propose.add_argument("tool", help="the tool, named as the policy names it")
    propose.add_argument(
        "--arg", action="append", default=[], metavar="NAME=VALUE", help="one argument, as text; may be repeated"
    )
    propose.add_argument("--arguments", default="{}", metavar="JSON", help="all arguments, as one JSON object")
    propose.add_argument("--rationale", help="why; people read it")
    propose.add_argument("--key", dest="idempotency_key", help="the idempotency key, where you have one")
    propose.add_argument("--wait", action="store_true", help="wait until it is decided and has ended")
    propose.add_argument("--timeout", type=float, metavar="SECONDS", help="how long to wait; for ever without it")


def _reading(commands: "Commands") -> None:
    approvals = _add(commands, "approvals", "List requests, newest first.")
    approvals.add_argument("--status", default="pending", help="pending (default), deferred, approved, …, or all")
    show = _add(commands, "show", "Show one request (apr_…), or one proposal of this agent (prp_…).")
    show.add_argument("id")
    stream = _add(commands, "stream", "Print what happens, as it happens, until it is interrupted.")
    stream.add_argument("--last-event-id", metavar="ID", help="go on after this event")


def _deciding(commands: "Commands") -> None:
    approve = _add(commands, "approve", "Approve a request, with exactly the arguments it has now.")
    approve.add_argument("id")
    approve.add_argument("--digest", help="the digest of the arguments you have looked at; without it, the present one")
    approve.add_argument("--reason")
    approve.add_argument("--remember", choices=["once", "session", "forever"], help="answer such calls by a rule")
    reject = _add(commands, "reject", "Reject a request; the agent reads the reason.")
    reject.add_argument("id")
    reject.add_argument("--reason", required=True)
    defer = _add(commands, "defer", "Put a request off until a moment.")
    defer.add_argument("id")
    defer.add_argument("--until", required=True, metavar="MOMENT", help="for example 2026-11-23T09:00:00Z")
    defer.add_argument("--reason")
