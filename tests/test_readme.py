"""What the README says of the code is made from the code. `python -m tests.test_readme` rewrites it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from inference.provider import load_providers
from inference.provider_table import table
from settings import table as settings_table

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def _section(text: str, name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert found, f"README.md has no section {name}"
    return found.group(1).strip()


TABLES = {"settings": settings_table(), "providers": table(load_providers())}


def test_the_settings_table_is_the_settings() -> None:
    assert _section(README.read_text(), "settings") == TABLES["settings"]


def test_the_providers_table_is_the_providers_files() -> None:
    assert _section(README.read_text(), "providers") == TABLES["providers"]


def test_the_readme_names_the_command_that_ci_runs() -> None:
    last = (ROOT / ".ci" / "run").read_text().strip().splitlines()[-1]
    assert last == "make test"
    assert "\nmake run " in README.read_text()
    assert "\nmake test " in README.read_text()


def test_every_room_of_the_top_level_is_in_the_readme() -> None:
    text = README.read_text()
    rooms = [p.name for p in ROOT.glob("*.py")]
    assert [name for name in rooms if f"`{name}`" not in text and name != "settings.py"] == []


def test_help_lists_the_flags() -> None:
    run = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for flag in ("--host", "--port", "--data-dir", "--share", "--version"):
        assert flag in run.stdout


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    code = README.read_text().split("### From Python")[1].split("```python\n")[1].split("```")[0]
    clean = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "PARLEY_DATA_DIR": str(tmp_path)},
        cwd=README.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "40.8" in done.stdout, done.stderr


def rewrite() -> None:
    text = README.read_text()
    for name, table_text in TABLES.items():
        text = text.replace(_section(text, name), table_text)
    README.write_text(text)


if __name__ == "__main__":
    rewrite()
