"""`rollcall` with tiny models, slow at the workers: `python -m tests.app.ray_cli enroll ...`."""

import sys

from app import cli
from enrollment import service
from tests.enrollment import ray_eyes
from tests.galleries import TinyPipelines


class Slow(TinyPipelines):
    def opener(self, facts):
        return ray_eyes.slow


if __name__ == "__main__":
    service.PipelinesOf = lambda *_: Slow()
    cli.main(sys.argv[1:])
