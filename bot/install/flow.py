"""`/slack/install` and `/slack/oauth_redirect`: Bolt's OAuth flow, for the workspaces that countersign.toml lists."""

import logging
from collections.abc import Callable
from typing import Any

import aiohttp
from slack_bolt.error import BoltError
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.web.async_client import AsyncWebClient

from bot.install.pages import failure_page, page
from bot.install.store import InstallationStore, StateStore
from bot.manifest import bot_scopes
from bot.settings import Settings
from bot.slack import SlackTrouble, calling
from storage.database import Database
from storage.installations import STATE_LIFETIME
from storage.keyring import KeyProblem

log = logging.getLogger(__name__)

_CLOSED = "Installing is not possible yet"


class _Refused(BoltError):
    """An installation that is not kept; the text says why and what to do."""


class Installing:
    """The two addresses by which a listed workspace installs the app."""

    def __init__(
        self, database: Database, settings: Settings, client: AsyncWebClient, listed: Callable[[], tuple[str, ...]]
    ) -> None:
        self._database, self._settings, self._listed = database, settings, listed
        complete = settings.client_id and settings.client_secret
        self._flow = _new_flow(database, settings, client, listed) if complete else None

    @property
    def problem(self) -> str | None:
        """Say what the operator has to do before anybody can install; None where everything is there."""
        if not (self._settings.client_id and self._settings.client_secret):
            return "Set SLACK_CLIENT_ID and SLACK_CLIENT_SECRET to what the app's settings in Slack show, and restart."
        if not self._database.keys.sealer.ready:
            return "Set COUNTERSIGN_ENCRYPTION_KEY (openssl rand -base64 32), under which tokens are kept, and restart."
        return None

    async def begin(self, request: AsyncBoltRequest) -> BoltResponse:
        """Answer `GET /slack/install`: send the browser to Slack with a fresh state."""
        listed, asked = self._listed(), request.query.get("team", [None])[0]
        if not listed:
            hint = "List its team id in a [[workspaces]] table of countersign.toml first."
            return page(404, "Nothing to install", "No Slack workspace may install the app here.", hint)
        if asked is not None and asked not in listed:
            return page(403, "Not installed", _unlisted(asked))
        if self._flow is None or self.problem is not None:
            log.error("somebody tried to install the app: %s", self.problem)
            return page(503, _CLOSED, "Whoever runs this server has to set it up first.", "The server's log says how.")
        return await self._flow.handle_installation(request)

    async def finish(self, request: AsyncBoltRequest) -> BoltResponse:
        """Answer `GET /slack/oauth_redirect`: exchange the code, check the workspace, keep its token."""
        if self._flow is None or self.problem is not None:
            return page(503, _CLOSED, "Whoever runs this server has to set it up first.")
        return await self._flow.handle_callback(request)


class _Flow(AsyncOAuthFlow):
    """Bolt's flow, which keeps only installations of single workspaces that are listed."""

    def __init__(self, listed: Callable[[], tuple[str, ...]], **more: Any) -> None:
        super().__init__(**more)
        self._listed = listed

    async def run_installation(self, code: str) -> Installation | None:
        """Exchange the code; None where Slack refuses it or cannot be reached."""
        try:
            return await super().run_installation(code)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("Slack did not answer while a code was exchanged (%s)", type(error).__name__)
            return None

    async def store_installation(self, request: AsyncBoltRequest, installation: Installation) -> None:
        """Keep an installation, or revoke its token and raise _Refused."""
        if (why := self._why_not(installation)) is not None:
            await self._give_back(installation)
            raise _Refused(why)
        try:
            await super().store_installation(request, installation)
        except KeyProblem as problem:
            await self._give_back(installation)
            raise _Refused(f"The token could not be kept: {problem}.") from problem
        log.info("installed in Slack team %s (%s)", installation.team_id, installation.team_name)

    def _why_not(self, installation: Installation) -> str | None:
        if installation.is_enterprise_install or installation.team_id is None:
            return "The app is installed in single workspaces, not in a whole organisation. Choose one workspace."
        if installation.team_id not in self._listed():
            return _unlisted(installation.team_id)
        return None if installation.bot_token else "Slack granted no bot token. Check the scopes in the app's settings."

    async def _give_back(self, installation: Installation) -> None:
        """Revoke a token that nobody keeps."""
        try:
            if installation.bot_token:
                await calling(self.client.auth_revoke(token=installation.bot_token))
        except SlackTrouble as trouble:
            log.error("a token for team %s could not be revoked (%s)", installation.team_id, trouble.error)


def _unlisted(team: str) -> str:
    return f"Workspace {team} is not listed in this server's countersign.toml. Ask whoever runs it to add it."


def _new_flow(
    database: Database, settings: Settings, client: AsyncWebClient, listed: Callable[[], tuple[str, ...]]
) -> _Flow:
    quiet = logging.getLogger("bot.bolt")
    quiet.setLevel(logging.ERROR)  # its warnings hold codes
    return _Flow(listed, client=client, logger=quiet, settings=AsyncOAuthSettings(
        client_id=settings.client_id, client_secret=settings.client_secret, scopes=bot_scopes(), user_scopes=[],
        install_page_rendering_enabled=False, installation_store=InstallationStore(database),
        state_store=StateStore(database), state_expiration_seconds=int(STATE_LIFETIME.total_seconds()),
        authorization_url=settings.slack_authorize_url, logger=quiet,
        callback_options=AsyncCallbackOptions(success=_success, failure=_failure),
    ))  # fmt: skip


async def _success(args: AsyncSuccessArgs) -> BoltResponse:
    where = args.installation.team_name or args.installation.team_id
    hint = "Invite the bot to its approvals channel with /invite @Countersign, then run `countersign doctor`."
    return _forgetting(args, page(200, "Installed", f"Countersign is installed in {where}.", hint))


async def _failure(args: AsyncFailureArgs) -> BoltResponse:
    if isinstance(args.error, _Refused):
        return _forgetting(args, page(403, "Not installed", str(args.error)))
    status = 200 if args.reason == "access_denied" else max(args.suggested_status_code, 400)
    return _forgetting(args, failure_page(status, args.reason))


def _forgetting(args: AsyncSuccessArgs | AsyncFailureArgs, answer: BoltResponse) -> BoltResponse:
    """Let the browser forget the state."""
    answer.headers["set-cookie"] = [args.settings.state_utils.build_set_cookie_for_deletion()]
    return answer
