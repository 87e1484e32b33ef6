"""When somebody is told of whose data is due; nothing is deleted by itself."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class RetentionPolicy:
    """When somebody is told of.

    warn_days: a consent that ends within that many days is told of: time to ask again.
    suspended_days: who is suspended for longer is told of: whoever leaves is suspended on their
        last day, and data that nobody uses is kept for nothing (GDPR art. 5(1)(e)).
    idle_days: who was not enrolled, photographed or asked for consent for longer is told of; None:
        nobody. Three years after the last interaction is the most that 740 ILCS 14/15(a) allows.
    purpose_ends: the last day of what all this is for; from the next day on everybody is told of.
        None: it goes on.
    """

    warn_days: int = 30
    suspended_days: int = 180
    idle_days: int | None = 3 * 365
    purpose_ends: date | None = None
