from ipaddress import ip_address, ip_network

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from core.outbound import AddressRefused, host_allowed
from core.outbound.addresses import Policy, is_public, is_this_machine, origin, policy

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808"]
INSIDE = [
    "0.0.0.0",
    "10.0.0.5",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.9.9.9",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::10.0.0.5",
    "::ffff:10.0.0.5",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.5",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:5",
    "2002:a00:5::1",
    "2002:7f00:1::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffa",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_reached(address):
    Policy().check("crms.example", ip_address(address), tls=True)


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_may_not_be_reached(address):
    with pytest.raises(AddressRefused):
        Policy().check("crms.example", ip_address(address), tls=True)


@pytest.mark.parametrize("address", INSIDE)
def test_allowing_loopback_allows_nothing_else(address):
    if address in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"):
        Policy(loopback=True).check("localhost", ip_address(address), tls=False)
    else:
        with pytest.raises(AddressRefused):
            Policy(loopback=True).check("localhost", ip_address(address), tls=True)


def test_a_private_network_may_be_allowed(settings):
    settings.ALLOWED_PRIVATE_NETWORKS = ["10.0.0.0/24", "fd12::/16"]
    for address in ("10.0.0.5", "::ffff:10.0.0.5", "fd12::1"):
        policy(False).check("crms.internal", ip_address(address), tls=True)
    for address in ("10.0.1.5", "192.168.1.1", "fd13::1"):
        with pytest.raises(AddressRefused, match="ALLOWED_PRIVATE_NETWORKS"):
            policy(False).check("crms.internal", ip_address(address), tls=True)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "::",
        "169.254.169.254",
        "100.100.100.200",
        "fd00:ec2::254",
        "224.0.0.1",
        "ff02::1",
        "fe80::1",
        "168.63.129.16",
        "192.0.0.192",
        "64:ff9b::7f00:1",
    ],
)
def test_even_everything_allowed_does_not_include_this(address):
    everything = Policy(networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    with pytest.raises(AddressRefused):
        everything.check("crms.internal", ip_address(address), tls=True)


def test_a_private_network_that_is_none_is_named(settings):
    settings.ALLOWED_PRIVATE_NETWORKS = ["10.0.0.1/8"]
    with pytest.raises(ImproperlyConfigured, match="ALLOWED_PRIVATE_NETWORKS"):
        policy(False)


@pytest.mark.parametrize("address", ["93.184.216.34", "10.0.0.5"])
def test_only_loopback_is_reached_without_tls(address):
    allowed = Policy(loopback=True, networks=(ip_network("10.0.0.0/8"),))
    with pytest.raises(AddressRefused, match="https"):
        allowed.check("crms.example", ip_address(address), tls=False)


@given(st.ip_addresses())
def test_what_is_public_is_global_unicast(address):
    if is_public(address):
        assert address.is_global
        assert not any([address.is_private, address.is_multicast, address.is_loopback])


@pytest.mark.parametrize(
    "url",
    [
        "ftp://crms.example/",
        "file:///etc/passwd",
        "//crms.example/",
        "crms.example",
        "",
        "https://",
        "https:///path",
        "https://user:secret@crms.example/",
        "https://crms.example@evil.example/",
        "https://crms.example:99999/",
        "https://crms.example:x/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://[::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://crms example/",
        "https://crms..example/",
        "https://[::1/",
    ],
)
def test_an_odd_address_is_refused_without_repeating_it(url):
    with pytest.raises(AddressRefused) as caught:
        origin(url)
    assert "secret" not in str(caught.value)


def test_the_origin_of_an_address():
    assert origin("HTTPS://CRMS.Example/a?b=c#d").host == "crms.example"
    assert origin("https://crms%2Eexample/").host == "crms.example"
    assert origin("https://crms.example").port == 443
    assert origin("http://127.0.0.1:8080/").port == 8080
    assert origin("https://[2001:db8::1]:8443/").host == "2001:db8::1"


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("https://files.example/a", "files.example"),
        ("https://FILES.example/a", "Files.Example"),
        ("https://files.example./a", "files.example"),
        ("https://files.example/a", "files.example."),
        ("https://FÎCHIERS.example/a", "fîchiers.example"),
        ("https://fîchiers.example/a", "xn--fchiers-gza.example"),
        ("https://files.example:8443/a", "files.example:8443"),
        ("https://files.example/a", "files.example:443"),
        ("http://127.0.0.1:9009/a", "127.0.0.1"),
        ("http://localhost:9009/a", "localhost"),
        ("http://[::1]:9009/a", "::1"),
        ("http://[0:0::1]:9009/a", "[::1]:9009"),
    ],
)
def test_a_host_on_the_list_is_allowed(url, entry):
    assert host_allowed(url, ["other.example", entry])


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("https://evil.example/a", "files.example"),
        ("https://files.example.evil.example/a", "files.example"),
        ("https://sub.files.example/a", "files.example"),
        ("https://notfiles.example/a", "files.example"),
        ("https://files.example:8443/a", "files.example"),
        ("https://files.example/a", "files.example:8443"),
        ("https://files.example@evil.example/a", "files.example"),
        ("https://evil.example/files.example", "files.example"),
        ("ftp://files.example/a", "files.example"),
        ("https://files.example/a", ""),
        ("https://files.example/a", "*.example"),
        ("https://files.example/a", "*"),
        ("https://files.example/a", "[::1"),
        ("http://127.0.0.1:9009/a", "127.0.0.1:9010"),
    ],
)
def test_any_other_host_is_not(url, entry):
    assert not host_allowed(url, [entry])


def test_nothing_is_allowed_by_an_empty_list():
    assert not host_allowed("https://files.example/a", [])


def test_this_machine_is_known_by_each_of_its_names():
    for host in ("localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.8.8.8", "::1"):
        assert is_this_machine(host), host
    assert is_this_machine("::ffff:127.0.0.1")
    for host in ("", "localhost.example", "mail.example", "10.0.0.1", "0.0.0.0", "::", "1"):
        assert not is_this_machine(host), host
