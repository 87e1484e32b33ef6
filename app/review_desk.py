"""What one visitor has in front of them on the review page, kept between two runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from enrollment.review import ReviewReport
from enrollment.review_cluster import Cluster

FACES_AT_ONCE = 12
_KEY = "review-desk"


@dataclass(frozen=True)
class Outcome:
    """What came of the last act. undo: faces in whose case a no can be taken back."""

    text: str
    kind: str = "success"  # "success" | "info" | "warning" | "error"
    undo: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """Whom faces are to be assigned to. who: an id, or a newcomer's name."""

    faces: tuple[str, ...]
    who: str
    name: str
    newcomer: bool = False
    external_id: str | None = None
    consent: str | None = None


@dataclass(frozen=True)
class Refusal:
    """An assignment that the rules did not allow, at least not for all of its faces.

    contradicting: ids of a no that was said before and stands in the way.
    """

    assignment: Assignment
    report: ReviewReport
    contradicting: tuple[str, ...] = ()


@dataclass
class Desk:
    """position: of the group in front. members: its faces, as they were shown.

    turn: part of the widgets' keys; another one gives fresh widgets.
    newcomer: faces are being assigned to somebody new.
    asking: "discard" or "discard-all" while the dialog is open; confirmed: it was answered yes.
    """

    position: int = 0
    members: tuple[str, ...] = ()
    turn: int = 0
    shown: int = FACES_AT_ONCE
    assigning: bool = False
    newcomer: bool = False
    offset: int = 0
    asking: str | None = None
    asked: tuple[str, ...] = ()
    confirmed: bool = False
    outcomes: list[Outcome] = field(default_factory=list)
    refusal: Refusal | None = None

    def key(self, name: str) -> str:
        return f"review-{name}-{self.turn}"

    def front(self, groups: Sequence[Cluster]) -> Cluster:
        """The group in front: the one that was, as far as its faces are still there."""
        held = set(self.members)
        overlaps = [len(held & _ids(group)) for group in groups]
        if max(overlaps) > 0:
            self.position = overlaps.index(max(overlaps))
        else:
            self.position %= len(groups)
        return groups[self.position]

    def hold(self, group: Cluster) -> None:
        self.members = tuple(s.sighting_id for s in group.sightings)

    def move(self, steps: int) -> None:
        """To another group; what was begun with this one is let go."""
        self.position += steps
        self.members = ()
        self.outcomes = []
        self._fresh()

    def handled(self, faces: Sequence[str], *outcomes: Outcome) -> None:
        """These are out of the way; what is left of the group stays in front."""
        self.members = tuple(i for i in self.members if i not in faces)
        self.outcomes = list(outcomes)
        self._fresh()

    def stop_asking(self) -> None:
        self.asking, self.asked, self.confirmed = None, (), False

    def stop_assigning(self) -> None:
        self.assigning, self.newcomer, self.refusal = False, False, None

    def _fresh(self) -> None:
        self.turn += 1
        self.shown = FACES_AT_ONCE
        self.offset = 0
        self.stop_asking()
        self.stop_assigning()


def current_desk() -> Desk:
    if _KEY not in st.session_state:
        st.session_state[_KEY] = Desk()
    desk: Desk = st.session_state[_KEY]
    return desk


def _ids(group: Cluster) -> set[str]:
    return {sighting.sighting_id for sighting in group.sightings}
