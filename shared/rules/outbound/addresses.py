"""Where rules may call: what is on the internet, and what the operator allows besides.

Policies are written by people who may administer the router, but not the network that it is in. A
rule must not be their way to what only the router can reach: its neighbours, its own host, the
service that hands out its identity's tokens.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, Self

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

AZURE_HOST: Final = IPv4Address("168.63.129.16")
"""Azure's platform answers every virtual machine here; by its number it is a public address."""

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_TUNNELS: Final = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
"""6to4 and Teredo: they lead to IPv4 addresses that nobody would see here."""
_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """What the operator lets rules call although it is private or does not speak https."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """``entries``: names of hosts, addresses, and networks in CIDR notation.

        :raises ValueError: the message tells which entry is none of them.
        """
        networks: list[Network] = []
        names: set[str] = set()
        for entry in entries:
            if (network := _network(entry)) is not None:
                networks.append(network)
            elif _NAME.fullmatch(entry.lower()):
                names.add(entry.lower())
            else:
                raise ValueError(f"'{entry}' is not a host's name, an address or a network")
        return cls(frozenset(names), tuple(networks))

    def has_name(self, host: str) -> bool:
        """Whether the host is allowed by name, wherever the name leads."""
        return host in self.names

    def has(self, host: str) -> bool:
        """Whether the host, as written in a URI, is allowed: by name, or as an address."""
        address = _address(host)
        return self.has_name(host) if address is None else self._has_address(address)

    def let_through(self, text: str) -> bool:
        """Whether a connection to the address may be opened."""
        address = _address(text)
        return address is not None and (is_public(address) or self._has_address(address))

    def refuse(self, host: str) -> bool:
        """Whether a URI's host need not even be looked up: it is an address, and not allowed."""
        return _address(host) is not None and not self.let_through(host)

    def _has_address(self, address: Address) -> bool:
        return any(_plain(address) in network for network in self.networks)


def is_public(address: Address) -> bool:
    """Whether the address is a single host on the internet, and not a platform's own."""
    address = _plain(address)
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and address != AZURE_HOST
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if any(address in tunnel for tunnel in _TUNNELS):
        return False
    return address in _GLOBAL_UNICAST and address.is_global


def _plain(address: Address) -> Address:
    """An IPv4 address even if it is written as an IPv6 one."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None
