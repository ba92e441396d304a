"""Settings: read once, keys removed, mistakes named."""

from pathlib import Path

import pytest

from house import connected
from inference.connection import connect
from inference.provider import load_providers
from settings import BadSetting, read

PROVIDERS = load_providers()
VARIABLES = [p.key_variable for p in PROVIDERS.values() if p.key_variable]


def connection(environ: dict[str, str]):  # type: ignore[no-untyped-def]
    chosen, keys = read(environ, VARIABLES)
    return connect(PROVIDERS, chosen.base_url, chosen.api_key, keys)


def test_with_nothing_set_the_offline_engine_answers() -> None:
    assert connection({}).provider.offline


def test_a_providers_own_key_picks_that_provider() -> None:
    found = connection({"GROQ_API_KEY": "g-1"})
    assert (found.provider.name, found.key) == ("groq", "g-1")


def test_a_key_alone_is_taken_for_oxlo() -> None:
    found = connection({"PARLEY_API_KEY": "o-1"})
    assert found.provider.name == "oxlo"
    assert found.provider.base_url == "https://api.oxlo.ai/v1"


def test_the_accounts_plan_is_the_operators_to_tell() -> None:
    _, found = connected({"OXLO_API_KEY": "o", "PARLEY_PLAN": "Premium"})
    assert found.provider.limit.requests_per_day == 5_000
    assert found.provider.has("llama-3.3-70b")
    _, offline = connected({"PARLEY_PLAN": "premium"})
    assert offline.provider.offline
    for key, told in (("OXLO_API_KEY", "free, pro, premium"), ("GROQ_API_KEY", "no plans")):
        with pytest.raises(BadSetting, match=f"PARLEY_PLAN is 'gold'; .*{told}"):
            connected({key: "k", "PARLEY_PLAN": "gold"})


def test_a_base_url_takes_no_other_providers_key() -> None:
    found = connection({"PARLEY_BASE_URL": "http://localhost:9/v1", "OPENAI_API_KEY": "secret"})
    assert found.provider.name == "custom"
    assert found.key == "not-needed"


def test_a_known_base_url_brings_its_facts_and_its_own_key() -> None:
    found = connection({"PARLEY_BASE_URL": "https://api.groq.com/openai/v1/", "GROQ_API_KEY": "g"})
    assert (found.provider.name, found.key) == ("groq", "g")


def test_keys_are_gone_from_the_environment_once_read() -> None:
    environ = {"OPENAI_API_KEY": "secret", "PARLEY_API_KEY": "secret", "PATH": "/bin"}
    read(environ, VARIABLES)
    assert environ == {"PATH": "/bin"}


def test_the_token_of_the_door_is_gone_from_the_environment_once_read() -> None:
    environ = {"PARLEY_MCP": "1", "PARLEY_MCP_TOKEN": "a token, long enough"}
    chosen, _ = read(environ, VARIABLES)
    assert (chosen.mcp, chosen.mcp_token) == (True, "a token, long enough")
    assert "PARLEY_MCP_TOKEN" not in environ


def test_mcp_servers_are_written_down_where_data_are_kept_or_elsewhere(tmp_path: Path) -> None:
    chosen, _ = read({"PARLEY_DATA_DIR": str(tmp_path)}, VARIABLES)
    assert chosen.mcp_path == tmp_path / "mcp.json"
    chosen, _ = read({"PARLEY_MCP_FILE": f"{tmp_path}/mine.json"}, VARIABLES)
    assert chosen.mcp_path == tmp_path / "mine.json"
    chosen, _ = read({"PARLEY_MCP_HOSTS": "chat.example.org, , me.local:80"}, VARIABLES)
    assert chosen.mcp_names == ["chat.example.org", "me.local:80"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PARLEY_MCP_TOKEN", "short"),
        ("PARLEY_PORT", "http"),
        ("PARLEY_PORT", "99999"),
        ("PARLEY_SHARE", "maybe"),
        ("PARLEY_REQUESTS_PER_DAY", "sixty"),
        ("PARLEY_RESERVE", "-1"),
        ("CHROMA_URL", "localhost:8000"),
        ("CHROMA_URL", "http://"),
        ("CHROMA_URL", "http://chroma:port"),
        ("CHROMA_URL", "ftp://chroma"),
        ("CHROMA_URL", "http://chroma/?database=x"),
        ("PARLEY_EMBEDDING", "minilm-l6"),
        ("PARLEY_EMBEDDING", "provider:"),
    ],
)
def test_a_setting_that_cannot_be_read_is_named(variable: str, value: str) -> None:
    with pytest.raises(BadSetting, match=variable):
        read({variable: value}, [])


def test_a_day_may_hold_more_requests_than_there_are_ports() -> None:
    assert read({"PARLEY_REQUESTS_PER_DAY": "100000"}, [])[0].requests_per_day == 100_000


def test_a_space_listens_to_the_world_and_a_desk_to_itself(tmp_path: Path) -> None:
    assert read({}, [])[0].address == "127.0.0.1"
    assert read({"SPACE_ID": "me/parley"}, [])[0].address == "0.0.0.0"
    assert read({"PARLEY_DATA_DIR": str(tmp_path)}, [])[0].data_path == tmp_path


def test_a_space_without_storage_forgets_and_says_so(tmp_path: Path) -> None:
    assert not read({}, [])[0].forgets
    assert read({"SPACE_ID": "me/parley"}, [])[0].forgets
    kept = {"SPACE_ID": "me/parley", "DATABASE_URL": "postgres://db/parley"}
    assert not read(kept, [])[0].forgets
    mounted = {"SPACE_ID": "me/parley", "PARLEY_DATA_DIR": "/data/here"}
    assert not read(mounted, [])[0].forgets


def test_several_parleys_share_what_a_folder_keeps(tmp_path: Path) -> None:
    alone = read({"PARLEY_DATA_DIR": str(tmp_path)}, [])[0]
    assert alone.shared_path == tmp_path
    among = read({"PARLEY_DATA_DIR": "/a", "PARLEY_SHARED_DIR": str(tmp_path)}, [])[0]
    assert (among.data_path, among.shared_path) == (Path("/a"), tmp_path)


def test_memory_is_embedded_here_unless_a_providers_model_is_named() -> None:
    assert (read({}, [])[0].embedding, read({}, [])[0].embedding_model) == ("local", "")
    assert read({"PARLEY_EMBEDDING": "minilm"}, [])[0].embedding_model == ""
    chosen = read({"PARLEY_EMBEDDING": "provider:BAAI/bge-m3:free"}, [])[0]
    assert chosen.embedding_model == "BAAI/bge-m3:free"


def test_the_password_of_a_chroma_server_is_gone_from_the_environment_and_from_errors() -> None:
    environ = {"CHROMA_URL": "https://ann:s3cret@chroma.example:8443/vectors"}
    assert read(environ, [])[0].chroma_url == "https://ann:s3cret@chroma.example:8443/vectors"
    assert environ == {}
    with pytest.raises(BadSetting) as told:
        read({"CHROMA_URL": "ann:s3cret@chroma.example"}, [])
    assert "s3cret" not in str(told.value)
