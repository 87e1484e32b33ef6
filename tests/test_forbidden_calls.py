"""What no line of ours may do: run what a file says, write a file in a way of its own, or put text
into a page unescaped."""

import ast
from collections.abc import Iterator

import pytest

from tests.test_layering import ROOT, modules

RUNS_CODE = {
    "pickle", "_pickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "shelve",
    "torch",
}  # fmt: skip
CALLS_CODE = {"eval", "exec", "compile", "__import__"}  # by their bare names
LOADERS = {
    "load_model", "unsafe_load", "model_from_json", "model_from_config", "model_from_yaml",
    "read_pickle", "extractall", "unpack_archive",
}  # fmt: skip
LOADS_OF = {"yaml", "torch", "keras", "joblib", "pickle"}  # whose `load` makes objects
WRITES = {
    "write_text", "write_bytes", "tofile", "imwrite", "mkstemp", "NamedTemporaryFile", "copy2",
    "copyfile", "copytree", "move", "rename", "renames", "link", "symlink", "VideoWriter", "mktemp",
    "touch",
}  # fmt: skip
# Methods of ours, or of others' objects, that are called so and write no file.
NO_FILES = {
    "app/people_commands.py": {"rename"},
    "app/rename_dialog.py": {"rename"},
    "app/rest/subjects.py": {"rename"},
    "app/review_page.py": {"move"},
    "enrollment/service.py": {"rename"},
    "store/carried.py": {"touch"},
    "store/change.py": {"touch"},
    "store/gallery.py": {"touch", "replace"},
    "store/shadow.py": {"touch"},
}
# Where a file is written without `disk.whole_file`, and why.
WRITERS = {
    "disk/whole_file.py::whole_file": "it is the one",
    "app/catalogue.py::_update": "a developer's tool: the catalogue lies in the repository",
    "app/cli.py::_run": "opens /dev/null for an output that nobody reads any more",
    "app/demonstration.py::_clear": "an empty file that says whose folder it is",
    "app/demonstration.py::_save": "drawn people, in a folder that is deleted in the end",
    "enrollment/opening.py::_write_gallery": "SQLite wrote it; a link lets no second gallery in",
    "models/download.py::_transfer": "half a download stays, so that it goes on from there",
    "models/download.py::_finish": "the download was brought to the disk and checked before",
    "models/download.py::_alone": "an empty file that a lock is on",
    "models/tensorflow_runtime.py::_silent": "opens /dev/null while a library chatters",
    "enrollment/compressing.py::_new_folder": "whole files, brought to the disk, in one step",
    "enrollment/restoring.py::_move": "whole files of a folder of its own, the database last",
    "store/backup.py::_files": "into a folder of its own, which is wiped",
    "store/backup.py::open_keys": "into a folder of its own, which is moved or wiped as a whole",
    "store/companion.py::erase_from": "overwrites keys where they are: a copy would leave them",
    "store/erasure_list.py::add": "a line more, and each is signed: half a line is cut off",
    "store/lock.py::locked": "an empty file that a lock is on",
    "store/backup.py::_unpack": "into a folder of its own, which is moved or wiped as a whole",
    "store/backup.py::_wipe": "overwrites what is to go",
}


def called(node: ast.Call) -> tuple[str, str]:
    """`np.load` is ("np", "load"), `open` is ("", "open")."""
    if isinstance(node.func, ast.Attribute):
        owner = node.func.value
        return (owner.id if isinstance(owner, ast.Name) else "?"), node.func.attr
    return "", node.func.id if isinstance(node.func, ast.Name) else ""


def runs_code(tree: ast.AST) -> Iterator[str]:
    """What may run what a file says."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        yield from (f"imports {name}" for name in names if name.split(".")[0] in RUNS_CODE)
        if not isinstance(node, ast.Call):
            continue
        owner, name = called(node)
        if (owner == "" and name in CALLS_CODE) or name in LOADERS:
            yield f"calls {name}"
        if name == "load" and owner in LOADS_OF:
            yield f"calls {owner}.load"
        pickles = [keyword for keyword in node.keywords if keyword.arg == "allow_pickle"]
        if any(getattr(keyword.value, "value", True) is not False for keyword in pickles):
            yield "allows pickles"
        if owner in ("np", "numpy") and name == "load" and not pickles:
            yield "calls np.load without allow_pickle=False"


def writes(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(function, call) of what may write, copy or rename a file."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            continue
        name = getattr(function, "name", "<module>")
        for node in inside(function):
            if isinstance(node, ast.Call) and (what := written_by(node)):
                yield name, what


def inside(function: ast.AST) -> Iterator[ast.AST]:
    """Its nodes, without those of functions within it."""
    for child in ast.iter_child_nodes(function):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield child
        yield from inside(child)


def written_by(node: ast.Call) -> str | None:
    owner, name = called(node)
    if name in WRITES:
        return name
    if (owner, name) == ("os", "open"):
        flags = ast.unparse(node.args[1]) if len(node.args) > 1 else ""
        return "os.open" if set("WRC") & {f[2:3] for f in _flags(flags)} else None
    if (owner, name) in (("os", "replace"), ("shutil", "copy"), ("shutil", "move")):
        return f"{owner}.{name}"
    if name == "replace" and owner and len(node.args) == 1 and not node.keywords:
        return "replace"
    if name in ("open", "fdopen", "ZipFile"):
        mode = next((k.value for k in node.keywords if k.arg == "mode"), None)
        at = 0 if owner not in ("", "os", "io", "zipfile", "gzip") and name == "open" else 1
        mode = mode or (node.args[at] if len(node.args) > at else None)
        text = mode.value if isinstance(mode, ast.Constant) else None
        if isinstance(mode, ast.IfExp):
            text = ast.unparse(mode)
        if isinstance(text, str) and set("wax+") & set(text) and name == "open":
            return "open"
    return None


def _flags(text: str) -> list[str]:
    """O_WRONLY, O_RDWR and O_CREAT say that something is written."""
    words = {word.strip().rpartition(".")[2] for word in text.split("|")}
    return [f"O_{sign}" for flag, sign in (("O_WRONLY", "W"), ("O_RDWR", "R"), ("O_CREAT", "C"))
            if flag in words]  # fmt: skip


def unescaped(tree: ast.AST) -> Iterator[str]:
    """Text that varies, in a page that takes it for code."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            if keyword.arg == "unsafe_allow_html":
                yield "unsafe_allow_html"
            if keyword.arg == "unsafe_allow_javascript":
                text = node.args[0]
                if not (isinstance(text, ast.Constant) or _is_constant(text)):
                    yield "unsafe_allow_javascript with text that varies"


def _is_constant(text: ast.AST) -> bool:
    return isinstance(text, ast.Name) and text.id.isupper()


def test_nothing_runs_what_a_file_says() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {what}"
        for _, path in modules()
        for what in runs_code(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []


def test_files_are_written_in_one_way() -> None:
    found: set[str] = set()
    for _, path in modules():
        place = str(path.relative_to(ROOT))
        for function, what in writes(ast.parse(path.read_text("utf-8"))):
            if what not in NO_FILES.get(place, ()):
                found.add(f"{place}::{function}")
    assert found == set(WRITERS), "write with disk.whole_file, or say here why not"


def test_no_text_becomes_code_of_a_page() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {what}"
        for _, path in modules()
        for what in unescaped(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "import torch.serialization",
        "eval(text)",
        "exec(text)",
        "compile(text, 'f', 'exec')",
        "keras.models.load_model(path)",
        "torch.load(path)",
        "yaml.load(text)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=maybe)",
        "archive.extractall(folder)",
        "pandas.read_pickle(path)",
    ],
)
def test_a_line_that_would_run_code_is_seen(line: str) -> None:
    assert list(runs_code(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "open(path, 'w')",
        "open(path, mode='ab')",
        "path.open('wb')",
        "path.open('r+b')",
        "path.open('ab' if done else 'wb')",
        "path.write_text(text)",
        "path.write_bytes(data)",
        "os.open(path, os.O_WRONLY | os.O_CREAT)",
        "shutil.copy(one, other)",
        "new.rename(path)",
        "os.replace(one, other)",
        "part.replace(target)",
    ],
)
def test_a_line_that_would_write_is_seen(line: str) -> None:
    assert list(writes(ast.parse(f"def f():\n    {line}"))) == [
        ("f", written_by(ast.parse(line).body[0].value))  # type: ignore[attr-defined]
    ]


@pytest.mark.parametrize(
    "line", ["open(path)", "path.open('rb')", "os.open(folder, os.O_RDONLY)", "open(path, 'r')"]
)
def test_a_line_that_reads_is_none(line: str) -> None:
    assert list(writes(ast.parse(f"def f():\n    {line}"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "st.markdown(text, unsafe_allow_html=True)",
        "st.html(text, unsafe_allow_javascript=True)",
    ],
)
def test_text_that_would_become_code_of_a_page_is_seen(line: str) -> None:
    assert list(unescaped(ast.parse(line)))
