"""What the Agent Approval Protocol's words mean here, and where its notifications may go."""

from datetime import timedelta

import pytest

from bot.aap.sender import check_url
from governance.aap import AapStatus, length_of, status_of, tool_name
from governance.errors import Unprocessable
from governance.lifecycle import ProposalState


@pytest.mark.parametrize("state", ProposalState)
def test_every_state_of_a_proposal_is_one_of_the_protocols(state: ProposalState) -> None:
    assert status_of(state, edited=False) in AapStatus


def test_what_people_edited_is_never_approved() -> None:
    assert AapStatus.APPROVED not in {status_of(state, edited=True) for state in ProposalState}


@pytest.mark.parametrize("text", ["0s", "01s", "1d", "-1s", "1.5h", "1 s", "", "1S", "s", "１s", "1s\n"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        length_of(text)


def test_lengths_are_read_however_long() -> None:
    assert length_of("90s") == timedelta(seconds=90)
    assert length_of("10m") == timedelta(minutes=10)
    assert length_of("9" * 5000 + "h") == length_of("99999999999h") > timedelta(days=3650)


def test_a_tool_of_a_server_is_named_below_it() -> None:
    assert (tool_name("merge", None), tool_name("merge", "github")) == ("merge", "github.merge")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x", "https://10.0.0.1/x", "https://[::1]/x", "https://[::ffff:127.0.0.1]/x",
        "https://169.254.169.254/latest", "https://[fe80::1%25eth0]/x", "http://example.com/x", "https://u@example.com",
        "https://example.com/#x", "https:///x", "https://exa mple.com", "https://example.com:99999/", "//example.com",
        "https://[", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_notifications_go_nowhere_inside(url: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        check_url(url, allow_private=False)
    assert refused.value.name == "invalid_webhook_url"


@pytest.mark.parametrize("url", ["https://example.com", "https://example.com:8443/a?b=c", "https://8.8.8.8/x"])
def test_notifications_go_out(url: str) -> None:
    check_url(url, allow_private=False)
