"""A Pydantic AI agent whose tools ask people first. Needs COUNTERSIGN_URL and COUNTERSIGN_AGENT_KEY.

The policy has a tool `files.delete` with the connector `agent`. The model is a function, so nothing is asked of anybody
else.
"""

import asyncio

from pydantic_ai import Agent, FunctionToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from countersign_client import AsyncGate
from countersign_client.adapters.pydantic_ai import GuardedToolset


def delete_file(path: str) -> str:
    """Delete a file."""
    return f"{path} is gone"


def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Want to delete a file first, then repeat what the tool said."""
    (*_, last) = messages
    answers = [part.content for part in last.parts if isinstance(part, ToolReturnPart)]
    if not answers:
        return ModelResponse(parts=[ToolCallPart("delete_file", {"path": "/srv/old.log"})])
    return ModelResponse(parts=[TextPart(f"{answers[0]}")])


async def main() -> None:
    async with AsyncGate() as gate:
        tools = GuardedToolset(FunctionToolset([delete_file]), gate=gate, tools={"delete_file": "files.delete"})
        agent = Agent(FunctionModel(model), toolsets=[tools])
        done = await agent.run("Delete the old log.")
    print(f"tool: {done.output}")


if __name__ == "__main__":
    asyncio.run(main())
