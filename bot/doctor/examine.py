"""Running every check that makes sense, in the order in which things are set up."""

from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from bot.doctor import setup
from bot.doctor.database import check_database, check_keys, check_place
from bot.doctor.finding import Finding, State, broken, counted, ok, warning
from bot.doctor.slack import Workspace, check_socket
from bot.policy import PolicyProblem, PolicySource
from bot.settings import SettingProblem, Settings, read_settings
from bot.slack import new_client
from governance.policy import TENANT
from storage import installations
from storage.database import Database, database_url, sqlite_path
from storage.keyring import KeyProblem
from storage.tables import SlackInstallation


async def examine(environment: Mapping[str, str]) -> list[Finding]:
    """Return what every check finds. Nothing is written, and no agent's tool is called."""
    try:
        settings = read_settings(environment)
        database = Database(database_url(settings.database_url))
    except (SettingProblem, ValueError) as problem:
        return [broken("environment", str(problem), "mend it, then run this again")]
    try:
        return await _Examination(settings, database).run(environment)
    finally:
        await database.close()


class _Examination:
    """One run over one installation."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database

    async def run(self, environment: Mapping[str, str]) -> list[Finding]:
        try:
            policy = PolicySource(self._settings.config, environment)
        except PolicyProblem as problem:
            return [_mistaken(problem), *await self._stored()]
        return [*await self._set_up(policy), *await self._stored(), *await self._slack(policy)]

    async def _set_up(self, policy: PolicySource) -> list[Finding]:
        settings = self._settings
        agents = sum(not one.is_internal for tenant in policy.tenants for one in policy.of(tenant).agents.values())
        sound = f"sound: {counted(len(policy.tenants), 'workspace')}, {counted(agents, 'agent')}"
        found = [
            ok("countersign.toml", sound),
            setup.check_bot_token(settings, policy), setup.check_way_in(settings), setup.check_oauth(settings, policy),
            setup.check_encryption_key(settings, policy), await setup.check_port(settings),
            *setup.check_connectors(policy),
        ]  # fmt: skip
        return [one for one in found if one is not None]

    @property
    def _is_there(self) -> bool:
        """Whether there is a database to connect to; SQLite would make one by being looked at."""
        path = sqlite_path(self._database.url)
        return path is None or path.exists()

    async def _stored(self) -> list[Finding]:
        place = check_place(self._database)
        found = [place] if place else []
        if not self._is_there or (place and place.state is State.BROKEN):
            return found
        found += await check_database(self._database)
        opened = await check_keys(self._database, self._settings.encryption_key)
        return [*found, opened] if opened else found

    async def _slack(self, policy: PolicySource) -> list[Finding]:
        settings, listed = self._settings, setup.others(policy)
        found: list[Finding] = []
        if TENANT in policy.tenants and settings.bot_token:
            here = self._workspace(settings.bot_token, policy, TENANT, "Slack")
            found += await here.examine()
            if here.team_id in listed:
                remedy = "remove it from [[workspaces]], or remove [slack] and SLACK_BOT_TOKEN"
                found.append(broken("workspaces", f"{here.team_id} is connected by token and listed as well", remedy))
        if settings.app_token:
            found.append(await check_socket(new_client("", settings.slack_api_url), settings.app_token))
        rows = await self._installations() if listed else {}
        for team in listed:
            found += await self._installed(team, rows.get(team), policy)
        return found

    def _workspace(self, token: str, policy: PolicySource, tenant: str, where: str) -> Workspace:
        client = new_client(token, self._settings.slack_api_url)
        return Workspace(client, policy.of(tenant), where, self._database.clock())

    async def _installations(self) -> dict[str, SlackInstallation]:
        if not self._is_there:
            return {}
        try:
            async with self._database.read("") as tx:
                return {row.tenant: row for row in await installations.every_one(tx)}
        except (SQLAlchemyError, OSError, AttributeError):
            return {}  # the checks of the database say why

    async def _installed(self, team: str, row: SlackInstallation | None, policy: PolicySource) -> list[Finding]:
        """Check one workspace that installs by OAuth."""
        remedy = "somebody of that workspace opens /slack/install on this server"
        if row is None or row.sealed_token is None:
            gone = "the app was uninstalled there" if row else "the app is not installed there yet"
            return [warning(f"{team}: installation", gone, remedy)]
        try:
            async with self._database.read("") as tx:
                token = installations.token_of(tx, row)
        except KeyProblem as problem:
            return [broken(f"{team}: installation", str(problem), "add that key back, or install the app there again")]
        return await self._workspace(token or "", policy, team, team).examine()


def _mistaken(problem: PolicyProblem) -> Finding:
    first, *more = str(problem).split("\n")
    sentence = f"{first} (and {len(more)} more)" if more else first
    return broken("countersign.toml", sentence, "mend it, then run `countersign policy check`")
