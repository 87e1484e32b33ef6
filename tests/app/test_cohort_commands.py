"""cohort, calibrate --history and enroll --dry-run, as people type them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from enrollment.capture import Capture
from enrollment.intake import Enrollee
from enrollment.service import Service
from tests import tiny
from tests.app.typed import Run, ask, runner

pytestmark = pytest.mark.slow


@pytest.fixture
def rollcall(
    service: Service,
    capture: Capture,
    person: Callable[..., Enrollee],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Ten people are enrolled."""
    list(service.enroll([person(i) for i in range(10)], "yes"))
    return runner(service, capture, monkeypatch, capsys)


@pytest.fixture
def visitors(tmp_path: Path) -> Path:
    """90 strangers, one photo each, and one without a face."""
    folder = tmp_path / "visitors"
    folder.mkdir()
    for number in range(90):
        (folder / f"{number}.png").write_bytes(tiny.png(tiny.picture((1000 + number, 0))))
    (folder / "nobody.png").write_bytes(tiny.png(tiny.picture()))
    return folder


def test_a_cohort_comes_and_goes(rollcall: Run, visitors: Path) -> None:
    assert ask(rollcall, "cohort", "show")["kind"] is None
    built = ask(rollcall, "cohort", "build", "--strangers", visitors)
    assert (built["kind"], built["own"], built["without_face"]) == ("centroids", True, 1)
    assert built["rows"] * built["least_per_row"] <= built["strangers"] <= 90
    shown = ask(rollcall, "cohort", "show")
    assert {**built, "without_face": 0, "enrolled": 0, "repeated": 0} == shown
    assert ask(rollcall, "calibrate")["score"] == shown["formula"]
    _, out, _ = rollcall("cohort", "show")
    assert "brought on site: visitors" in out
    assert ask(rollcall, "cohort", "drop")["kind"] is None
    assert ask(rollcall, "calibrate")["score"] == "cosine"


def test_what_cannot_be_a_cohort(rollcall: Run, visitors: Path, tmp_path: Path) -> None:
    for photo in list(visitors.iterdir())[:70]:
        photo.unlink()
    code, _, err = rollcall("cohort", "build", "--strangers", visitors)
    assert (code, "too few" in err) == (2, True)
    assert ask(rollcall, "cohort", "show")["kind"] is None
    code, _, err = rollcall("cohort", "build", "--strangers", visitors, "--kind", "people")
    assert (code, "centroids or vectors" in err) == (2, True)
    code, _, _ = rollcall("cohort", "build", "--strangers", tmp_path / "nowhere")
    assert code == 2


def test_how_the_threshold_went(rollcall: Run, tmp_path: Path) -> None:
    ask(rollcall, "calibrate", "--max-fpir", "0.05")
    ask(rollcall, "calibrate", "--max-fpir", "0.1")
    picture = tmp_path / "threshold.svg"
    found = ask(rollcall, "calibrate", "--history", "--picture", picture)
    points = found["operating_points"]
    assert [p["max_fpir"] for p in points] == [0.01, 0.05, 0.1]
    assert points[0]["threshold"] >= points[2]["threshold"]
    assert "<svg" in picture.read_text("utf-8")
    code, out, _ = rollcall("calibrate", "--history")
    assert (code, len(out.splitlines())) == (0, 3)
    for bad in (tmp_path / "threshold.doc", tmp_path / "no" / "folder.png"):
        code, _, _ = rollcall("calibrate", "--history", "--picture", bad)
        assert code == 2


def test_a_dry_run_saves_nothing(rollcall: Run, tmp_path: Path) -> None:
    photos = tiny.write_photos(tmp_path / "new", 77, range(3))
    (subject,) = ask(rollcall, "enroll", photos, "--name", "Ada", "--dry-run")["subjects"]
    assert subject["outlook"]["photos"] == 3
    assert 0 <= subject["outlook"]["find_rate"] <= 1
    assert "found about" in subject["message"]
    assert len(ask(rollcall, "people")["subjects"]) == 10
    twice = tiny.write_photos(tmp_path / "again", 3, range(5, 8))
    (subject,) = ask(rollcall, "enroll", twice, "--name", "Eve", "--dry-run", code=1)["subjects"]
    assert subject["collision"]["name"] == "Person 3"
    _, out, _ = rollcall("enroll", photos, "--name", "Ada", "--dry-run")
    assert "3 of 3 photos would be kept" in out
    assert "nearest colleague" in out
