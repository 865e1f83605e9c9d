"""How connectors are written: `connector = { kind = "http" | "python" | "mcp" | "agent", … }`."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from bot.policy.strict import Strict
from bot.policy.words import Duration, Id, Name

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+", max_length=2000)]
Attempts = Annotated[int, Field(ge=1, le=20)]


class HttpConnectorTable(Strict):
    """The approved call is POSTed to an address, signed."""

    kind: Literal["http"]
    url: Url
    secret_env: Id | None = None
    idempotent: bool = False
    timeout: Duration = timedelta(seconds=30)
    attempts: Attempts = 3
    allow_private: bool = False


class PythonConnectorTable(Strict):
    """A function of an installed package runs in a worker process of its own."""

    kind: Literal["python"]
    entry: Name
    env: list[Id] = []
    idempotent: bool = False
    timeout: Duration = timedelta(seconds=30)
    attempts: Attempts = 3


class McpConnectorTable(Strict):
    """A tool of another MCP server is called, over HTTP or over the standard streams of a process."""

    kind: Literal["mcp"]
    tool: Name
    url: Url | None = None
    command: list[Name] = []
    env: list[Id] = []
    secret_env: Id | None = None
    allow_private: bool = False
    idempotent: bool = False
    timeout: Duration = timedelta(seconds=60)
    attempts: Attempts = 3

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.url is None) == (not self.command):
            raise ValueError("give an mcp connector either a url or a command")
        return self


class AgentConnectorTable(Strict):
    """The agent runs the allowed call itself and reports once; no report within `timeout` is `unknown`."""

    kind: Literal["agent"]
    timeout: Duration = timedelta(minutes=15)


ConnectorTable = Annotated[
    HttpConnectorTable | PythonConnectorTable | McpConnectorTable | AgentConnectorTable, Field(discriminator="kind")
]
