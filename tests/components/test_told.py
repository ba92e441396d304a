"""What the layers say in English comes out in the reader's language, where it is known."""

import json
import re
from html import escape
from pathlib import Path

import pytest

from components import words
from components.orders import Visitor as Ordering
from components.orders import obey
from components.render import article
from components.words import LANGUAGES, number, speaking, told
from document_reader.limits import Refused as Unread
from document_reader.read import read
from house import House
from inference.models import Needs, choose
from inference.provider import load_providers
from inference.server_errors import Asked, from_page, from_response, from_stream
from inference.transport import Deadlines
from inference.turn_plan import plan
from inference.watch import Watch
from messages import Fault, Message, Provenance
from steps.speaking import CUT
from tests.components.conftest import Visitor
from voice.language import NAMES

OTHERS = [name for name in LANGUAGES if name != "en"]
FOLDER = Path(words.__file__).parent / "languages"
HOLE = re.compile(r"\{\w+\}")
PROVIDERS = load_providers()
ASKED = Asked(PROVIDERS["custom"], "big.model", "sk-very-secret-0123456789")
WHO = "Eigener Server"
"""How a German reader calls what has no name of its own."""


def _told_in(language: str, sentences: str) -> str:
    with speaking(language):
        return told(sentences)


def _layers(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / language / "told.json").read_text())
    return found


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_knows_the_same_sentences_with_the_same_holes(language: str) -> None:
    assert _layers(language).keys() == _layers("de").keys()
    for english, other in _layers(language).items():
        assert sorted(HOLE.findall(other)) == sorted(HOLE.findall(english)), english


@pytest.mark.parametrize("language", OTHERS)
def test_each_sentence_is_found_by_its_own_pattern(language: str) -> None:
    """None is swallowed by another that says less."""
    fillings = {"n": "1,234", "most": "99", "quote": "No. “Never”, it said", "span": "12 seconds"}
    for english, other in _layers(language).items():
        holes = {hole.strip("{}") for hole in HOLE.findall(english)}
        given = {hole: fillings.get(hole, f"A.{hole} 1.5") for hole in holes}
        with speaking(language):
            marks = {"n": number(1234)}
        said = (
            given
            | (marks if "n" in holes else {})
            | ({"span": _told_in(language, "12 seconds")} if "span" in holes else {})
        )
        assert _told_in(language, english.format(**given)) == other.format(**said)


@pytest.mark.parametrize(
    ("status", "body", "german"),
    [
        (401, "", f"{WHO} lehnt den Schlüssel ab."),
        (401, "Bad key. Get one", f"{WHO} lehnt den Schlüssel ab: „Bad key. Get one“."),
        (402, "", f"{WHO} verlangt eine Zahlung."),
        (404, "Not here", f"{WHO} hat kein Modell big.model: „Not here“."),
        (500, "Oh", f"{WHO} ist gestört (500): „Oh“."),
        (503, "The model is loading", f"{WHO} lädt sein Modell noch: „The model is loading“."),
        (400, "tool use", f"{WHO} kann nicht, worum big.model gebeten wurde: „tool use“."),
        (302, "", f"{WHO} antwortet von einer anderen Adresse (302)."),
        (413, "", "Die Anfrage ist zu lang für big.model."),
    ],
)
def test_a_providers_refusal_keeps_its_own_words(status: int, body: str, german: str) -> None:
    error = from_response(ASKED, status, {}, body.encode())
    assert _told_in("de", error.message) == german
    assert _told_in("de", error.advice) != error.advice


def test_how_long_to_wait_is_said_in_words_too() -> None:
    error = from_response(ASKED, 429, {"retry-after": "30"}, b"")
    assert _told_in("de", error.advice) == "Warte 30 Sekunden und versuch es noch einmal."
    assert _told_in("ja", error.advice) == "30 秒待ってから再試行してください。"
    tomorrow = from_response(ASKED, 429, {"retry-after": "7200"}, b"")
    assert _told_in("de", tomorrow.advice).startswith("Sie kommen in 2 Stunden zurück; bis dahin")
    now = 0.0
    watch = Watch(Deadlines(), lambda: now)
    now = 10_000.0
    assert "antwortete nicht rechtzeitig: In " in _told_in("de", watch.lapsed(ASKED).message)


@pytest.mark.parametrize("language", OTHERS)
def test_why_another_voice_reads_is_told_with_the_name_of_its_language(language: str) -> None:
    note = "Kokoro has no voice for Thai: the one of this machine reads it, and costs no request."
    assert _told_in(language, note) != note
    for name in NAMES.values():
        words = re.findall(r"\w+", _told_in(language, f"Kokoro has no voice for {name}."))
        assert name not in words or name == "Hindi"
    assert _told_in(language, CUT) != CUT


def test_sentences_that_stand_together_are_each_translated() -> None:
    broken = from_stream(ASKED, {"message": "Out. Of memory"}).message
    both = f"The reply could not be spoken. {broken}"
    assert _told_in("de", both) == (
        f"Die Antwort konnte nicht gesprochen werden. {WHO} brach ab: „Out. Of memory“."
    )
    assert _told_in("zh", "Nothing was kept. Wait a minute.") == "没有保存任何内容。请等一分钟。"
    unknown = "Nobody knows this. Nothing was kept."
    assert _told_in("de", unknown) == "Nobody knows this. Nichts wurde behalten."
    sizes = from_response(ASKED, 400, {}, b"requested 9,000 tokens, context window of 8,192").advice
    assert _told_in("de", sizes).startswith("Sie hat 9.000 Tokens, 8.192 Tokens passen. Kürze die")


def test_a_phrase_that_is_known_does_not_break_a_sentence_that_is() -> None:
    kept = "Kept, but not checked. The request is too long for big.model. "
    kept += "Your first message will show whether the key is right."
    assert _told_in("de", kept) == (
        "Behalten, aber nicht geprüft. Die Anfrage ist zu lang für big.model. "
        "Deine erste Nachricht zeigt, ob der Schlüssel stimmt."
    )
    both = "Ollama and vLLM can answer: choose a model above."
    assert _told_in("de", both) == "Ollama und vLLM können antworten: Wähle oben ein Modell."


def test_what_is_left_of_the_day_is_told_note_by_note() -> None:
    note = plan(2, speak=True, recordings=2).note
    assert _told_in("de", note) == (
        "Heute sind noch 2 Anfragen übrig: die Aufnahme wird auf diesem Rechner verstanden, die "
        "Antwort spricht die Stimme dieses Rechners, das kostet keine."
    )


def test_a_document_that_cannot_be_read_is_refused_in_german() -> None:
    with pytest.raises(Unread) as refused:
        read(b"")
    assert _told_in("de", refused.value.message) == "Die Datei ist leer."
    with pytest.raises(Unread) as refused:
        read(b"\0\1\2\3")
    assert _told_in("de", refused.value.advice).startswith("Häng ein Bild (PNG, JPEG")


def test_why_a_model_was_chosen_is_said_in_french() -> None:
    provider = PROVIDERS["oxlo"]
    assert _told_in("fr", choose(provider, Needs(), chat="x", vision=None).why) == (
        "votre modèle choisi"
    )
    pinned = choose(provider, Needs(), chat=None, vision=None, pin="x").why
    assert _told_in("fr", pinned) == "vous l’avez choisi"


def test_what_nobody_knows_stays_english() -> None:
    unknown = "Nobody ever said this. It has, and keeps, {holes} and 100% more"
    assert _told_in("de", unknown) == unknown
    assert _told_in("en", "The file is empty.") == "The file is empty."
    assert _told_in("de", "x" * 100_000) == "x" * 100_000
    web_page = from_page(ASKED, "<title>Who. Are you</title>").message
    assert "„Who. Are you“" in _told_in("de", web_page)


def test_hostile_words_in_a_hole_are_escaped_where_they_are_drawn() -> None:
    hostile = "<img src=x onerror=alert(1)>{who}"
    error = from_stream(ASKED, {"message": hostile})
    fault = Fault(error.message, error.advice)
    reply = Message("b" * 32, "assistant", (), 1.0, "failed", provenance=Provenance(fault=fault))
    with speaking("de"):
        drawn = article(reply)
    assert f"brach ab: „{escape(hostile)}“." in drawn
    assert "<img" not in drawn


async def test_an_order_is_refused_in_the_readers_language(house: House) -> None:
    slip = json.dumps({"number": 3, "do": "send", "conversation": "c" * 32, "text": ""})
    with speaking("es"):
        answer = await obey(house.assistant, Ordering("o" * 32), slip, lambda _: None)
    assert json.loads(answer)["message"] == "Todavía no hay nada que enviar."


async def test_a_file_is_refused_in_the_readers_language(visitor: Visitor) -> None:
    answer = await visitor.post(
        "/parley/media", content=b"PK\x03\x04 broken", headers={"accept-language": "de"}
    )
    assert answer.status_code == 422
    assert answer.json()["message"] == "Das Dokument ist beschädigt."
