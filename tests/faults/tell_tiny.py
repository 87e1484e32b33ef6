"""A process to be killed: tells the webhooks of a gallery with tiny models, until its end."""

import sys
import time
from datetime import timedelta
from pathlib import Path

from app.deliveries import Deliveries
from app.log import Log
from enrollment import webhooks
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.service import open_service
from tests import tiny


def main(home: Path) -> None:
    webhooks.LEASE = timedelta(seconds=0.3)  # else who comes after waits for a minute
    settings = Settings(home=home, key=tiny.KEY, key_folder=home.parent, actor="killed")
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    with open_service(settings, capture=capture) as service:
        Deliveries(service, Log(), every=0.01)
        sys.stdout.write("tells\n")
        sys.stdout.flush()
        time.sleep(600)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
