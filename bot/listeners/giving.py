"""The form for a grant, opened by `/grants give` and from the Home tab, and Home's button that takes one back."""

from datetime import timedelta
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.cards.governing_forms import AUTOMATION, CAPABILITY, MOST_OPTIONS, giving_modal
from bot.cards.modals import View, message_modal
from bot.ids import Action, Block, Callback
from bot.listeners.opening import open_modal
from bot.listeners.values import choice_of, number_of, text_of
from bot.listeners.words.grants import told_given
from bot.listeners.words.spoken import Spoken
from bot.office import Office, granting, naming
from bot.office.deciding import in_time
from bot.office.granting import Wanted
from bot.office.homes import refresh
from governance.errors import Forbidden, Unprocessable
from governance.policy import Agent
from governance.roles import Role, role_of
from storage import automations
from storage.tables import Automation


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for grants."""

    @app.action(Action.HOME_GIVE.value)
    async def ask(args: AsyncArgs) -> None:
        await open_giving(office, args, args.body["user"]["id"])

    @app.view(Callback.GIVE.value)
    async def give(ack: AsyncAck, body: dict[str, Any]) -> None:
        person = body["user"]["id"]
        said = await in_time(_give(office, person, body))
        await ack(response_action="update", view=message_modal("Give a grant", said))
        await refresh(office, person)

    @app.action(Action.HOME_UNGRANT.value)
    async def take_back(ack: AsyncAck, body: dict[str, Any]) -> None:
        person = body["user"]["id"]
        await in_time(granting.revoke(office, person, str(body["actions"][0].get("value", "")), "revoked on Home"))
        await ack()
        await refresh(office, person)


async def open_giving(office: Office, args: AsyncArgs, person: str) -> None:
    """Open the form for whoever may give something."""
    await open_modal(args, _form(office, person))


async def _form(office: Office, person: str) -> View:
    """Draw the form: admins may let agents change automations, they and creators may ask for capabilities."""
    policy = office.policy.current
    role = role_of(policy, person)
    agents = _agents(office, person, role)
    if not agents:
        raise Forbidden("Only admins, operators and the creators of agents may give grants.")
    async with office.database.read(office.tenant) as tx:
        found = await automations.page(tx, limit=MOST_OPTIONS) if role is Role.ADMIN else []
    return giving_modal(agents, naming.rights_known(policy), found)


def _agents(office: Office, person: str, role: Role) -> list[Agent]:
    known = [one for one in office.policy.current.agents.values() if not one.is_internal]
    return known if role.covers(Role.OPERATOR) else [one for one in known if one.creator == person]


async def _give(office: Office, person: str, body: dict[str, Any]) -> str:
    agent = naming.agent_meant(office, choice_of(body, Block.AGENT, ""))
    right = await _right(office, choice_of(body, Block.RIGHT, ""))
    hours = number_of(body, Block.HOURS)
    if hours is None or hours > 720:
        raise Unprocessable("hours: write a whole number from 1 to 720.")
    wanted = Wanted(agent, right, text_of(body), timedelta(hours=hours))
    return await told_given(Spoken(office, person, ""), await granting.give(office, person, wanted))


async def _right(office: Office, chosen: str) -> Automation | str:
    if chosen.startswith(AUTOMATION):
        return await naming.automation_meant(office, chosen.removeprefix(AUTOMATION))
    if not chosen.startswith(CAPABILITY):
        raise Unprocessable("right: choose what it may.")
    return naming.right_meant(office.policy.current, chosen.removeprefix(CAPABILITY))
