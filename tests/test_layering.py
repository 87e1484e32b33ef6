"""The rooms: app -> enrollment -> {models, store} -> {disk, wording}; each heavy library in one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("app", "enrollment", "models", "store", "demo", "wording", "disk", "client")
ALLOWED = {
    "app": {"app", "enrollment", "models", "store", "demo", "wording", "disk"},
    "enrollment": {"enrollment", "models", "store", "wording", "disk"},
    "models": {"models", "wording", "disk"},
    "store": {"store", "wording", "disk"},
    "demo": {"demo", "wording", "disk"},
    "wording": {"wording"},
    "disk": {"disk"},
    "client": {"client"},
}
OWNERS = {
    "deepface": {"models"},
    "tensorflow": {"models"},
    "tf_keras": {"models"},
    "keras": {"models"},
    "dlib": {"models"},
    "mtcnn": {"models"},
    "onnxruntime": {"models"},
    "faiss": {"store"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "pymilvus": {"store"},
    "streamlit": {"app"},
    "fastapi": {"app"},
    "starlette": {"app"},
    "prometheus_client": {"app"},
    "structlog": {"app"},
    "streamlit_webrtc": {"app"},
    "av": {"app"},
    "altair": {"app"},
    "babel": {"app"},
    "sklearn": {"models"},
    "typer": {"app"},
    "apscheduler": {"app"},
    "matplotlib": {"enrollment"},
    "ray": {"enrollment"},
}
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}


def modules() -> Iterator[tuple[str, Path]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield room, path


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(("room", "path"), list(modules()), ids=lambda v: str(v).split("main/")[-1])
def test_imports_go_downwards(room: str, path: Path) -> None:
    for name in imported(path):
        top = name.split(".")[0]
        if top in ROOMS:
            assert top in ALLOWED[room], f"{path} imports {name}"
        if top in OWNERS:
            assert room in OWNERS[top], f"{path} imports {name}, which only {OWNERS[top]} may"


def test_app_asks_the_rules_not_the_rooms_below() -> None:
    """The doors know models and store by their errors alone."""
    for room, path in modules():
        below = {n for n in imported(path) if n.split(".")[0] in ("models", "store")}
        if room == "app":
            assert all(".errors" in n for n in below), f"{path} imports {below}"


def test_no_module_is_named_for_nothing() -> None:
    assert not [p for _, p in modules() if p.stem in FORBIDDEN_NAMES]


def test_environment_is_read_at_the_edge_only() -> None:
    """`os.environ` may be set where TensorFlow and onnxruntime need it, and read in app alone."""
    for room, path in modules():
        if room == "app":
            continue
        text = path.read_text("utf-8")
        assert "getenv" not in text, path
        if path == ROOT / "models" / "__init__.py":
            assert re.findall(r".*environ.*", text) == ['os.environ["ORT_DISABLE_TELEMETRY"] = "1"']
        elif path.name != "tensorflow_runtime.py":
            assert "environ" not in text, path
