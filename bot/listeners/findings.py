"""A call whose outcome nobody knows: somebody looks, says what they found, or has it run once more."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.cards.forms import reconcile_modal
from bot.cards.modals import View
from bot.ids import Action, Callback
from bot.listeners.clicks import Click, click_of, look_up, submission_of
from bot.listeners.gates import check_may_find
from bot.listeners.opening import open_modal
from bot.listeners.values import text_of
from bot.office import Office
from bot.office.deciding import in_time
from bot.office.reconciling import Reconciling, reconcile
from governance.reconciling import Finding
from storage.tables import Door

_MODALS = {
    Action.HAPPENED: Callback.HAPPENED,
    Action.DID_NOT: Callback.DID_NOT,
    Action.RUN_AGAIN: Callback.RUN_AGAIN,
}
_FINDINGS = {
    Callback.HAPPENED: Finding.HAPPENED,
    Callback.DID_NOT: Finding.DID_NOT,
    Callback.RUN_AGAIN: Finding.RUN_AGAIN,
}


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for the three answers and their modals."""

    @app.action(Action.HAPPENED.value)
    @app.action(Action.DID_NOT.value)
    @app.action(Action.RUN_AGAIN.value)
    async def ask_how(args: AsyncArgs) -> None:
        modal = _MODALS[Action(args.body["actions"][0]["action_id"])]
        await open_modal(args, _asking(office, click_of(args.body), modal))

    @app.view(Callback.HAPPENED.value)
    @app.view(Callback.DID_NOT.value)
    @app.view(Callback.RUN_AGAIN.value)
    async def found(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = submission_of(body)
        rendering, _ = await look_up(office, click)
        finding = _FINDINGS[Callback(body["view"]["callback_id"])]
        given = Reconciling(click.user, finding, Door.SLACK, text_of(body), rendering.attempt)
        await in_time(reconcile(office, rendering.proposal_id, given))
        await ack()


async def _asking(office: Office, click: Click, modal: Callback) -> View:
    rendering, dossier = await look_up(office, click)
    await check_may_find(office, dossier, click.user, rendering.attempt)
    return reconcile_modal(dossier, click.rendering_id, modal)
