"""Settings on the Home tab: when somebody wants to hear from us, and who answers while they are away."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.home_settings import NONE, away_modal, settings_modal
from bot.ids import Action, Block, Callback
from bot.listeners.values import choice_of, maybe_person_of, moment_of, time_of
from bot.office import Office, settling
from bot.office.deciding import in_time
from bot.office.homes import refresh
from bot.slack import calling
from governance.errors import Unprocessable
from operations.prefer import Wishes
from storage import people


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for settings."""

    @app.action(Action.HOME_SETTINGS.value)
    async def settings(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        person = await office.directory.person(body["user"]["id"])
        async with office.database.read(office.tenant) as tx:
            preference = await people.preference(tx, person.id)
        view = settings_modal(preference, person.tz or preference.tz)
        await calling(client.views_open(trigger_id=body["trigger_id"], view=view))
        await ack()

    @app.view(Callback.SETTINGS.value)
    async def save(ack: AsyncAck, body: dict[str, Any]) -> None:
        person = body["user"]["id"]
        await in_time(settling.set_preferences(office, person, _wishes(body)))
        await ack()
        await refresh(office, person)

    _register_absences(app, office)


def _register_absences(app: AsyncApp, office: Office) -> None:
    @app.action(Action.HOME_AWAY.value)
    async def ask(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await calling(client.views_open(trigger_id=body["trigger_id"], view=away_modal()))
        await ack()

    @app.view(Callback.AWAY.value)
    async def leave(ack: AsyncAck, body: dict[str, Any]) -> None:
        person, until = body["user"]["id"], moment_of(body, Block.UNTIL)
        await in_time(settling.go_away(office, person, until, maybe_person_of(body)))
        await ack()
        await refresh(office, person)

    @app.action(Action.HOME_BACK.value)
    async def back(ack: AsyncAck, body: dict[str, Any]) -> None:
        person = body["user"]["id"]
        await in_time(settling.come_back(office, person))
        await ack()
        await refresh(office, person)


def _wishes(body: dict[str, Any]) -> Wishes:
    hour = choice_of(body, Block.DIGEST_HOUR, NONE)
    if hour != NONE and not hour.isdecimal():
        raise Unprocessable("digest_hour: choose an hour, or no digest.")
    return Wishes(
        digest_hour=None if hour == NONE else int(hour),
        quiet_from=time_of(body, Block.QUIET_FROM), quiet_to=time_of(body, Block.QUIET_TO),
    )  # fmt: skip
