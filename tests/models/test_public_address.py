"""Which addresses are ever connected to."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.public_address import is_public, may_be_public


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "::", "::1", "fe80::1",
        "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "::a00:1", "5f00::1", "2002:7f00:1::", "2001:db8::1", "nonsense", "", "1.2.3",
    ],
)  # fmt: skip
def test_an_address_that_not_anybody_can_have_is_not_public(address: str):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_of_the_internet_is_public(address: str):
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "192.168.0.0x1", "10.0.0.0X1", "0300.0250.0.0x1", "shop.0x", "192.168.0.%31", "127.0.0.1%2f.shop.example",
        "192.168.0.1\\.shop.example", "192.168.0.1;.shop.example", "<b>.shop.example", "shop.ex ample",
    ],
)  # fmt: skip
def test_a_host_that_a_browser_reads_as_another_address_may_not_be_public(host: str):
    """A browser takes 0x1 at the end for a part of an address, undoes what is percent-encoded, and ends at a backslash."""
    assert not may_be_public(host)


@given(st.ip_addresses(v=4))
def test_no_other_spelling_of_an_address_is_judged_otherwise(address: ipaddress.IPv4Address):
    mapped = ipaddress.IPv6Address((0xFFFF << 32) | int(address))
    translated = ipaddress.IPv6Address((0x64FF9B << 96) | int(address))

    assert is_public(str(address)) == is_public(str(mapped)) == is_public(str(translated))


@pytest.mark.parametrize(
    "host",
    [
        "", ".", "localhost", "LOCALHOST.", "shop.localhost", "printer.local", "db.internal", "intranet", "1.2.3", "shop.7",
        "shop..example", ".example", f"{'a' * 64}.example", f"{'a.' * 126}aa", "127.0.0.1", "::1",
    ],
)  # fmt: skip
def test_a_host_of_the_machine_or_its_network_and_what_is_no_name_may_not_be_public(host: str):
    assert not may_be_public(host)


@pytest.mark.parametrize(
    "host",
    [
        "a.example",
        "Shop.Example.",
        "7.example",
        "img_1.cdn-2.example",
        "0x1.example",
        "shop.xn--p1ai",
        "local.example",
        f"{'a' * 63}.example",
        f"{'a.' * 126}a",
        "8.8.8.8",
    ],
)
def test_a_name_on_the_internet_may_be_public(host: str):
    assert may_be_public(host)
