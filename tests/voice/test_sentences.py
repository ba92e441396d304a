"""Sentences of written replies, however they arrive."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.sentences import Sentences

# Each case as its sentences; put together they are the text.
CASES: dict[str, list[str]] = {
    "plain": ["One is here. ", "Two is there! ", "Three?"],
    "titles": ["Dr. Smith met Mrs. Jones and Prof. Lee. ", "They talked."],
    "latin": ["Use fruit, e.g. apples, i.e. Pink Lady. ", "Then wash it."],
    "initials": ["J. K. Rowling and George W. Bush met J.R.R. Tolkien. ", "No."],
    "the word I": ["So did I. ", "He left."],
    "us inside": ["The U.S. Senate voted. ", "It passed."],
    "us at the end": ["He lives in the U.S. ", "He likes it."],
    "companies": ["Apple Inc. is large. ", "So is Acme Inc. ", "The rest is not."],
    "clock": ["Come at 5 p.m. ", "We eat at 6 p.m. sharp."],
    "etc": ["Bring cups, plates etc. and food. ", "Bring games etc. ", "Then go."],
    "decimals": ["It is 3.5 m long and costs $1,299.99. ", "Pi is 3.14."],
    "versions": ["Use v2.0.1 of Node.js. ", "Then .NET 8.0. ", "Done."],
    "years": ["It began in 2019. ", "Then it ended."],
    "numbers end": ["She turned 12. ", "Her brother is 9. ", "I am 40."],
    "numbered": ["See No. 5 and Fig. 3 on p. 12. ", "It helps."],
    "no is a word": ["No. ", "I will not."],
    "dots": ["Well... I think so. ", "Wait... ", "What is that?"],
    "dots go on": ["It is… complicated, or... not. ", "Yes."],
    "marks together": ["What?! ", "No!!! ", "Really."],
    "brand": ["Yahoo! is old. ", "It works."],
    "quote": ['He said "Stop." ', "Then he left."],
    "quote asks": ['"Really?" he asked. ', '"Yes," she said.'],
    "brackets": ["It works (I think.) ", "Then (see above) it stops."],
    "address": ["See https://a.example/b?c=d.e&f=g. ", "Or www.b.example. ", "Fine."],
    "mail": ["Write to ann.lee@example.com. ", "She answers."],
    "link": ["Read [Is it? Yes. It is.](https://a.example/x_(y)). ", "Then go."],
    "code": ["Call `a.b()`. ", "Then `x = 1. Y` follows. ", "End."],
    "list": ["You need:\n", "- flour. ", "Sifted.\n", "- eggs"],
    "steps": ["1. Mix it. ", "Well.\n", "2. Bake it.\n", "10. Eat"],
    "heading": ["# Version 2.0\n", "It is new. ", "Try it."],
    "paragraphs": ["No stop here\n\n", "Next one"],
    "wrapped": ["A line that is\nwrapped here. ", "And this."],
    "broken lines": ["**Name:** Ann  \n", "**Age:** 5"],
    "bold": ["**It is bold.** ", "*So it is.* ", "Yes."],
    "fence": ["Look:\n\n", "```py\nx = 1. Y\n\nprint(x)\n```\n\n", "That is. ", "All."],
    "open fence": ["So:\n", "~~~\na. B\n\nc. D"],
    "no fence": ["```x. Y``` is code. ", "Yes."],
    "table": ["| a. B | c |\n", "|---|---|\n", "| 1. X | 2 |\n\n", "After. ", "It."],
    "formula": ["It is $$a. B$$ so. ", "And \\[c. D\\] too. ", "End."],
    "note": ["It is so.[^1] ", "Or not.[2] ", "See.\n\n", "[^1]: From A. B. Doe.\n", "End."],
    "thinking": ["<think>Hm. Well.\n\nYes.</think> It is. ", "So."],
    "chinese": ["今天很好。", "你呢？", "「好。」", "他走了！"],
    "japanese": ["「はい。」と言った。", "元気？！", "そう。"],
    "chinese and latin": ["用 3.5 版。", "See it. ", "好。"],
    "hindi": ["यह अच्छा है। ", "हाँ।"],
    "arabic": ["كيف حالك؟ ", "بخير."],
    "russian": ["Он ушёл. ", "Она, т.е. Анна, осталась."],
    "german": ["Das kostet z. B. Geld, d. h. viel. ", "Am 3. Oktober im 19. Jahrhundert. ", "Gut."],
    "french": ["M. Dupont est là. ", "Il est là. ", "« Oui. » ", "Bien."],
    "spanish": ["¿Qué? ", "¡Hola! ", "El Sr. Gómez vive aquí. ", "Sí."],
    "emoji": ["Great! ", "🎉 Next one. ", "Yes."],
    "months": ["On Jan. 5 it rained. ", "Then not."],
}


def split(*pieces: str) -> list[str]:
    sentences = Sentences()
    return [one for piece in pieces for one in sentences.feed(piece)] + sentences.close()


@pytest.mark.parametrize("sentences", CASES.values(), ids=CASES.keys())
def test_a_reply_is_cut_where_its_sentences_end(sentences: list[str]) -> None:
    assert split("".join(sentences)) == sentences


_MARKS = """a . ! ? … " ' ) ( * _ ` ~ | - # > [ ] : 1 < 。 」 「 と \\ $$ Dr. e.g. U.S. The I Z p.m. 3. ```
~~~ \\[ \\] ](u) [1] <think> </think> <!-- No. am Mai ... é""".split()
_written = st.lists(
    st.sampled_from([*_MARKS, " ", " ", "\n", "\n\n", "  \n", "\r\n", "- ", "word "]), max_size=40
).map("".join)


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_the_sentences_are_the_same_whatever_the_sizes_in_which_they_come(
    data: st.DataObject,
) -> None:
    text = data.draw(st.one_of(_written, st.sampled_from(["".join(c) for c in CASES.values()])))
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=12).map(sorted))
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    assert split(*pieces) == split(text) == split(*text)
    assert "".join(split(text)) == text


def test_a_sentence_is_given_as_soon_as_the_next_one_begins() -> None:
    sentences = Sentences()
    assert sentences.feed("It is late. ") == []
    assert sentences.feed("Go") == []
    assert sentences.feed(" home") == ["It is late. "]


def test_a_long_reply_is_cut_quickly_one_letter_at_a_time() -> None:
    whole = "It was said, so it is. " * 100 + "```py\n" + "x = 1\n" * 500 + "```\n"
    sentences = Sentences()
    assert sum(len(sentences.feed(letter)) for letter in whole) == 100
    assert len(sentences.close()) == 1
