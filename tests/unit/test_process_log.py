"""What a process printed, as it enters the log: in bounds, on lines of its own, without secrets or halves of them."""

import pytest

from bot.connectors.process import Child, environment_of, log_what_it_said, secrets_among

SECRET = "s3cret-value-that-is-long"


def logged(caplog, said, fd=1):
    child = Child()
    for i in range(0, len(said), 1000):
        child.pipe_data_received(fd, said[i : i + 1000])
    with caplog.at_level("INFO"):
        log_what_it_said("a tool", child, (SECRET,))
    return [record.getMessage() for record in caplog.records]


def test_each_line_says_whose_it_is_and_forges_none(caplog):
    assert logged(caplog, b"one\ntwo\x1b[2J\r2026 INFO forged\n", 2) == [
        "a tool stderr: one", "a tool stderr: two⟨U+001B⟩[2J", "a tool stderr: 2026 INFO forged",
    ]  # fmt: skip


def test_what_is_said_beyond_the_bounds_is_dropped(caplog):
    assert sum(map(len, logged(caplog, b"x" * 100 + b"\n" + b"y" * 100_000))) < 5000


@pytest.mark.parametrize("before", range(4090 - len(SECRET), 4097))
def test_no_part_of_a_secret_is_logged_wherever_we_stopped_listening(caplog, before):
    lines = logged(caplog, b"." * before + SECRET.encode() + b"\n")
    assert SECRET[:3] not in "".join(lines)


def test_an_environment_holds_what_was_named_and_no_more():
    ours = {"PATH": "/bin", "HOME": "/root", "TOKEN": "t0ken-value", "DEBUG": "1", "COUNTERSIGN_ENCRYPTION_KEY": "k"}
    assert environment_of(["TOKEN", "DEBUG", "ABSENT"], ours) == {
        "PATH": "/bin", "LANG": "C.UTF-8", "TOKEN": "t0ken-value", "DEBUG": "1",
    }  # fmt: skip
    assert secrets_among(["TOKEN", "DEBUG", "ABSENT"], ours) == ("t0ken-value",)
