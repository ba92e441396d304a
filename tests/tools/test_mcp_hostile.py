"""Servers by lines that hang, crash, flood or lie, beside one that does nothing wrong."""

import asyncio
import json
import os
import resource
import time
from pathlib import Path

import PIL.Image
import pytest

from memory.media import MediaStore
from tests.tools.conftest import OWNER, Surroundings
from tests.tools.mcp_calls import BRISK, Lag, alive, call, hostile, running, settled, status, until
from tools.mcp.status import Pace


async def test_nothing_waits_for_a_server_that_never_answers(tmp_path: Path) -> None:
    began = time.monotonic()
    pace = Pace(start_s=1, first_s=60)
    async with running(tmp_path, {"mute": hostile("mute"), "good": hostile()}, pace) as servers:
        assert time.monotonic() - began < 0.5
        assert [s.state for s in servers.status()] == ["connecting", "connecting"]
        assert servers.tools() == []
        await settled(servers, "good")
        assert (await call(servers, "good__silent")).ok
        failed = await settled(servers, "mute", "failed")
        assert failed.told == "Not connected. It did not tell its tools within 1 s."


async def test_a_slow_server_joins_when_it_is_ready(tmp_path: Path) -> None:
    changes = []
    async with running(tmp_path, {"late": hostile("late", "1")}) as servers:
        servers.on_change = lambda: changes.append(status(servers, "late").state)
        await settled(servers, "late")
        assert "late__pid" in [tool.name for tool in servers.tools()]
    assert "ready" in changes


async def test_closing_ends_every_process_and_what_it_started(tmp_path: Path) -> None:
    written_pid = tmp_path / "child.pid"
    entries = {"mute": hostile("mute"), "crowd": hostile("crowd", str(written_pid))}
    async with running(tmp_path, entries) as servers:
        await settled(servers, "crowd")
        pids = [int((await call(servers, "crowd__pid")).text), int(written_pid.read_text())]
        began = time.monotonic()
    assert time.monotonic() - began < 4
    await until(lambda: not any(alive(pid) for pid in pids), 5)


async def test_a_server_that_crashes_at_a_call_answers_it_and_comes_back(tmp_path: Path) -> None:
    async with running(tmp_path, {"bad": hostile(), "good": hostile()}) as servers:
        await settled(servers, "bad")
        await settled(servers, "good")
        before = (await call(servers, "bad__pid")).text
        result = await call(servers, "bad__crash")
        assert not result.ok
        assert result.text == "bad broke off in the middle of the call."
        assert (await call(servers, "good__pid")).ok
        await until(lambda: status(servers, "bad").state != "ready")
        await settled(servers, "bad")
        assert (await call(servers, "bad__pid")).text != before


async def test_a_dead_server_is_tried_again_and_again_ever_more_seldom(tmp_path: Path) -> None:
    states = []
    pace = Pace(start_s=20, first_s=0.1, most_s=0.4)
    async with running(tmp_path, {"dead": hostile("dead")}, pace) as servers:
        servers.on_change = lambda: states.append(status(servers, "dead").state)
        await until(lambda: states.count("failed") == 3)
        await asyncio.sleep(0.2)
        assert states.count("failed") == 3


async def test_the_last_error_is_told_without_secrets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry = hostile("dead", env={"TOKEN": "${NOTES_TOKEN}"})
    async with running(tmp_path, {"dead": entry}, NOTES_TOKEN="open-sesame-42") as servers:
        failed = await settled(servers, "dead", "failed")
        assert failed.error == "It ended.\nCannot log in with '[secret]' ([secret])"
        assert "open-sesame" not in repr(servers.status()) + caplog.text
        assert "sk-proj" not in caplog.text


async def test_a_call_that_hangs_is_given_up_and_the_next_server_is_not_held_up(
    tmp_path: Path,
) -> None:
    entries = {"bad": hostile(timeout_s=0.5), "good": hostile()}
    async with running(tmp_path, entries) as servers:
        await settled(servers, "bad")
        await settled(servers, "good")
        hanging = asyncio.create_task(call(servers, "bad__hang"))
        await asyncio.sleep(0.1)
        assert (await call(servers, "good__silent")).seconds < 0.3
        result = await hanging
        assert (result.ok, result.text) == (False, "bad took longer than 0.5 s.")
        await call(servers, "bad__hang")
        await call(servers, "bad__hang")
        await until(lambda: status(servers, "bad").state != "ready")
        await settled(servers, "bad")
        assert (await call(servers, "bad__pid")).ok


async def test_fifty_megabytes_are_refused_and_cost_neither_time_nor_memory(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, {"bad": hostile()}) as servers:
        await settled(servers, "bad")
        pid = (await call(servers, "bad__pid")).text
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with Lag() as lag:
            result = await call(servers, "bad__huge")
        assert (result.ok, result.text) == (False, "The answer of bad is longer than is read here.")
        assert lag.worst < 0.25
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000
        assert (await call(servers, "bad__pid")).text == pid  # it was not even ended


async def test_many_long_words_are_cut_before_they_are_joined(tmp_path: Path) -> None:
    async with running(tmp_path, {"bad": hostile()}) as servers:
        await settled(servers, "bad")
        result = await call(servers, "bad__long")
        assert len(result.text) <= 20_000
        assert result.text.endswith("[Cut here: 550,000 characters in all.]")


@pytest.mark.parametrize("tool", ["endless", "chatty"])
async def test_a_server_that_floods_in_a_call_is_ended(tmp_path: Path, tool: str) -> None:
    async with running(tmp_path, {"bad": hostile()}, Pace(first_s=60)) as servers:
        await settled(servers, "bad")
        async with Lag() as lag:
            result = await call(servers, f"bad__{tool}")
        assert not result.ok
        failed = await settled(servers, "bad", "failed")
        assert failed.error == "It floods Parley with messages that nobody asked for."
        assert lag.worst < 0.25


@pytest.mark.parametrize("how", ["garbage", "endless"])
async def test_a_server_that_floods_from_the_start_is_ended(tmp_path: Path, how: str) -> None:
    async with running(tmp_path, {"bad": hostile(how)}, Pace(first_s=60)) as servers:
        async with Lag() as lag:
            failed = await settled(servers, "bad", "failed")
        assert failed.error == "It floods Parley with messages that nobody asked for."
        assert lag.worst < 0.25


async def test_an_overflowing_standard_error_disturbs_nobody(tmp_path: Path) -> None:
    async with running(tmp_path, {"loud": hostile("loud")}) as servers:
        async with Lag() as lag:
            await settled(servers, "loud")
            for _ in range(20):
                assert (await call(servers, "loud__silent")).ok
        assert lag.worst < 0.25


async def test_what_is_no_result_is_answered(tmp_path: Path) -> None:
    async with running(tmp_path, {"bad": hostile()}) as servers:
        await settled(servers, "bad")
        result = await call(servers, "bad__nonsense")
        assert (result.ok, result.text) == (False, "bad answered with what is no result.")
        assert (await call(servers, "bad__silent")).text == "Done; it gave no words."


async def test_words_of_a_server_are_untrusted_when_it_fails_too(tmp_path: Path) -> None:
    async with running(tmp_path, {"bad": hostile()}) as servers:
        await settled(servers, "bad")
        assert (await call(servers, "bad__pid")).untrusted
        result = await call(servers, "bad__injection")
        assert (result.ok, result.untrusted) == (False, True)


async def test_pictures_are_made_anew_and_what_is_none_is_not_kept(
    tmp_path: Path, surroundings: Surroundings, media: MediaStore
) -> None:
    async with running(tmp_path, {"bad": hostile()}) as servers:
        await settled(servers, "bad")
        shown = await call(servers, "bad__pixel", surroundings.around())
        [picture] = shown.pictures
        assert (picture.mime, picture.name) == ("image/png", "bad.png")
        _, path = await media.path(OWNER, picture.sha256)
        assert PIL.Image.open(path).size == (1, 1)
        lied = await call(servers, "bad__disguised", surroundings.around())
        assert [p.mime for p in lied.pictures] == ["image/png", "image/png"]
        for picture in lied.pictures:
            assert b"script" not in media.read(picture)
        assert lied.text.startswith("[A picture that cannot be read.]")


async def test_a_process_sees_of_the_environment_what_it_needs(tmp_path: Path) -> None:
    entry = hostile(env={"GIVEN": "${CITY:-Oslo}", "TOKEN": "${NOTES_TOKEN}"})
    async with running(
        tmp_path, {"env": entry}, NOTES_TOKEN="from-outside", OXLO_API_KEY="k-secret", TZ="UTC"
    ) as servers:
        await settled(servers, "env")
        seen = json.loads((await call(servers, "env__env")).text)
    assert (seen["GIVEN"], seen["TOKEN"], seen["TZ"]) == ("Oslo", "from-outside", "UTC")
    assert seen["PATH"] == os.environ["PATH"]
    assert not {"OXLO_API_KEY", "NOTES_TOKEN"} & seen.keys()


async def test_an_operator_can_start_a_server_again_without_waiting(tmp_path: Path) -> None:
    async with running(tmp_path, {"bad": hostile()}, Pace(first_s=600, most_s=600)) as servers:
        await settled(servers, "bad")
        await call(servers, "bad__crash")
        await settled(servers, "bad", "failed")
        servers.restart("bad")
        await settled(servers, "bad")


async def test_a_missing_command_is_named(tmp_path: Path) -> None:
    async with running(tmp_path, {"none": {"command": "no-such-command"}}, BRISK) as servers:
        failed = await settled(servers, "none", "failed")
        assert failed.error == "There is no command 'no-such-command' here."
