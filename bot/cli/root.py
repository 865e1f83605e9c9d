"""The root command and its families."""

import click

from bot.cli.audit import audit
from bot.cli.doctor import doctor
from bot.cli.keys import keys
from bot.cli.mcp import mcp
from bot.cli.policy import policy
from bot.cli.prove import prove
from bot.cli.serve import demo, serve
from bot.cli.setup import manifest, migrate
from bot.cli.who import who_can_approve


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="countersign")
def cli() -> None:
    """Countersign stands between AI agents and their side effects: people countersign in Slack.

    Settings come from the environment: COUNTERSIGN_DATABASE_URL, COUNTERSIGN_CONFIG (countersign.toml),
    COUNTERSIGN_HOST, COUNTERSIGN_PORT, COUNTERSIGN_ENCRYPTION_KEY, SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET (HTTP mode)
    or SLACK_APP_TOKEN (Socket Mode) with SLACK_SOCKET_CONNECTIONS, SLACK_CLIENT_ID and SLACK_CLIENT_SECRET (installing
    by OAuth), SLACK_API_URL. `countersign doctor` says what is missing.
    """


for command in (serve, demo, migrate, manifest, doctor, keys, policy, audit, prove, who_can_approve, mcp):
    cli.add_command(command)
