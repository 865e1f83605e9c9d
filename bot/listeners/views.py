"""Modal submissions: decided first, then acknowledged; what cannot be accepted is said inside the modal."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.deciding import decide_in_time
from bot.ids import Block, Callback, Field
from bot.listeners.clicks import look_up, request_of, submission_of
from bot.office import Office
from governance.reviewers import ReviewVerdict
from operations.review import Answer
from storage.tables import Door


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for modals."""

    @app.view(Callback.REJECT.value)
    async def reject(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = submission_of(body)
        rendering, _ = await look_up(office, click)
        answer = Answer(
            click.user, ReviewVerdict.REJECT, Door.SLACK, reason=_text(body), seen_version=rendering.request_version
        )
        await decide_in_time(office, request_of(rendering), answer)
        await ack()


def _text(body: dict[str, Any]) -> str:
    values = body["view"]["state"]["values"]
    return str((values.get(Block.REASON.value, {}).get(Field.TEXT.value, {})).get("value") or "")
