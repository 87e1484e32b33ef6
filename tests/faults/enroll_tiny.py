"""A process to be killed: enrolls the people in a folder with tiny models, says each one's name."""

import sys
from pathlib import Path

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.intake import gather
from enrollment.opening import facts_of, is_gallery, write_gallery
from enrollment.service import open_service
from tests import tiny
from tests.conftest import KEY


def main(home: Path, photos: Path) -> None:
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    settings = Settings(home=home, key=KEY, actor="killed")
    if not is_gallery(home):
        write_gallery(settings, facts_of(capture, "", "required"))
    with open_service(settings, capture=capture) as service:
        for report in service.enroll(gather([photos]), "yes"):
            sys.stdout.write(f"{report.name}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
