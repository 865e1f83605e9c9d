"""`countersign-client`: propose, look, decide and follow from a terminal, and guard Claude Code."""

import sys
from collections.abc import Sequence

from countersign_client.cli.hook import run_hook
from countersign_client.cli.options import parser
from countersign_client.outcomes import CountersignError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. What goes wrong is one sentence on stderr."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["hook"]:
        return run_hook(given[1:])
    asked = parser().parse_args(given)
    try:
        status: int = asked.run(asked)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except (CountersignError, ValueError) as error:
        print(f"countersign-client: {error}", file=sys.stderr)
        return 1
    return status
