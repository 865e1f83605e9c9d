"""The environment, read once into one frozen record. Secrets and addresses live here, policy in countersign.toml."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from governance.policy import TENANT

DEFAULT_DATABASE = "sqlite:///countersign.db"
DEFAULT_SLACK_API = "https://slack.com/api/"


class SettingProblem(Exception):
    """A setting cannot be used; the text names it and the way out."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a process is told by its environment."""

    config: Path
    database_url: str
    host: str
    port: int
    bot_token: str
    signing_secret: str
    app_token: str
    slack_api_url: str
    encryption_key: str
    client_id: str = ""
    client_secret: str = ""
    socket_connections: int = 2

    @property
    def slack_authorize_url(self) -> str:
        """Where a browser is sent to install the app: beside the Web API, wherever that is."""
        return self.slack_api_url.removesuffix("api/") + "oauth/v2/authorize"

    @property
    def speaks_slack(self) -> bool:
        """Whether a workspace is connected."""
        return bool(self.bot_token)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingProblem with one sentence."""
    return Settings(
        config=Path(environment.get("COUNTERSIGN_CONFIG") or "countersign.toml"),
        database_url=environment.get("COUNTERSIGN_DATABASE_URL") or DEFAULT_DATABASE,
        host=environment.get("COUNTERSIGN_HOST") or "127.0.0.1",
        port=_port(environment.get("COUNTERSIGN_PORT") or "8080"),
        bot_token=environment.get("SLACK_BOT_TOKEN", ""),
        signing_secret=environment.get("SLACK_SIGNING_SECRET", ""),
        app_token=environment.get("SLACK_APP_TOKEN", ""),
        slack_api_url=_with_slash(environment.get("SLACK_API_URL") or DEFAULT_SLACK_API),
        encryption_key=environment.get("COUNTERSIGN_ENCRYPTION_KEY", ""),
        client_id=environment.get("SLACK_CLIENT_ID", ""),
        client_secret=environment.get("SLACK_CLIENT_SECRET", ""),
        socket_connections=_connections(environment.get("SLACK_SOCKET_CONNECTIONS") or "2"),
    )


def check_for_serving(settings: Settings) -> None:
    """Raise SettingProblem where a server could not verify what reaches it from Slack."""
    if settings.bot_token and not (settings.signing_secret or settings.app_token):
        raise SettingProblem(
            "SLACK_BOT_TOKEN is set, but neither SLACK_SIGNING_SECRET (HTTP mode) nor SLACK_APP_TOKEN "
            "(Socket Mode) is; set the one your app uses."
        )


def check_for_workspaces(settings: Settings, tenants: tuple[str, ...]) -> None:
    """Raise SettingProblem where workspaces may install the app, but nothing that they send could be verified."""
    if any(tenant != TENANT for tenant in tenants) and not (settings.signing_secret or settings.app_token):
        raise SettingProblem(
            "countersign.toml lists [[workspaces]], but neither SLACK_SIGNING_SECRET (HTTP mode) nor SLACK_APP_TOKEN "
            "(Socket Mode) is set; set the one your app uses."
        )


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise SettingProblem(f"COUNTERSIGN_PORT is {text!r}; set it to a port number such as 8080.")
    return int(text)


def _connections(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10:
        raise SettingProblem(f"SLACK_SOCKET_CONNECTIONS is {text!r}; Slack allows from 1 to 10, 2 is usual.")
    return int(text)


def _with_slash(url: str) -> str:
    return url if url.endswith("/") else url + "/"
