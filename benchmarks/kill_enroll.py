"""kill -9 at a random moment of `rollcall enroll` of 50 people, again and again.

    python -m benchmarks.kill_enroll --kills 50

A kill comes after a random number of people and up to 0.3 s more. Afterwards everybody whose line
was printed is there, nobody is there with fewer photos than a whole run keeps, index, file and
audit are sound, and the same command finishes the rest. Prints counts and the 95 % bound of the
failure rate.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scipy.stats import binomtest

from benchmarks.split import retail_backbone, split, yunet
from enrollment.config import Settings
from enrollment.service import open_service

PEOPLE = 50
KEY = "00" * 32
PHOTOS = 2


class Trial:
    """One gallery, one kill."""

    def __init__(self, home: Path, photos: Path) -> None:
        self.home, self.photos = home, photos

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "app.cli", *arguments, "--home", str(self.home)]

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "ROLLCALL_DETECTOR": yunet(),
            "ROLLCALL_KEY": KEY,
            "ROLLCALL_KEY_FOLDER": str(self.keys),
        }

    @property
    def keys(self) -> Path:
        """Where the trail of this gallery alone is anchored: others are copies of it."""
        return self.home.with_name(f"{self.home.name}-keys")

    def enroll(self) -> list[str]:
        return self.command(
            "enroll", str(self.photos), "--consent", "yes", "--on-collision", "allow"
        )

    def killed_at(self, people: int, delay: float) -> list[str]:
        """Kill after so many people were acknowledged and `delay` s more; everybody who was."""
        process = subprocess.Popen(
            self.enroll(),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        lines: list[str] = []
        while len(lines) < people and (line := process.stdout.readline()):
            if "photos kept" in line:
                lines.append(line)
        time.sleep(delay)
        process.kill()
        lines += [line for line in process.stdout.read().splitlines() if "photos kept" in line]
        process.wait()
        return [line.split(":")[0] for line in lines if ": 0 of" not in line]

    def look(self) -> tuple[dict[str, int], bool]:
        """Templates by name, and whether index, file and audit are sound."""
        with open_service(Settings(home=self.home, key=KEY, key_folder=self.keys)) as service:
            people = service.people()
            assert len({s.name for s in people}) == len(people), "somebody is there twice"
            assert all(service.consents(s.subject_id) for s in people), "no consent"
            return {s.name: s.templates for s in people}, service.verify_gallery().sound

    def run(self, people: int, delay: float, whole: dict[str, int]) -> tuple[int, int, list[str]]:
        """People acknowledged, people present after the kill, and what is wrong."""
        wrong = []
        acknowledged = self.killed_at(people, delay)
        there, sound = self.look()
        lost = set(acknowledged) - set(there)
        half = {name: n for name, n in there.items() if n != whole.get(name)}
        if lost:
            wrong.append(f"lost: {sorted(lost)}")
        if half:
            wrong.append(f"half there: {half}")
        if not sound:
            wrong.append("not sound")
        subprocess.run(
            self.enroll(),
            env=self.environment(),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        after, sound = self.look()
        if not sound or after != whole:
            wrong.append(f"not finished: {len(after)} people")
        return len(acknowledged), len(there), wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos, _ = split(folder / "split", PHOTOS, PEOPLE)
        empty = Trial(folder / "empty", photos)
        command = empty.command("init", "--backbone", retail_backbone(folder))
        subprocess.run(command, env=empty.environment(), check=True, stdout=subprocess.DEVNULL)
        shutil.copytree(empty.home, folder / "whole")
        complete = Trial(folder / "whole", photos)
        subprocess.run(
            complete.enroll(), env=complete.environment(), check=True, stdout=subprocess.DEVNULL
        )
        whole, _ = complete.look()
        print(f"a whole run enrolls {len(whole)} of {PEOPLE} people", flush=True)
        for i in range(arguments.kills):
            home = folder / f"g{i}"
            shutil.copytree(empty.home, home)
            people, delay = moments.randrange(PEOPLE), moments.uniform(0, 0.3)
            acknowledged, there, wrong = Trial(home, photos).run(people, delay, whole)
            failures += bool(wrong)
            print(
                f"{i + 1:3}: {acknowledged:2} acknowledged, {there:2} there"
                f"{'; '.join(['', *wrong])}",
                flush=True,
            )
            shutil.rmtree(home)
    bound = binomtest(failures, arguments.kills).proportion_ci(0.95, method="exact").high
    print(f"{arguments.kills} kills, {failures} with anything wrong (95 % bound {bound:.1%})")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
