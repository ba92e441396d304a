"""Ten thousand turns against real tokenizers: no request is ever too long, and little room is wasted."""

import statistics
from collections.abc import Callable

import pytest

from tests.memory.servers import Server, byte_pairs, llama_2
from tests.memory.simulation import simulate

TURNS = {8_192: 2_300, 32_768: 1_900, 131_072: 600, 1_000_000: 200}
"""For each of two servers. All windows get a full share in `python -m bench.context`."""


@pytest.mark.slow
@pytest.mark.parametrize("window", TURNS)
@pytest.mark.parametrize("server", [llama_2, byte_pairs])
def test_no_request_is_ever_too_long(server: Callable[[], Server], window: int) -> None:
    found = simulate(server(), window, TURNS[window], seed=window)
    assert found.turns == TURNS[window]
    assert found.errors == 0
    assert found.refused < found.turns / 40
    assert found.wrongly < found.turns / 500
    assert statistics.mean(map(abs, found.off)) < 0.05
    if found.full:
        assert statistics.median(found.full) > 0.75
