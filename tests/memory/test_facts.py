"""Facts and standing instructions are found in a person's own sentences, and nowhere else."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.facts import facts_in, told
from memory.instructions import instruction, instructions_in
from memory.statements import statements
from messages import Audio, Image, Media, Message, Reasoning, Text, ToolResult, new_id
from tests.memory.tellings import FACTS, INSTRUCTIONS, NO_FACTS, NO_INSTRUCTIONS


def said(*parts: object, role: str = "user") -> Message:
    return Message(new_id(), role, parts, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("sentence", FACTS)
def test_what_is_clearly_told_is_a_fact(sentence: str) -> None:
    assert facts_in(sentence)


@pytest.mark.parametrize("sentence", NO_FACTS)
def test_what_only_looks_like_it_is_no_fact(sentence: str) -> None:
    assert facts_in(sentence) == []


@pytest.mark.parametrize("sentence", INSTRUCTIONS)
def test_what_is_to_be_heeded_always_is_an_instruction(sentence: str) -> None:
    assert len(instructions_in(sentence)) == 1


@pytest.mark.parametrize("sentence", NO_INSTRUCTIONS)
def test_what_only_looks_like_it_is_no_instruction(sentence: str) -> None:
    assert instructions_in(sentence) == []


def test_the_tables_are_long_enough_to_mean_something() -> None:
    assert min(map(len, map(set, (FACTS, NO_FACTS, INSTRUCTIONS, NO_INSTRUCTIONS)))) >= 60


def test_no_instruction_is_taken_for_a_fact_as_well() -> None:
    for sentence in INSTRUCTIONS:
        assert [kind for kind, _ in statements(said(Text(sentence)))] == ["instruction"], sentence


def test_a_plain_sentence_about_oneself_is_no_instruction() -> None:
    assert [s for s in FACTS if instructions_in(s)] == []


def test_a_sentence_can_tell_several_facts() -> None:
    found = facts_in(
        "Hi, my name is Ann Lee and I live in Berlin. I'm allergic to peanuts and soy."
    )
    assert [(fact.text, fact.subject, fact.value) for fact in found] == [
        ("My name is Ann Lee", "name", "ann lee"),
        ("I live in Berlin", "home", "berlin"),
        ("I'm allergic to peanuts and soy", "allergy: peanuts and soy", "peanuts and soy"),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I live in Berlin.", "I've just moved to Lisbon."),
        ("I live in Berlin.", "Ich wohne in Köln."),
        ("My name is Ann.", "私の名前は田中です。"),
        ("My favourite colour is green.", "My favorite color is red."),
        ("Remember that my dog's name is Rex.", "My dog is called Bello."),
        ("Remember that the gate code is 4711.", "Remember that the gate code is 4712."),
        ("I'm allergic to peanuts.", "I'm no longer allergic to peanuts."),
        ("Always answer in German.", "Please answer in English."),
        ("Always answer in German.", "これからは英語で答えてください。"),
        ("I prefer metric units.", "Always use imperial units."),
        ("Keep your answers short.", "Always explain in detail."),
        ("Never use emojis.", "Always use emojis."),
    ],
)
def test_what_contradicts_is_known_by_its_subject(one: str, other: str) -> None:
    first, second = (t for s in (one, other) for t in facts_in(s) or instructions_in(s))
    assert first.subject == second.subject != ""
    assert first.value != second.value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Remember that my brother is tall.", "Remember that my brother is in Lisbon."),
        ("I'm allergic to peanuts.", "I'm allergic to latex."),
        ("My dog's name is Rex.", "My cat's name is Miso."),
        ("Always use metric when I ask about recipes.", "Always use imperial for aviation."),
        ("Never use emojis.", "Always answer in German."),
    ],
)
def test_what_goes_together_is_not_taken_for_a_contradiction(one: str, other: str) -> None:
    first, second = (t for s in (one, other) for t in facts_in(s) or instructions_in(s))
    assert first.subject != second.subject or first.subject == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("My name is Ann.", "I am called Ann."),
        ("I live in Berlin.", "Ich wohne in Berlin."),
        ("Always answer in German.", "Antworte immer auf Deutsch."),
    ],
)
def test_the_same_in_other_words_is_the_same(one: str, other: str) -> None:
    first, second = (t for s in (one, other) for t in facts_in(s) or instructions_in(s))
    assert (first.subject, first.value) == (second.subject, second.value)


def test_a_language_that_is_not_wanted_is_not_the_one_that_is() -> None:
    assert instruction("Never answer in German.").value != instruction("Answer in German.").value


def test_what_a_model_writes_about_the_user_has_the_same_subject() -> None:
    assert told("The user's name is Ann.").subject == "name"
    assert told("User lives in Lima").subject == told("I live in Berlin").subject


def test_only_the_words_of_the_user_count() -> None:
    sentence = "My name is Ann."
    file = Media("0" * 64, "audio/wav", 1)
    assert statements(said(Text(sentence)))
    assert statements(said(Audio(file, 1.0, sentence)))
    for parts in (
        (Image(file, 1, 1, sentence),),
        (Reasoning(sentence),),
        (ToolResult("call", sentence),),
        (Audio(file, 1.0, None),),
    ):
        assert statements(said(*parts)) == []
    assert statements(said(Text(sentence), role="assistant")) == []


def test_a_pasted_text_tells_nothing() -> None:
    long = "The weather was fine that day. " * 70
    assert statements(said(Text(f"{long} My name is Ann. Always answer in German."))) == []


def test_a_message_tells_no_more_than_a_few_things() -> None:
    many = ". ".join(f"Remember that my locker key is {n}" for n in range(40))
    assert len(facts_in(many)) <= 8
    assert len(instructions_in("Never use emojis. " * 40)) <= 5


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from([*FACTS, *INSTRUCTIONS]), max_size=4).map(" ".join)
)
def test_any_text_gives_pieces_of_itself_and_never_of_a_question(text: str) -> None:
    for kind, one in statements(said(Text(text))):
        assert kind in ("fact", "instruction")
        assert one.text.casefold().split()[-1].strip(".!。！") in text.casefold()
    quoted = "\n".join(f"> {line}" for line in text.splitlines())
    assert statements(said(Text(quoted))) == []


@pytest.mark.parametrize(
    "piece", ["please ", "remember that ", "from now on ", '"', "'a ", "> ", "i ", "これから"]
)
def test_hostile_repetition_takes_no_time(piece: str) -> None:
    text, began = piece * (2_000 // len(piece)), time.perf_counter()
    statements(said(Text(text)))
    assert time.perf_counter() - began < 0.5
