from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from enrollment.capture import Capture
from enrollment.company import embed_company
from enrollment.embedding_cache import cache_file, embed_photos
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.photo import Photo, photo_bytes
from tests import tiny


class CountingBackbone(tiny.TinyBackbone):
    """Tiny, and knows how many crops it was given."""

    embedded = 0

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.embedded += len(crops)
        return super().embed(crops)


class OtherBackbone(CountingBackbone):
    description = {"backbone": "tiny", "version": "2"}  # noqa: RUF012 - as its base


@pytest.fixture
def capture() -> Capture:
    return Capture(tiny.TinyDetector(), CountingBackbone())


def photo(person: int, number: int = 0) -> Photo:
    data = tiny.png(tiny.picture((person, number)))
    return photo_bytes(f"{person}-{number}.png", data)


NO_FACE = photo_bytes("empty.png", tiny.png(tiny.picture()))
DAMAGED = photo_bytes("damaged.png", b"this is no picture")


def vectors(photos: Sequence[Photo], capture: Capture, folder: Path) -> np.ndarray:
    return embed_photos(photos, capture, folder).vectors


def test_a_second_run_embeds_nothing(capture: Capture, tmp_path: Path) -> None:
    photos = [photo(i) for i in range(20)]
    seen: list[int] = []
    first = embed_photos(photos, capture, tmp_path / "cache", seen.append)
    assert sum(seen) == 20
    assert (first.computed, first.damaged) == (20, False)
    assert first.found.all()
    assert np.linalg.norm(first.vectors, axis=1) == pytest.approx(1)
    again = embed_photos(photos[::-1], capture, tmp_path / "cache")
    assert (again.computed, again.damaged) == (0, False)
    assert again.vectors.tobytes() == first.vectors[::-1].tobytes()
    assert capture.backbone.embedded == 20  # type: ignore[attr-defined]
    assert embed_photos([*photos, photo(30)], capture, tmp_path / "cache").computed == 1


def test_photos_without_a_face_are_told_and_remembered(capture: Capture, tmp_path: Path) -> None:
    def unreadable() -> bytes:
        raise PermissionError(13, "no")

    photos = [photo(1), NO_FACE, DAMAGED, Photo("secret.png", unreadable), photo(2), photo(1)]
    found = embed_photos(photos, capture, tmp_path)
    assert found.found.tolist() == [True, False, False, False, True, True]
    assert not found.vectors[~found.found].any()
    assert np.array_equal(found.vectors[0], found.vectors[5])
    again = embed_photos(photos, capture, tmp_path)
    assert again.computed == 0
    assert np.array_equal(again.found, found.found)


def test_it_takes_the_face_that_evaluate_takes(capture: Capture, tmp_path: Path) -> None:
    """The main one; the others of the photo are not kept."""
    two = photo_bytes("two.png", tiny.png(tiny.picture((1, 0), (2, 0))))
    found = embed_photos([two], capture, tmp_path)
    assert found.vectors.shape == (1, 32)
    with np.load(cache_file(tmp_path, capture), allow_pickle=False) as arrays:
        assert arrays["vectors"].shape == (1, 32)


def test_nothing_is_nothing(capture: Capture, tmp_path: Path) -> None:
    found = embed_photos([], capture, tmp_path)
    assert found.vectors.shape == (0, 32)
    assert found.found.shape == (0,)


def test_another_backbone_has_another_file(capture: Capture, tmp_path: Path) -> None:
    embed_photos([photo(1)], capture, tmp_path)
    other = Capture(tiny.TinyDetector(), OtherBackbone())
    assert embed_photos([photo(1)], other, tmp_path).computed == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_only_the_owner_may_read(capture: Capture, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    embed_photos([photo(1)], capture, folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["cut", "text", "pickle", "short", "not unit", "missing"])
def test_a_damaged_file_is_told_and_written_anew(
    capture: Capture, tmp_path: Path, kind: str
) -> None:
    photos = [photo(i) for i in range(3)]
    first = embed_photos(photos, capture, tmp_path)
    file = cache_file(tmp_path, capture)
    with np.load(file, allow_pickle=False) as arrays:
        kept = dict(arrays)
    if kind == "cut":
        file.write_bytes(file.read_bytes()[:-40])
    elif kind == "text":
        file.write_text("not an archive")
    elif kind == "pickle":
        np.savez(file, **kept | {"vectors": np.array([{}, {}, {}], object)})
    elif kind == "short":
        np.savez(file, **kept | {"vectors": kept["vectors"][:, :-1]})
    elif kind == "not unit":
        np.savez(file, **kept | {"vectors": kept["vectors"] * np.float32(np.nan)})
    else:
        np.savez(file, digests=kept["digests"])
    again = embed_photos(photos, capture, tmp_path)
    assert (again.computed, again.damaged) == (3, True)
    assert np.array_equal(again.vectors, first.vectors)
    assert not embed_photos(photos, capture, tmp_path).damaged


def test_an_interrupted_run_goes_on(capture: Capture, tmp_path: Path) -> None:
    photos = [photo(i) for i in range(48)]

    class Stop(Exception):
        pass

    def stop(step: int, done: list[int] = []) -> None:  # noqa: B006 - counts over the calls
        done.append(step)
        if sum(done) >= 32:
            raise Stop

    with pytest.raises(Stop):
        embed_photos(photos, capture, tmp_path, stop, write_every=16)
    assert embed_photos(photos, capture, tmp_path).computed == 16
    assert [file.suffix for file in tmp_path.iterdir()] == [".npz"], "nothing half written is left"


def test_a_folder_that_cannot_be_made(capture: Capture, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="another folder"):
        embed_photos([photo(1)], capture, tmp_path / "file" / "cache")


def test_a_company(capture: Capture, tmp_path: Path) -> None:
    """People of one name stay apart, and who has no usable photo is still counted."""
    people = [
        Enrollee("Anna", "1", (photo(1, 0), NO_FACE, photo(1, 1))),
        Enrollee("Anna", "2", (photo(2, 0),)),
        Enrollee("Nobody", None, (NO_FACE,)),
    ]
    company = embed_company(people, [photo(3), NO_FACE], capture, tmp_path)
    assert [len(v) for v in company.vectors_by_subject.values()] == [2, 1, 0]
    assert len(company.strangers) == 1
    assert company.without_face == 3
    assert np.array_equal(
        company.vectors_by_subject["0 Anna"], vectors([photo(1, 0), photo(1, 1)], capture, tmp_path)
    )
