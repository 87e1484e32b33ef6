"""The report of a compressed backbone: what it saves and what it costs, beside its parent."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrollment.compression_measure import Measured
from enrollment.report_page import Inside, facts, joined, page, section, small, table, tag
from models.compressed_file import Compressed

UNTRAINED = (
    "These weights are not those of a trained network: every bias of a layer is the same. Size and "
    "speed hold for any weights; cosines and accuracy say nothing about VGG-Face."
)
DRAWN = (
    "No photos were given: what is compared are 8 drawn faces. Give --photos to measure on real "
    "ones before anybody is recognised with this."
)
IN_BYTES_ALONE = "It saves room, not time: the convolutions are nearly all of the work."
_FASTER = 0.9  # of the parent's time: below it, it saves time


@dataclass(frozen=True)
class CompressionReport:
    """Both sides of one run. drawn: no photos were given. untrained: see `look_untrained`."""

    folder: Path
    says: Compressed
    parent: Measured
    compressed: Measured
    drawn: bool
    untrained: bool

    @property
    def golden_cosine(self) -> tuple[float, float]:
        """Median and lowest, to the parent's embeddings of the golden images."""
        return _cosine(self.parent.golden, self.compressed.golden)

    @property
    def warnings(self) -> list[str]:
        found = [UNTRAINED] if self.untrained else []
        found += [DRAWN] if self.drawn else []
        slow = self.compressed.together > _FASTER * self.parent.together
        return found + ([IN_BYTES_ALONE] if slow else [])

    def as_document(self) -> dict[str, object]:
        """Bytes, milliseconds, cosines; accuracy as `evaluate --json`."""
        sides = self.parent, self.compressed
        cosine = _cosine(self.parent.rows, self.compressed.rows)
        return {
            "folder": str(self.folder),
            "backbone": f"compressed:{self.folder / 'backbone.toml'}",
            "method": self.says.method,
            "keep": self.says.keep,
            "layers": list(self.says.layers),
            "sha256": self.says.sha256,
            "parent_sha256": self.says.parent_sha256,
            "parent": _side(self.parent),
            "compressed": _side(self.compressed),
            "ratio": {
                "file": sides[1].file_size / sides[0].file_size,
                "resident": sides[1].resident / sides[0].resident,
                "cpu_ms_alone": sides[1].alone / sides[0].alone,
                "cpu_ms_batch": sides[1].together / sides[0].together,
            },
            "cosine": {
                "n": len(self.parent.rows),
                "of": "drawn faces" if self.drawn else "faces in photos",
                "median": cosine[0],
                "lowest": cosine[1],
                "golden_median": self.golden_cosine[0],
                "golden_lowest": self.golden_cosine[1],
            },
            "untrained_weights": self.untrained,
            "warnings": self.warnings,
        }


def rows_of(report: CompressionReport) -> list[tuple[str, str, str, str]]:
    """(measure, definition, parent, compressed), for the terminal and the page."""
    sides = report.parent, report.compressed
    median, lowest = _cosine(report.parent.rows, report.compressed.rows)
    n = len(report.parent.rows)
    rows = [
        _row("file, MB", "", [f"{s.file_size / 1e6:.0f}" for s in sides]),
        _row(
            "memory, MB",
            "of a process that has embedded, with Python and TensorFlow in it",
            [f"{s.resident / 1e6:.0f}" for s in sides],
        ),
        _row("most memory, MB", "opening included", [f"{s.peak / 1e6:.0f}" for s in sides]),
        _row("ms of CPU a face", "one by one", [f"{s.alone:.0f}" for s in sides]),
        _row("ms in batches", "of 8 faces", [f"{s.together:.0f}" for s in sides]),
        _row("cosine to parent", f"median of {n} faces", ["1", f"{median:.5f}"]),
        _row("lowest cosine", f"of {n} faces", ["1", f"{lowest:.5f}"]),
    ]
    accuracies = [s.accuracy for s in sides]
    for label, key, about in (
        ("right person best", "rank1", "rank-1"),
        ("found", "tpir", "at a threshold that was to name 1 % of strangers"),
        ("strangers named", "fpir", "at that threshold"),
    ):
        if None not in accuracies:
            count = "n_nonmated" if key == "fpir" else "n_mated"
            cells = [_rate(a, key, count) for a in accuracies if a is not None]
            rows.append(_row(label, about, cells))
    return rows


def page_of(report: CompressionReport) -> str:
    """One page that stands alone."""
    title = f"{report.says.name}, beside {report.says.parent}"

    def row(name: str, definition: str, *cells: str) -> Sequence[Inside]:
        return [joined(tag("span", name), small(definition)), *cells]

    known = [
        ("Method", report.says.method),
        ("Share kept", f"{report.says.keep:g}"),
        ("Forms of fc6 and fc7", ", ".join(report.says.layers)),
        ("sha256", report.says.sha256),
        ("Made from sha256", report.says.parent_sha256),
        ("Fingerprint", report.compressed.fingerprint),
    ]
    heads = ["Measure", report.parent.name, report.compressed.name]
    sides = table("Both", heads, [row(*r) for r in rows_of(report)], class_="pairs")
    inside = (
        *(tag("p", warning, class_="note") for warning in report.warnings),
        section("sides", "Measured in one run, each in a process of its own", sides),
        section("run", "What it is", facts(known, "facts")),
    )
    return page(f"Rollcall: {title}", tag("h1", title), inside)


def _row(name: str, definition: str, cells: Sequence[str]) -> tuple[str, str, str, str]:
    parent, compressed = cells
    return name, definition, parent, compressed


def _side(side: Measured) -> dict[str, object]:
    return {
        "name": side.name,
        "fingerprint": side.fingerprint,
        "file_bytes": side.file_size,
        "resident_bytes": side.resident,
        "peak_bytes": side.peak,
        "cpu_ms_alone": side.alone,
        "cpu_ms_batch": side.together,
        "accuracy": side.accuracy,
    }


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float]:
    cosines = (one.astype(np.float64) * other).sum(axis=1)
    return float(np.median(cosines)), float(cosines.min())


def _rate(accuracy: dict[str, object], key: str, count: str) -> str:
    value, interval, n = accuracy[key], accuracy[f"{key}_interval_95"], accuracy[count]
    if not isinstance(value, float) or not isinstance(interval, list):
        return "not measured"
    return f"{value:.1%} ({interval[0]:.1%} to {interval[1]:.1%}, n = {n})"
