"""A process to be killed: enrolls the people in a folder with tiny models, says each one's name."""

import sys
from collections.abc import Callable
from pathlib import Path

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.intake import gather
from enrollment.opening import facts_of, is_gallery, write_gallery
from enrollment.service import open_service
from tests import tiny

BEGINS = "begins"


def main(home: Path, photos: Path, say: Callable[[str], None]) -> None:
    """Says BEGINS before anything is written, then everybody who is enrolled."""
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    settings = Settings(home=home, key=tiny.KEY, key_folder=home.parent, actor="killed")
    say(BEGINS)
    if not is_gallery(home):
        write_gallery(settings, facts_of(capture, "", "required"))
    with open_service(settings, capture=capture) as service:
        for report in service.enroll(gather([photos]), "yes"):
            say(report.name)


def _print_and_wait(line: str) -> None:
    """Goes on when it is told to, so that whoever kills it knows how far it can be."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), _print_and_wait)
