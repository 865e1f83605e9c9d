"""The commands, one function each; returns the exit status."""

import argparse
import json
from typing import Any

from countersign_client.cli.printing import print_event, print_json, print_proposal, print_request, print_row
from countersign_client.gate import Gate
from countersign_client.operators import Operator
from countersign_client.shapes import ApprovalRequest


def propose(asked: argparse.Namespace) -> int:
    """`propose`: 0 where it went well or waits, 1 where it was not to be."""
    arguments = _object(asked.arguments) | dict(map(_pair, asked.arg))
    with Gate(asked.url) as gate:
        found = gate.propose(asked.tool, arguments, rationale=asked.rationale, idempotency_key=asked.idempotency_key)
        if asked.wait:
            found = gate.wait(found, asked.timeout)
    print_json(found) if asked.as_json else print_proposal(found)
    found.raise_for_state()
    return 0


def approvals(asked: argparse.Namespace) -> int:
    """`approvals`."""
    status = None if asked.status == "all" else asked.status
    with Operator(asked.url) as operator:
        found = list(operator.approvals(status))
    if asked.as_json:
        print_json(found)
        return 0
    for one in found:
        print_row(one)
    return 0


def show(asked: argparse.Namespace) -> int:
    """`show`."""
    if asked.id.startswith("prp_"):
        with Gate(asked.url) as gate:
            proposal = gate.get(asked.id)
        print_json(proposal) if asked.as_json else print_proposal(proposal)
        return 0
    with Operator(asked.url) as operator:
        return _shown(asked, operator.approval(asked.id))


def approve(asked: argparse.Namespace) -> int:
    """`approve`."""
    with Operator(asked.url) as operator:
        digest = asked.digest or operator.approval(asked.id).digest
        found = operator.approve(asked.id, digest=digest, reason=asked.reason, remember=asked.remember)
        return _shown(asked, found)


def reject(asked: argparse.Namespace) -> int:
    """`reject`."""
    with Operator(asked.url) as operator:
        return _shown(asked, operator.reject(asked.id, asked.reason))


def defer(asked: argparse.Namespace) -> int:
    """`defer`."""
    with Operator(asked.url) as operator:
        return _shown(asked, operator.defer(asked.id, asked.until, asked.reason))


def stream(asked: argparse.Namespace) -> int:
    """`stream`: never ends by itself."""
    with Operator(asked.url) as operator:
        for event in operator.stream(asked.last_event_id):
            if event.event != "opened":
                print_event(event, as_json=asked.as_json)
    return 0


def _shown(asked: argparse.Namespace, found: ApprovalRequest) -> int:
    print_json(found) if asked.as_json else print_request(found)
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError(f"--arg {text}: write NAME=VALUE")
    return name, value


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"--arguments: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("--arguments: send a JSON object")
    return found
