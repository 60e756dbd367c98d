"""Requests that leave: never to a private address, unless that address was allowed.

An address is judged where the socket is made, after names were resolved, so neither a name that
points inside nor one that changes between two look-ups gets around it.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp.abc import AddrInfoType  # type: ignore[attr-defined]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_allowed(address: str, allowed: Sequence[Network]) -> bool:
    """Say whether an address may be talked to: a public one, or one that was allowed."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    inside = any(found in network for network in allowed if network.version == found.version)
    return inside or (found.is_global and not found.is_multicast)


def guarded_connector(allowed: Sequence[Network]) -> aiohttp.TCPConnector:
    """Give a connector for an aiohttp session that refuses private addresses.

    What it refuses is an ``aiohttp.ClientConnectorError`` whose sentence names the setting.
    """

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, where = info
        if not is_allowed(str(where[0]), allowed):
            said = f"{where[0]} is a private address; outgoing.allow_private can allow it"
            raise PermissionError(errno.EACCES, said)
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(socket_factory=make)
