"""A Hugging Face Space: Parley in a frame of another site, by https, behind a proxy."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, expect, sync_playwright

from tests.browser.conftest import ROOT, launch
from tests.gate.open_id import CLIENT, SECRET, OpenId
from tests.places.nginx import Nginx
from tests.places.space import PORT, Space, as_nobody, steps_down
from tests.scripted_server import ScriptedServer

SPACE, HUB = "ann-parley.hf.space", "huggingface.co"
_SERVERS = """
ssl_certificate {certificate};
ssl_certificate_key {key};
map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
server {{
    listen 127.0.0.1:{{port}} ssl;
    server_name {space};
    client_max_body_size 30m;
    location / {{
        proxy_pass http://127.0.0.1:{parley};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For 203.0.113.7;
        proxy_set_header X-Forwarded-Proto https;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_buffering off;
    }}
}}
server {{
    listen 127.0.0.1:{{port}} ssl;
    server_name {hub} evil.example;
    root {pages};
}}
"""
_PAGE = f"""<!doctype html><title>A Space</title>
<iframe src="https://{SPACE}/" allow="microphone; camera; clipboard-write" style="width:1200px;height:760px">
</iframe>"""


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def hub() -> Iterator[OpenId]:
    with OpenId() as provider:
        yield provider


@pytest.fixture(scope="module")
def space(
    provider: ScriptedServer, hub: OpenId, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Space]:
    running = Space(
        tmp_path_factory.mktemp("space"),
        {
            "SPACE_ID": "ann/parley",
            "SPACE_AUTHOR_NAME": "ann",
            "SPACE_REPO_NAME": "parley",
            "SPACE_HOST": SPACE,
            "OAUTH_CLIENT_ID": CLIENT,
            "OAUTH_CLIENT_SECRET": SECRET,
            "OPENID_PROVIDER_URL": hub.url,
            "PARLEY_PROXIES": "127.0.0.1",
            "PARLEY_BASE_URL": provider.base_url,
            "PARLEY_API_KEY": "k-space-secret",
            "PARLEY_MODEL": "big",
        },
    )
    running.start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def proxy(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """What stands before the Space, and the other sites."""
    folder = tmp_path_factory.mktemp("proxy")
    pages = folder / "pages"
    pages.mkdir()
    (pages / "index.html").write_text(_PAGE)
    certificate, key = folder / "cert.pem", folder / "key.pem"
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2".split()
    files = ["-subj", f"/CN={SPACE}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, *files], check=True, capture_output=True)
    servers = _SERVERS.format(
        certificate=certificate, key=key, space=SPACE, hub=HUB, parley=space.port, pages=pages
    )
    nginx = Nginx(folder / "nginx", servers)
    yield nginx
    nginx.end()


@pytest.fixture(scope="module")
def browser(proxy: Nginx) -> Iterator[Browser]:
    rules = ", ".join(f"MAP {name} 127.0.0.1:{proxy.port}" for name in (SPACE, HUB, "evil.example"))
    with sync_playwright() as started:
        opened = launch(started, f"--host-resolver-rules={rules}", "--ignore-certificate-errors")
        yield opened
        opened.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, ignore_https_errors=True)
    context.set_default_timeout(20_000)
    yield context
    context.close()


def said(frame: FrameLocator, words: str) -> None:
    frame.locator("#parley-input textarea").fill(words)
    frame.locator("#parley-send").click()


@pytest.mark.skipif(os.getuid() == 0 and not steps_down(), reason="root may not step down here")
def test_it_runs_without_root_with_a_space_s_variables_alone(space: Space) -> None:
    assert space.process
    process = Path(f"/proc/{space.process.pid}")
    told = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
    assert "0" not in told["Uid"].split()
    assert int(told["CapPrm"], 16) == 0
    given = (process / "environ").read_bytes().rstrip(b"\0").split(b"\0")
    names = {entry.partition(b"=")[0].decode() for entry in given}
    assert names - {"PWD", "OLDPWD"} == set(space.environ)  # those are a shell's own
    assert space.port == PORT or "PARLEY_PORT" in space.environ
    assert [path.name for path in space.home.iterdir()] == [".local"]


@pytest.mark.skipif(not steps_down(), reason="the app's files are of whoever runs the tests")
def test_the_app_s_own_files_are_closed_to_it() -> None:
    subprocess.run(as_nobody(["test", "!", "-w", "app.py"]), cwd=ROOT, check=True)
    subprocess.run(as_nobody(["test", "!", "-w", "."]), cwd=ROOT, check=True)


def test_a_visitor_in_the_frame_talks_and_is_known_again_after_a_reload(
    visitor: BrowserContext, provider: ScriptedServer
) -> None:
    provider.says("Good evening.").says("And again.")
    page = visitor.new_page()
    page.goto(f"https://{HUB}/")
    frame = page.frame_locator("iframe")
    expect(frame.locator("#parley-forgets")).to_contain_text("forgets when it restarts")
    said(frame, "Hello from the frame")
    expect(frame.locator("#parley-chat")).to_contain_text("Good evening.")
    page.reload()
    listed = frame.locator("#parley-conversations")
    expect(listed).to_contain_text("Hello from the frame")
    said(frame, "Again")
    expect(frame.locator("#parley-chat")).to_contain_text("And again.")
    kept = {cookie["name"]: cookie for cookie in visitor.cookies(f"https://{SPACE}/")}
    mine = kept["__Host-parley"]
    assert (mine["sameSite"], mine["secure"], mine["httpOnly"]) == ("None", True, True)


def test_who_signs_in_brings_along_what_they_said_before(
    visitor: BrowserContext, provider: ScriptedServer
) -> None:
    provider.says("Noted.")
    page = visitor.new_page()
    page.goto(f"https://{SPACE}/")
    page.locator("#parley-input textarea").fill("My boat is called Seewolf")
    page.locator("#parley-send").click()
    expect(page.locator("#parley-chat")).to_contain_text("Noted.")
    account, listed = page.locator("#parley-account"), page.locator("#parley-conversations")
    account.get_by_text("Sign in with Hugging Face").click()
    expect(account).to_contain_text("ann")
    expect(account).to_contain_text("Chats from before you logged in: 1")
    expect(listed).to_contain_text("is listed here")
    account.get_by_role("button", name="Bring them here").click()
    expect(account).to_contain_text("They are here now.")
    expect(listed).to_contain_text("Seewolf")
    page.reload()
    expect(listed).to_contain_text("Seewolf")
    expect(account).to_contain_text("ann")
    assert "before you logged in" not in account.inner_text()


def test_no_other_site_can_frame_it(visitor: BrowserContext) -> None:
    page = visitor.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto("https://evil.example/")
    page.wait_for_timeout(1500)
    assert any("frame-ancestors" in text for text in refused)
    assert page.frame_locator("iframe").locator("#parley-input").count() == 0


def test_the_front_matter_is_what_a_space_reads() -> None:
    import yaml  # type: ignore[import-untyped]

    _, front, _ = (ROOT / "README.md").read_text().split("---\n", 2)
    told = yaml.safe_load(front)
    assert told["sdk"] == "gradio"
    assert f"gradio=={told['sdk_version']}" in (ROOT / "requirements-hosted.txt").read_text()
    assert (ROOT / told["app_file"]).is_file()
    assert len(told["short_description"]) <= 60
    assert (ROOT / "requirements.txt").is_file()
