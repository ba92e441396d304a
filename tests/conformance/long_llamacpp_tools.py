"""The long part: llama.cpp reads the longest result that a model is ever told, token by token."""

from pathlib import Path

from handler import run_turn
from house import open_house
from inference.connection import Connection
from messages import new_id
from settings import Settings
from steps.course import Turn
from tests.conformance.by_heart import TEXTS
from tests.conformance.conftest import StartLlama, at
from tests.conftest import OWNER, said
from tests.tools.test_through_the_house import TOOLS, answered, reply, with_tools


async def test_a_result_of_50_megabytes_reaches_the_model_cut(
    start_llama: StartLlama, tmp_path: Path
) -> None:
    from tests.conformance.tiny_model import write_model

    path = tmp_path / "roomy.gguf"
    write_model(path, TEXTS, window=32_768)
    with start_llama(model=str(path), window=65_536) as server:
        chosen = Settings(base_url=server.base_url, data_dir=tmp_path / "data")
        async with open_house(chosen, Connection(at(server), "not-needed")) as house:
            asked = Turn(OWNER, new_id(), said("Now bring a flood."), new_id(), ())
            events = [event async for event in run_turn(asked, with_tools(house, TOOLS))]
    (result,) = answered(events)
    assert result.text.endswith("[Cut here: 20,000 of 50,000,000 characters in all.]")
    about = reply(events).provenance
    assert about
    assert 20_000 < about.requests[1].prompt_tokens < 30_000  # nearly a token a character here
    assert reply(events).text == "So it is."
