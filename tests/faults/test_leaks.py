"""Nothing of a face can be read on the disk; of who was erased nothing at all. A sample of
`benchmarks/leaks.py`."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from tests.faults.leaks import (
    Finder,
    Needle,
    names_of,
    of_picture,
    of_template,
    opened,
    scan,
    scene,
)

pytestmark = pytest.mark.sqlite

PEOPLE = 8


@pytest.mark.slow
def test_nothing_of_a_face_is_on_the_disk(tmp_path: Path) -> None:
    with scene(tmp_path, PEOPLE) as here:
        finder = Finder(here.needles)
        assert len(finder) > PEOPLE * 3 * 15
        hits = scan(finder, here.places)
        assert {"gallery/gallery.db", "gallery/gallery.db-wal"} <= hits.keys()
        assert not any(hits.values()), hits
        named = {file for file, found in scan(names_of(here), here.places).items() if found}
        assert "gallery/reports/broken-off.html" in named
        assert all(file.startswith(("gallery/gallery.db", "gallery/reports/")) for file in named)
        assert "broken-off" in opened(here)
        # The control: with the key all of it opens, and is found.
        assert sum(any(finder.found_in(content)) for content in opened(here).values()) >= PEOPLE * 6
        gone, stays = list(here.names)[:3], list(here.names)[3:]
        for subject_id in gone:
            here.service.erase(subject_id)
        assert "broken-off" not in opened(here), "a head that knew them"
        files = [path for place in here.places for path in place.rglob("*") if path.is_file()]
        live = [path for path in files if path.parent.name != "backups"]
        erased = Finder(needle for needle in here.needles if needle.whose in gone)
        kept = Finder(needle for needle in here.needles if needle.whose in stays)
        contents = [*opened(here).values(), *(path.read_bytes() for path in live)]
        assert not [n for content in contents for n in erased.found_in(content)]
        assert any(n for content in contents for n in kept.found_in(content))
        of_gone = Finder(Needle("name", "text", s, here.names[s].encode()) for s in gone)
        assert not [n for content in contents for n in of_gone.found_in(content)]


@pytest.mark.parametrize("before", [0, 1, 2, 3, 7])
def test_what_is_planted_is_found_however_it_is_written(tmp_path: Path, before: int) -> None:
    vector = np.random.default_rng(0).normal(size=32).astype(np.float32)
    vector /= np.linalg.norm(vector)
    picture = np.random.default_rng(1).bytes(3000)
    needles = [*of_template("anna", vector), *of_picture("crop", "anna", picture)]
    finder = Finder(needles)
    raw = vector.tobytes()
    planted = {
        "float32": raw,
        "float16": vector.astype("<f2").tobytes(),
        "hex": raw.hex().encode(),
        "base64": base64.b64encode(bytes(before) + raw),
        "JSON": json.dumps(vector.astype(float).tolist()).encode(),
        "bytes": picture,
    }
    for how, content in planted.items():
        folder = tmp_path / how
        folder.mkdir()
        (folder / "file").write_bytes(b"x" * before + content + b"y")
        (found,) = scan(finder, [folder]).values()
        assert any(what.endswith(f" as {how}") for what in found), how
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "file").write_bytes(np.random.default_rng(2).bytes(100_000))
    assert not any(scan(finder, [tmp_path / "nothing"]).values())
