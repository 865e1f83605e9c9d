"""Checks of one workspace: the token, its scopes, the channels, the people and the groups that the policy names."""

from collections.abc import Iterable
from datetime import datetime
from email.utils import parsedate_to_datetime

from slack_sdk.web.async_client import AsyncWebClient

from bot.doctor.clock import skew_finding
from bot.doctor.finding import Finding, State, broken, ok, warning
from bot.manifest import bot_scopes
from bot.slack import Directory, SlackTrouble, TryLater, calling
from governance.policy import Policy, Tool
from governance.reviewers import is_group

_AGAIN = "install the app again"
_REACH = "check that this machine reaches Slack"
_NEW_TOKEN = f"{_AGAIN}; where it is connected by token, set SLACK_BOT_TOKEN to the new one"


class Workspace:
    """The checks of one workspace; `where` begins the name of each."""

    def __init__(self, client: AsyncWebClient, policy: Policy, where: str, now: datetime) -> None:
        self._client, self._policy, self._where, self._now = client, policy, where, now
        self.team_id = ""
        self._directory = Directory(client, self._home)

    async def _home(self) -> str:
        return self.team_id

    async def examine(self) -> list[Finding]:
        """Check everything; where the token does not work, that is all there is to say."""
        found = await self._check_token()
        if found[0].state is State.BROKEN:
            return found
        return [*found, *await self._check_channels(), *await self._check_people(), *await self._check_groups()]

    async def _check_token(self) -> list[Finding]:
        name = f"{self._where}: token"
        try:
            answer = await calling(self._client.auth_test())
        except SlackTrouble as trouble:
            remedy = _REACH if isinstance(trouble, TryLater) else _NEW_TOKEN
            return [broken(name, f"Slack answers {trouble.error}", remedy)]
        self.team_id = str(answer["team_id"])
        headers = {key.lower(): value for key, value in answer.headers.items()}
        found = [ok(name, f"{answer['user']} in {answer['team']} ({self.team_id})"), self._check_scopes(headers)]
        return [*found, self._check_clock(headers["date"])] if "date" in headers else found

    def _check_scopes(self, headers: dict[str, str]) -> Finding:
        name = f"{self._where}: scopes"
        if "x-oauth-scopes" not in headers:
            return warning(name, "Slack did not say which are granted", "compare the app's settings with manifest.yml")
        granted = {one.strip() for one in headers["x-oauth-scopes"].split(",")}
        if missing := [one for one in bot_scopes() if one not in granted]:
            remedy = f"import manifest.yml again (`countersign manifest`) and {_AGAIN}"
            return broken(name, f"{', '.join(missing)} not granted", remedy)
        return ok(name, "all that manifest.yml asks for")

    def _check_clock(self, date: str) -> Finding:
        ahead = (self._now - parsedate_to_datetime(date)).total_seconds()
        return skew_finding(f"{self._where}: clock of Slack", ahead)

    async def _check_channels(self) -> list[Finding]:
        policy = self._policy
        named = {policy.approvals_channel: "approvals channel"}
        for agent in policy.agents.values():
            for channel in sorted(agent.channels):
                named.setdefault(channel, f"channel of agent {agent.id}")
        return [await self._check_channel(channel, what) for channel, what in named.items()]

    async def _check_channel(self, channel: str, what: str) -> Finding:
        name = f"{self._where}: {what} {channel}"
        try:
            info = (await calling(self._client.conversations_info(channel=channel)))["channel"]
        except SlackTrouble as trouble:
            remedy = "mend its id in countersign.toml; a private channel must be joined first: /invite @Countersign"
            return broken(name, f"Slack answers {trouble.error}", remedy)
        if info.get("is_archived"):
            return broken(name, "it is archived", "unarchive it, or name another one in countersign.toml")
        if not info.get("is_member"):
            return broken(name, "the bot is not in it", "say there: /invite @Countersign")
        if any(info.get(flag) for flag in ("is_ext_shared", "is_pending_ext_shared", "is_org_shared")):
            return broken(name, "it is shared with another organisation", "name a channel of your own")
        return ok(name, f"#{info.get('name') or channel}, the bot is in it")

    async def _check_people(self) -> list[Finding]:
        named = _people(self._policy)
        try:
            found = [finding for person, what in named.items() if (finding := await self._check_person(person, what))]
        except SlackTrouble as trouble:
            return [warning(f"{self._where}: people", f"Slack answers {trouble.error}", "run this again")]
        return found or [ok(f"{self._where}: people", f"all {len(named)} that countersign.toml names are full members")]

    async def _check_person(self, person_id: str, what: str) -> Finding | None:
        person, name = await self._directory.person(person_id), f"{self._where}: {what} {person_id}"
        remedy = "name somebody else in countersign.toml"
        if person.may_decide:
            return None
        if person.is_stranger:
            return broken(name, "nobody of this workspace has this id", remedy)
        why = "is a guest" if person.is_guest else "is deactivated, or a bot"
        return broken(name, f"{person.name} {why}, and may decide nothing", remedy)

    async def _check_groups(self) -> list[Finding]:
        named = (one for tool in _used(self._policy) for one in (*tool.reviewers, *tool.escalate_to))
        groups = sorted({one for one in named if is_group(one)})
        return [await self._check_group(group) for group in groups]

    async def _check_group(self, group: str) -> Finding:
        name = f"{self._where}: user group {group}"
        try:
            users = (await calling(self._client.usergroups_users_list(usergroup=group)))["users"]
        except SlackTrouble as trouble:
            return broken(name, f"Slack answers {trouble.error}", "mend its id in countersign.toml, or enable it again")
        if not users:
            return broken(name, "nobody is in it", "put its reviewers in, in Slack")
        return ok(name, f"{len(users)} people")


def _people(policy: Policy) -> dict[str, str]:
    """Return everybody the policy names, each with the first role that is theirs."""
    roles: list[tuple[str, Iterable[str]]] = [
        ("admin", policy.admins), ("operator", policy.operators), ("offline decider", policy.offline_deciders),
        *((f"creator of agent {one.id}", [one.creator]) for one in policy.agents.values() if not one.is_internal),
        *((f"person of agent {one.id}", sorted(one.people)) for one in policy.agents.values() if not one.is_internal),
        *((f"reviewer of {one.name}", (*one.reviewers, *one.escalate_to)) for one in _used(policy)),
    ]  # fmt: skip
    named: dict[str, str] = {}
    for what, people in roles:
        for person in people:
            if not is_group(person):
                named.setdefault(person, what)
    return named


def _used(policy: Policy) -> list[Tool]:
    """Return the tools that an agent of this workspace has the scopes for."""
    scopes = [agent.scopes for agent in policy.agents.values() if not agent.is_internal]
    return [tool for tool in policy.tools.values() if any(tool.scopes <= has for has in scopes)]


async def check_socket(client: AsyncWebClient, app_token: str) -> Finding:
    """Whether Slack hands out an address to connect to; it is not connected to."""
    name = "Socket Mode"
    try:
        await calling(client.apps_connections_open(app_token=app_token))
    except SlackTrouble as trouble:
        remedy = "give SLACK_APP_TOKEN the scope connections:write, and switch Socket Mode on in the app's settings"
        remedy = _REACH if isinstance(trouble, TryLater) else remedy
        return broken(name, f"Slack answers {trouble.error}", remedy)
    return ok(name, "Slack lets us connect")
