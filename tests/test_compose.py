"""The compose file, as far as it can be held against Parley without a container engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from house import connected

ROOT = Path(__file__).parents[1]
FILE = ROOT / "compose.yaml"
VARIABLE = re.compile(r"\$\{(\w+)(?::[-?][^}]*)?\}")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return found


def test_parley_takes_every_variable_that_it_is_given(services: dict[str, Any]) -> None:
    given = {
        name: VARIABLE.sub(lambda hole: "x" if hole[1] == "POSTGRES_PASSWORD" else "", value)
        for name, value in services["parley"]["environment"].items()
    }
    chosen, _ = connected(dict(given))
    assert chosen.database_url.endswith("parley:x@database/parley")
    assert chosen.chroma_url == "http://chroma:8000"
    documented = (ROOT / "README.md").read_text()
    assert [name for name in given if f"`{name}`" not in documented] == []


def test_what_it_names_is_there(services: dict[str, Any]) -> None:
    parley = services["parley"]
    assert set(parley["depends_on"]) <= set(services)
    hosts = re.findall(r"(?:@|//)(\w+)(?=[:/])", " ".join(parley["environment"].values()))
    assert {"database", "chroma"} <= set(hosts)
    volumes = yaml.safe_load(FILE.read_text())["volumes"]
    used = {volume.partition(":")[0] for one in services.values() for volume in one["volumes"]}
    assert used == set(volumes)
    assert "healthcheck" in services["database"]  # what `condition: service_healthy` waits for


def test_it_is_as_closed_as_the_docker_file_promises(services: dict[str, Any]) -> None:
    parley, container = services["parley"], (ROOT / "Dockerfile").read_text()
    assert parley["read_only"]
    assert (parley["cap_drop"], parley["tmpfs"]) == (["ALL"], ["/tmp"])
    assert [one.partition(":")[2] for one in parley["volumes"]] == ["/data"]
    assert "PARLEY_DATA_DIR=/data" in container
    assert "VOLUME /data" in container
    assert all(
        port.startswith("127.0.0.1:") for one in services.values() for port in one.get("ports", ())
    )
