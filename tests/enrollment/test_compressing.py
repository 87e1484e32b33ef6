"""Requests that cannot be met: said before anything is written. The whole way is in
tests/models/test_compressed_vgg.py, with the stand-in network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from enrollment.compressing import Wish, _new_folder, compress_backbone
from enrollment.compression_measure import ENROLLED, Measured, plan_of
from enrollment.compression_report import (
    DRAWN,
    IN_BYTES_ALONE,
    UNTRAINED,
    CompressionReport,
    page_of,
    rows_of,
)
from enrollment.config import Settings
from enrollment.enrollee import Enrollee
from enrollment.errors import BadInput
from enrollment.photo import photo_bytes
from models.compressed_file import METHODS, Compressed
from models.vgg_compressor import expected_size
from models.vgg_face import DATA_BYTES


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", weights_home=tmp_path / "weights")


def asked(settings, folder, method="merge", keep: float | None = 0.5):
    return compress_backbone(settings, Wish(method, keep, folder), lambda stage, share: None)


@pytest.mark.parametrize(
    ("method", "keep", "says"),
    [
        ("shrink", 0.5, "the method is one of"),
        ("merge", None, "--keep is the share"),
        ("merge", 0.0, "--keep is the share"),
        ("merge", 1.01, "--keep is the share"),
        ("merge", -1.0, "--keep is the share"),
        ("merge", float("nan"), "--keep is the share"),
        ("int8", 0.5, "leave out --keep"),
        ("merge", 0.5, "weights of vgg-face are missing"),
    ],
)
def test_bad_requests_are_refused(settings, tmp_path, method, keep, says):
    with pytest.raises(BadInput, match=says):
        asked(settings, tmp_path / "small", method, keep)
    assert not list(tmp_path.glob("*small*"))


def test_an_existing_target_stays_as_it_is(settings, tmp_path):
    (tmp_path / "small").mkdir()
    with pytest.raises(BadInput, match="is there already"):
        asked(settings, tmp_path / "small")
    assert list((tmp_path / "small").iterdir()) == []


def test_another_file_is_refused(settings, tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "vgg_face_weights.h5").write_bytes(b"not the weights")
    with pytest.raises(BadInput, match="not the weights of VGG-Face"):
        asked(settings, tmp_path / "small")


def test_no_room_is_said_before(tmp_path):
    with pytest.raises(BadInput, match="MB left"), _new_folder(tmp_path / "small", 1 << 60):
        pytest.fail("there is no such disk")
    assert list(tmp_path.iterdir()) == []


def test_what_is_broken_off_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), _new_folder(tmp_path / "small", 10) as folder:
        (folder / "half").write_bytes(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_came_meanwhile_stays(tmp_path):
    with pytest.raises(BadInput, match="there already"), _new_folder(tmp_path / "s", 10):
        (tmp_path / "s").mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_expected_sizes_are_those_of_the_shapes():
    fc = 4096 * (25088 + 4096)
    before = 4 * 14_714_688  # VGG-16's convolutions
    assert expected_size("int8", 1.0) == before + fc
    assert expected_size("merge", 0.5) == before + 2 * fc
    assert expected_size("magnitude", 0.1) == pytest.approx(before + 0.6 * fc)
    assert expected_size("obd", 1.0) > DATA_BYTES
    assert all(expected_size(method, 0.25) < DATA_BYTES for method in METHODS)


def people(photos):
    return [
        Enrollee(f"p{i}", None, tuple(photo_bytes(f"{i}-{n}", b"") for n in range(count)))
        for i, count in enumerate(photos)
    ]


def test_nobody_is_both_enrolled_and_a_stranger():
    plan = plan_of(people([5, 2, 4, 1, 9, 3]))
    sources = [[p.source for e in part for p in e.photos] for part in (plan.gallery, plan.mated)]
    strangers = [photo.source for photo in plan.strangers]
    assert strangers == ["2-0", "2-1", "2-2", "2-3", "5-0", "5-1", "5-2"]
    assert not set(sources[0]) & set(sources[1])
    assert max(len(e.photos) for e in plan.gallery) == ENROLLED
    assert all(e.photos for e in plan.mated)
    for few in ([5, 5], [1, 1, 4], [4]):
        with pytest.raises(BadInput, match="accuracy needs"):
            plan_of(people(few))


def side(name, **changes):
    eye = np.eye(8, dtype=np.float32)
    found = Measured(name, "f" * 64, 100, 1000, 1500, 50.0, 40.0, eye, eye, None)
    return replace(found, **changes)


def report(**changes):
    says = Compressed("w.npz", "a" * 64, "merge", 0.5, ("dense", "dense"), "vgg-face", "b" * 64)
    sides = side("vgg-face"), side("vgg-face-merge-0.5", file_size=50, together=39.0)
    return replace(CompressionReport(Path("/x"), says, *sides, False, False), **changes)


def test_the_report_says_what_it_cannot_know():
    assert report().warnings == [IN_BYTES_ALONE]
    assert report(untrained=True, drawn=True).warnings == [UNTRAINED, DRAWN, IN_BYTES_ALONE]
    assert report(compressed=side("s", together=10.0)).warnings == []


def test_the_report_has_ratios_and_cosines():
    rows = np.eye(8, dtype=np.float32)
    rows[0] = (0.6, 0.8, 0, 0, 0, 0, 0, 0)
    document = report(compressed=side("s", file_size=50, rows=rows)).as_document()
    assert document["ratio"]["file"] == 0.5
    assert document["cosine"]["lowest"] == pytest.approx(0.6)
    assert document["cosine"]["median"] == 1


def test_accuracy_is_shown_with_its_bounds():
    accuracy = {
        key: value
        for name in ("rank1", "tpir", "fpir")
        for key, value in ((name, 0.5), (f"{name}_interval_95", [0.25, 0.75]))
    } | {"n_mated": 20, "n_nonmated": 10}
    made = report(
        parent=side("vgg-face", accuracy=accuracy), compressed=side("s", accuracy=accuracy)
    )
    assert ("found", "50.0% (25.0% to 75.0%, n = 20)") in [(r[0], r[3]) for r in rows_of(made)]
    assert "n = 10" in page_of(made)
