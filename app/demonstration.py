"""The whole job without a camera or anybody's photo: on people whom the project draws."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from demo.people import NAMES, PEOPLE, portrait
from enrollment.config import Settings
from enrollment.errors import BadInput
from enrollment.intake import gather, iterate_photos
from enrollment.opening import create, is_gallery
from enrollment.photo import encode_jpeg
from enrollment.service import Service, open_service

ENROLLED = 16
STRANGERS = 6
_GALLERY_PHOTOS = 3
_PROBES = 2
_CONSENT = "Drawn for the demo: this person does not exist."
_MARK = ".rollcall-demo"


@dataclass(frozen=True)
class Outcome:
    """Counts; right is False when anybody was taken for somebody else."""

    home: str
    people: int
    enrolled: int
    identified: int
    probes: int
    wrongly_named: int
    turned_away: int
    strangers: int
    night: str
    report: str

    @property
    def right(self) -> bool:
        return (
            self.enrolled == self.people
            and self.wrongly_named == 0
            and self.turned_away == self.strangers
            and self.identified >= 0.9 * self.probes
        )

    def as_document(self) -> dict[str, object]:
        return asdict(self)


def demonstrate(
    settings: Settings,
    out: Callable[[str], None],
    people: int = ENROLLED,
    strangers: int = STRANGERS,
) -> Outcome:
    """Draw people, enroll them, identify them, turn strangers away and run a night.

    It leaves a gallery that the pages can show.

    Args:
        people: how many are enrolled, at most ENROLLED.
        strangers: how many are not, at most STRANGERS.

    Raises:
        BadInput: the folder holds something that no demo left there.
    """
    home = settings.home
    settings = replace(settings, database=None)  # all of the demo goes with its folder
    _clear(home)
    photos = home / "photos"
    out(f"drawing {people + strangers} people who do not exist into {photos}")
    _draw(photos, people, strangers)
    facts = create(settings, "dlib-resnet")
    out(f"gallery in {home}: backbone {facts.backbone}, {facts.dimension} numbers a face")
    with open_service(settings) as service:
        enrolled = 0
        for report in service.enroll(gather([photos / "enroll"]), _CONSENT):
            enrolled += report.enrolled
            out(f"enrolled {report.name}: {report.accepted} of {len(report.samples)} photos")
        point = service.operating_point()
        out(f"threshold {point.threshold:.3f}: {point.explanation}")
        identified, wrongly = _identify(service, photos / "probes", out)
        turned_away = _turn_away(service, photos / "strangers", out)
        out("running one night")
        night = service.nightly()
        out(f"night: {night.outcome}: {night.reason}")
        out(f"its report: {night.report}")
    outcome = Outcome(
        home=str(home),
        people=people,
        enrolled=enrolled,
        identified=identified,
        probes=people * _PROBES,
        wrongly_named=wrongly,
        turned_away=turned_away,
        strangers=strangers * _PROBES,
        night=night.outcome,
        report=str(night.report),
    )
    out(
        f"{enrolled} people enrolled, {identified} of {outcome.probes} photos identified, "
        f"{turned_away} of {outcome.strangers} photos of strangers turned away"
    )
    out(f"look at it: make run GALLERY={home}   (photos to try are in {photos})")
    return outcome


def _identify(service: Service, folder: Path, out: Callable[[str], None]) -> tuple[int, int]:
    right = wrong = 0
    for person in gather([folder]):
        for photo in person.photos:
            for answer in service.identify(photo):
                right += answer.name == person.name
                wrong += answer.name not in (person.name, None)
                score = "no score" if answer.score is None else f"{answer.score:.3f}"
                out(f"{person.name} -> {answer.name or answer.decision} ({score})")
    return right, wrong


def _turn_away(service: Service, folder: Path, out: Callable[[str], None]) -> int:
    away = 0
    for photo in iterate_photos([folder]):
        answers = service.identify(photo)
        away += all(answer.decision != "known" for answer in answers)
        names = ", ".join(answer.name or answer.decision for answer in answers)
        out(f"a stranger -> {names}")
    return away


def _draw(photos: Path, people: int, strangers: int) -> None:
    for i in range(people):
        for picture in range(_GALLERY_PHOTOS + _PROBES):
            kind = "enroll" if picture < _GALLERY_PHOTOS else "probes"
            _save(photos / kind / NAMES[i] / f"{picture}.jpg", PEOPLE[i], picture)
    for i in range(ENROLLED, ENROLLED + strangers):
        for picture in range(_PROBES):
            _save(photos / "strangers" / f"{i}-{picture}.jpg", PEOPLE[i], picture)


def _save(path: Path, person: int, picture: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_jpeg(portrait(person, picture), quality=90))


def _clear(home: Path) -> None:
    """Make room for a new demo, but never delete a gallery that a person made."""
    if home.exists() and any(home.iterdir()):
        if not (home / _MARK).exists():
            held = "a gallery" if is_gallery(home) else "files"
            raise BadInput(
                f"{home} holds {held} that no demo left; give another folder with --home"
            )
        shutil.rmtree(home)
    home.mkdir(parents=True, mode=0o700)
    (home / _MARK).touch()
