"""A turn within what is left of the day."""

from hypothesis import given
from hypothesis import strategies as st

from inference.turn_plan import TurnPlan, plan


def test_without_a_limit_nothing_is_held_back() -> None:
    assert plan(None, speak=True, recordings=1) == TurnPlan(6, "provider", "provider")
    assert plan(60, speak=True) == TurnPlan(6, "provider", "none")


def test_tool_rounds_leave_one_request_for_the_answer() -> None:
    assert plan(4, speak=False).tool_rounds == 3
    assert plan(4, speak=False, recordings=1).tool_rounds == 2
    last = plan(1, speak=False)
    assert last.tool_rounds == 0
    assert last.note == "1 request is left today: tools are left out."


def test_near_the_end_the_local_voice_speaks_and_it_is_said() -> None:
    late = plan(7, speak=True)
    assert (late.speech, late.tool_rounds) == ("local", 6)
    assert late.note == (
        "7 requests are left today: the reply is spoken by the local voice, which costs none."
    )
    assert plan(12, speak=True).speech == "provider"


def test_without_a_local_voice_the_provider_speaks_while_it_can() -> None:
    assert plan(3, speak=True, local_senses=False).speech == "provider"
    last = plan(2, speak=True, local_senses=False)
    assert (last.speech, last.speech_requests, last.tool_rounds) == ("provider", 1, 0)
    assert "spoken when it is whole, in one request" in last.note
    assert plan(1, speak=True, local_senses=False).speech == "none"


def test_the_last_request_is_never_spent_on_hearing() -> None:
    assert plan(1, speak=False, recordings=1).hearing == "local"
    assert plan(2, speak=False, recordings=1).hearing == "provider"
    deaf = plan(1, speak=False, recordings=1, local_senses=False)
    assert deaf.hearing == "none"
    assert "please type" in deaf.note


def test_where_nothing_is_left_the_failure_says_it_all() -> None:
    assert plan(0, speak=True).note == ""
    assert plan(1, speak=True).note.startswith("1 request is left today: ")


@given(
    left=st.integers(0, 100),
    speak=st.booleans(),
    recordings=st.integers(0, 3),
    local_senses=st.booleans(),
)
def test_no_plan_spends_more_than_is_left(
    left: int, speak: bool, recordings: int, local_senses: bool
) -> None:
    made = plan(left, speak=speak, recordings=recordings, local_senses=local_senses)
    spends = made.tool_rounds + 1
    spends += recordings if made.hearing == "provider" else 0
    spends += made.speech_requests if made.speech == "provider" else 0
    assert spends <= max(1, left)
