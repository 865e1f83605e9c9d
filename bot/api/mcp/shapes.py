"""What tools answer: the shapes of the HTTP API, from which the output schemas are made."""

from typing_extensions import TypedDict

from bot.api.wire import ProposalJson, RequestJson

Proposal = ProposalJson
Request = RequestJson


class Requests(TypedDict):
    """One page, newest first; a class of its own, because the library wraps what is generic."""

    items: list[RequestJson]
    next_cursor: str | None


class Problem(TypedDict):
    """What is wrong with one argument; `field` is a JSON Pointer, empty for the whole."""

    field: str
    message: str


class Proposed(ProposalJson):
    """A proposal just made. Where it was refused, `problems` and `missing_scopes` say what to mend."""

    problems: list[Problem]
    missing_scopes: list[str]
