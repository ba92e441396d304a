"""What transcription models write over silence is told from what people say."""

import pytest

from voice.ghosts import is_ghost, without_asides


@pytest.mark.parametrize(
    "text",
    [
        "",
        " . . .",
        "Thank you.",
        "Thank you. Thank you. Thank you.",
        "Thanks for watching!",
        "you",
        "You you you you",
        "Bye.",
        "[BLANK_AUDIO]",
        "(wind blowing)",
        "*coughs*",
        "♪♪♪",
        "<|nospeech|>",
        "[Music] Thank you.",
        "Subtitles by the Amara.org community",
        "Sous-titres réalisés para la communauté d’Amara.org",
        "Untertitel im Auftrag des ZDF für funk, 2017",
        "Vielen Dank.",
        "Gracias por ver el video.",
        "Субтитры сделал DimaTorzok",
        "ご視聴ありがとうございました。",
        "시청해주셔서 감사합니다.",
        "谢谢观看",
        "Please subscribe. See you in the next video!",
    ],
)
def test_what_nobody_said_is_a_ghost(text: str) -> None:
    assert is_ghost(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hello.",
        "Yes.",
        "Okay.",
        "Thank you for the book about Rome.",
        "What is the capital of France? Thank you.",
        "How do I subscribe to a channel?",
        "字幕怎么做？",
        "Say goodbye to my money.",
        "What does [BLANK_AUDIO] mean?",
    ],
)
def test_what_somebody_may_have_said_is_not(text: str) -> None:
    assert not is_ghost(text)


def test_thanks_are_believed_where_somebody_speaks_for_as_long_as_they_take() -> None:
    assert not is_ghost("Thank you.", spoken_s=0.9)
    assert is_ghost("Thank you.", spoken_s=8.0)
    assert is_ghost("Thanks for watching!", spoken_s=1.2)


def test_marks_of_silence_are_taken_out_of_what_was_said() -> None:
    assert without_asides(" [BLANK_AUDIO] Good morning. <|endoftext|>") == "Good morning."
