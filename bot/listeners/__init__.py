"""What people do in Slack, by kind of interaction. Each module registers its listeners on the app."""

from slack_bolt.async_app import AsyncApp

from bot.listeners import (
    actions,
    automations,
    batch,
    commands,
    details,
    errors,
    events,
    findings,
    giving,
    home,
    lists,
    menu,
    people,
    replies,
    settings,
    views,
)
from bot.office import Office


def register_all(app: AsyncApp, office: Office) -> None:
    """Register every listener; the middleware runs before them, the error desk after them."""
    people.register(app, office)
    for module in (actions, details, menu, findings, views, commands, lists, batch, home, settings, giving, automations,
                   events, replies):  # fmt: skip
        module.register(app, office)
    errors.register(app, office)
