"""Markdown without its marks."""

import pytest

from components.without_marks import without_marks


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (
            "A plain loaf for **Aiko**: _no_ `walnuts`, ~~nuts~~.",
            "A plain loaf for Aiko: no walnuts, nuts.",
        ),
        ("## Bread\n\n- flour\n- **water**\n  - warm", "Bread\n- flour\n- water\n  - warm"),
        ("1) one\n2) two", "1) one\n2) two"),
        ("> Said\n> twice", "Said\ntwice"),
        ("| flour | water |\n| --- | --- |\n| 500 g | 375 g |", "flour · water\n500 g · 375 g"),
        ("```python\nprint(1)\n```", "print(1)"),
        (
            "See [Tokyo](https://example.org) or <https://a.org>.",
            "See Tokyo (https://example.org) or https://a.org.",
        ),
        ("![A loaf](https://a.org/x.png)", "A loaf"),
    ],
)
def test_the_marks_are_gone_and_the_words_stay(written: str, read: str) -> None:
    assert without_marks(written) == read


@pytest.mark.parametrize(
    "words",
    [
        "Nothing of the kind.",
        "2 * 3 * 4 and a_b_c, C# and #5, <b>bold</b>, 5 > 4 & 3 < 4",
        "Two lines\nand a third\n    indented",
        "**",
        "",
    ],
)
def test_what_is_no_mark_stays(words: str) -> None:
    assert without_marks(words) == words
