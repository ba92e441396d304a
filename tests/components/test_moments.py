"""Days as people write them."""

import pytest

from components.moments import day
from components.words import speaking

AUTUMN, MAY_DAY = 1_795_910_400.0, 1_777_593_600.0


@pytest.mark.parametrize(
    ("language", "autumn", "may_day"),
    [
        ("en", "29 November 2026", "1 May 2026"),
        ("de", "29. November 2026", "1. Mai 2026"),
        ("es", "29 de noviembre de 2026", "1 de mayo de 2026"),
        ("fr", "29 novembre 2026", "1er mai 2026"),
        ("ja", "2026年11月29日", "2026年5月1日"),
        ("zh", "2026年11月29日", "2026年5月1日"),
    ],
)
def test_a_day_is_written_as_in_the_readers_language(
    language: str, autumn: str, may_day: str
) -> None:
    with speaking(language):
        assert (day(AUTUMN), day(MAY_DAY)) == (autumn, may_day)
