"""From which network somebody came: whoever has one address of it can have others."""

import pytest

from gate.arrival import network


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("", "unknown"),
    ],
)
def test_neighbours_are_one_network(address: str, found: str) -> None:
    assert network(address) == found
