"""Galleries with people in them, made once: a copy takes a tenth of the time."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.errors import BadInput, Unusable
from enrollment.intake import Enrollee
from enrollment.opening import facts_of, write_gallery
from enrollment.photo import photo_bytes
from enrollment.pipelines import Pipelines
from enrollment.service import Service, open_service
from store.gallery import new_gallery_id
from store.records import GalleryFacts
from tests import databases, tiny


def settings_of(home: Path, key_folder: Path) -> Settings:
    """Of a test's gallery, in the kind of database that the session has."""
    return Settings(
        home=home,
        key=tiny.KEY,
        key_folder=key_folder,
        actor="test",
        database=databases.default(),
    )


def make_gallery(home: Path, people: Mapping[str, tuple[int, int]]) -> Path:
    """Enroll people into a new gallery and close it.

    Args:
        people: name -> number of the person as `tiny` draws them, and how many photos.
    """
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    settings = settings_of(home, home / "keys")
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


def open_copy(
    of: Path, settings: Settings, capture: Capture | None, pipelines: Pipelines | None = None
) -> Service:
    """A gallery of one's own, with what was in that one."""
    databases.copy_of(of, settings.home)
    return open_service(settings, capture=capture, pipelines=pipelines)


class TinyPipelines:
    """Backbones by name, as `PipelinesOf` has them: those of `tiny`."""

    known = (tiny.TinyBackbone, tiny.OtherBackbone, tiny.LongBackbone, tiny.PoorBackbone)

    def __init__(self, *absent: str) -> None:
        self.absent = absent  # whose weights are not here

    def of_gallery(self, facts: GalleryFacts) -> Capture:
        try:
            return self.named(facts.backbone, facts.detector)[0]
        except BadInput as error:
            raise Unusable(str(error)) from error

    def named(self, backbone: str, detector: str) -> tuple[Capture, str, str]:
        assert detector == tiny.TinyDetector.name
        for kind in self.known:
            if kind.name == backbone and backbone not in self.absent:
                return Capture(tiny.TinyDetector(), kind()), backbone, "for tests"
        raise BadInput(f"the weights of {backbone} are not here")

    def opener(self, facts: GalleryFacts) -> Callable[[], Capture]:
        return partial(open_tiny, facts.backbone)


def open_tiny(backbone: str) -> Capture:
    """In any process."""
    return TinyPipelines().named(backbone, tiny.TinyDetector.name)[0]
