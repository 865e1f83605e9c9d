"""Tools as somebody installs them, well behaved and otherwise; found by the entry points beside this file."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

NUMBER = 1


def echo(arguments, context):
    return {"got": arguments, "context": vars(context)}


async def later(arguments, context):
    await asyncio.sleep(0)
    return f"later: {arguments['service']}"


def fail(arguments, context):
    raise ValueError("no such\nservice: " + arguments["service"])


def leave(arguments, context):
    sys.exit(0)


def crash(arguments, context):
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(arguments, context):
    """Swallow what may be swallowed, start a child that hangs as well, say where we are, and hang."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(arguments["note"]).write_text(f"{os.getpid()} {child.pid}")
    while True:
        time.sleep(600)


def print_much(arguments, context):
    for _ in range(64):
        print("x" * 65536)
        print("e" * 65536, file=sys.stderr)
    print('{"state": "succeeded", "result": "1"}')
    return "printed"


def big(arguments, context):
    return "é" * 1_000_000


def odd(arguments, context):
    return {"not a number": float("nan"), "path": Path("/x"), "half": "\ud800"}


def forge(arguments, context):
    """Write garbage where answers go."""
    os.write(int(sys.argv[1]), b"no answer of ours\n")
    return 1


def spawn(arguments, context):
    """Leave a child behind that holds our output open."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    return child.pid


def fork(arguments, context):
    """Leave a copy of ourselves behind that holds everything open."""
    pid = os.fork()
    while pid == 0:
        time.sleep(600)
    return pid


def environment(arguments, context):
    return {"environment": dict(os.environ), "folder": str(Path.cwd())}


def leak(arguments, context):
    print("the token is", arguments["token"], "and", os.environ["TOOL_SECRET"])
    return {"token": arguments["token"], "secret": os.environ["TOOL_SECRET"]}


def read(arguments, context):
    return sys.stdin.read()
