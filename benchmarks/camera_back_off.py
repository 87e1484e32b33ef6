"""What a camera's back-off costs at a door, and what it costs an attacker.

python -m benchmarks.camera_back_off

Doors are made up: people come at random (Poisson), a share of them is enrolled and always
recognised, in whatever order; a visitor walks on, an enrolled person waits. Eight hours a day.
"""

import heapq
import random
import sys
from dataclasses import dataclass, field

from enrollment.camera_budget import CameraBackOff, CameraBudget

DAY = 8 * 3600.0
DAYS = 20
PASSAGE = 2.0  # s: the least that one takes
STAYS = 5.0  # s that a visitor is before the camera


@dataclass
class Door:
    """What happened in all. stops: days on which 50 in a row were unknown."""

    people: int = 0
    waits: list[float] = field(default_factory=list)  # of the enrolled, in seconds
    pauses: int = 0
    stops: int = 0

    def day(self, share: float, every: float, rng: random.Random) -> None:
        now, row, stopped = 0.0, 0, False
        budget = CameraBudget(clock=lambda: now)
        coming: list[tuple[float, float, bool]] = []  # when looked at, when they came, enrolled
        at = rng.expovariate(1 / every)
        while at < DAY:
            coming.append((at, at, rng.random() < share))
            at += rng.expovariate(1 / every)
        self.people += len(coming)
        heapq.heapify(coming)
        while coming:
            now, came, enrolled = heapq.heappop(coming)
            wait = budget.wait()
            if wait and (enrolled or wait + now - came <= STAYS):
                heapq.heappush(coming, (now + wait + 0.001, came, enrolled))
            elif not wait:
                budget.count("known" if enrolled else "unknown")
                self.pauses += budget.wait() > 0
                row = 0 if enrolled else row + 1
                stopped |= row >= 50
                if enrolled:
                    self.waits.append(now - came)
        self.stops += stopped


def attacker(back_off: CameraBackOff | None, rests_at: int | None) -> int:
    """Decisions a day of 24 hours. rests_at: after so many the row is left to end by itself."""
    now, told, free = 0.0, 0, 0
    budget = CameraBudget(back_off or CameraBackOff(free=10**9), clock=lambda: now)
    while now < 24 * 3600:
        now += budget.wait() + PASSAGE
        budget.count("unknown")
        told, free = told + 1, free + 1
        if rests_at == free and back_off is not None:
            now, free = now + back_off.within + 1, 0
    return told


def main() -> None:
    rng = random.Random(1)
    say = sys.stdout.write
    say("enrolled  every   people  met a pause  longest  pauses  days with 50 unknown\n")
    say("            (s)  (a day)  (of enrolled)     (s)  (a day)         in a row (%)\n")
    for share in (0.5, 0.3, 0.2, 0.1, 0.05, 0.02):
        for every in (60.0, 10.0):
            door = Door()
            for _ in range(DAYS):
                door.day(share, every, rng)
            met = sum(wait > 0 for wait in door.waits) / max(len(door.waits), 1)
            say(
                f"{share:7.0%} {every:7.0f} {door.people // DAYS:8d} {met:13.2%} "
                f"{max(door.waits, default=0):8.0f} {door.pauses // DAYS:7d} "
                f"{door.stops / DAYS:20.0%}\n"
            )
    free = CameraBackOff().free
    say(f"attacker, decisions a day: without {attacker(None, None)}, ")
    say(f"with {attacker(CameraBackOff(), None)}, ")
    say(f"resting in time {attacker(CameraBackOff(), free - 1)}\n")


if __name__ == "__main__":
    main()
