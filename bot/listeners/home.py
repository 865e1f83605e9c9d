"""The Home tab: drawn when it is opened; its own buttons govern agents and rules. Requests are answered as on cards."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.home_settings import turning_modal
from bot.ids import Action, Callback
from bot.listeners.values import text_of
from bot.office import Office, governing
from bot.office.deciding import in_time
from bot.office.governing import Actor
from bot.office.homes import open_home, refresh
from bot.slack import calling
from governance.roles import role_of

_MODALS = {Action.HOME_PAUSE: Callback.PAUSE, Action.HOME_RESUME: Callback.RESUME}


def register(app: AsyncApp, office: Office) -> None:
    """Register the Home tab and its buttons for agents and rules."""

    @app.event("app_home_opened")
    async def opened(event: dict[str, Any]) -> None:
        if event.get("tab") == "home":
            await open_home(office, event["user"])

    @app.action(Action.HOME_PAUSE.value)
    @app.action(Action.HOME_RESUME.value)
    async def ask_why(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        pressed = body["actions"][0]
        agent = governing.agent_named(office, str(pressed.get("value", "")))
        view = turning_modal(_MODALS[Action(pressed["action_id"])], agent.id, agent.name)
        await calling(client.views_open(trigger_id=body["trigger_id"], view=view))
        await ack()

    @app.action(Action.HOME_REVOKE.value)
    async def revoke(ack: AsyncAck, body: dict[str, Any]) -> None:
        person = body["user"]["id"]
        await in_time(governing.revoke_rule(office, _actor(office, person), str(body["actions"][0].get("value", ""))))
        await ack()
        await refresh(office, person)

    _register_turning(app, office)


def _register_turning(app: AsyncApp, office: Office) -> None:
    @app.view(Callback.PAUSE.value)
    async def pause(ack: AsyncAck, body: dict[str, Any]) -> None:
        person, agent = body["user"]["id"], str(body["view"].get("private_metadata", ""))
        await in_time(governing.pause(office, _actor(office, person), agent, text_of(body)))
        await ack()
        await refresh(office, person)

    @app.view(Callback.RESUME.value)
    async def resume(ack: AsyncAck, body: dict[str, Any]) -> None:
        person, agent = body["user"]["id"], str(body["view"].get("private_metadata", ""))
        await in_time(governing.resume(office, _actor(office, person), agent, text_of(body)))
        await ack()
        await refresh(office, person)


def _actor(office: Office, person: str) -> Actor:
    return Actor(person, role_of(office.policy.current, person))
