"""Opening modals while Slack's trigger lives: complete at once where that is quick, else empty and filled later."""

import asyncio
import logging
from collections.abc import Coroutine
from time import monotonic
from typing import Any

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.cards.modals import View, skeleton_modal
from bot.listeners.errors import modal_for, tell
from bot.listeners.people import ARRIVED
from bot.slack import SlackTrouble, calling

log = logging.getLogger(__name__)

_QUICK = 1.0  #: seconds since the click came in; the trigger lives three, and views.open needs some of them


async def open_modal(args: AsyncArgs, drawing: Coroutine[Any, Any, View]) -> dict[str, Any] | None:
    """Open what `drawing` returns, and acknowledge. Returns the view as Slack has it, None where it was refused.

    What `drawing` raises in time is raised; later it takes the place of the skeleton that stands by then.
    """
    task = asyncio.create_task(drawing)
    try:
        done, _ = await asyncio.wait({task}, timeout=max(0.0, args.context[ARRIVED] + _QUICK - monotonic()))
        view = task.result() if done else skeleton_modal()
        opened = await calling(args.client.views_open(trigger_id=args.body["trigger_id"], view=view))
        await args.ack()
        return dict(opened["view"]) if done else await _fill(args, dict(opened["view"]), task)
    finally:
        task.cancel()


async def _fill(args: AsyncArgs, skeleton: dict[str, Any], task: asyncio.Task[View]) -> dict[str, Any] | None:
    await asyncio.wait({task})
    error = task.exception()
    view = modal_for(error) if error is not None else task.result()
    filled = await update_modal(args, skeleton["id"], view)
    return filled if error is None else None


async def acknowledged(args: AsyncArgs, work: Coroutine[Any, Any, None]) -> None:
    """Acknowledge at once and do what was asked for afterwards: for clicks that decide nothing and may take longer
    than Slack waits. What `work` raises is said privately."""
    await args.ack()
    task = asyncio.create_task(work)
    await asyncio.wait({task})
    if (error := task.exception()) is not None:
        await tell(args.client, args.body, error)


async def update_modal(args: AsyncArgs, view_id: str, view: View, hash: str | None = None) -> dict[str, Any] | None:
    """Show something else in a modal that is open; None where it is open no more, or was changed since `hash`."""
    try:
        updated = await calling(args.client.views_update(view_id=view_id, hash=hash, view=view))
    except SlackTrouble as trouble:  # closed meanwhile, most likely
        log.info("a modal could not be brought up to date: %s", trouble.error)
        return None
    return dict(updated["view"])
