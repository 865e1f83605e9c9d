"""`hook`: Claude Code's PreToolUse and PostToolUse. Whatever goes wrong before the tool is a denial, never a pass."""

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from countersign_client.cli.handed_out import forget, remember, remembered
from countersign_client.cli.hook_policy import HookPolicy
from countersign_client.gate import Gate
from countersign_client.guarding import Guarded
from countersign_client.outcomes import CountersignError, StillPending
from countersign_client.reporting import reportable, sentence
from countersign_client.shapes import Proposal

_SETTLING = 6.0  # seconds to withdraw what nobody decided in time

_EPILOG = """\
environment: COUNTERSIGN_URL, COUNTERSIGN_AGENT_KEY, COUNTERSIGN_HOOK_PREFIX, COUNTERSIGN_HOOK_TOOLS,
COUNTERSIGN_HOOK_PASS; options come first.

A mapping file is a JSON object: {"Bash": "shell.run", "mcp__github__*": "github.any", "Read": null}.
Names may end in *; null lets a tool pass without a proposal. What it does not name is proposed as PREFIX + name.
"""


class _Misused(ValueError):
    """The hook was called in a way it does not understand."""


class _Parser(argparse.ArgumentParser):
    """Does not exit: a status other than 0 and 2 would let the call pass."""

    def error(self, message: str) -> NoReturn:
        raise _Misused(message)


def run_hook(arguments: Sequence[str]) -> int:
    """Run the hook; returns 0, or 2 which blocks the call. Claude Code takes any other status for "go on"."""
    try:
        asked = _options().parse_args(arguments)
    except SystemExit:  # --help
        return 0
    except _Misused as misuse:
        return _told(_denial(f"the hook of Countersign is set up wrongly: {misuse}"))
    if asked.report:
        return _report(asked.url)
    try:
        with _denying_when_ended():
            answer = _decide(asked, json.load(sys.stdin))
    except BaseException as error:  # noqa: BLE001 - the outer edge: a crash would let the call pass
        answer = _denial(f"Countersign could not be asked: {sentence(error)}")
    return _told(answer)


@contextmanager
def _denying_when_ended() -> Iterator[None]:
    """Deny where somebody ends us while we wait: to die of a signal would let the call pass."""

    def end(number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt(f"ended by signal {number}")

    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        with suppress(AttributeError, ValueError):  # Windows has no SIGHUP; only the main thread is told of signals
            before[getattr(signal, name)] = signal.signal(getattr(signal, name), end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _told(answer: dict[str, Any] | None) -> int:
    try:
        if answer is not None:
            if sys.stdout is None:  # closed: print would say nothing, and not complain
                return 2
            print(json.dumps(answer), flush=True)
    except BaseException:  # noqa: BLE001 - nobody reads the denial; the status still blocks
        return 2
    return 0


def _options() -> _Parser:
    parser = _Parser(
        prog="countersign-client hook", allow_abbrev=False, epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Propose a tool call of Claude Code and wait; print a denial unless it was allowed.",
    )  # fmt: skip
    parser.add_argument("--url", help="the server, instead of COUNTERSIGN_URL")
    parser.add_argument("--prefix", help="put before the name of a tool (default: claude.)")
    parser.add_argument("--tools", metavar="FILE", help="a mapping file, see below")
    parser.add_argument(
        "--pass", dest="passing", metavar="NAMES",
        help="tools that are not proposed, comma-separated (default: those that only read)",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=float, default=540.0, help="seconds to wait; keep it below the hook's own (default: 540)"
    )
    parser.add_argument(
        "--decide", choices=["allow"], help="print `allow` once approved; without it Claude's own rules still apply"
    )
    parser.add_argument("--report", action="store_true", help="as PostToolUse: report what became of the call")
    return parser


def _decide(asked: argparse.Namespace, call: dict[str, Any]) -> dict[str, Any] | None:
    """Return what to print about one call: None lets it pass to Claude's own rules."""
    tool = HookPolicy.read(asked.prefix, asked.tools, asked.passing).tool_of(call["tool_name"])
    if tool is None:
        return None
    settling = min(_SETTLING, asked.timeout / 4)  # once for the last answer to come in, once to withdraw
    with Gate(asked.url) as gate:
        try:
            proposal = gate.clear(_guarded(tool, call, asked.timeout - 2 * settling), within=asked.timeout - settling)
        except StillPending:
            return _denial("nobody has decided in time; the request was withdrawn, so ask again later")
        except CountersignError as no:
            return _denial(str(no))
    return _verdict(proposal, call, decide=asked.decide is not None)


def _guarded(tool: str, call: dict[str, Any], timeout: float) -> Guarded:
    arguments = call["tool_input"]
    if not isinstance(arguments, dict):
        raise TypeError("tool_input is no object")
    return Guarded(
        tool, arguments, timeout=timeout, idempotency_key=call["tool_use_id"],
        more={"session_id": call.get("session_id")},
    )  # fmt: skip


def _verdict(proposal: Proposal, call: dict[str, Any], *, decide: bool) -> dict[str, Any] | None:
    if not proposal.yours_to_run:
        return _denial(
            f"Countersign has run {proposal.tool} itself, so it is done; give the tool the connector `agent` to let "
            f"Claude run it. Result: {json.dumps(proposal.result)[:2000]}"
        )
    remember(call["tool_use_id"], proposal.proposal_id)
    if proposal.edited:
        return _allowance("approved by a person with other arguments", proposal.arguments)
    return _allowance("approved") if decide else None


def _denial(why: str) -> dict[str, Any]:
    return _answer({"permissionDecision": "deny", "permissionDecisionReason": why[:4000]})


def _allowance(why: str, arguments: Any = None) -> dict[str, Any]:
    edited = {} if arguments is None else {"updatedInput": arguments}
    return _answer({"permissionDecision": "allow", "permissionDecisionReason": why, **edited})


def _answer(said: dict[str, Any]) -> dict[str, Any]:
    return {"hookSpecificOutput": {"hookEventName": "PreToolUse", **said}}


def _report(url: str | None) -> int:
    """Report a call that has run. What goes wrong here is told on stderr and stops nothing: the call is done."""
    try:
        call = json.load(sys.stdin)
        proposal_id = remembered(call["tool_use_id"])
        if proposal_id is not None:
            with Gate(url, patience=20.0) as gate:
                _say(gate, proposal_id, call)
            forget(call["tool_use_id"])
    except BaseException as error:  # noqa: BLE001 - the outer edge
        print(f"countersign-client hook --report: {sentence(error)}", file=sys.stderr)
    return 0


def _say(gate: Gate, proposal_id: str, call: dict[str, Any]) -> None:
    if call.get("hook_event_name") == "PostToolUseFailure":
        gate.report(proposal_id, "failed", error=str(call.get("error") or "the tool failed")[:2000])
    else:
        gate.report(proposal_id, "succeeded", result=reportable(call.get("tool_response")))
