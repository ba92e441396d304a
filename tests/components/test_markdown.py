"""Markdown of a model becomes HTML that can do nothing but be read."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.markdown import pieces, split

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>*{display:none}</style>",
    "<form action=http://evil.example><input name=key></form>",
    "<div style='position:fixed;inset:0'>over everything</div>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](file:///etc/passwd)",
    "[x](/gradio_api/file=/etc/passwd)",
    "<javascript:alert(1)>",
    "![x](http://evil.example/p.png)",
    "![x](//evil.example/p.png)",
    "![x](data:image/svg+xml;base64,AAAA)",
    "![x][1]\n\n[1]: http://evil.example/p.png",
    '![" onerror=alert(1) x="](http://evil.example/"onerror=alert(1).png)',
    '[x](http://a.example/"onmouseover="alert(1))',
    'http://a.example/"onmouseover="alert(1)',
    "`<img src=x onerror=alert(1)>`",
    "```html\n<img src=x onerror=alert(1)>\n```",
    '```"><img src=x onerror=alert(1)>\ncode\n```',
    "```mermaid\ngraph TD; A[<img src=http://evil.example/p.png>]\n```",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "# <img src=x onerror=alert(1)>",
    "- <img src=x onerror=alert(1)>\n  - <b onclick=alert(1)>x</b>",
]
ALLOWED_TAGS = set(
    "p h3 h4 h5 h6 ul ol li a strong em s code pre div span button svg path rect circle small br hr "
    "blockquote table thead tbody tr th td".split()
)


class Elements(HTMLParser):
    """Every start tag that a browser would make of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("growing", [False, True])
def test_nothing_a_model_writes_runs_loads_or_hides(text: str, growing: bool) -> None:
    for tag, attributes in Elements("".join(pieces(text, growing))).found:
        assert tag in ALLOWED_TAGS
        assert not any(name.startswith("on") for name in attributes)
        assert "src" not in attributes
        assert "style" not in attributes or re.fullmatch(
            "text-align:[a-z]+", attributes["style"] or ""
        )
        if tag == "a":
            assert (attributes["href"] or "").startswith(("http://", "https://", "mailto:"))
            assert attributes["rel"] == "noopener noreferrer nofollow"
            assert attributes["target"] == "_blank"
            assert attributes["title"] == attributes["href"]


def test_hebrew_and_arabic_begin_at_their_own_side_block_by_block() -> None:
    html = "".join(
        pieces("שלום\n\n## كتاب\n\n- a\n- שלום\n\n> שלום\n\n| שם |\n|---|\n| x |\n\nHello")
    )
    blocks = [tag for tag, attributes in Elements(html).found if attributes.get("dir") == "auto"]
    assert blocks == ["p", "h4", "ul", "blockquote", "div"]
    assert "dir" not in "".join(pieces("# Hello\n\n- world\n\n| a |\n|---|\n| b |"))


def test_a_remote_picture_is_a_link_that_names_its_host() -> None:
    (html,) = pieces("![A chart](https://img.example/c.png?q=secret)")
    assert "A chart" in html
    assert "<small>img.example</small>" in html
    assert "<img" not in html


def test_a_bare_address_is_a_link_without_the_full_stop_after_it() -> None:
    (html,) = pieces("See https://example.org/a_(b)?x=1&y=2.")
    assert 'href="https://example.org/a_(b)?x=1&amp;y=2"' in html
    assert html.rstrip().endswith("</a>.</p>")


def test_an_address_inside_code_or_a_link_stays_as_it_is() -> None:
    (html,) = pieces("`https://a.example` and [https://b.example](https://c.example)")
    assert [a["href"] for tag, a in Elements(html).found if tag == "a"] == ["https://c.example"]


def test_an_open_fence_is_code_to_the_end() -> None:
    (html,) = pieces("```python\nx = 1\n\n# not a heading\n\n- not a list", growing=True)
    assert "<h3>" not in html
    assert "<li>" not in html
    assert "<span>python</span>" in html


def test_code_has_a_label_a_copy_button_and_colours() -> None:
    (html,) = pieces("```python\ndef f(): pass\n```")
    assert "<span>python</span>" in html
    assert 'data-do="copy-code"' in html
    assert '<span class="hl-k">def</span>' in html


def test_a_wide_table_scrolls_in_its_own_box() -> None:
    (html,) = pieces("| a | b |\n|---|--:|\n| 1 | 2 |")
    assert html.startswith('<div class="table"')
    assert '<td style="text-align:right">2</td>' in html


def test_blocks_are_cut_where_markdown_allows_it() -> None:
    text = (
        "One.\n\nTwo,\nstill two.\n\n- a\n\n- b\n  ```\n  x\n\n  y\n  ```\n\n- c\n\n"
        "Three.\n```\ncode\n\nmore\n```\nFour."
    )
    assert [block.split("\n")[0] for block in split(text)] == [
        "One.",
        "Two,",
        "- a",
        "Three.",
        "```",
        "Four.",
    ]


def test_a_reference_is_found_from_another_block() -> None:
    html = "".join(pieces("See [the page][1].\n\nMore.\n\n[1]: https://example.org/"))
    assert 'href="https://example.org/"' in html


def test_numbers_of_a_list_go_on_after_a_blank_line() -> None:
    (html,) = pieces("1. a\n\n2. b\n\n3. c")
    assert html.count("<ol>") == 1


TOKENS = """word |**b** |- |1. |```|# |> |  |`c` |https://a.example |[x](https://b.example) |~~~|---|*|<b>"""
LINES = ["\n", "\n\n", "```py\n", "| a | b |\n", "|---|---|\n", "\U0001f600 "]
WORDS = st.sampled_from([*TOKENS.split("|"), *LINES])


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=40))
def test_finished_blocks_never_change_while_a_reply_grows(tokens: list[str]) -> None:
    before: list[str] = []
    text = ""
    for token in tokens:
        text += token
        now = split(text)
        # The last two may still join, where half a list marker turns out to be one.
        settled = before[:-2]
        assert [block.rstrip() for block in now[: len(settled)]] == [b.rstrip() for b in settled]
        before = now


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
def test_any_text_can_be_drawn(text: str) -> None:
    for tag, _ in Elements("".join(pieces(text))).found:
        assert tag in ALLOWED_TAGS


def test_no_words_are_lost_between_blocks() -> None:
    text = "a\n\nb\n\n- c\n\n  d\n\ne\n```\nf\n\ng\n```\nh"
    assert re.sub(r"\s", "", "".join(split(text))) == re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    "text",
    ["*http://a" * 6000, "[" * 20_000, "> " * 20_000, "`" * 30_001, "|a" * 20_000, "**a" * 15_000],
)
def test_no_text_takes_long_to_draw(text: str) -> None:
    began = time.perf_counter()
    pieces(text)
    assert time.perf_counter() - began < 2


TABLE = "So:\n| time | step |\n| --- | --- |\n| 08:00 | Mix |"


def test_a_table_that_grows_is_never_seen_as_bars() -> None:
    for end in range(len(TABLE) + 1):
        html = "".join(pieces(TABLE[:end], growing=True))
        assert "|" not in html
    assert "<td>Mix</td>" in html


def test_words_between_bars_are_shown_once_they_are_no_table() -> None:
    assert "|x| is" in "".join(pieces("|x| is\nlong", growing=True))
    assert "|x| is" in "".join(pieces("|x| is"))
    assert "|x| is" in "".join(pieces("|x| is" + " very" * 60, growing=True))
    assert "| x" in "".join(pieces("```\n| x", growing=True))
