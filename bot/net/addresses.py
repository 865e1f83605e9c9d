"""Which addresses lie out in the world: a host name may lead to nothing else."""

import ipaddress

#: The one block of IPv6 for global unicast; mapped, translated, local and site addresses lie outside it.
_UNICAST_6 = ipaddress.IPv6Network("2000::/3")
_NOT_REALLY_6 = tuple(
    ipaddress.IPv6Network(one)
    for one in (
        "2001::/23",  # protocol assignments, Teredo and its embedded IPv4 among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside, which may lie in the very network we are in
        "3fff::/20",  # documentation
    )
)
_NOT_REALLY_4 = tuple(
    ipaddress.IPv4Network(one)
    for one in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
    )
)


def is_outside(text: str) -> bool:
    """Return whether an address, with or without a zone, is globally routable unicast."""
    address = ipaddress.ip_address(text.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        return address in _UNICAST_6 and address.is_global and not any(address in one for one in _NOT_REALLY_6)
    return address.is_global and not address.is_multicast and not any(address in one for one in _NOT_REALLY_4)
