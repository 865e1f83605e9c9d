"""`python -m bot` and the `countersign` command."""

from bot.cli import cli


def main() -> None:
    """Run the command line; every expected failure is one sentence and exit code 1."""
    cli(prog_name="countersign")


if __name__ == "__main__":
    main()
