"""What an operation wrote, call by call, as strace saw it: what a loss of power may undo."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "renameat",
    "renameat2", "unlink", "unlinkat", "link", "linkat", "mkdir", "mkdirat", "rmdir", "lseek",
)  # fmt: skip
_LINE = re.compile(r"(?P<call>\w+)\((?P<rest>.*)\)\s+= (?P<result>-?\d+)(?P<opened><[^>]*>)?")
_FILE = re.compile(r"(?P<fd>\d+|AT_FDCWD)<(?P<path>[^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True)
class Write:
    """One call. kind: "data", "size", "make", "folder", "move", "link", "drop", "sync" or "said".

    path: under the root. content: of data, or the text that was said. at: its offset, or the size.
    to: where it was moved or linked.
    """

    kind: str
    path: str
    content: bytes = b""
    at: int = 0
    to: str = ""


def parse(lines: Sequence[str], root: Path) -> list[Write]:
    """The writes under `root`, in order, and what was said to whoever listens (`Forked`)."""
    found: list[Write] = []
    places: dict[str, int] = {}  # where the next `write` of a descriptor goes
    for line in lines:
        matched = _LINE.search(line)
        if matched is None or matched["result"].startswith("-"):
            continue
        found += _write(matched["call"], matched["rest"], int(matched["result"]), places, line)
    under = f"{root}/"
    return [_relative(w, under) for w in found if w.kind == "said" or w.path.startswith(under)]


def _write(  # noqa: PLR0911 - one for each kind of call
    call: str, rest: str, result: int, places: dict[str, int], line: str
) -> list[Write]:
    texts = [bytes.fromhex(t.replace("\\x", "")) for t in _TEXT.findall(rest)]
    file = _FILE.match(rest)
    fd, path = (file["fd"], _plain(file["path"])) if file else ("", "")
    if call == "openat":
        opened = _plain(line.rsplit("<", 1)[1].rstrip(">\n")) if line.endswith(">") else ""
        places[str(result)] = 0
        made = [Write("make", opened)] if "O_CREAT" in rest else []
        return [*made, *([Write("size", opened, at=0)] if "O_TRUNC" in rest else [])]
    if call == "lseek":
        places[fd] = result
        return []
    if call in ("write", "pwrite64"):
        if path.startswith("pipe:"):
            return [Write("said", "", texts[0])]
        at = places.get(fd, 0) if call == "write" else int(rest.rsplit(", ", 1)[1])
        if call == "write":
            places[fd] = at + result
        return [Write("data", path, texts[0][:result], at)]
    if call in ("fsync", "fdatasync"):
        return [Write("sync", path)]
    if call == "ftruncate":
        return [Write("size", path, at=int(rest.rsplit(", ", 1)[1]))]
    names = [os.fsdecode(text) for text in texts]
    if call in ("unlinkat", "mkdirat") and not names[0].startswith("/"):
        names = [f"{path}/{names[0]}"]
    kinds = {"mkdir": "folder", "mkdirat": "folder", "unlink": "drop", "unlinkat": "drop",
             "rmdir": "drop"}  # fmt: skip
    if call in kinds:
        return [Write(kinds[call], names[0])]
    return [Write("move" if call.startswith("rename") else "link", names[0], to=names[1])]


def _plain(text: str) -> str:
    return os.fsdecode(bytes.fromhex(text.replace("\\x", ""))) if text.startswith("\\x") else text


def _relative(write: Write, under: str) -> Write:
    return Write(
        write.kind, write.path.removeprefix(under), write.content, write.at,
        write.to.removeprefix(under),
    )  # fmt: skip
