"""A disk that is really full: a gallery on a small tmpfs, filled until it refuses.

    unshare -rm python -m tests.faults.full_disk FOLDER

FOLDER becomes the disk. Prints what happened as JSON; raises AssertionError where something that
was acknowledged is lost, or something is said that is not so.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from enrollment.enroller import allow_collision
from enrollment.errors import RollcallError
from enrollment.opening import facts_of, write_gallery
from enrollment.photo import photo_bytes
from enrollment.service import Service, open_service
from store.errors import StoreError
from tests import tiny
from tests.faults.place import Place, capture, person
from tests.faults.soundness import look

SIZE, ROOMY = "4m", "64m"
MOST = 500  # people who fill it for certain


def main(disk: Path) -> None:
    _mount(f"size={SIZE}", disk)
    place = Place(disk)
    write_gallery(place.settings, facts_of(capture(), "for tests", "required"))
    told: dict[str, object] = {}
    with open_service(place.settings, capture=capture()) as service:
        names, told["enroll"] = _filled(service)
        _fill_up(disk)
        told["backup"] = _refused(service.backups.make)
        told["erase"] = _refused(lambda: service.erase(names[0]))
        assert _names_somebody(service, 1, names), "who is enrolled is still told of"
    # Nothing may be half there, and a fresh opening still answers.
    with open_service(place.settings, capture=capture()) as service:
        left = {*_people(service)}
        assert left in ({*names}, {*names[1:]}), "what was acknowledged is there"
        assert _names_somebody(service, 1, names)
    (disk / "filler").unlink()
    _mount(f"remount,size={ROOMY}", disk)
    with open_service(place.settings, capture=capture()) as service:
        if names[0] in left:
            service.erase(names[0])
        (report,) = service.enroll([person("Late", MOST + 1)], "agreed", allow_collision)
        assert report.enrolled, "with room it goes on"
        service.backups.make()
    found = look(place)
    assert found is not None
    assert set(found.people) == {*names[1:], "Late"}
    sys.stdout.write(json.dumps({"people": len(names), **told}))


def _filled(service: Service) -> tuple[list[str], str]:
    """Enroll until it is refused; who was acknowledged, and what was said then."""
    names: list[str] = []
    try:
        for number in range(MOST):
            (report,) = service.enroll([person(f"P{number}", number)], "agreed", allow_collision)
            assert report.enrolled, report
            names.append(report.name)
    except (StoreError, RollcallError) as error:
        assert _people(service) == names, "and nobody else"
        return names, str(error)
    raise AssertionError("it never got full")


def _fill_up(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(512)):
                pass
        except OSError:
            return


def _people(service: Service) -> list[str]:
    """Without writing down that somebody looked, for which there is no room."""
    return [subject.name for subject in service._gallery.subjects().values()]


def _refused(act: Callable[[], object]) -> str:
    """What is said; "done" where there was room."""
    try:
        act()
    except (StoreError, RollcallError) as error:
        return str(error)
    return "done"


def _names_somebody(service: Service, number: int, names: list[str]) -> bool:
    probe = photo_bytes("probe.png", tiny.png(tiny.picture((number, 9))))
    return [answer.name for answer in service.identify(probe)] == [names[number]]


def _mount(options: str, disk: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
