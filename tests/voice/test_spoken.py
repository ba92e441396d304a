"""A written reply as a voice says it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.voice.test_sentences import CASES
from voice.language import guess
from voice.spoken import Reading, spoken

SAID = [
    ("**Bold** and *soft* and ~~gone~~ words.", "Bold and soft and gone words."),
    ("**Two. Sentences.** And __more__.", "Two. Sentences. And more."),
    ("# The title\n\nText.", "The title.\nText."),
    ("- one\n- two, `a_b`\n* [x] three", "one.\ntwo, a b.\nthree"),
    ("1. First\n2. Second, see 1.\n   It goes on.", "1. First.\n2. Second, see 1.\nIt goes on."),
    ("> What is quoted\n> goes on.\n\nEnd.", "What is quoted goes on.\nEnd."),
    ("Look:\n\n```py\nx = 1. Y\n```\nDone.", "Look:\nThere is code on the screen.\nDone."),
    ("```\na\n```\n\n```\nb\n```\n", "There is code on the screen."),
    ("    indented()\n\nText.", "There is code on the screen.\nText."),
    ("| a | b |\n|---|---|\n| 1. X | 2 |\n\nSo.", "There is a table on the screen.\nSo."),
    ("It is so.[^1] Or not [2], [3, 4].\n\n[^1]: A. B.", "It is so. Or not."),
    ("As told【4†source】.", "As told."),
    ("See [the docs](https://docs.example.com/a.b?c) now.", "See the docs now."),
    ("See https://www.example.com/a/b?c=d. And <https://x.org>.", "See example.com. And x.org."),
    ("Go to [https://a.org/long](https://a.org/long).", "Go to a.org."),
    ("![A red cat](cat.png) sits.", "A red cat sits."),
    ("Great! 🎉👍🏽 It works 👨‍👩‍👧 :smile: ✅.", "Great! It works."),
    ("<think>Hm. Well.\n\nNo.</think>Yes.<!-- not this -->", "Yes."),
    ("A<br>line with <b>tags</b> &amp; so on.", "A line with tags and so on."),
    ("One\n\n---\n\nTwo", "One.\nTwo"),
    ("The area is $\\pi r^2$ and $\\frac{a}{b}$.", "The area is pi r squared and a over b."),
    ("It is\n\n$$\\begin{matrix}1\\end{matrix}$$\n\nso.", "It is.\nThere is a formula on the screen.\nso."),
    ("It is \\(x_1 \\le 5\\) here.", "It is x sub 1 is at most 5 here."),
    ("It costs $5 and not $10.", "It costs 5 dollars and not 10 dollars."),
    ("Add $x^{10}$ to it.", "Add x to the power of 10 to it."),
    ("The sum $\\oint_C \\mathcal{F}$ is it.", "The sum a formula is it."),
    ("It is 20 °C, not -5 °F.", "It is 20 degrees Celsius, not minus 5 degrees Fahrenheit."),
    ("We did 5 km/h for 1 km or 3.5 km.", "We did 5 kilometres per hour for 1 kilometre or 3.5 kilometres."),
    ("It is €3.50, $1,299.99 or £1.", "It is 3 euros and 50 cents, 1299 dollars and 99 cents or 1 pound."),
    ("The firm made $1.5 million and ¥500.", "The firm made 1.5 million dollars and 500 yen."),
    ("In the 1990s it was 10% of 1,000,000.", "In the 1990s it was 10 percent of 1000000."),
    ("Take 2-3 of them on pages 10–12.", "Take 2 to 3 of them on pages 10 to 12."),
    ("Call 555-1234 or +1 (555) 123-4567.", "Call 555-1234 or +1 (555) 123-4567."),
    ("The date is 2026-11-24 at 10:30.", "The date is 2026-11-24 at 10:30."),
    ("It falls at 9.81 m/s².", "It falls at 9.81 metres per second squared."),
    ("It is 5 µm thin.", "It is 5 micrometres thin."),
    ("It is x² + y³ and not 10⁶.", "It is x squared plus y cubed and not 10 to the power of 6."),
    ("It rose by 50%–60% in this year.", "It rose by 50 to 60 percent in this year."),
    ("They won 3-2 with #1.", "They won 3-2 with number 1."),
    ("That is 2 * 3 = 6 and 5 × 4.", "That is 2 times 3 equals 6 and 5 times 4."),
    ("Use e.g. this & that, approx. 5 kg.", "Use for example this and that, approximately 5 kilograms."),
    ("It has 8 GB and 5 m of it.", "It has 8 gigabytes and 5 metres of it."),
    ("Das kostet 3,50 € bei 20 °C, z. B. für 1.000 kg.", "Das kostet 3,50 € bei 20 °C, z. B. für 1.000 kg."),
    ("Il est à 20 °C et coûte 3,50 € pour vous.", "Il est à 20 °C et coûte 3,50 € pour vous."),
    ("Das ist der Code:\n\n```\nx\n```", "Das ist der Code:\nAuf dem Bildschirm steht Code."),
    ("**今日**は20 °C。はい！", "今日は20 °C。 はい！"),
    ("snake_case and 5*3 and a_b_c are it.", "snake_case and 5 times 3 and a_b_c are it."),
    ("\\*Not soft\\* is it.", "Not soft is it."),
]  # fmt: skip


@pytest.mark.parametrize(("written", "said"), SAID, ids=[f"case{n}" for n in range(len(SAID))])
def test_what_is_written_is_said_in_words(written: str, said: str) -> None:
    assert spoken(written) == said


_written = st.lists(
    st.sampled_from([*(w for w, _ in SAID), *map("".join, CASES.values())]), min_size=1, max_size=3
)


@settings(max_examples=150, deadline=None)
@given(_written.map("\n\n".join), st.lists(st.integers(0, 400), max_size=9).map(sorted))
def test_a_reply_that_comes_in_pieces_is_said_like_the_whole(text: str, places: list[int]) -> None:
    reading = Reading()
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    said = [one for piece in pieces for one in reading.feed(piece)] + reading.close()
    assert "".join(said).strip() == spoken(text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The weather is nice today.", "en"),
        ("Das Wetter ist heute nicht gut.", "de"),
        ("Le temps est beau dans les montagnes.", "fr"),
        ("El tiempo es muy bueno en la playa.", "es"),
        ("Il tempo è bello per una gita.", "it"),
        ("O tempo não está bom para uma viagem.", "pt"),
        ("Het weer is niet goed en het regent.", "nl"),
        ("Pogoda nie jest dobra, ale jak to się mówi.", "pl"),
        ("Погода сегодня хорошая.", "ru"),
        ("今天天气很好。", "zh"),
        ("今日はいい天気です。", "ja"),
        ("오늘 날씨가 좋아요.", "ko"),
        ("الطقس جميل اليوم", "ar"),
        ("The angle π and the word 東京 are in it.", "en"),
        ("42", ""),
        ("Berlin 2026", ""),
    ],
)
def test_the_language_is_told_by_its_script_and_its_small_words(text: str, language: str) -> None:
    assert guess(text) == language
