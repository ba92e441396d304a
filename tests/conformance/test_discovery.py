"""What Parley learns of real servers by asking them for their models."""

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from inference.connection import Connection
from inference.discovery import Catalogue
from inference.ledger import Ledger
from tests.conformance.conftest import KEY, StartLlama, at, journal
from tests.conformance.serving import Serving


async def test_llama_cpp_tells_its_window_its_tools_and_that_it_cannot_see(
    llama: Serving, engine: AsyncEngine
) -> None:
    catalogue = Catalogue(Ledger(engine))
    (model,) = await catalogue.offered(Connection(at(llama), "not-needed"), "ann")
    assert model.window == 8_192  # of one slot; the model was made for 16,384
    assert (model.tools, model.json, model.sees, model.hears) == (True, True, False, False)


async def test_llama_cpp_with_a_projector_can_see(
    start_llama: StartLlama, engine: AsyncEngine, by_heart: Path
) -> None:
    with start_llama(projector=str(by_heart / "projector.gguf")) as server:
        catalogue = Catalogue(Ledger(engine))
        (model,) = await catalogue.offered(Connection(at(server), "not-needed"), "ann")
    assert model.sees is True


async def test_llama_cpp_under_another_address_is_known_by_its_signature(
    llama: Serving, engine: AsyncEngine
) -> None:
    catalogue = Catalogue(Ledger(engine))
    (model,) = await catalogue.offered(Connection(at(llama, "custom"), "not-needed"), "ann")
    assert (model.window, model.tools) == (8_192, True)


async def test_a_plain_list_of_names_is_read_and_asked_for_once(
    aimock: Serving, engine: AsyncEngine
) -> None:
    before = len(journal(aimock))
    connection, catalogue = Connection(at(aimock, "custom"), KEY), Catalogue(Ledger(engine))
    found = await catalogue.offered(connection, "ann")
    assert "gpt-4o" in {model.id for model in found}
    assert await catalogue.offered(connection, "ann") == found
    listed = [hit for hit in journal(aimock)[before:] if hit["path"].startswith("/v1/models")]
    assert len(listed) <= 1
