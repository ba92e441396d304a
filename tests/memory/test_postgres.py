"""PostgreSQL as hosts hand it out. The stores themselves run on it by `pytest --postgres`."""

import pytest
import sqlalchemy as sa

from memory.database import DatabaseRefused, open_database
from memory.migrations import MIGRATIONS
from tests.postgres import Postgres


@pytest.fixture(scope="module")
def address(postgres: Postgres) -> str:
    return postgres.fresh().replace("postgresql+asyncpg", "postgres")


async def test_an_address_as_hosts_hand_it_out_is_understood(address: str) -> None:
    for _ in range(2):  # the second time nothing is left to be done
        engine = await open_database(
            f"{address}?sslmode=disable&channel_binding=prefer", MIGRATIONS
        )
        async with engine.connect() as connection:
            done = await connection.execute(sa.text("SELECT count(*) FROM migrations"))
            assert done.scalar() == len(MIGRATIONS)
        await engine.dispose()


async def test_a_database_of_a_later_version_is_refused(address: str) -> None:
    with pytest.raises(DatabaseRefused, match="later version"):
        await open_database(address, MIGRATIONS[:-1])


@pytest.mark.parametrize("where", ["127.0.0.1:1/parley", "parley.invalid/parley", "{host}/nowhere"])
async def test_one_that_cannot_be_used_is_said_without_its_password(
    address: str, where: str
) -> None:
    host = address.split("@")[1].split("/")[0]
    with pytest.raises(DatabaseRefused) as refused:
        await open_database(
            f"postgresql://parley:tell-nobody@{where.format(host=host)}", MIGRATIONS
        )
    assert "cannot be used" in str(refused.value)
    assert "tell-nobody" not in str(refused.value)
