"""What the commands say: documents on stdout, everything for people's eyes on stderr."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)


def emit(document: Mapping[str, object]) -> None:
    """One JSON document on one line of stdout, flushed, so that a pipe sees it at once."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    # The names of files hold what they like: 0x9b begins a command to a terminal, as ESC [ does.
    safe = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
    sys.stdout.write(safe + "\n")
    sys.stdout.flush()


def out(text: str = "") -> None:
    """A line for people, on stdout. Control characters in names cannot move the cursor."""
    sys.stdout.write(_harmless(text) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """A line about the work itself, on stderr."""
    sys.stderr.write(_harmless(text) + "\n")
    sys.stderr.flush()


def _harmless(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


class Counter:
    """Counts work as it is done: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, bar: Progress, label: str, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task(label, total=total)
        self._label, self._total, self._done = label, total, 0

    def __call__(self, step: int = 1) -> None:
        before, self._done = self._done, self._done + step
        self._bar.advance(self._task, step)
        every = max(self._total // 10, 25)
        if self._bar.disable and self._done // every > before // every:
            note(f"{self._label}: {self._done} of {self._total}")

    def one(self) -> None:
        self(1)


@contextmanager
def counting(label: str, total: int) -> Iterator[Counter]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not sys.stderr.isatty()
    ) as bar:
        yield Counter(bar, label, total)


@contextmanager
def stages() -> Iterator[Callable[[str, float], None]]:
    """Told of a stage and the share of it that is done: a bar each, or a line each elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:

        def tick(stage: str, share: float) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=1.0)
                if bar.disable:
                    note(stage)
            bar.update(tasks[stage], completed=share)

        yield tick


class DownloadBar:
    """Told of bytes done and in all; draws a bar on a terminal, a line every 10 % elsewhere."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._tenth = -1

    def __call__(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            if self._bar is None:
                columns = (TextColumn("weights"), BarColumn(), DownloadColumn())
                self._bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
                self._bar.start()
                self._bar.add_task("weights", total=total or None)
            self._bar.update(self._bar.task_ids[0], completed=done, total=total or None)
            if done == total:
                self._bar.stop()
        elif total and done * 10 // total > self._tenth:
            self._tenth = done * 10 // total
            note(f"weights: {done / 1e6:.0f} of {total / 1e6:.0f} MB")
