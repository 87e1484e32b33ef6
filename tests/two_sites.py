"""Two sites of one company: two galleries with tiny models, each with keys of its own."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from enrollment.config import Settings
from enrollment.counterpart import refuse_twin
from enrollment.enroller import CollisionAnswer, allow_collision
from enrollment.intake import Enrollee
from enrollment.merge_report import MergeReport
from enrollment.opening import database_url, facts_of, write_gallery
from enrollment.photo import photo_bytes
from enrollment.service import Service, open_service
from store.gallery import new_gallery_id
from store.records import Subject
from tests import tiny
from tests.faults.place import capture

People = Mapping[str, tuple[int, Sequence[int]]]  # name -> who `tiny` draws, and which photos
FACTS = facts_of(capture(), "for tests", "required")
AGREED = "agreed on 2026-11-21"


@dataclass(frozen=True)
class Site:
    """root: a folder with the gallery's folder and, apart, its keys."""

    root: Path

    @property
    def settings(self) -> Settings:
        return Settings(self.root / "home", key_folder=self.root / "keys", actor="test")

    @property
    def as_other(self) -> Settings:
        """As whoever takes it over names it: with its database, where that is elsewhere."""
        named = (self.settings.home / "gallery.toml").exists()
        return replace(self.settings, database=database_url(self.settings.home) if named else None)

    def open(self) -> Service:
        return open_service(self.settings, capture=capture())

    def enroll(self, people: People, consent: str = AGREED) -> None:
        with self.open() as service:
            reports = list(service.enroll(enrollees(people), consent, allow_collision))
        assert all(report.accepted for report in reports)

    def merge(
        self,
        other: "Site",
        on_twin: CollisionAnswer = refuse_twin,
        erase_theirs: bool = False,
    ) -> MergeReport:
        with self.open() as service:
            settings = other.as_other
            return service.merge_gallery(settings, on_twin, lambda _people: erase_theirs)

    def subjects(self) -> dict[str, Subject]:
        """By name; of namesakes the last."""
        with self.open() as service:
            return {s.name: s for s in service.everybody()}

    def files(self) -> dict[str, str]:
        """Every file and its SHA-256."""
        return {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }


def make_site(root: Path, people: People, consent_policy: str = "required") -> Site:
    site = Site(root)
    facts = replace(FACTS, gallery_id=new_gallery_id(), consent_policy=consent_policy)
    write_gallery(site.settings, facts)
    if people:
        site.enroll(people)
    return site


def enrollees(people: People) -> list[Enrollee]:
    """`Name (7)` has the external id 7."""
    return [
        Enrollee(
            name,
            name.partition("(")[2].rstrip(")") or None,
            tuple(
                photo_bytes(f"{number}-{i}.png", tiny.png(tiny.picture((number, i))))
                for i in photos
            ),
        )
        for name, (number, photos) in people.items()
    ]


def found_as(service: Service, number: int, photo: int = 99) -> str | None:
    """Who a new photo of this person is taken for."""
    data = tiny.png(tiny.picture((number, photo)))
    (answer,) = service.identify(photo_bytes("probe.png", data))
    return answer.name if answer.decision == "known" else None
