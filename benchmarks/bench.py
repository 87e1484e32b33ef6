"""Ours, the peers and the machine's limits side by side in one run: `make bench`.

    python -m benchmarks.bench                    the table and the picture, in bench/
    python -m benchmarks.bench --only embedding bulk
    python -m benchmarks.bench --quick            smaller galleries, fewer rounds

Each part is a benchmark of its own, run in a process of its own; what one of them cannot measure
here (a package that is absent) is named and left out. It can be interrupted: what was measured by
then is written, and `--only` goes on with the rest.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, figure, read, write

ROUNDS = ["--rounds", "2"]
# part: (module, further arguments, further arguments of a quick run)
PARTS: dict[str, tuple[str, list[str], list[str]]] = {
    "embedding": ("embedding", [], [*ROUNDS, "--threads", "1"]),
    "photo": ("whole_photo", [], [*ROUNDS, "--people", "300"]),
    "bulk": ("bulk_folder", [], ["--rounds", "1", "--people", "4"]),
    "head": ("head_training", [], [*ROUNDS, "--subjects", "100"]),
    "night": ("night_cost", [], ["--repeats", "1", "--people", "300"]),
    "live": ("live", [], ["--seconds", "5", "--no-browser"]),
    "start": ("start_up", [], ["--rounds", "1"]),
    "search": ("index_ladder", ["--sizes", "10000x4096", "100000x512"], ["--quick"]),
    "gallery": ("million", ["--templates", "100000", "--people", "33000"], ["--quick"]),
}
ON_STAND_IN = ("embedding", "photo", "bulk")


def run(part: str, folder: Path, weights: Path, quick: bool) -> list[Figure]:
    module, usual, fewer = PARTS[part]
    out = folder / f"{part}.json"
    command = [sys.executable, "-m", f"benchmarks.{module}", "--json", str(out)]
    command += fewer if quick else usual
    if part in ON_STAND_IN:
        command += ["--weights", str(weights)]
    began = time.monotonic()
    print(f"-- {part}: {' '.join(command[2:])}", flush=True)
    done = subprocess.run(command, check=False)
    print(f"-- {part}: {time.monotonic() - began:.0f} s\n", flush=True)
    if not out.exists():
        print(f"{part}: not measured (it ended with {done.returncode})", flush=True)
        return []
    if part == "search":
        return of_ladder(json.loads(out.read_text("utf-8")))
    return of_gallery(json.loads(out.read_text("utf-8"))) if part == "gallery" else read(out)


def of_ladder(lines: Sequence[dict[str, Any]]) -> list[Figure]:
    """What `benchmarks.index_ladder` writes: medians, a line for each way and size."""
    found = []
    for one in lines:
        what = f"{one['way']}, {one['templates']:,} x {one['dimension']}"
        ours = one["way"].startswith("ours")
        note = f"{one['megabytes']:.0f} MB, right in {one['recall']:.2%}"
        found.append(
            figure(
                "search",
                f"{what}: one query",
                [one["of_flat"]],
                "of FAISS flat's time",
                at_most=0.5 if "screened" in one["way"] else None,
                note=note,
            )
        )
        found.append(
            figure(
                "search",
                f"{what}: bytes read",
                [one["of_bandwidth"]],
                "of bandwidth",
                at_least=0.65 if ours else None,
            )
        )
        found.append(figure("search", f"{what}: 16 at once", [one["batch_gain"]],
                            "times FAISS's default", at_least=4 if ours else None))  # fmt: skip
    return found


def of_gallery(of: dict[str, dict[str, float]]) -> list[Figure]:
    """What `benchmarks.million` writes, against one VGG-Face forward."""
    forward = of["one VGG-Face forward, one core"]["cpu_s"] * 1000
    size = f"{of['size']['templates']:,.0f} templates"
    goals = {"enroll to known to the search": 1 / 20, "erase, all files clean": 1 / 5}
    return [
        figure("gallery", f"{what}, {size}", [of[what]["cpu_p50_ms"] / forward],
               "of a VGG-Face forward", at_most=goals.get(what))
        for what in ("identify, mated", "enroll to known to the search", "rename",
                     "erase, all files clean")
        if what in of
    ]  # fmt: skip


def table(figures: Sequence[Figure], machine: str) -> str:
    lines = [
        f"# What `make bench` measured\n\n{machine}\n",
        "| part | what | measured | rounds | goal | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in figures:
        goal = "" if one.met is None else _goal(one)
        verdict = {True: "met", False: "**missed**", None: ""}[one.met]
        spread = f"{one.low:.3g} to {one.high:.3g}, n = {one.n}" if one.n > 1 else "median"
        note = f" ({one.note})" if one.note else ""
        lines.append(
            f"| {one.part} | {one.what}{note} | {one.value:.3g} {one.unit} | {spread} | {goal} "
            f"| {verdict} |"
        )
    return "\n".join(lines) + "\n"


def _goal(one: Figure) -> str:
    return f">= {one.at_least:g}" if one.at_least is not None else f"<= {one.at_most:g}"


def picture(figures: Sequence[Figure], path: Path) -> None:
    """Each figure that has a goal, as a share of it: right of the line is better."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    judged = [one for one in figures if one.met is not None and one.value > 0][::-1]
    shares = [
        one.value / one.at_least if one.at_least else (one.at_most or 0) / one.value
        for one in judged
    ]
    shown, axes = pyplot.subplots(figsize=(10, 1 + 0.3 * len(judged)))
    colours = ["#2a7f62" if one.met else "#b4542d" for one in judged]
    rows = range(len(judged))
    axes.barh(rows, shares, color=colours)
    axes.set_yticks(rows, [f"{one.part}: {one.what}" for one in judged])
    axes.margins(y=0.01)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("measured against the goal (1: met; further right: better)")
    for row, one, share in zip(rows, judged, shares, strict=True):
        axes.text(share, row, f" {one.value:.3g} {one.unit}", va="center", fontsize=7)
    axes.tick_params(labelsize=7)
    shown.tight_layout()
    shown.savefig(path)
    pyplot.close(shown)


def machine() -> str:
    model = platform.processor() or platform.machine()
    for text in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if text.startswith("model name"):
            model = text.partition(":")[2].strip()
            break
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} x {model}, Python "
        f"{platform.python_version()}; load of the machine before {os.getloadavg()[0]:.1f}. No GPU "
        "was at hand: nothing was measured on one."
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), default=list(PARTS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path("bench"))
    parser.add_argument("--weights", type=Path, help="a folder with VGG-Face's weights")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    said, file = machine(), arguments.folder / "bench.json"
    figures = read(file) if file.exists() else []
    with tempfile.TemporaryDirectory() as name:
        weights = arguments.weights
        if weights is None and set(arguments.only) & set(ON_STAND_IN):
            print("-- VGG-Face with random weights (580 MB)", flush=True)
            make = "from benchmarks.stand_in import stand_in_weights as s; from pathlib import Path"
            subprocess.run([sys.executable, "-c", f"{make}; s(Path({name!r}))"], check=True)
            weights = Path(name)
        try:
            for part in arguments.only:
                found = run(part, Path(name), weights or Path(name), arguments.quick)
                parts = {one.part for one in found}
                figures = [one for one in figures if one.part not in parts] + found
                write(figures, file)
        except KeyboardInterrupt:
            print("\nbroken off; what was measured is written", file=sys.stderr)
    (arguments.folder / "bench.md").write_text(table(figures, said), "utf-8")
    picture(figures, arguments.folder / "bench.svg")
    missed = sum(one.met is False for one in figures)
    met = sum(one.met is True for one in figures)
    print(f"{met} goals met, {missed} missed: {arguments.folder / 'bench.md'}, bench.svg")


if __name__ == "__main__":
    main()
