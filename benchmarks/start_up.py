"""How long until Rollcall answers, in how much memory, and what of that is TensorFlow's?

    python -m benchmarks.start_up

The processor's time and the most memory of whole processes, each against one that imports
TensorFlow and ends:
`rollcall --help`, `rollcall people`, and `rollcall identify` of a photo, all on a gallery of twelve
drawn people with the embedded backbone.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

from benchmarks.figure import Figure, figure, line, write
from benchmarks.load import fill, shot
from enrollment.config import Settings

PART = "start-up"


def cost(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of the processor, MB of memory at most."""
    null = os.open(os.devnull, os.O_RDWR)
    quiet = [(os.POSIX_SPAWN_DUP2, null, stream) for stream in (1, 2)]
    words = [sys.executable, *command]
    process = os.posix_spawn(sys.executable, words, os.environ | environment, file_actions=quiet)
    os.close(null)
    _, status, used = os.wait4(process, 0)
    if status:
        sys.exit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def measure(rounds: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(home=folder / "gallery", key="5a" * 32, key_folder=folder / "keys")
        # Elsewhere: what this process once held, Linux counts as its children's most memory.
        filling = get_context("spawn").Process(target=fill, args=(settings, "dlib-resnet", 0))
        filling.start()
        filling.join()
        (folder / "probe.jpg").write_bytes(shot(1, 2))
        here = ["--home", str(settings.home)]
        cli = ["-m", "app.cli"]
        ways = {
            "rollcall --help": [*cli, "--help"],
            "rollcall people": [*cli, "people", *here],
            "rollcall identify": [*cli, "identify", str(folder / "probe.jpg"), *here],
        }
        environment = {"ROLLCALL_KEY": "5a" * 32}
        found: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds):
            alone, held = cost(["-c", "import tensorflow"], environment)
            for what, way in ways.items():
                took, most = cost(way, environment)
                found.setdefault((what, "of importing TensorFlow"), []).append(took / alone)
                memory = f"{what}: memory at most"
                found.setdefault((memory, "of TensorFlow's, imported"), []).append(most / held)
            found.setdefault(("import tensorflow", "s"), []).append(alone)
            found.setdefault(("import tensorflow: memory at most", "MB"), []).append(held)
    return [figure(PART, what, of, unit) for (what, unit), of in found.items()]


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
