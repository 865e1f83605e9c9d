"""A LangGraph agent whose tool asks people first. Needs COUNTERSIGN_URL and COUNTERSIGN_AGENT_KEY.

The policy has a tool `files.delete` with the connector `agent`. The model is LangChain's own fake, so nothing is asked
of anybody else: it wants to delete a file, then reads what became of that.
"""

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from countersign_client import Gate
from countersign_client.adapters.langchain import guarded_tool

gate = Gate()


def delete_file(path: str) -> str:
    """Delete a file."""
    return f"{path} is gone"


wish = {"name": "delete_file", "args": {"path": "/srv/old.log"}, "id": "call_1"}
model = GenericFakeChatModel(messages=iter([AIMessage("", tool_calls=[wish]), AIMessage("I have seen it.")]))

graph = StateGraph(MessagesState)
graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
graph.add_node("tools", ToolNode([guarded_tool(gate, "files.delete", delete_file)]))
graph.add_edge(START, "model")
graph.add_conditional_edges("model", tools_condition)
graph.add_edge("tools", "model")

if __name__ == "__main__":
    with gate:
        for message in graph.compile().invoke({"messages": [("user", "Delete the old log.")]})["messages"]:
            print(f"{message.type}: {message.text}")
