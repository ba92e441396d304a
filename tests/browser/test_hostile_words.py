"""Words of a model that would reach another host, cover the page or ask for a password: nothing comes
of them, by the text alone and by the page's policy alone."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import RunningParley, finished, opened, say
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser

REACHING = """\
![a]({evil}/markdown.png)
![a][ref]
<img src="{evil}/img.png">
<picture><source srcset="{evil}/srcset.png"><img src="data:,"></picture>
<video src="{evil}/video.mp4" autoplay muted></video>
<audio src="{evil}/audio.mp3" autoplay></audio>
<video poster="{evil}/poster.png"></video>
<input type="image" src="{evil}/input.png">
<table background="{evil}/table.png"><tr><td>x</td></tr></table>
<svg width="9" height="9"><image href="{evil}/svg.png" width="9" height="9"/></svg>
<div style="background:url({evil}/style.png);width:9px;height:9px">x</div>
<style>@import url("{evil}/import.css"); body {{ background: url("{evil}/body.png") }}</style>
<link rel="stylesheet" href="{evil}/link.css">
<iframe src="{evil}/frame"></iframe>
<object data="{evil}/object"></object>
<embed src="{evil}/embed">
<script src="{evil}/script.js"></script>
<img src="x" onerror="new Image().src='{evil}/onerror.png'">
"""
COVERING = """\
<div id="parley-input" name="parley" style="position:fixed;inset:0;z-index:99999;background:red">over</div>
<form action="{evil}/form" id="phish"><input name="password"><button>Log in again</button></form>
<base href="{evil}/">
"""
MERMAID = "```mermaid\ngraph TD; A[<img src={evil}/mermaid.png>] --> B\n```\n"
REFERENCE = "\n[ref]: {evil}/ref.png\n\n"
UNCLOSED = "```html\n<img src={evil}/unclosed.png>\n\n![b]({evil}/after.png)\n"

FIXED = """() => [...document.querySelectorAll('#parley-chat article *')]
    .filter((one) => ['fixed', 'sticky'].includes(getComputedStyle(one).position)).length"""


class Evil:
    """A host that only listens: whoever asks it for anything has told it something."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        evil = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/plain":
                    self.send_response(200)
                    self.send_header("content-type", "text/html")
                    self.end_headers()
                    self.wfile.write(b"<!doctype html><p>x")
                    return
                evil.asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def evil() -> Iterator[Evil]:
    evil = Evil()
    yield evil
    evil.server.shutdown()
    evil.server.server_close()


def inserted(page: Page, html: str) -> None:
    """As markup, which no words of a model ever become."""
    page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", html)
    page.wait_for_timeout(1500)


def test_words_of_a_model_reach_nobody_and_cover_nothing(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext, evil: Evil
) -> None:
    every = (REACHING, COVERING, MERMAID, REFERENCE, UNCLOSED)
    words = "".join(every).format(evil=evil.url)
    pieces = [words[at : at + 90] for at in range(0, len(words), 90)]
    model.thinks(words[:600]).says(*pieces, delay_s=0.02)
    page, watch = opened(visitor, parley.url)
    say(page, words)
    reply = finished(page)
    page.reload()
    expect(reply).to_contain_text("unclosed.png")
    page.wait_for_timeout(500)
    assert evil.asked == []
    assert watch.strangers == []
    shown = page.locator("#parley-chat article")
    for tag in (
        "form",
        "iframe",
        "style",
        "link",
        "object",
        "embed",
        "script",
        "video",
        "img",
        "input",
    ):
        assert shown.locator(tag).count() == 0, tag
    assert page.locator("#phish").count() == 0
    assert page.locator("#parley-input").count() == 1
    assert reply.locator("a").first.get_attribute("rel") == "noopener noreferrer nofollow"
    assert page.evaluate("document.baseURI").startswith(parley.url)
    assert page.evaluate(FIXED) == 0
    expect(reply).to_contain_text("graph TD")
    page.locator("#parley-input textarea").click()


def test_the_policy_alone_lets_markup_reach_nobody(
    parley: RunningParley, visitor: BrowserContext, evil: Evil
) -> None:
    page, _ = opened(visitor, parley.url)
    inserted(page, (REACHING + COVERING.partition("<base")[0]).format(evil=evil.url))
    page.evaluate("() => document.querySelector('#phish').submit()")
    tries = """async (url) => {
        new Image().src = `${url}/image.png`;
        navigator.sendBeacon(`${url}/beacon`, 'x');
        const failed = [];
        await fetch(`${url}/fetch`, { mode: 'no-cors' }).catch(() => failed.push('fetch'));
        const line = new WebSocket(url.replace('http', 'ws'));
        await new Promise((done) => { line.onerror = done; });
        await import(`${url}/module.js`).catch(() => failed.push('import'));
        try { new Worker(`${url}/worker.js`); } catch { failed.push('worker'); }
        return failed;
    }"""
    assert page.evaluate(tries, evil.url) == ["fetch", "import", "worker"]
    page.wait_for_timeout(1000)
    assert evil.asked == []


def test_elsewhere_the_same_markup_does_reach_it(browser: Browser, evil: Evil) -> None:
    """Else the two tests above would prove nothing."""
    page = browser.new_page()
    page.goto(f"{evil.url}/plain")
    inserted(page, REACHING.format(evil=evil.url))
    page.close()
    assert len({path for path in evil.asked if "markdown" not in path}) >= 10, evil.asked
