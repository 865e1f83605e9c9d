"""Addresses of this server that speak other protocols: named in the document, and described where those are written."""

from typing import Any

_JSON, _EVENTS, _PAGE = "application/json", "text/event-stream", "text/html"


def _answers(statuses: dict[int, str], *media: str) -> dict[str, Any]:
    return {
        str(status): {"description": about, **({"content": {one: {"schema": {}} for one in media}} if media else {})}
        for status, about in statuses.items()
    }


def _operation(name: str, tag: str, summary: str, answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"operationId": name, "tags": [tag], "summary": summary, "parameters": [], "responses": answers, **more}


_REFUSED = {
    400: "No message of the protocol.", 401: "No live agent key.", 403: "The caller may not do this.",
    406: "The caller takes neither JSON nor events.", 413: "The body is larger than 1 MiB.",
    429: "The key called too often.", 503: "The database cannot be asked at the moment.",
}  # fmt: skip
_INSTALLED = {
    200: "A page that says what became of it.", 302: "On to Slack.", 400: "Slack sent the browser back without a code.",
    403: "This workspace may not install the app.", 404: "No workspace may.", 500: "Slack refused.",
    503: "The server is not set up for it.",
}  # fmt: skip

#: By path, as the document has them.
ELSEWHERE: dict[str, dict[str, Any]] = {
    "/mcp": {"post": _operation(
        "mcp", "mcp", "One message of the Model Context Protocol, over streamable HTTP",
        {**_answers({200: "What the tool answers, with progress meanwhile."}, _JSON, _EVENTS),
         **_answers({202: "A notification was taken."}), **_answers(_REFUSED, _JSON)},
        security=[{"agentKey": []}], requestBody={"required": True, "content": {_JSON: {"schema": {"type": "object"}}}},
    )},
    "/slack/events": {"post": _operation(
        "slack_events", "slack", "Interactions, commands and events, signed by Slack",
        {**_answers({200: "Acknowledged."}, _JSON, "text/plain"), **_answers({401: "Not signed by Slack."}, _JSON),
         **_answers({413: "The body is larger than 1 MiB."}, _JSON)}, security=[],
    )},
    "/slack/install": {"get": _operation(
        "slack_install", "slack", "Sends a browser to Slack to install the app", _answers(_INSTALLED, _PAGE),
        security=[],
    )},
    "/slack/oauth_redirect": {"get": _operation(
        "slack_oauth_redirect", "slack", "Where Slack sends the browser back to", _answers(_INSTALLED, _PAGE),
        security=[],
    )},
}  # fmt: skip
