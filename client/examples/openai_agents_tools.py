"""An agent of the OpenAI Agents SDK whose tool asks people first. Needs COUNTERSIGN_URL and COUNTERSIGN_AGENT_KEY.

The policy has a tool `files.delete` with the connector `agent`. The model is the SDK's own scripted one, so nothing is
asked of OpenAI.
"""

import asyncio

from agents import Agent, Runner, set_tracing_disabled
from agents.testing import ScriptedModel
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from countersign_client import AsyncGate
from countersign_client.adapters.openai_agents import guarded_tool


async def delete_file(path: str) -> str:
    """Delete a file."""
    return f"{path} is gone"


wish = ResponseFunctionToolCall(
    type="function_call", call_id="call_1", name="delete_file", arguments='{"path": "/srv/old.log"}'
)
words = ResponseOutputMessage(
    id="msg_1",
    type="message",
    role="assistant",
    status="completed",
    content=[ResponseOutputText(type="output_text", text="I have seen it.", annotations=[])],
)


async def main() -> None:
    set_tracing_disabled(True)
    async with AsyncGate() as gate:
        tool = guarded_tool(gate, "files.delete", delete_file)
        agent = Agent(name="Cleaner", model=ScriptedModel([[wish], [words]]), tools=[tool])
        done = await Runner.run(agent, "Delete the old log.")
    for item in done.new_items:
        if item.type == "tool_call_output_item":
            print(f"tool: {item.output}")
    print(f"ai: {done.final_output}")


if __name__ == "__main__":
    asyncio.run(main())
