"""When somebody is told of whose data is due; nothing is deleted by itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RetentionPolicy:
    """When somebody is told of.

    warn_days: a consent that ends within that many days is told of: time to ask again.
    suspended_days: who is suspended for longer is told of: data that nobody uses is kept for
        nothing (GDPR art. 5(1)(e)).
    """

    warn_days: int = 30
    suspended_days: int = 180
