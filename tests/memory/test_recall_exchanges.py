"""What is recalled comes as exchanges, quoted where it matters, within its budget."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from memory.conversations import Conversations
from memory.excerpts import excerpt
from memory.exchanges import exchanges, tokens_of
from memory.recall import Recall
from messages import Memory, Text, new_id
from tests.memory.sayings import ANN, reply, said

QUESTION = "Which herbs grow well beside a south wall?"
ANSWER = "Lavender and thyme grow well there: both like dry soil and a lot of sun."


async def texts(recall: Recall, query: str) -> list[str]:
    return [memory.text for memory in await recall.recall(ANN, query, besides=None)]


async def test_a_reply_comes_with_its_question_and_a_question_with_its_reply(
    recall: Recall,
) -> None:
    here = new_id()
    turns = [said("The weather is fine."), reply("So it is, a lovely day to be out.", "done")]
    await recall.remember(ANN, here, [*turns, said(QUESTION), reply(ANSWER, "done")])
    assert await texts(recall, "What did you say of lavender and thyme in dry soil?") == [
        ANSWER,
        QUESTION,
    ]
    await recall.remember(
        ANN,
        new_id(),
        [
            said("My sister Ida breeds alpacas in Peru."),
            reply("Alpacas need company of their own kind.", "done"),
        ],
    )
    assert await texts(recall, "What does my sister Ida do?") == [
        "My sister Ida breeds alpacas in Peru.",
        "Alpacas need company of their own kind.",
    ]


async def test_a_long_reply_is_clipped_and_a_short_one_left_out(recall: Recall) -> None:
    await recall.remember(
        ANN, new_id(), [said("My sister Ida breeds alpacas."), reply("Nice!", "done")]
    )
    await recall.remember(
        ANN,
        new_id(),
        [said("My brother Tom paints barns."), reply("Wonderful colours. " * 100, "done")],
    )
    found = await texts(recall, "What does my sister Ida breed?")
    assert found[0] == "My sister Ida breeds alpacas."
    assert "Nice!" not in found
    found = await texts(recall, "What does my brother Tom paint?")
    assert found[1].endswith("…")
    assert len(found[1]) <= 301


async def test_a_reply_that_was_asked_for_again_is_no_companion(
    recall: Recall, conversations: Conversations
) -> None:
    here, question, answer = new_id(), said(QUESTION), reply()
    await conversations.begin_turn(ANN, here, question, answer)
    answer = replace(
        answer, parts=(Text("Nothing grows there, I am afraid, nothing."),), status="done"
    )
    await conversations.save(ANN, here, answer)
    await recall.remember(ANN, here, [question, answer])
    better = replace(reply(ANSWER), at=answer.at + 1)
    await conversations.begin_retry(ANN, here, answer.id, better)
    await recall.remember(ANN, here, [replace(better, status="done")])
    found = await texts(recall, "herbs beside the south wall, what grows there")
    assert set(found) == {QUESTION, ANSWER}


async def test_recall_keeps_within_its_budgets(recall: Recall) -> None:
    for number in range(50):
        words = f"Badge number {number} opens the door of the north tower, where the archive is."
        await recall.remember(ANN, new_id(), [said(words)])
    query = "Which badge opens the archive in the north tower?"
    assert len(await recall.recall(ANN, query, besides=None)) == 40
    assert len(await recall.recall(ANN, query, besides=None, limit=3)) == 3
    few = await recall.recall(ANN, query, besides=None, tokens=200)
    assert 2 <= len(few) <= 6
    assert sum(map(tokens_of, few)) <= 200
    assert await recall.recall(ANN, query, besides=None, tokens=0) == []


async def test_a_long_memory_is_quoted_where_it_answers(recall: Recall) -> None:
    filler = "The committee then went on to speak about chairs and about curtains. " * 50
    await recall.remember(ANN, new_id(), [said(f"{filler}The vault code is 9-4-7-1. {filler}")])
    [found] = await texts(recall, "What is the vault code?")
    assert "9-4-7-1" in found
    assert len(found) <= 1_202


@given(st.text(max_size=5_000), st.text(max_size=50), st.integers(1, 2_000))
def test_an_excerpt_is_a_piece_of_the_text(text: str, query: str, length: int) -> None:
    piece = excerpt(text, query, length)
    assert piece.strip("…").strip() in text
    assert len(piece) <= length + 2


def memory(number: int, text: str, role: str = "user") -> Memory:
    return Memory(f"{number:032x}", text, role, "c", "", f"{number:032x}", 1.0)  # type: ignore[arg-type]


@given(
    st.lists(st.text("abc ", max_size=60), max_size=12),
    st.dictionaries(st.integers(0, 11), st.text("abc ", min_size=20, max_size=400)),
    st.integers(0, 400),
    st.integers(0, 12),
)
def test_exchanges_never_exceed_their_budgets_nor_repeat_themselves(
    found: list[str], beside: dict[int, str], tokens: int, limit: int
) -> None:
    hits = [memory(number, text) for number, text in enumerate(found)]
    others = {memory(n, "").id: memory(n + 100, text, "assistant") for n, text in beside.items()}
    chosen = exchanges("abc", hits, others, tokens, limit)
    assert sum(map(tokens_of, chosen)) <= tokens
    assert len(chosen) <= limit
    plain = [" ".join(m.text.split()) for m in chosen]
    assert len(set(plain)) == len(plain)
