"""The arrows of the house, and the tail of its sizes: what nobody guards grows."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = (
    "inference", "memory", "porting", "tools", "voice", "pictures", "steps", "document_reader",
    "components", "gate", "process_apart",
)  # fmt: skip
TOP = (
    "app", "archive", "assistant", "attachments", "attention", "dictation", "elsewhere", "events",
    "exchange", "handler", "house", "intake", "lineup", "logs", "mcp_door", "memories", "messages", "metrics",
    "recital", "refusals", "revisions", "roles", "serving", "settings", "shell", "temporary", "toolbox",
    "turn_queue", "turns",
)  # fmt: skip

# Who may import whom, among our own modules.
ARROWS = {
    "messages": set(),
    "settings": set(),
    "attachments": {"voice", "pictures", "process_apart", "messages"},
    "events": {"messages"},
    "exchange": {"events", "messages"},
    "inference": {"process_apart", "messages"},
    "memory": {"process_apart", "messages"},
    "porting": {"messages"},
    "tools": {"process_apart", "messages"},
    "voice": {"process_apart", "messages"},
    "pictures": {"process_apart"},
    "steps": {
        "attachments",
        "inference",
        "memory",
        "tools",
        "voice",
        "events",
        "exchange",
        "messages",
    },
    "metrics": {"steps", "inference", "events"},
    "logs": {"metrics", "steps", "inference", "events"},
    "handler": {"steps", "inference", "memory", "events", "messages"},
    "turn_queue": {"events", "refusals"},
    "turns": {"steps", "memory", "turn_queue", "events", "exchange", "messages"},
    "gate": {"settings"},
    "refusals": set(),
    "document_reader": {"process_apart"},
    "process_apart": set(),
    "intake": {"attachments", "memory", "temporary", "voice", "messages", "refusals"},
    "memories": {"memory", "messages", "refusals"},
    "roles": {"inference", "messages"},
    "lineup": {"turns", "memory", "inference", "messages", "refusals", "roles"},
    "revisions": {"lineup", "turns", "memory", "messages", "refusals"},
    "archive": {"intake", "lineup", "memories", "memory", "porting", "messages", "refusals"},
    "toolbox": {"steps", "inference", "memory", "tools", "refusals"},
    "dictation": {
        "voice",
        "lineup",
        "steps",
        "memory",
        "inference",
        "messages",
        "refusals",
    },
    "recital": {
        "lineup",
        "steps",
        "memory",
        "inference",
        "events",
        "exchange",
        "messages",
        "refusals",
    },
    "temporary": {"refusals"},
    "attention": {"lineup", "memory", "steps", "messages"},
    "elsewhere": {"memory", "steps", "toolbox", "turns", "refusals"},
    "assistant": {
        "archive",
        "attention",
        "dictation",
        "elsewhere",
        "turns",
        "steps",
        "toolbox",
        "intake",
        "lineup",
        "memories",
        "revisions",
        "roles",
        "memory",
        "recital",
        "inference",
        "events",
        "messages",
        "refusals",
        "temporary",
    },
    "mcp_door": {"assistant", "memories", "events", "exchange", "messages", "refusals"},
    "shell": {"assistant", "events", "messages", "refusals"},
    "components": {
        "archive",
        "assistant",
        "gate",
        "memories",
        "temporary",
        "toolbox",
        "voice",
        "events",
        "exchange",
        "messages",
    },
    "serving": set(),
    "house": {*ROOMS, *TOP} - {"app", "components", "mcp_door", "serving", "shell"},
    "app": {*ROOMS, *TOP},
}

# Which rooms may import a library that others must not know of.
KEPT_TO = {
    "gradio": {"components"},
    "openai": {"inference"},
    "httpx": {"memory"},  # memory/vectors.py says why
    "httpx2": {"inference", "tools", "gate"},
    "mcp": {"tools", "mcp_door"},
    "chromadb": {"memory"},
    "sqlalchemy": {"memory", "inference", "house"},
}

MAX_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 6

# Settled exceptions, by name, each with its reason.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
MANY_PARAMETERS: dict[str, str] = {}


def _sources() -> list[Path]:
    rooms = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return [*ROOT.glob("*.py"), *rooms]


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _room(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


SOURCES = _sources()
NAMES = [str(path.relative_to(ROOT)) for path in SOURCES]


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_imports_follow_the_arrows(path: Path) -> None:
    room = _room(path)
    own = set(ARROWS) - {room}
    for name in _imports(_tree(path)):
        if name in own:
            assert name in ARROWS[room], f"{path.name}: {room} must not know {name}"
        if name in KEPT_TO:
            assert room in KEPT_TO[name], f"{path.name}: {name} is kept to {KEPT_TO[name]}"


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_only_settings_reads_the_environment(path: Path) -> None:
    if _room(path) in {"settings", "app", "house"}:  # these hand os.environ to those who read it
        return
    reads = [
        node.attr
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "putenv"}
    ]
    assert not reads


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_the_tail_of_sizes_is_watched(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    text = path.read_text()
    lines = len(text.splitlines())
    assert lines <= MAX_LINES or name in LONG_FILES, f"{name} has {lines} lines"
    for node in ast.walk(_tree(path)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        where = f"{name}:{node.name}"
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        assert length <= MAX_FUNCTION_LINES or where in LONG_FUNCTIONS, f"{where}: {length} lines"
        taken = node.args
        count = len([*taken.posonlyargs, *taken.args, *taken.kwonlyargs])
        count -= bool(taken.args and taken.args[0].arg in {"self", "cls"})
        assert count <= MAX_PARAMETERS or where in MANY_PARAMETERS, f"{where}: {count} parameters"


def test_importing_the_house_loads_nothing_heavy() -> None:
    """Gradio, Chroma, OpenAI and the offline senses load when first used, not at import."""
    import subprocess

    heavy = "gradio chromadb openai rapidocr onnxruntime pocketsphinx wordllama pint mcp".split()
    code = f"import app, sys; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_no_room_has_a_bag_of_everything() -> None:
    bags = {"utils", "util", "common", "manager", "helpers", "helper", "misc"}
    assert not [name for name in NAMES if bags & set(Path(name).with_suffix("").parts)]
