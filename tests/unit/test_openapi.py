"""What the document says of an endpoint, told from its declaration alone."""

from typing import Any

import pytest
from aiohttp import web
from pydantic import BaseModel
from typing_extensions import TypedDict

from bot.api.endpoints import Endpoint, Query, Who
from bot.api.openapi import described


class Parcel(TypedDict):
    """Something sent."""

    id: str
    weight: float | None


class ParcelBody(BaseModel):
    weight: float


class Parcels:
    async def send(self, request: web.Request) -> web.Response:
        """`POST /parcels?fast=` `{weight}`: send a parcel.

        It leaves the same day.
        """
        return web.Response()

    async def follow(self, request: web.Request) -> web.Response:
        """Follow a parcel."""
        return web.Response()


ROOM = Parcels()
SEND = Endpoint("POST", "/parcels", ROOM.send, Who.AGENT, {201: Parcel}, ParcelBody, (Query("fast", bool, "Faster."),),
                refuses=(409,), base="/post/v1", leads=(("id", "/parcels/{id}"),))  # fmt: skip
FOLLOW = Endpoint("GET", "/parcels/{id}/stream", ROOM.follow, Who.EITHER, {200: str}, media="text/event-stream",
                  base="/post/v1", name="parcels_stream")  # fmt: skip


def operation(path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = described([SEND, FOLLOW])["paths"][path][method]
    return found


def test_an_operation_says_who_may_call_it_what_it_takes_and_what_it_answers():
    sent = operation("/post/v1/parcels", "post")
    assert (sent["operationId"], sent["tags"]) == ("parcels_send", ["parcels"])
    assert (sent["summary"], sent["description"]) == ("Send a parcel", "It leaves the same day.")
    assert sent["security"] == [{"agentKey": []}]
    assert [(one["name"], one["in"], one["required"]) for one in sent["parameters"]] == [("fast", "query", False)]
    assert sent["requestBody"]["required"]
    assert [*sent["responses"]] == ["201", "400", "401", "403", "409", "413", "422", "429", "503"]
    answered = sent["responses"]["201"]["content"]["application/json"]["schema"]
    assert answered == {"$ref": "#/components/schemas/Parcel"}
    assert sent["responses"]["201"]["links"] == {
        "parcels_stream": {"operationId": "parcels_stream", "parameters": {"id": "$response.body#/id"}}
    }


def test_a_stream_is_described_under_its_own_media_type_and_name():
    followed = operation("/post/v1/parcels/{id}/stream", "get")
    assert followed["operationId"] == "parcels_stream"
    assert followed["summary"] == "Follow a parcel"
    assert [*followed["responses"]["200"]["content"]] == ["text/event-stream"]
    assert [*followed["responses"]] == ["200", "401", "403", "404", "413", "429", "503"]
    assert len(followed["security"]) == 2


def test_types_stand_once_among_the_components():
    document = described([SEND, FOLLOW])
    assert {"Parcel", "ParcelBody", "Problem"} <= {*document["components"]["schemas"]}
    assert document["components"]["schemas"]["Parcel"]["required"] == ["id", "weight"]
    assert document["components"]["schemas"]["Parcel"]["description"] == "Something sent."


def test_two_operations_of_one_name_are_a_mistake():
    again = Endpoint("GET", "/parcels", ROOM.send, Who.PUBLIC, {200: Parcel})
    with pytest.raises(ValueError, match="parcels_send"):
        described([SEND, again])
