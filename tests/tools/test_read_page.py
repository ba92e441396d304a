"""Reading a page as a model asks for it: words of strangers, as plain text."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from time import monotonic

import pytest

from messages import ToolResult
from tests.tools.calling import call
from tests.tools.conftest import Surroundings
from tests.tools.local_web import LocalWeb, public
from tools.apart.process import Apart
from tools.read_page import MAX_TEXT, Allowance, read_page_tool
from tools.router import Tool, ToolError
from tools.web.guarded import Fetcher, GuardedNetwork

Read = Callable[..., Awaitable[ToolResult]]

PAGE = (
    """<!doctype html><html><head><title> A  page </title><style>p{}</style>
<script>alert("never seen")</script></head><body><nav><a href="/home">Home</a></nav>
<main><h1>Weather</h1><p>It is <b>warm</b>,
   and&nbsp;dry.<br>Truly.</p><!-- a comment --><p hidden>unseen one</p>
<p style="display:none">unseen two</p><ul><li>Sun</li><li><a href="/wind?a=1#x">Wind</a></li></ul>
<table><tr><th>Day</th><th>°C</th></tr><tr><td>Mon</td><td>21</td></tr></table>
<pre>if a:
    b</pre><a href="javascript:alert(1)">no</a>"""
    + "<p>More words stand here.</p>" * 12
    + """
</main><footer>Imprint</footer></body></html>"""
)


@pytest.fixture
def read(web: LocalWeb, surroundings: Surroundings) -> Read:
    tool = made(web)

    async def read(url: str, owner: str = "ann") -> ToolResult:
        return await call(tool, surroundings.around(owner), url=url)

    return read


def made(web: LocalWeb, allowance: Allowance | None = None) -> Tool:
    return read_page_tool(Apart(), Fetcher(GuardedNetwork(public, web.dial)), allowance)


async def test_a_page_is_read_as_plain_text_and_marked_as_words_of_strangers(
    web: LocalWeb, read: Read
) -> None:
    web.gives("/", PAGE.encode())
    result = await read("http://example.org/")
    assert result.ok
    assert result.untrusted
    assert result.text.startswith(
        "A page\nhttp://example.org/\n\n# Weather\n\nIt is warm, and dry."
    )
    assert "Truly.\n" in result.text
    assert "- Sun\n- Wind" in result.text
    assert "Day | °C\nMon | 21" in result.text
    assert "if a:\n    b" in result.text
    assert "Links:\n- Wind: http://example.org/wind?a=1" in result.text
    for unseen in ("alert", "unseen", "comment", "Imprint", "Home"):
        assert unseen not in result.text


async def test_a_long_page_is_cut_at_what_a_model_may_read(web: LocalWeb, read: Read) -> None:
    web.gives("/", b"<p>" + "wört ".encode() * 100_000)
    result = await read("http://example.org/")
    assert len(result.text.encode()) < MAX_TEXT + 200 <= 20_000
    assert result.text.endswith("[Cut here: the page is longer.]")


async def test_text_and_json_are_read_as_they_are(web: LocalWeb, read: Read) -> None:
    web.gives("/t", "Grüße".encode("latin-1"), "text/plain; charset=iso-8859-1")
    web.gives("/j", b'{"a": [1]}', "application/json")
    web.gives("/b", b"ok", "text/plain; charset=no-such-thing")
    for path, words in (("t", "Grüße"), ("j", '{"a": [1]}'), ("b", "ok")):
        assert (await read(f"http://example.org/{path}")).text.endswith(words)


async def test_a_pdf_is_read_by_pages(web: LocalWeb, read: Read) -> None:
    web.gives("/", pdf("Hello from a PDF", "The second page"), "application/pdf")
    result = await read("http://example.org/")
    assert "[Page 1 of 2]\nHello from a PDF\n\n[Page 2 of 2]\nThe second page" in result.text
    assert result.untrusted


@pytest.mark.parametrize(
    ("body", "mime", "words"),
    [
        (b"%PDF-1.4 but no more", "application/pdf", "damaged"),
        (b"", "application/pdf", "damaged"),
        (b"", "text/html", "holds no text"),
        (b"<script>app()</script><div id=root></div>", "text/html", "holds no text"),
    ],
)
async def test_a_page_without_words_says_so(
    web: LocalWeb, read: Read, body: bytes, mime: str, words: str
) -> None:
    web.gives("/", body, mime)
    result = await read("http://example.org/")
    assert not result.ok
    assert words in result.text


@pytest.mark.parametrize(
    "body",
    [
        (b"<div>" * 200_000) + (b"</p>" * 200_000),
        b"&amp" * 400_000,
        b"<a href='//" + b"[" * 100_000 + b"'>x</a>" * 1_000,
        b"\x00\xff\xfe" * 600_000,
        b"<li>" * 100_000 + b"<table><tr>" * 80_000,
    ],
    ids=["unmatched", "entities", "brackets", "bytes", "lists"],
)
async def test_a_hostile_page_costs_a_few_seconds_of_another_process(
    web: LocalWeb, read: Read, body: bytes
) -> None:
    web.gives("/", body)
    started = monotonic()
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.05)
            beats += 1

    beating = asyncio.create_task(beat())
    result = await read("http://example.org/")
    beating.cancel()
    elapsed = monotonic() - started
    assert elapsed < 14
    assert len(result.text) < 20_000
    assert beats > elapsed / 0.05 / 3  # the loop lived on


async def test_an_owner_reads_ten_pages_an_hour(web: LocalWeb, surroundings: Surroundings) -> None:
    web.gives("/", b"words", "text/plain")
    now = [0.0]
    tool = made(web, Allowance(now=lambda: now[0]))
    ann, bob = surroundings.around("ann"), surroundings.around("bob")
    for _ in range(10):
        assert (await call(tool, ann, url="http://example.org/")).ok
    late = await call(tool, ann, url="http://example.org/")
    assert not late.ok
    assert "10 pages an hour" in late.text
    assert "60 minutes" in late.text or "61 minutes" in late.text
    assert (await call(tool, bob, url="http://example.org/")).ok
    now[0] = 3_600.0
    assert (await call(tool, ann, url="http://example.org/")).ok


async def test_what_is_refused_unseen_costs_nothing_of_the_hour(
    web: LocalWeb, surroundings: Surroundings
) -> None:
    web.gives("/", b"words", "text/plain")
    tool, ann = made(web), surroundings.around("ann")
    for _ in range(20):
        assert not (await call(tool, ann, url="http://127.0.0.1/")).ok
    assert (await call(tool, ann, url="http://example.org/")).ok


async def test_no_more_than_four_pages_are_read_at_once(
    web: LocalWeb, surroundings: Surroundings
) -> None:
    open_now, most = 0, 0

    async def slow(writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.3)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\nx")
        await writer.drain()
        open_now -= 1

    web.answers("/", slow)
    tool = made(web)
    owners = [surroundings.around(f"visitor {n}") for n in range(10)]
    results = await asyncio.gather(*(call(tool, o, url="http://example.org/") for o in owners))
    assert all(result.ok for result in results)
    assert most == 4


async def test_stop_ends_the_process_that_reads(web: LocalWeb, surroundings: Surroundings) -> None:
    apart = Apart(at_once=1)
    web.gives("/", b"<div>" * 200_000 + b"</p>" * 200_000)
    tool = read_page_tool(apart, Fetcher(GuardedNetwork(public, web.dial)))
    reading = asyncio.create_task(call(tool, surroundings.around(), url="http://example.org/"))
    while not web.hits:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    reading.cancel()
    await asyncio.wait({reading})
    # Its place is free again at once: nothing of it runs on.
    asked = {"kind": "html", "charset": "", "url": "http://x.org/"}
    told, _ = await apart.ask("page_text", asked, b"<p>next", limit_s=5)
    assert told["text"] == "next"


async def test_work_apart_is_given_up_when_it_is_late() -> None:
    asked = {"kind": "html", "charset": "", "url": "http://x.org/"}
    with pytest.raises(ToolError, match="longer than"):
        await Apart().ask("page_text", asked, b"<div>" * 200_000 + b"</p>" * 200_000, limit_s=0.5)


def pdf(*pages: str) -> bytes:
    """A PDF of the fewest parts, each page with one line of words."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, words in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET"
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * n} 0 R >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    out, places = io.BytesIO(b""), []
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode())
    start = out.tell()
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}"
    tail = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF"
    out.write((head + tail).encode())
    return out.getvalue()
