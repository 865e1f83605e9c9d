"""What webhooks are told, when they are tried again, and where they may lead."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.net.standard_webhooks import retry_after, sign
from bot.net.targets import target_of
from governance.errors import Unprocessable
from governance.events import EventName, Happening
from governance.webhooks import body_of, wait_after, wants

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
DECIDED = Happening(
    42, EventName.APPROVAL_DECIDED, AT, "apr_1", "prp_1", "deployer", "deploy.production", "approved", "U0BOB"
)


def test_an_event_reads_as_in_the_stream_in_canonical_json() -> None:
    body = body_of(DECIDED)
    assert json.loads(body) == {
        "type": "approval_decided",
        "timestamp": "2026-11-23T12:00:00Z",
        "data": {
            "event": "approval_decided", "id": 42, "at": "2026-11-23T12:00:00Z", "approval_id": "apr_1",
            "proposal_id": "prp_1", "agent": "deployer", "tool": "deploy.production", "status": "approved",
            "by": "U0BOB",
        },
    }  # fmt: skip
    assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    ("events", "agents", "told"),
    [
        ([], [], True),
        (["approval_decided"], [], True),
        (["approval_expired"], [], False),
        ([], ["deployer"], True),
        (["approval_decided"], ["other"], False),
    ],
)
def test_an_endpoint_is_told_what_it_asked_for(events: list[str], agents: list[str], told: bool) -> None:
    assert wants(events, agents, DECIDED) is told


def test_tries_spread_over_about_a_day_and_then_end() -> None:
    waits = [wait_after(tries, "whd_1") for tries in range(1, 9)]
    meant = (5, 30, 120, 600, 3_600, 10_800, 28_800, 43_200)
    assert all(
        wait is not None and 0.9 * should <= wait.total_seconds() <= 1.1 * should
        for wait, should in zip(waits, meant, strict=True)
    )
    assert wait_after(9, "whd_1") is None


def test_the_spread_is_a_deliverys_own_and_always_the_same() -> None:
    many = {wait_after(8, f"whd_{n}") for n in range(50)}
    assert len(many) == 50
    assert wait_after(8, "whd_7") == wait_after(8, "whd_7")


def test_a_receiver_may_ask_for_more_time_but_not_for_less() -> None:
    assert wait_after(1, "whd_1", timedelta(hours=1)) == timedelta(hours=1)
    assert wait_after(1, "whd_1", timedelta()) == wait_after(1, "whd_1")
    assert retry_after("9" * 5000, AT) == timedelta(days=1)


@pytest.mark.parametrize("header", ["Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2300"])
def test_no_date_makes_a_delivery_wait_longer_than_a_day(header: str) -> None:
    assert retry_after(header, AT) == timedelta(days=1)


@pytest.mark.parametrize(
    "header", ["Mon, 01 Jan 99999999999 00:00:00 GMT", "Mon, 99999999999999999999 Jan 2030 00:00:00 GMT", "soon"]
)
def test_a_date_beyond_the_calendar_says_nothing(header: str) -> None:
    assert retry_after(header, AT) is None


def test_the_published_example_of_a_signature() -> None:
    """The vector of the Standard Webhooks reference libraries."""
    secret, id, timestamp = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(secret, id, timestamp, b'{"test": 2432232314}') == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/x",
        "https://hooks.example.com:8443/x?y=1",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/x",
    ],
)
def test_addresses_out_in_the_world_are_taken(url: str) -> None:
    assert str(target_of(url, private=False)) == url


def test_the_verification_shown_in_the_docs_takes_what_we_sign_and_nothing_else() -> None:
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
    shown: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], shown)
    now, body = 1_795_435_200, body_of(DECIDED).encode()
    secret, other = ("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))

    def headers(*secrets: str) -> dict[str, str]:
        signatures = " ".join(sign(one, "whd_1", str(now), body) for one in secrets)
        return {"webhook-id": "whd_1", "webhook-timestamp": str(now), "webhook-signature": signatures}

    is_genuine = shown["is_genuine"]
    assert is_genuine(secret, headers(secret), body, now)
    assert is_genuine(secret, headers(other, secret), body, now + 300)
    assert not is_genuine(secret, headers(other), body, now)
    assert not is_genuine(secret, headers(secret), body + b" ", now)
    assert not is_genuine(secret, headers(secret), body, now + 301)
    assert not is_genuine(secret, {**headers(secret), "webhook-id": "whd_2"}, body, now)


INSIDE = [
    "https://127.0.0.1/", "https://10.0.0.8/x", "https://192.168.1.1:8443/", "https://169.254.169.254/latest/meta-data",
    "https://[::1]/", "https://[fe80::1]/", "https://[::ffff:127.0.0.1]/", "https://[fd00::1]/", "https://0.0.0.0/",
    "https://localhost/", "https://LOCALHOST:9/", "https://a.localhost/", "https://localhost./",
]  # fmt: skip
ODD = [
    "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://017700000001/",
    "https://127.0.0.1./",
]  # fmt: skip


@pytest.mark.parametrize("url", [*INSIDE, *ODD])
def test_addresses_inside_are_refused_however_they_are_written(url: str) -> None:
    with pytest.raises(Unprocessable, match=r"lies inside|send a whole address"):
        target_of(url, private=False)


@pytest.mark.parametrize("url", [*INSIDE, "http://localhost:9/x", "http://10.0.0.8/"])
def test_the_policy_may_open_them_with_plain_http(url: str) -> None:
    assert target_of(url, private=True).host


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@hooks.example.com/", "https://user@hooks.example.com/", "https://hooks.example.com/#x",
        "ftp://hooks.example.com/", "file:///etc/passwd", "hooks.example.com", "//hooks.example.com", "https://",
        "https:///x", "https://hooks.example.com:99999/", "https://[::1", "https://hooks.example.com\\@127.0.0.1/",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused_whatever_the_policy(url: str, private: bool) -> None:
    with pytest.raises(Unprocessable, match="url: "):
        target_of(url, private=private)


def test_plain_http_is_refused_unless_the_policy_opens_it() -> None:
    with pytest.raises(Unprocessable, match="https"):
        target_of("http://hooks.example.com/", private=False)
