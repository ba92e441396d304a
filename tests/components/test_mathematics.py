"""Formulas in replies: drawn as MathML, told from money, and harmless whatever they say."""

import random
import re
from time import process_time

import pytest

from components.markdown import pieces
from components.mathematics import LONGEST, mathematics

TAG = re.compile(r"<(/?)([a-z]+)((?: [a-z]+=\"[^\"<>]*\")*)>")


def html(text: str) -> str:
    return "".join(pieces(text))


@pytest.mark.parametrize(
    "text",
    ["$x^2$", r"\(x^2\)", "$$x^2$$", r"\[x^2\]", "$$\nx^2\n$$", "\\[\nx^2\n\\]", "- a\n  $$x^2$$"],
)
def test_formulas_are_drawn_however_they_are_marked(text: str) -> None:
    drawn = html(f"It is {text}" if "\n" not in text else text)
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in drawn
    shown = 'display="block"' in drawn
    assert shown is ("$$" in text or r"\[" in text)


def test_what_stands_in_a_formula_is_no_markdown() -> None:
    drawn = html("Then\n$$\na\n= b\n- c\n$$\nand $a_1*b_1 + a_2*b_2$.")
    assert "<em>" not in drawn
    assert "<h" not in drawn
    assert "<li>" not in drawn
    assert drawn.count("<math") == 2


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $10.", "US$5, US$6 or $7", "from $5–$10 a day", "$HOME and $PATH",
        "a $ b $ c", r"\$x\$", "`$x$`", "```\n$x$\n```", "$$", "$", "$ $", "5$", r"\(", r"\[ x",
    ],
)  # fmt: skip
def test_money_and_code_are_no_formulas(text: str) -> None:
    assert "<math" not in html(text)


def test_a_formula_waits_until_it_is_whole() -> None:
    text = "So:\n\n$$\n\\frac{a}{b}\n= c\n$$"
    for end in range(text.index("$$") + 2, len(text) - 1):
        growing = "".join(pieces(text[:end], growing=True))
        assert "<math" not in growing
        assert "<h3" not in growing
    assert "<mfrac>" in "".join(pieces(text, growing=True))


def test_the_tex_is_there_to_be_copied() -> None:
    assert '<span class="tex">$a&lt;b$</span>' in html("$a<b$")


@pytest.mark.parametrize(
    "tex",
    [
        r"\text{<img src=x onerror=alert(1)>}", r"\href{javascript:alert(1)}{x}",
        r"\style{position:fixed}{x}",
        r"\class{message}{x}", r"\hspace{99999em}x", r'\hspace{1" onclick="x}', r"\color{red;x:y}{x}",
        r"\text{</span></p><script>}", "<script>alert(1)</script>", r"\html{<b>x</b>}", r"\id{x}{y}",
    ],
)  # fmt: skip
def test_a_formula_cannot_leave_its_bounds(tex: str) -> None:
    drawn = mathematics(tex, True)
    assert TAG.sub("", drawn).count("<") == 0
    for _, tag, told in TAG.findall(drawn):
        assert tag in "span math mrow mi mn mo mtext mspace mstyle code".split()
        assert not re.search(r'\b(?:on\w+|href|style|id|src)=|"[^"]*\d{3,}', told)
        assert "message" not in told


def test_no_formula_fails_and_none_takes_long() -> None:
    dice = random.Random(8)
    bits = [
        r"\frac", r"\sqrt", "{", "}", "^", "_", "&", r"\\", r"\left(", r"\right)", "x", "1", " ", "<", '"',
        r"\begin{matrix}", r"\end{matrix}", r"\begin{cases}", r"\text{", r"\unknown",
        "[", "]", "'", "\\", "%", "é",
        r"\sum", r"\limits", r"\hspace{", r"\color{", r"\genfrac", r"\substack", r"\overset", r"\not",
        r"\mathbb",
    ]  # fmt: skip
    for _ in range(400):
        drawn = mathematics("".join(dice.choices(bits, k=dice.randint(1, 40))), True)
        assert TAG.sub("", drawn).count("<") == 0
    deep = [
        "{" * 900 + "}" * 900,
        r"\sqrt{" * 300 + "}" * 300,
        "x_{" * 400 + "}" * 400,
        "x+" * (LONGEST // 2),
    ]
    for tex in deep:
        began = process_time()
        assert mathematics(tex, False)
        assert process_time() - began < 1
    assert "tex-source" in mathematics("x" * (LONGEST + 1), False)
    began = process_time()
    for text in ("$" * 20_000, r"\(" * 10_000, "$a" * 10_000, "$$a" * 7_000):
        html(text)
    assert process_time() - began < 8
