"""Which addresses are on the internet, and what an operator may allow besides."""

from ipaddress import ip_address

import pytest

from shared.rules.outbound.addresses import AllowedHosts, is_public

PUBLIC = ["8.8.8.8", "20.50.2.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = [
    *("10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1"),
    *("127.0.0.1", "127.255.255.254", "::1"),
    *("169.254.1.1", "fe80::1", "fe80::1%eth0", "fec0::1"),
    *("169.254.169.254", "fd00:ec2::254", "168.63.129.16", "192.0.0.192"),
    *("224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"),
    *("0.0.0.0", "0.1.2.3", "::"),
    *("240.0.0.1", "255.255.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1"),
    *("2001:db8::1", "100::1", "4000::1"),
    # An IPv4 address within an IPv6 one: mapped, compatible, NAT64, local NAT64, 6to4, Teredo.
    *("::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:168.63.129.16", "::127.0.0.1"),
    *("64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::a83f:8110", "64:ff9b:1::808:808"),
    *("2002:a00:1::1", "2002:808:808::1", "2001::1"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_internet_is_let_through(address: str) -> None:
    assert is_public(ip_address(address))
    assert AllowedHosts().let_through(address)
    assert not AllowedHosts().refuse(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_any_other_address_is_not(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not AllowedHosts().let_through(address)
    assert AllowedHosts().refuse(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "2130706433", "0x7f.1", "::1%"])
def test_what_is_no_address_is_not_let_through(text: str) -> None:
    assert not AllowedHosts(names=frozenset({text})).let_through(text)


def test_networks_may_be_allowed() -> None:
    allowed = AllowedHosts.parse(["10.1.0.0/16", "127.0.0.1", "fd00::/8"])
    let_through = ["10.1.255.255", "127.0.0.1", "::ffff:127.0.0.1", "fd00::1"]
    refused = ["10.2.0.0", "127.0.0.2", "fe80::1"]
    assert [a for a in (*let_through, *refused) if allowed.let_through(a)] == let_through
    assert [a for a in (*let_through, *refused) if allowed.refuse(a)] == refused
    assert allowed.has("10.1.2.3")
    assert not allowed.has_name("10.1.2.3")


def test_names_may_be_allowed() -> None:
    allowed = AllowedHosts.parse(["Scores.Internal", "local_host-1"])
    assert allowed.has("scores.internal")
    assert allowed.has_name("local_host-1")
    assert not allowed.has("more.scores.internal")
    assert not allowed.has("8.8.8.8")


@pytest.mark.parametrize(
    "entry",
    ["http://a", "a:80", "10.0.0.1/8", "10.0.0.0/33", "*.internal", "a/b", "-a", "", "ä"],
)
def test_what_is_neither_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="is not a host's name") as refused:
        AllowedHosts.parse(["localhost", entry])
    assert f"'{entry}'" in str(refused.value)
