"""Galleries with people in them, made once: a copy takes a tenth of the time."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.opening import facts_of, write_gallery
from enrollment.photo import photo_bytes
from enrollment.service import Service, open_service
from store.gallery import new_gallery_id
from tests import tiny


def make_gallery(home: Path, people: Mapping[str, tuple[int, int]]) -> Path:
    """Enroll people into a new gallery and close it.

    Args:
        people: name -> number of the person as `tiny` draws them, and how many photos.
    """
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    settings = Settings(home=home, key=tiny.KEY, key_folder=home / "keys", actor="test")
    facts = facts_of(capture, "for tests", "required")
    write_gallery(settings, replace(facts, gallery_id=new_gallery_id()))
    enrollees = [
        Enrollee(
            name,
            None,
            tuple(
                photo_bytes(f"{number}-{i}.png", tiny.png(tiny.picture((number, i))))
                for i in range(photos)
            ),
        )
        for name, (number, photos) in people.items()
    ]
    with open_service(settings, capture=capture) as service:
        reports = list(service.enroll(enrollees, "agreed on 2026-11-21", allow_collision))
    assert [report.accepted for report in reports] == [photos for _, photos in people.values()]
    return home


def open_copy(of: Path, settings: Settings, capture: Capture) -> Service:
    """A gallery of one's own, with what was in that one."""
    shutil.copytree(of, settings.home)
    return open_service(settings, capture=capture)
