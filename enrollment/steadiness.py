"""A threshold that does not twitch: a moving one flips more people than a changing head.

What is measured after every change scatters, so the threshold in force stays while what it gives
is near what was asked, and else goes towards what was measured, by a bounded step a day. A rate of
strangers is a distance here: by `OperatingPoint.scale` a threshold falls, e times more are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from enrollment.calibration import OperatingPoint, Trials, counted_at, stored_point
from store.records import StoredOperatingPoint

# Natural logarithms of a rate. What comes of them: `python -m benchmarks.stream`, where 0.04 % of
# the known become unknown on a night as served (dlib-resnet; 0.47 % on the worst); and its FPIRs.
_STAYS_WITHIN = 0.2
_STEP = 0.05
_TOO_MANY = 2.0


@dataclass(frozen=True)
class Before:
    """current: the operating point in force; reference: the one that was when the day began."""

    current: OperatingPoint
    reference: OperatingPoint | None


def before(points: Sequence[StoredOperatingPoint], now: datetime) -> Before | None:
    """What was in force, from the stored operating points, oldest first."""
    if not points:
        return None
    today = now.astimezone(UTC).date()
    earlier = [p for p in points if p.created_at.astimezone(UTC).date() < today]
    return Before(
        stored_point(points[-1].details), stored_point(earlier[-1].details) if earlier else None
    )


def steady_threshold(measured: OperatingPoint, last: Before | None) -> float:
    """The threshold to serve with, which goes to the measured one steadily.

    There at once when another rate is asked for, when scores are made otherwise, when another head
    serves or another promise can be made, and on a gallery's first day. A gallery that grows or
    shrinks may move the threshold by as much as that alone explains, beside the step.
    """
    if last is None or last.reference is None or measured.scale <= 0:
        return measured.threshold
    if not (last.current.subjects and last.reference.subjects):
        return measured.threshold
    if not (_comparable(measured, last.current) and _comparable(measured, last.reference)):
        return measured.threshold
    away = measured.threshold - last.current.threshold
    stays = _STAYS_WITHIN * measured.scale
    if abs(away) <= stays:
        return last.current.threshold
    grown = abs(np.log(max(measured.subjects, 1) / max(last.reference.subjects, 1)))
    step = (_STEP + float(grown)) * measured.scale
    wanted = last.current.threshold + away - np.sign(away) * stays
    low, high = last.reference.threshold - step, last.reference.threshold + step
    return float(np.clip(wanted, low, high))


def steadied(measured: OperatingPoint, threshold: float, trials: Trials) -> OperatingPoint:
    """What was measured, at the threshold that goes there steadily; or at its own.

    Nobody waits for a step where twice as many strangers are named as was asked for.
    """
    if threshold == measured.threshold:
        return measured
    point = counted_at(threshold, measured, trials)
    too_many = (point.measured_fpir or 0.0) > _TOO_MANY * measured.max_fpir
    return measured if too_many and threshold < measured.threshold else point


def _comparable(one: OperatingPoint, other: OperatingPoint) -> bool:
    return all(
        getattr(one, what) == getattr(other, what)
        for what in ("max_fpir", "score", "head", "promise")
    )
