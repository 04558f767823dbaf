"""Messages go to the open network only, whatever an address looks like and whatever a name says."""

from __future__ import annotations

import pytest

from voucher_service.infra import outgoing
from voucher_service.infra.outgoing import AddressRefused, NotTakenError

BAD_URLS = [
    "",
    "example.com",
    "//example.com/",
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com:6379/_SET",
    "javascript:alert(1)",
    "https:///path",
    "https://",
    "https://:443/",
    "https://localhost/",
    "https://localhost.localdomain/",
    "https://LOCALHOST/",
    "https://db/",
    "https://db.internal/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://router.lan/",
    "https://nas.home.arpa/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://0.0.0.0/",
    "https://0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.100.100.200/latest/meta-data/",
    "https://93.184.216.34/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00:ec2::254]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2606:2800:220:1::1]/",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1#@example.com/",
    "https://example.com#fragment",
    "https://example.com\\@127.0.0.1/",
    "https://127.0.0.1\\@example.com/",
    "https://exa mple.com/",
    "https://example.com/\r\nHost: other",
    "https://example.com/\tx",
    "\u0000https://example.com/",
    "https://１２７.0.0.1/",
    "https://ⓔxample.com/",
    "https://例子.中国/",
    "https://127。0。0。1/",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:80/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:port/",
    "https://example..com/",
    "https://.example.com/",
    "https://-example.com/",
    "https://example.com./",
    "https://example.1/",
    "https://example.0x7f/",
    "https://exa_mple.com/",
    "https://%31%32%37.0.0.1/",
    "https://example.com" + "/x" * 2000,
]

BAD_ADDRESSES = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2001:0:1::1",
    "2001:db8::1",
    "2002:a00:1::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "nonsense",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_an_address_that_is_no_open_name_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        outgoing.target(url, loopback=False)


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    assert not outgoing.is_open(address)
    for found in ([address], ["93.184.216.34", address], [address, "93.184.216.34"]):
        with pytest.raises(AddressRefused):
            outgoing.post("https://example.com/", b"", {}, names=lambda *_, told=found: told)


def test_a_name_is_asked_for_once_and_what_it_said_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    called: list[tuple[str, int]] = []

    def connect(where: tuple[str, int], timeout: float) -> None:
        called.append(where)
        raise ConnectionRefusedError

    monkeypatch.setattr(outgoing.socket, "create_connection", connect)
    with pytest.raises(NotTakenError):
        outgoing.post("https://example.com/", b"", {}, names=lambda *_: answers.pop(0))
    assert called == [("93.184.216.34", 443)]
    with pytest.raises(AddressRefused):  # it changed its mind: the next message goes nowhere
        outgoing.post("https://example.com/", b"", {}, names=lambda *_: answers.pop(0))
    assert len(called) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://Pos.Example.com/hooks?shop=1",
        "https://xn--fsqu00a.xn--fiqs8s/",
        "https://a-b.example.co:8443/x",
    ],
)
def test_a_name_of_the_open_network_may_be_tried(url: str) -> None:
    assert outgoing.target(url, loopback=False).tls


def test_this_machine_only_where_development_allows_it() -> None:
    here = "http://127.0.0.1:9000/hook"
    with pytest.raises(AddressRefused):
        outgoing.target(here, loopback=False)
    assert outgoing.target(here, loopback=True).port == 9000
    for url in ("http://10.0.0.1:9000/", "http://127.0.0.1@10.0.0.1:80/", "http://example.com/"):
        with pytest.raises(AddressRefused):
            outgoing.target(url, loopback=True)


def test_a_name_without_an_address_is_not_reached() -> None:
    def nobody(*_: object) -> list[str]:
        raise OSError

    with pytest.raises(NotTakenError):
        outgoing.post("https://example.com/", b"", {}, names=nobody)
