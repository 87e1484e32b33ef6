"""Where an error came from, for a log: a line of ours, and never what the error says."""

import traceback
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_ROOMS = frozenset({"app", "client", "demo", "enrollment", "models", "store", "wording"})


def place_of(error: BaseException) -> str:
    """`enrollment/enroller.py:367 enroll`: the innermost line of ours, else of whoever's."""
    frames = [
        (Path(frame.f_code.co_filename), line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    ours = [f"{_within(path)}:{line} {name}" for path, line, name in frames if _within(path)]
    others = [f"{path.name}:{line} {name}" for path, line, name in frames]
    return (ours or others or ["unknown"])[-1]


def _within(path: Path) -> str | None:
    if not path.is_relative_to(_ROOT):
        return None
    found = path.relative_to(_ROOT)
    return found.as_posix() if found.parts[0] in _ROOMS else None
