"""What texts are made of, and how far the default costs are from what real tokenizers count."""

import pytest

from memory.tokens import (
    COSTS,
    INDEX,
    estimate,
    estimate_message,
    measure,
    measure_message,
    picture_tokens,
)
from messages import (
    Audio,
    Document,
    Image,
    Media,
    Message,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    new_id,
)
from tests.memory.servers import llama_2
from tests.memory.texts import KINDS, pieces

MEDIA = Media("a" * 64, "image/png", 1)


def said(*parts: Part) -> Message:
    return Message(new_id(), "user", parts, 0.0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("One word", {"words": 2}),
        ("Strawberries", {"words": 1, "further letters": 8}),
        ("NASA", {"words": 1, "capitals": 3}),
        ("für", {"words": 1, "marked letters": 1}),
        ("1234567 12", {"digits": 9, "numbers": 4}),
        ("a {b}", {"words": 2, "signs": 2}),
        ("a\n\n\nb", {"words": 2, "breaks": 1}),
        ("a    b", {"words": 2, "wide spaces": 1}),
        ("привет мир", {"cyrillic letters": 9, "cyrillic words": 2}),
        ("我去北京。", {"ideographs": 4, "wide signs": 1}),
        ("ひらカタ", {"kana": 4}),
        ("한국", {"hangul": 2}),
        ("שלום", {"rare letters": 4}),
        ("สวัสดี", {"thai": 6}),
        ("😀🎉", {"astral": 2}),
        ("3f786850e387550fdab836ed7e6dc881", {"hexadecimal": 32}),
        ("f9Bo39BIJchudLWUhtlmxcV9DaL1MDx7", {"random": 32}),
    ],
)
def test_a_text_is_counted_by_what_it_is_made_of(text: str, found: dict[str, float]) -> None:
    measured = measure(text)
    counted = {name: measured[place] for name, place in INDEX.items() if measured[place]}
    counted.pop("letters in code", None)
    assert counted == found


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "\u202e", "\U0010ffff", "x" * 300_000])
def test_any_text_can_be_counted(text: str) -> None:
    assert estimate(text) > 0


def test_prose_that_is_not_english_is_told_from_english() -> None:
    foreign = INDEX["foreign letters"]
    assert measure("The letters were sorted by the colour of the ink.")[foreign] == 0
    assert measure("Die Briefe waren nach der Farbe der Tinte geordnet.")[foreign] > 20
    assert measure("for (i = 0; i < n; i++) { total += values[i]; }")[foreign] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_costs_are_on_the_careful_side_but_not_wasteful(kind: str) -> None:
    """Today's vocabularies are larger than that of Llama 2, and take fewer tokens."""
    server, texts = llama_2(), pieces(kind)
    counted, estimated = sum(map(server.text, texts)), sum(map(estimate, texts))
    assert 0.6 < estimated / counted < 1.3


def test_code_is_told_from_prose() -> None:
    code = INDEX["letters in code"]
    assert measure("for (i = 0; i < n; i++) { total += values[i]; }")[code] > 15
    assert measure("The letters, she said, were sorted by colour.")[code] == 0


def test_two_texts_together_cost_about_what_each_does() -> None:
    one, other = pieces("english")[0], pieces("code")[1]
    both = measure(one + "\n" + other) @ COSTS
    assert both == pytest.approx(measure(one) @ COSTS + measure(other) @ COSTS, rel=0.1)


def test_a_megabyte_is_counted_at_once() -> None:
    from time import process_time

    text, before = pieces("manual")[0] * 3_000, process_time()
    measure(text[:1_000_000])
    assert process_time() - before < 0.5


@pytest.mark.parametrize(
    ("width", "height", "least", "most"),
    [
        (1568, 1568, 1_600, 2_600),  # Anthropic 1,600 · OpenAI 765 · Google 2,322
        (1024, 768, 765, 1_700),
        (512, 512, 255, 600),
        (64, 64, 85, 300),
        (0, 0, 1_000, 2_000),
        (12_000, 100, 300, 5_000),
    ],
)
def test_a_picture_costs_by_its_size(width: int, height: int, least: int, most: int) -> None:
    assert least <= picture_tokens(width, height) <= most


def test_a_picture_goes_as_its_caption_to_a_model_that_does_not_see() -> None:
    shown = said(Image(MEDIA, 1000, 800, caption="A dog in the snow"))
    assert measure_message(shown)[INDEX["pictures"]] > 700
    blind = measure_message(shown, sees=False)
    assert blind[INDEX["pictures"]] == 0
    assert blind[INDEX["words"]] > 5


def test_every_part_counts_as_it_is_sent() -> None:
    plain = estimate_message(said(Text("Look")))
    assert estimate_message(said(Audio(MEDIA, 3.0, "Look"))) == plain
    assert estimate_message(said(Text("Look"), Reasoning("hmm " * 500))) == plain
    assert estimate_message(said(Text("Look"), Document(MEDIA, 3, 900))) == pytest.approx(
        plain + 900, abs=2
    )
    called = said(ToolCall("1", "clock", "{}"), ToolResult("1", "noon"))
    assert estimate_message(called) > 2 * 16
    strange = said(ToolCall("1", "clock", "{}"), ToolResult("1", "noon", untrusted=True))
    assert estimate_message(strange) > estimate_message(called) + 50
