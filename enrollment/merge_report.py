"""What a merge of another site's gallery did, and what waits for a word."""

from dataclasses import dataclass, field
from enum import StrEnum


class LeftOutReason(StrEnum):
    """Why somebody of there is not here. A question: a person can decide it; the others stand."""

    MAYBE_SAME = "near_other_subject"  # as near to somebody of here as one person is to herself
    SAME_NUMBER = "same_external_id"
    SAME_NAME = "same_name"
    SUSPENDED = "suspended"  # the same person, and one of the two records is suspended
    NO_CONSENT = "no_consent"
    ERASED_HERE = "erased_here"
    ASKED_TO_GO = "erasure_requested"
    NOT_THIS_PERSON = "not_this_person"  # new photos that are unlike those of here
    UNSOUND = "unsound"  # nobody could be enrolled so

    @property
    def is_question(self) -> bool:
        return self in (self.MAYBE_SAME, self.SAME_NUMBER, self.SAME_NAME, self.SUSPENDED)


@dataclass(frozen=True)
class LeftOut:
    """near: the subject of here that is meant, "" where none is; score: the cosine to it.

    photos: how many of somebody who is here were left out; 0: it is about the person. why: what is
    unsound, else "".
    """

    subject_id: str
    name: str
    reason: LeftOutReason
    near: str = ""
    near_name: str = ""
    score: float = 0.0
    photos: int = 0
    why: str = ""

    def as_document(self) -> dict[str, object]:
        """Of whom was erased here no name: it was erased as well."""
        told: dict[str, object] = {"subject_id": self.subject_id, "reason": self.reason.value}
        if self.reason is not LeftOutReason.ERASED_HERE:
            told["name"] = self.name
        if self.near:
            told |= {"near": self.near, "near_name": self.near_name, "score": self.score}
        if self.photos:
            told["photos"] = self.photos
        if self.why:
            told["why"] = self.why
        return told


@dataclass(frozen=True)
class Differs:
    """Something of somebody who is at both sites is another thing there; here nothing changed.

    what: "name", "external_id" or "merged".
    """

    subject_id: str
    name: str
    what: str
    there: str

    def as_document(self) -> dict[str, object]:
        return {
            "subject_id": self.subject_id,
            "name": self.name,
            "what": self.what,
            "there": self.there,
        }


@dataclass
class MergeReport:
    """Counts of people, unless said otherwise.

    present: who were here by an earlier merge; updated: of these, who got something new.
    duplicates: photos that were here already. withdrawn: consents that were taken back there.
    suspended: who are not found here any more, because they are suspended or have no consent there.
    waiting_erasures: subjects of here who were erased there, and nobody has said what about them;
    then nothing else was done. erased: those who were erased now because they were erased there.
    numbers_dropped: subjects of there who came without their external id, because it is somebody's
    here. head_id: the two heads as one, for the gate to judge; None, and why there is none.
    negatives_left: noes that name nobody of here, or strangers who are enrolled here.
    """

    gallery_id: str
    other_gallery_id: str
    there: int = 0
    brought: int = 0
    united: int = 0
    told_apart: int = 0
    present: int = 0
    updated: int = 0
    samples: int = 0
    duplicates: int = 0
    consents: int = 0
    withdrawn: int = 0
    suspended: int = 0
    erased: int = 0
    negatives: int = 0
    negatives_left: int = 0
    waiting_erasures: list[str] = field(default_factory=list)
    numbers_dropped: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    differs: list[Differs] = field(default_factory=list)
    head_id: str | None = None
    head_why: str = ""

    @property
    def questions(self) -> list[LeftOut]:
        return [one for one in self.left_out if one.reason.is_question]

    @property
    def erased_here(self) -> int:
        return sum(one.reason is LeftOutReason.ERASED_HERE for one in self.left_out)

    @property
    def finished(self) -> bool:
        """Is nothing left that a person can decide?"""
        return not self.waiting_erasures and not self.questions

    def counts(self) -> dict[str, int]:
        """Numbers alone, for the audit trail."""
        return {
            key: value
            for key, value in vars(self).items()
            if isinstance(value, int) and not isinstance(value, bool)
        } | {"left_out": len(self.left_out), "erased_here": self.erased_here}

    def as_document(self) -> dict[str, object]:
        return {
            "gallery_id": self.gallery_id,
            "other_gallery_id": self.other_gallery_id,
            "finished": self.finished,
            **self.counts(),
            "waiting_erasures": self.waiting_erasures,
            "numbers_dropped": self.numbers_dropped,
            "left_out": [one.as_document() for one in self.left_out],
            "differs": [one.as_document() for one in self.differs],
            "head_id": self.head_id,
            "head_why": self.head_why,
            "not_taken": [
                "accounts",
                "api_keys",
                "webhooks",
                "threshold",
                "cohort",
                "review_queue",
                "requests",
                "nights",
            ],
        }
