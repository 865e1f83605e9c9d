"""Checks of the environment and of what countersign.toml needs on this machine."""

import os
import re
import shutil
import socket
import stat
from importlib.metadata import entry_points

import aiohttp

from bot.doctor.finding import Finding, broken, counted, ok, warning
from bot.policy import PolicySource
from bot.settings import Settings
from governance.policy import TENANT, Tool
from storage.database import database_url, sqlite_path
from storage.keyring import KeyProblem, parse_keys

_MAKE_KEY = "make one with: openssl rand -base64 32"
_SIGNING_SECRET = re.compile(r"[0-9a-f]{32}")


def others(policy: PolicySource) -> list[str]:
    """Return the workspaces that install the app by OAuth."""
    return [tenant for tenant in policy.tenants if tenant != TENANT]


def check_bot_token(settings: Settings, policy: PolicySource) -> Finding | None:
    """The token of the workspace under [slack]."""
    name, token = "bot token", settings.bot_token
    if TENANT not in policy.tenants:
        if not token:
            return None
        return warning(name, "SLACK_BOT_TOKEN is set, but there is no [slack] for its workspace", "unset it, or add it")
    if not token:
        return warning(name, "SLACK_BOT_TOKEN is not set: no cards are posted", "copy it from OAuth & Permissions")
    if not token.startswith("xoxb-"):
        return broken(
            name,
            f"SLACK_BOT_TOKEN begins with {token[:5]!r}",
            "set it to the Bot User OAuth Token, which begins with xoxb-",
        )
    return ok(name, "SLACK_BOT_TOKEN is a bot token")


def check_way_in(settings: Settings) -> Finding:
    """How Slack reaches us: signed over HTTP, or by Socket Mode."""
    name, app, secret = "way in", settings.app_token, settings.signing_secret
    if app and not app.startswith("xapp-"):
        return broken(
            name, f"SLACK_APP_TOKEN begins with {app[:5]!r}",
            "set it to an app-level token with connections:write, which begins with xapp-",
        )  # fmt: skip
    if app:
        return ok(name, f"Socket Mode, {counted(settings.socket_connections, 'connection')}")
    if not secret:
        return broken(
            name,
            "neither SLACK_SIGNING_SECRET (HTTP) nor SLACK_APP_TOKEN (Socket Mode) is set",
            "set the one your app uses",
        )
    if secret.startswith(("xoxb-", "xapp-")):
        return broken(name, "SLACK_SIGNING_SECRET holds a token", "copy the signing secret from Basic Information")
    if not _SIGNING_SECRET.fullmatch(secret):
        remedy = "compare it with Basic Information if clicks are refused"
        return warning(name, "HTTP; SLACK_SIGNING_SECRET does not look like Slack's (32 hex digits)", remedy)
    return ok(name, "HTTP, verified by signature")


def check_oauth(settings: Settings, policy: PolicySource) -> Finding | None:
    """What workspaces need to install the app."""
    name, listed = "installing by OAuth", others(policy)
    missing = [one for one, value in (("SLACK_CLIENT_ID", settings.client_id),
                                      ("SLACK_CLIENT_SECRET", settings.client_secret)) if not value]  # fmt: skip
    if not listed:
        if missing:
            return None
        return warning(
            name, "the credentials are set, but no [[workspaces]] are listed", "list who may install the app"
        )
    if missing:
        return broken(
            name, f"{' and '.join(missing)} not set", "copy them from Basic Information in the app's settings"
        )
    return ok(name, f"{counted(len(listed), 'workspace')} may install the app at /slack/install")


def check_encryption_key(settings: Settings, policy: PolicySource) -> Finding:
    """The key under which secrets are kept."""
    name = "encryption key"
    try:
        keys, path = parse_keys(settings.encryption_key), sqlite_path(database_url(settings.database_url))
    except (KeyProblem, ValueError) as problem:
        return broken(name, str(problem), _MAKE_KEY)
    if keys:
        return ok(name, "COUNTERSIGN_ENCRYPTION_KEY is set" + (f", {len(keys)} keys" if len(keys) > 1 else ""))
    if path is None:
        refused = "operator keys and secret arguments are refused" + (", and so is OAuth" if others(policy) else "")
        state = broken if others(policy) else warning
        return state(name, f"COUNTERSIGN_ENCRYPTION_KEY is not set: {refused}", _MAKE_KEY)
    beside = path.with_name(path.name + ".key")
    if beside.exists() and beside.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return warning(name, f"others may read {beside}", f"chmod 600 {beside}")
    return ok(name, f"kept in {beside}; back it up apart from the database")


async def check_port(settings: Settings) -> Finding:
    """Whether the port is free, or a Countersign answers there."""
    name, where = "port", f"{settings.host}:{settings.port}"
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if await _is_ours(settings):
                return ok(name, f"a Countersign answers on {where}")
            why = os.strerror(error.errno) if error.errno else str(error)
            return broken(name, f"{where} cannot be listened on ({why})", "set COUNTERSIGN_PORT or COUNTERSIGN_HOST")
    return ok(name, f"{where} is free")


async def _is_ours(settings: Settings) -> bool:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session,
            session.get(f"http://{settings.host}:{settings.port}/healthz") as answer,
        ):
            return (await answer.read()).startswith(b'{"status"')
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return False


def check_connectors(policy: PolicySource) -> list[Finding]:
    """What tools need on this machine; addresses and other servers are not called."""
    tools = policy.of(policy.tenants[0]).tools.values()
    installed = {point.name for point in entry_points(group="countersign.tools")}
    found = [finding for tool in tools if (finding := _check_tool(tool, installed)) is not None]
    return found or [ok("connectors", f"nothing is missing here for {counted(len(tools), 'tool')}")]


def _check_tool(tool: Tool, installed: set[str]) -> Finding | None:
    connector, name = tool.connector, f"tool {tool.name}"
    if connector.kind == "python" and connector.entry not in installed:
        remedy = "install the package that has it beside Countersign, or mend `entry`"
        return broken(name, f"there is no entry point {connector.entry!r} in the group countersign.tools", remedy)
    if connector.kind == "mcp" and connector.command and shutil.which(connector.command[0]) is None:
        return broken(name, f"the program {connector.command[0]!r} is not here", "install it, or mend `command`")
    return None
