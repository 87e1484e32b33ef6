"""How the threshold went: every operating point that was kept, as numbers and as a picture."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from enrollment.calibration import OperatingPoint
from enrollment.errors import BadInput

Points = Sequence[tuple[datetime, OperatingPoint]]
_KEYS = (
    "threshold", "measured_threshold", "max_fpir", "measured_fpir", "fpir_upper_95", "fnir",
    "subjects", "promise", "score",
)  # fmt: skip
_SUFFIXES = (".svg", ".png", ".pdf")


def history_document(points: Points) -> dict[str, object]:
    """For the doors, oldest first."""
    entries = []
    for at, point in points:
        document = point.as_document()
        when = at.astimezone(UTC).isoformat(timespec="seconds")
        entries.append({"at": when, **{key: document[key] for key in _KEYS}})
    return {"operating_points": entries}


def draw_history(points: Points, file: Path) -> None:
    """Above the threshold and what was measured, below the rate that the threshold gave.

    Scores that are made otherwise have other thresholds, so only the points with the scores of the
    newest are drawn.

    Raises:
        BadInput: nothing was kept yet, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    if file.suffix not in _SUFFIXES:
        raise BadInput(f"{file} is no picture's name; it ends with {', '.join(_SUFFIXES)}")
    if not points:
        raise BadInput("no operating point was kept yet; run: rollcall calibrate")
    drawn = [(at, point) for at, point in points if point.score == points[-1][1].score]
    times = [at for at, _ in drawn]
    figure = Figure(figsize=(8, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    above.step(times, [p.threshold for _, p in drawn], where="post", label="serves")
    above.plot(
        times, [p.measured_threshold or p.threshold for _, p in drawn], ".", label="measured"
    )
    above.set_ylabel("threshold (score)")
    above.legend()
    rates = [(at, p) for at, p in drawn if p.measured_fpir is not None]
    below.step(
        [at for at, _ in rates], [100 * (p.measured_fpir or 0) for _, p in rates], where="post",
        label="named, as measured",
    )  # fmt: skip
    below.step(times, [100 * p.max_fpir for _, p in drawn], "--", where="post", label="asked")
    below.set_ylabel("strangers, %")
    below.set_ylim(bottom=0)
    below.legend()
    below.tick_params(axis="x", rotation=30)
    try:
        figure.savefig(file)
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror or error}") from error
