"""A client of the REST API, typed. Blocking; one may be shared between threads."""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import httpx2

_TRIES = 3
_PAGE = 200
_Kind = TypeVar("_Kind")
_Files = Sequence[tuple[str, tuple[str, bytes]]]


class RollcallProblem(Exception):
    """The server refused. status: of HTTP; its text says what happened and what to do next."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail or title)
        self.status, self.title, self.detail = status, title, detail


@dataclass(frozen=True)
class Subject:
    """Somebody who is enrolled. state: "active" | "suspended"."""

    subject_id: str
    name: str
    external_id: str | None
    state: str
    templates: int
    enrolled_at: str


@dataclass(frozen=True)
class Sample:
    """What became of one photo. reasons: codes; message: for people."""

    source: str
    accepted: bool
    reasons: list[str]
    message: str | None


@dataclass(frozen=True)
class Enrolled:
    """What became of one person. subject_id: None where nobody is enrolled under the name."""

    subject_id: str | None
    name: str
    created: bool
    accepted: int
    samples: list[Sample]
    warnings: list[str]


@dataclass(frozen=True)
class Face:
    """One face of a photo. decision: "known" | "unknown" | "refused"; score and margin are None
    unless the key has the scope `scores`."""

    source: str
    decision: str
    subject_id: str | None
    name: str | None
    score: float | None
    margin: float | None
    reasons: list[str]
    band: str


class Rollcall:
    """One server, asked with one key.

    Args:
        address: as `rollcall serve` says it, such as http://127.0.0.1:8501.
        key: from `rollcall api-key add`.
        http: a client of one's own, for proxies and certificates.
    """

    def __init__(
        self, address: str, key: str, timeout: float = 120.0, http: httpx2.Client | None = None
    ) -> None:
        self._http = http or httpx2.Client(timeout=timeout)
        self._place = f"{address.rstrip('/')}/api/v1"
        self._headers = {"Authorization": f"Bearer {key}"}

    def __enter__(self) -> "Rollcall":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def enroll(
        self,
        name: str,
        photos: Sequence[Path],
        consent: str | None = None,
        external_id: str | None = None,
        on_collision: str = "refuse",
    ) -> Enrolled:
        """Enroll a person, or add photos; at most five photos at once.

        Sent again by itself when the answer is lost: the server acts once.

        Raises:
            RollcallProblem: it was refused.
            httpx2.TransportError: the server cannot be reached.
        """
        form = {"name": name, "on_collision": on_collision}
        form |= {"consent": consent} if consent is not None else {}
        form |= {"external_id": external_id} if external_id is not None else {}
        files = [("photos", (photo.name, photo.read_bytes())) for photo in photos]
        answer = self._repeatedly("subjects", form, files)
        (person,) = answer["subjects"]
        samples = [_as(Sample, sample) for sample in person["samples"]]
        return _as(Enrolled, person | {"samples": samples})

    def identify(self, photo: Path) -> list[Face]:
        """One answer for each face, the largest first."""
        files = [("photo", (photo.name, photo.read_bytes()))]
        return [_as(Face, face) for face in self._ask("POST", "identify", files=files)["faces"]]

    def subjects(self, search: str = "") -> Iterator[Subject]:
        """The enrolled, by name; pages are fetched as they are needed."""
        offset: int | None = 0
        while offset is not None:
            asked = {"search": search, "offset": offset, "limit": _PAGE}
            page = self._ask("GET", "subjects", params=asked)
            yield from (_as(Subject, subject) for subject in page["subjects"])
            offset = page["next_offset"]

    def rename(self, subject_id: str, name: str) -> Subject:
        return self._change(subject_id, {"name": name})

    def suspend(self, subject_id: str) -> Subject:
        """Found by no search until `resume`."""
        return self._change(subject_id, {"state": "suspended"})

    def resume(self, subject_id: str) -> Subject:
        return self._change(subject_id, {"state": "active"})

    def erase(self, subject_id: str) -> Mapping[str, object]:
        """Erase a person completely; the receipt. Cannot be undone."""
        receipt: Mapping[str, object] = self._ask("DELETE", f"subjects/{subject_id}")["receipt"]
        return receipt

    def _change(self, subject_id: str, change: Mapping[str, str]) -> Subject:
        answer = self._ask("PATCH", f"subjects/{subject_id}", json=change)
        return _as(Subject, answer["subjects"][0])

    def _repeatedly(self, path: str, form: Mapping[str, str], files: _Files) -> dict[str, Any]:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        for tried in range(1, _TRIES):
            try:
                return self._ask("POST", path, headers, data=form, files=files)
            except httpx2.TransportError:
                time.sleep(tried)
        return self._ask("POST", path, headers, data=form, files=files)

    def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        **request: Any,  # noqa: ANN401 - as httpx2 takes them
    ) -> dict[str, Any]:
        given = self._headers | dict(headers or {})
        answer = self._http.request(method, f"{self._place}/{path}", headers=given, **request)
        if answer.is_success:
            found: dict[str, Any] = answer.json()
            return found
        try:
            said = answer.json()
        except ValueError:  # not this server: a proxy before it
            said = {}
        raise RollcallProblem(
            answer.status_code, str(said.get("title", "")), str(said.get("detail", ""))
        )


def _as(kind: type[_Kind], document: Mapping[str, Any]) -> _Kind:
    """What is known of a document: the server may add to it."""
    known = {field.name: document[field.name] for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**known)
