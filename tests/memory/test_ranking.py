"""Each part of the ranking finds what would be missed without it."""

import math
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pytest

from memory.chunks import chunks
from memory.embedding import LocalEmbedding
from memory.owner_index import Entry, OwnerIndex
from memory.questions import Question
from memory.ranking import Floor, Ranking, Wanted
from memory.weights import WEIGHTS, Weights, weights_for
from memory.words import terms
from tests.memory.recall_cases import UNRELATED

MARCH = datetime(2023, 3, 9, tzinfo=UTC).timestamp()
JUNE = datetime(2023, 6, 21, tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class Said:
    text: str
    speaker: str = "user"
    session: str = "here"
    at: float = 0.0


LIFE = ["駅前の店", "昨日の会議", "隣の公園", "新しい電車", "図書館", "台所"]
IDLE = [
    "The bus was late again this morning.",
    "Lunch was soup, and it was cold.",
    "It rained the whole afternoon.",
    "The printer on the second floor is broken.",
    "There was a fox behind the shed.",
    "The lift smells of paint today.",
    "Somebody parked across the gate.",
    "The meeting went on until six.",
    "A parcel came for the neighbours.",
    "The heating makes a ticking sound.",
]


class Asking:
    """What was said, asked by whatever weights."""

    def __init__(self, embedding: LocalEmbedding, said: Sequence[Said | str]) -> None:
        self._embedding = embedding
        turns = [one if isinstance(one, Said) else Said(one) for one in said]
        self.entries = [
            Entry(
                n + 1,
                f"{n:032x}",
                one.session,
                one.speaker,
                "assistant" if one.speaker == "assistant" else "user",
                one.text,
                one.at,
            )
            for n, one in enumerate(turns)
        ]
        self.index = OwnerIndex()

    async def ready(self) -> "Asking":
        vectors = [await self._embedding.embed(chunks(entry.text)) for entry in self.entries]
        self.index.extend(self.entries, vectors)
        return self

    async def found(
        self, query: str, weights: Weights = WEIGHTS, *, floor: Floor = "none", limit: int = 10
    ) -> list[str]:
        ranking = Ranking(self.index, weights)
        asked = ranking.question(query)
        vectors = [await self._vector(one) for one in (asked, *asked.sentences)]
        best = ranking.best(asked, vectors, Wanted(limit, floor=floor))
        texts = {entry.id: entry.text for entry in self.entries}
        return [texts[one.id] for one in best]

    async def first(self, query: str, weights: Weights = WEIGHTS) -> str:
        return (await self.found(query, weights))[0]

    async def _vector(self, asked: Question) -> np.ndarray:
        return await self._embedding.embed_query(asked.meaning, asked.rarity)


Ask = Callable[[Sequence[Said | str]], Awaitable[Asking]]


@pytest.fixture
def asking(embedding: LocalEmbedding) -> Ask:
    return lambda said: Asking(embedding, said).ready()


async def test_an_answer_is_found_by_the_question_before_it(asking: Ask) -> None:
    hotel = "It was the Miradouro, with the green door."
    trip = ["Which hotel in Lisbon did we like so much?", hotel, *IDLE]
    talk = await asking([*IDLE, *(Said(text, session="trip") for text in trip)])
    query = "Which hotel in Lisbon did we like?"
    assert (await talk.found(query))[1] == hotel
    alone = replace(WEIGHTS, words_near=0.0, words_far=0.0, meaning_near=0.0)
    assert (await talk.found(query, alone))[1] != hotel


async def test_neighbours_of_another_session_lend_nothing(asking: Ask) -> None:
    question = Said("Which hotel in Lisbon did we like so much?", session="a")
    near, far = (
        Said("The door was green there.", session="a"),
        Said("The gate was red.", session="b"),
    )
    talk = await asking([*IDLE, far, question, near, *IDLE])
    found = await talk.found("Which hotel in Lisbon did we like?")
    assert found.index(near.text) == 1
    assert far.text not in found[:4]


async def test_a_session_about_the_matter_lifts_what_was_said_in_it(asking: Ask) -> None:
    keys = "The keys are in the blue drawer."
    house = [Said(text, session="house") for text in [keys, *IDLE]]
    sails = ["The boat got new sails.", "We paint the boat in April.", "A boat needs care."]
    boat = [Said(text, session="boat") for text in [*sails, *IDLE[:4], keys, *IDLE[4:8]]]
    talk = await asking([*house, *boat])
    ranking = Ranking(talk.index)

    async def best(weights: Weights) -> str:
        ranking = Ranking(talk.index, weights)
        asked = ranking.question("Where are the keys of the boat?")
        found = ranking.best(asked, [await talk._vector(asked)], Wanted(20, floor="none"))
        with_keys = [one for one in found if talk.entries[int(one.id, 16)].text == keys]
        return str(talk.entries[int(with_keys[0].id, 16)].session)

    assert ranking.index.session("boat") >= 0
    assert await best(WEIGHTS) == "boat"
    assert await best(replace(WEIGHTS, session_words=0.0, session_meaning=0.0)) == "house"


async def test_the_user_is_asked_for_unless_the_reply_is(asking: Ask) -> None:
    mine = "For running I bought new shoes by Brooks."
    reply = Said("For running, shoes with more cushion: I suggest trying the Ghost.", "assistant")
    talk = await asking([*IDLE, mine, reply, *(Said(text, "assistant") for text in IDLE)])
    assert await talk.first("Which running shoes did I buy?") == mine
    assert await talk.first("Which running shoes did you suggest?") == reply.text
    assert await talk.first("Which running shoes did you recommend to me?") == reply.text


async def test_the_one_who_is_named_is_asked_for(asking: Ask) -> None:
    mia = Said("I have about forty shells in jars.", "Mia Lund")
    leo = Said("Mia, I collect stamps, and I collect coins. What do you collect?", "Leo Lund")
    idle = [Said(text, ("Mia Lund", "Leo Lund")[n % 2]) for n, text in enumerate(IDLE)]
    talk = await asking([*idle, leo, *idle[:4], mia, *idle])
    assert await talk.first("What does Mia collect?") != leo.text
    assert await talk.first("What does Mia collect?", replace(WEIGHTS, speaker=0.0)) == leo.text
    assert await talk.first("What does Leo collect?") == leo.text


async def test_whom_both_share_a_name_with_is_nobody(asking: Ask) -> None:
    talk = await asking([Said("I collect shells.", "Mia Lund"), Said("I ski.", "Leo Lund")])
    ranking = Ranking(talk.index)
    assert ranking.question("What does Lund collect?").speaker == 0
    assert ranking.question("What do Mia and Leo collect?").speaker == 0
    assert ranking.question("What does Mia Lund collect?").speaker != 0
    assert ranking.question("What does mia collect?").speaker != 0


async def test_names_of_speakers_are_no_part_of_the_meaning(asking: Ask) -> None:
    talk = await asking([Said("I collect shells.", "Mia"), Said("I ski.", "Will")])
    asked = Ranking(talk.index).question("What will Will and Mia's sister do?")
    assert asked.meaning.split() == "What will and 's sister do?".split()
    alone = await asking([Said("I collect shells."), Said("I ski.")])
    text = "What does Mia collect?"
    assert Ranking(alone.index).question(text).meaning == text


async def test_dates_are_words_of_logs_of_several_people(asking: Ask) -> None:
    june = [Said("We bought a kettle.", name, "june", JUNE) for name in ("Mia", "Leo")]
    march = [Said("We bought a kettle.", name, "march", MARCH) for name in ("Mia", "Leo")]
    talk = await asking([*june, *march])
    ranking = Ranking(talk.index)
    asked = ranking.question("What was bought in March 2023?")
    best = ranking.best(asked, [], Wanted(4, floor="none"))
    assert [talk.entries[int(one.id, 16)].session for one in best[:2]] == ["march", "march"]


async def test_a_long_message_is_found_by_the_part_that_answers(asking: Ask) -> None:
    filler = [f"On day {n} we walked past {text.lower()}" for n in range(6) for text in IDLE]
    long = " ".join([*filler[:30], "My blood group is 0 negative.", *filler[30:]])
    talk = await asking([*IDLE, *filler[:25], long])
    assert (await talk.found("What is my blood group?", floor="each"))[0] == long
    assert len(talk.index["terms"]) > len(talk.entries) + 4


async def test_of_two_that_say_the_same_the_longer_comes_first(asking: Ask) -> None:
    talk = await asking([*IDLE, *IDLE])
    ranking = Ranking(talk.index)
    asked = ranking.question("zyzzyva")
    best = ranking.best(asked, [], Wanted(1, floor="none"))
    longest = max(IDLE, key=len)
    assert talk.entries[int(best[0].id, 16)].text == longest


async def test_replies_are_outweighed_more_where_there_are_many(asking: Ask) -> None:
    few = await asking([Said("Mine.", "user"), Said("Yours. " * 900, "assistant")])
    many = await asking([Said("Mine.", "user"), *[Said("Yours. " * 1_100, "assistant")] * 300])
    lead = []
    for talk in (few, many):
        ranking = Ranking(talk.index, Weights(words=0, meaning=0, meaning_near=0, length=0))
        scores = ranking.scores(ranking.question("zyzzyva"), np.zeros(len(talk.index["terms"])))
        lead.append(scores[0] - scores[1])
    assert lead == pytest.approx([4.0, 6.0])


async def test_words_are_found_in_other_forms(asking: Ask) -> None:
    hike = "We hiked along the ridge."
    studies = "The studies took her four years."
    talk = await asking([*IDLE, hike, studies])
    assert await talk.first("hiking") == hike
    assert await talk.first("studying") == studies


async def test_may_is_a_month_only_in_capitals() -> None:
    assert terms("It may rain") == ["rain"]
    assert terms("Rain in May") == ["rain", "may"]


async def test_one_sentence_of_a_long_message_lifts_what_concerns_it(asking: Ask) -> None:
    peanuts = "I am allergic to peanuts."
    talk = await asking([*IDLE, peanuts])
    long = (
        "Good evening, I hope all is well with everybody over there in the capital. Tomorrow a group "
        "of old classmates visits, seven of them, and I would like to cook an elaborate Thai menu. "
        "Please keep my peanut allergy in mind. Budget is about ninety euros, wine included, and the "
        "kitchen has only two working burners plus a temperamental oven from the seventies."
    )
    assert await talk.found(long, floor="each") == [peanuts]
    none = replace(WEIGHTS, sentences=0)
    assert await talk.found(long, none, floor="each") == []


async def test_what_concerns_nothing_brings_up_nothing_however_long(asking: Ask) -> None:
    facts = ["I am allergic to peanuts.", "My brother lives in Lisbon.", "The audit is in May."]
    talk = await asking([*facts, "My sourdough starter is called Gerald."])
    for start in range(len(UNRELATED)):
        message = " ".join(UNRELATED[start : start + 4])
        assert await talk.found(message, floor="each") == []


async def test_small_words_alone_bring_up_nothing(asking: Ask) -> None:
    talk = await asking(
        [*IDLE, "El puerto estaba lleno de turistas.", "¡Hola! Ya estamos en casa."]
    )
    assert await talk.found("Hola, ¿cómo estás?", floor="each") == []


async def test_the_best_answer_to_a_question_in_another_language_may_be_far_ahead(
    asking: Ask,
) -> None:
    idle = [f"{what}は{when}でした。" for what in LIFE for when in ("静か", "雨", "満員", "朝早く")]
    answer = "七月に二週間、屋久島へ旅行する予定だ。夏休みが楽しみ。"
    talk = await asking([*idle, answer])
    asked = "今年の夏休みはどこへ行く？"
    assert await talk.found(asked, floor="each") == [answer]
    assert await talk.found(asked, replace(WEIGHTS, ahead=99.0), floor="each") == []
    assert await talk.found("このエラーはどういう意味？", floor="each") == []


def reference(texts: Sequence[str], query: str, among: int) -> list[float]:
    """BM25 as Lucene has it, from its definition."""
    counted = [Counter(terms(text)) for text in texts]
    mean = sum(counts.total() for counts in counted) / len(texts)
    scores = []
    for counts in counted:
        score = 0.0
        for term in set(terms(query)):
            having = sum(term in other for other in counted)
            idf = math.log(1 + (among - having + 0.5) / (having + 0.5))
            times, k1, b = counts[term], 1.2, 0.75
            score += idf * times * (k1 + 1) / (times + k1 * (1 - b + b * counts.total() / mean))
        scores.append(score)
    return scores


async def test_bm25_is_as_defined(asking: Ask) -> None:
    chance = random.Random(3)
    known = [a + b + c for a in "bdfgkl" for b in "aeiou" for c in ("ra", "to", "mi")]
    texts = ["the " + " ".join(chance.choices(known, k=chance.randint(3, 30))) for _ in range(200)]
    talk = await asking(texts)
    only = Weights(
        words_near=0, words_far=0, meaning_near=0, session_words=0, session_meaning=0,
        said_by=0, said_by_long=0, length=0,
    )  # fmt: skip
    for _ in range(20):
        query = "the " + " ".join(chance.choices(known, k=4))
        ranking = Ranking(talk.index, only)
        scores = ranking.scores(ranking.question(query), np.zeros(len(texts)))
        expected = np.array(reference(texts, query, len(texts) + WEIGHTS.background))
        expected = (expected - expected.mean()) / expected.std()
        assert scores == pytest.approx(expected, abs=1e-6)


def test_vectors_that_know_more_count_more() -> None:
    assert weights_for("wordllama-l2-256-log1p-v1").meaning == 1.2
    assert weights_for("all-minilm-l6-v2-onnx-384-v1").meaning == 2.0


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("We went to Bergen", "Where did we go in Bergen?"),
        ("Ida bought skates", "buy skates Ida"),
        ("the children swam", "child swims"),
        ("my favourite colours", "favorite color"),
        ("母は十一月に六十歳になる", "母は"),
    ],
)
def test_words_are_the_same_in_all_their_forms(said: str, asked: str) -> None:
    assert set(terms(asked)) <= set(terms(said))
