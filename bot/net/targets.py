"""Which addresses others may have us call."""

from yarl import URL

from bot.net.addresses import is_outside
from governance.errors import Unprocessable

_SCHEMES = ("https",)
_PRIVATE_SCHEMES = ("https", "http")


def target_of(text: str, *, private: bool) -> URL:
    """Parse an address that somebody wants called. Where it is not `private` it must be https, and not inside.

    Names are looked up when they are called, by GuardedResolver: here nothing is asked of the network. Raises
    Unprocessable.
    """
    url = _parsed(text)
    if url.scheme not in (_PRIVATE_SCHEMES if private else _SCHEMES):
        raise Unprocessable("url: send an https address.", code="URL_NOT_ALLOWED")
    if url.user is not None or url.password is not None:
        raise Unprocessable("url: leave user name and password out; what we send is signed.", code="URL_NOT_ALLOWED")
    if not private and _is_inside(url.raw_host or ""):
        raise Unprocessable(
            "url: this address lies inside; `[webhooks] allow_private = true` in countersign.toml allows those.",
            code="URL_NOT_ALLOWED",
        )
    return url


def _parsed(text: str) -> URL:
    try:
        url = URL(text)
        if url.raw_host and url.port and not url.raw_fragment and not any(one <= " " or one == "\\" for one in text):
            return url
    except ValueError:
        pass
    raise Unprocessable("url: send a whole address such as https://hooks.example.com/countersign.")


def _is_inside(host: str) -> bool:
    """Whether a host is written as an address that does not lie outside, or as one that can be read in two ways."""
    try:
        return not is_outside(host)
    except ValueError:  # a name, or digits that a resolver would take for an address
        last = host.rstrip(".").rpartition(".")[2].lower()
        return ":" in host or last.isdigit() or last.startswith("0x") or last == "localhost"
