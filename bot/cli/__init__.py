"""The command line. Each module holds one family of commands; heavy parts are imported when a command runs."""

from bot.cli.root import cli

__all__ = ["cli"]
