"""A small run of the figure: nobody who was erased comes back with a backup."""

from pathlib import Path

import numpy as np

from benchmarks.resurrection import Known, _standing_in, resurrect


def test_nobody_comes_back(tmp_path: Path) -> None:
    found = resurrect(tmp_path, people=12, erase=6)
    assert (found.back, found.erased) == (0, 6)
    assert found.control == 6, "they could be read before, so this looks in the right place"
    assert found.same
    assert found.as_lost
    assert found.sound


def test_what_stands_in_the_clear_is_seen_at_every_place() -> None:
    template = np.arange(32, dtype=np.float32)[None]
    one = Known("a", b"Anna Example", b"k" * 32, (b"picture of Anna",), template)
    for trace in (one.key, one.name, one.pictures[0], template.tobytes()):
        for offset in range(9):
            assert _standing_in(b"." * offset + trace + b"...", [one]) == {"a"}
    assert _standing_in(b"x" * 100 + b"of Anna Example?"[:-9], [one]) == set()
