"""Which URLs are read at all, and which addresses are connected to."""

import pytest

from tools.router import ToolError
from tools.web.addresses import is_public, place_of

REFUSED = [
    # this machine, and every way to write its number
    "http://localhost/", "http://localhost./", "http://LOCALHOST/", "http://127.0.0.1/",
    "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0x7f000001/",
    "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/", "http://127.0.0.0x1/",
    "http://0/", "http://0.0.0.0/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[0:0:0:0:0:ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/",
    "http://[fe80::1%25eth0]/", "http://１２７.０.０.１/", "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/", "http://127.0.0.1./", "http://ｌｏｃａｌｈｏｓｔ/",
    # clouds tell their secrets here
    "http://169.254.169.254/latest/meta-data/", "http://2852039166/", "http://0xa9fea9fe/",
    "http://[::ffff:a9fe:a9fe]/", "http://[fd00:ec2::254]/", "http://100.100.100.200/",
    "http://168.63.129.16/", "http://metadata.google.internal/", "http://metadata/",
    # inside names
    "http://router/", "http://printer.local/", "http://nas.lan/", "http://wiki.corp/",
    "http://db.internal/", "http://a.localhost/", "http://x.home.arpa/", "http://a.svc/",
    # what is no plain http
    "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)",
    "data:text/html,x", "//example.com/", "example.com", "", "http:/example.com", "http:///x",
    "http://", "http://example.com:8080/", "http://example.com:0/", "http://example.com:/",
    "http://example.com:443:80/", "https://example.com:22/", "http://example.com:080/",
    # two parsers would read these differently
    "http://user@example.com/", "http://user:pass@example.com/", "http://@example.com/",
    "http://example.com@127.0.0.1/", "http://example.com\\@127.0.0.1/", "http://exa mple.com/",
    "http://example.com/\r\nHost: x", "http://example.com\t/", "http://exam\u202eple.com/",
    "http://example.com/\u200b", "http://example.com\x00/", "http://exa%6dple.com/",
    "http://127.0.0.1%2f.example.com/", "http://-a.example.com/", "http://a..example.com/",
    "http://example.com../", "http://.example.com/", "http://" + "a" * 64 + ".com/",
    "http://" + "a." * 130 + "com/", "http://example.com/" + "a" * 2_048, "http://exa_mple.com/",
    "http://example.com<script>/", "http://[example.com]/", "http://example.123/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_leads_inside_or_can_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(ToolError) as refused:
        place_of(url)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTP://Example.COM:80/a?b=c#d", "http://example.com/a?b=c"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("https://example.com?q=1", "https://example.com/?q=1"),
        ("https://example.com./x", "https://example.com/x"),
        ("https://bücher.de/Köln", "https://xn--bcher-kva.de/K%C3%B6ln"),
        ("https://例え.jp/", "https://xn--r8jz45g.jp/"),
        ("https://r3---sn.example.com/", "https://r3---sn.example.com/"),
        ("https://en.wikipedia.org/wiki/C%2B%2B", "https://en.wikipedia.org/wiki/C%2B%2B"),
        ("https://1.example.org/", "https://1.example.org/"),
        ("https://example.com/a'b<c>", "https://example.com/a'b%3Cc%3E"),
    ],
)
def test_a_plain_url_is_taken_apart_once(url: str, meant: str) -> None:
    assert str(place_of(url)) == meant


@pytest.mark.parametrize(
    "address",
    "0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 169.254.169.254 "
    "172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.1 "
    "198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16 "
    "::1 :: ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:100.64.0.1 64:ff9b::7f00:1 "
    "64:ff9b::808:808 2002:7f00:1:: 2001::1 2001:db8::1 3fff::1 fc00::1 fd00:ec2::254 fe80::1 "
    "fe80::1%eth0 2606:4700::1%eth0 fec0::1 ff02::1 4000::1 localhost 8.8.8 08.8.8.8".split(),
)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", "8.8.8.8 93.184.216.34 172.32.0.1 100.128.0.1 2606:4700::1111 2a00:1450::1".split()
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)
