"""Has every day its night, and none two? Two servers, a clock that is set, sleep, kills.

    python -m benchmarks.simulated_nights --days 10000
    python -m benchmarks.simulated_nights --days 100 --seed 17      one history again

Each seed is a hundred days of two servers on one gallery (tests/faults/simulated_nights.py): the
clock is set by up to 26 hours, the machine sleeps for up to three days, servers end and start, and
nights are killed. A day must have its night where a server was there for three hours after its
time and no later day has had its own. The host keeps Berlin's time, so that a schedule by local
time would show in spring and autumn. Prints counts and the 95 % bound of the failure rate.
"""

import argparse
import contextlib
import io
import os
import sys
import time
from collections import Counter
from pathlib import Path

from scipy.stats import binomtest

from tests.faults.boundaries import workplace
from tests.faults.operations import PEOPLE
from tests.faults.place import Place
from tests.faults.simulated_nights import World
from tests.faults.writers import add, empty_place

_A_HISTORY = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    started, days, must, nights = time.monotonic(), 0, 0, 0
    faults, wrong, seed = Counter[str](), list[str](), arguments.seed
    try:
        while days < arguments.days:
            with workplace() as folder, contextlib.redirect_stderr(io.StringIO()):
                place = with_people(Path(folder))
                history = World(place, seed).run(min(_A_HISTORY, arguments.days - days))
            days, must, nights = (
                days + history.days,
                must + len(history.must),
                nights + len(history.nights),
            )
            faults += history.faults
            wrong += [f"seed {seed}, {what}" for what in history.wrong]
            seed += 1
            if seed % 10 == 0:
                print(f"  {days} days, {time.monotonic() - started:.0f} s", flush=True)
    except KeyboardInterrupt:
        print("broken off")
    for what in wrong[:20]:
        print(f"WRONG {what}")
    befell = ", ".join(f"{n} times {what}" for what, n in sorted(faults.items()))
    bound = binomtest(len(wrong), max(days, 1)).proportion_ci(0.95, method="exact").high
    print(f"{days} days, {must} that must have a night, {nights} nights; {befell}")
    print(f"{len(wrong)} days with none or two (95 % bound {bound:.3%})")
    sys.exit(len(wrong) > 0)


def with_people(folder: Path) -> Place:
    place = empty_place(folder)
    with place.service() as service:
        for number, name in enumerate(PEOPLE):
            add(service, name, number)
    return place


if __name__ == "__main__":
    main()
