"""What is asked and answered, for OpenAPI. The documents are those of the command line."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from enrollment.calibrator import LEAST_RATE
from enrollment.enrollee import MAX_NAME

Decision = Literal["known", "unknown", "refused"]
Band = Literal["above", "below", "none"]


class _Document(BaseModel):
    """More may be added to a document; what is here stays."""

    model_config = ConfigDict(extra="allow")


class SubjectDocument(_Document):
    subject_id: str
    name: str
    external_id: str | None
    state: Literal["active", "suspended", "merged"]
    templates: int
    enrolled_at: str


class Subjects(_Document):
    subjects: list[SubjectDocument]


class SubjectsPage(Subjects):
    """next_offset: where the next page begins; null on the last."""

    total: int
    next_offset: int | None


class SampleDocument(_Document):
    source: str
    accepted: bool
    reasons: list[str]
    message: str | None
    quality: dict[str, float | None]


class Enrolled(_Document):
    """subject_id is null where nobody is enrolled under the name now."""

    subject_id: str | None
    name: str
    created: bool
    accepted: int
    samples: list[SampleDocument]
    warnings: list[str]


class Enrollment(_Document):
    subjects: list[Enrolled]
    accepted: int
    refused: int
    seconds: float


class SubjectChange(BaseModel):
    """One thing at a time, because two could be half done; what is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"name": "Ada Lovelace"}, "maxProperties": 1},
    )

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] | None = None
    state: Literal["active", "suspended"] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) > 1:
            raise ValueError("change name or state, one at a time")
        return self


class Erased(_Document):
    subject_id: str
    receipt: dict[str, Any]


class Answer(_Document):
    """score, margin and candidates only with the scope `scores`."""

    source: str
    box: list[float] | None
    decision: Decision
    subject_id: str | None
    name: str | None
    score: float | None
    margin: float | None
    reasons: list[str]
    band: Band


class Answers(_Document):
    faces: list[Answer]
    from_memory: bool = False


class Verified(_Document):
    decision: Decision
    score: float | None
    threshold: float | None
    band: Band


class Heads(_Document):
    heads: list[dict[str, Any]]


class Night(_Document):
    run_id: str
    day: str
    outcome: str
    reason: str
    mode: str
    metrics: dict[str, Any]
    report: str | None


class OperatingPointDocument(_Document):
    threshold: float | None
    max_fpir: float
    promise: str


class RateWanted(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"max_fpir": 0.01}})

    max_fpir: Annotated[
        float, Field(ge=LEAST_RATE, le=0.5, description="Share of strangers named.")
    ]


class AuditRow(_Document):
    seq: int
    at: str
    actor: str
    action: str
    object: str
    details: dict[str, Any]


class AuditPage(_Document):
    audit: list[AuditRow]
    total: int
    next_offset: int | None
    anchored_to: int | None
    anchored_at: str | None


class EventRow(_Document):
    at: str
    kind: str
    subject_id: str | None
    details: dict[str, Any]


class EventsPage(_Document):
    events: list[EventRow]
    total: int
    next_offset: int | None


class State(_Document):
    status: str
    seconds_left: int | None = None


class ProblemDocument(_Document):
    type: str
    title: str
    status: int
    detail: str
