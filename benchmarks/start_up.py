"""How long until Rollcall answers, and what of that is TensorFlow's?

    python -m benchmarks.start_up

The processor's time of whole processes, each against one that imports TensorFlow and ends:
`rollcall --help`, `rollcall people`, and `rollcall identify` of a photo, all on a gallery of twelve
drawn people with the embedded backbone.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figure import Figure, figure, line, write
from benchmarks.load import fill, shot
from enrollment.config import Settings

PART = "start-up"


def seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *command],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(rounds: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(home=folder / "gallery", key="5a" * 32, key_folder=folder / "keys")
        fill(settings, "dlib-resnet", 0)
        (folder / "probe.jpg").write_bytes(shot(1, 2))
        here = ["--home", str(settings.home)]
        cli = ["-m", "app.cli"]
        ways = {
            "rollcall --help": [*cli, "--help"],
            "rollcall people": [*cli, "people", *here],
            "rollcall identify": [*cli, "identify", str(folder / "probe.jpg"), *here],
        }
        environment = {"ROLLCALL_KEY": "5a" * 32}
        found: dict[str, list[float]] = {}
        for _ in range(rounds):
            alone = seconds(["-c", "import tensorflow"], environment)
            for name_of, way in ways.items():
                found.setdefault(name_of, []).append(seconds(way, environment) / alone)
            found.setdefault("import tensorflow", []).append(alone)
    return [
        figure(
            PART, what, rounds_of, "s" if what.startswith("import") else "of importing TensorFlow"
        )
        for what, rounds_of in found.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    figures = measure(arguments.rounds)
    for one in figures:
        print(line(one))
    if arguments.json:
        write(figures, arguments.json)


if __name__ == "__main__":
    main()
