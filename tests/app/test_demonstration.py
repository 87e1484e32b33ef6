"""The demo, with fewer people than `make demo` draws."""

from pathlib import Path

import pytest

from app.demonstration import demonstrate
from enrollment.config import Settings
from enrollment.errors import BadInput


@pytest.mark.slow
@pytest.mark.usefixtures("models_opened_once")
def test_the_whole_job_on_drawn_people(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "demo", key_folder=tmp_path / "keys")
    lines: list[str] = []
    outcome = demonstrate(settings, lines.append, people=2, strangers=1)
    assert outcome.right, lines
    assert (outcome.enrolled, outcome.probes, outcome.strangers) == (2, 4, 2)
    assert "2 people enrolled" in lines[-2]
    assert (tmp_path / "demo" / "gallery.db").exists()


def test_what_no_demo_left_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(BadInput, match="another folder"):
        demonstrate(Settings(home=tmp_path), print)
    assert (tmp_path / "mine.txt").read_text() == "precious"
