"""The page's Misbehave panel: every switch of `Faults`, and the events and sockets that can be disturbed."""

from __future__ import annotations

from bot.workspace.model import Json
from bot.workspace.seat import Seat


def shown(seat: Seat) -> Json:
    """What the panel shows: the faults that are on, connections, and events held back."""
    workspace = seat.workspace
    return {
        **workspace.faults.shown(),
        "sockets": seat.sockets.live(workspace),
        "held": seat.events.held,
        "events": len(seat.events.delivered),
        "rate_limits": workspace.enforce_rate_limits,
        "unacknowledged": len(workspace.clicks.unacknowledged()),
        "clicks": len(workspace.clicks),
    }


async def misbehave(seat: Seat, body: Json) -> None:
    """Do one thing of the panel. KeyError or ValueError when the body makes no sense."""
    faults = seat.workspace.faults
    if body.get("clear"):
        faults.clear()
        seat.workspace.enforce_rate_limits = False
        await seat.events.release()
    elif "switch" in body and body["switch"] == "rate_limits":
        seat.workspace.enforce_rate_limits = bool(body["value"])
    elif "switch" in body:
        faults.switch(str(body["switch"]), body["value"])
    elif "always" in body:
        faults.always(str(body["always"]), str(body["fault"]), int(body.get("retry_after", 1)))
    elif "never" in body:
        faults.never(str(body["never"]))
    elif "do" in body:
        await _at_once(seat, str(body["do"]), int(body.get("count", 1)))
    else:
        times, wait = int(body.get("times", 1)), int(body.get("retry_after", 1))
        faults.add(str(body["method"]), str(body["fault"]), times, wait)
    seat.workspace.bump()


async def _at_once(seat: Seat, what: str, count: int) -> None:
    if what in ("redeliver", "redeliver-new"):
        await seat.events.again(count, new_id=what == "redeliver-new")
    elif what == "reverse":
        seat.events.reverse_next(count)
    elif what == "release":
        await seat.events.release()
    elif what == "click-again":
        await seat.interactions.again()
    elif what in ("warning", "refresh_requested"):
        await seat.sockets.disconnect(seat.workspace, what)
    else:
        raise ValueError(f"there is nothing called {what} to do")
