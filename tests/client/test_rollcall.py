"""The Python client against the API itself, and its types against the OpenAPI document."""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.rest.api import build_api, mounted
from client import Enrolled, Face, Rollcall, RollcallProblem, Sample, Subject
from enrollment.api_keys import SCOPES
from enrollment.service import Service
from tests import tiny


@pytest.fixture
def http(service: Service) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=[mounted(service)])) as http:
        yield http


@pytest.fixture
def rollcall(service: Service, http: TestClient) -> Rollcall:
    _, secret = service.api_keys.add("client", SCOPES)
    return Rollcall("http://testserver", secret, http=http)


@pytest.fixture
def photo(tmp_path: Path) -> Callable[[int, int], Path]:
    def write(person: int, number: int) -> Path:
        path = tmp_path / f"{person}-{number}.png"
        path.write_bytes(tiny.png(tiny.picture((person, number))))
        return path

    return write


def test_enroll_identify_change_erase(
    rollcall: Rollcall, photo: Callable, service: Service
) -> None:
    ada = rollcall.enroll("Ada", [photo(1, n) for n in range(3)], "agreed", external_id="7")
    assert (ada.created, ada.accepted, [s.accepted for s in ada.samples]) == (True, 3, [True] * 3)
    (face,) = rollcall.identify(photo(1, 50))
    assert (face.decision, face.name, face.subject_id) == ("known", "Ada", ada.subject_id)
    assert [s.external_id for s in rollcall.subjects()] == ["7"]
    assert rollcall.rename(ada.subject_id, "Ada King").name == "Ada King"
    assert rollcall.suspend(ada.subject_id).state == "suspended"
    assert rollcall.resume(ada.subject_id).state == "active"
    assert rollcall.erase(ada.subject_id)["erased_rows"]["templates"] == 3
    assert service.count() == 0


def test_pages_are_fetched_as_needed(rollcall: Rollcall, service: Service, person, monkeypatch):
    monkeypatch.setattr("client.rollcall._PAGE", 2)
    list(service.enroll([person(n) for n in range(1, 4)], "agreed"))
    assert [s.name for s in rollcall.subjects()] == ["Person 1", "Person 2", "Person 3"]


def test_a_refusal_says_why(rollcall: Rollcall, http: TestClient) -> None:
    with pytest.raises(RollcallProblem, match="nobody of this id") as caught:
        rollcall.erase("00000000-0000-0000-0000-000000000000")
    assert caught.value.status == 404
    with pytest.raises(RollcallProblem, match="show a key") as caught:
        list(Rollcall("http://testserver", "nonsense", http=http).subjects())
    assert caught.value.status == 401


def test_an_answer_that_is_lost_acts_once(
    rollcall: Rollcall, http: TestClient, photo: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, lost = http.request, []

    def lose_the_first(*arguments, **request):
        answer = ask(*arguments, **request)
        if not lost:
            lost.append(answer)
            raise httpx2.ReadError("the line was cut")
        return answer

    monkeypatch.setattr(http, "request", lose_the_first)
    ada = rollcall.enroll("Ada", [photo(1, n) for n in range(3)], "agreed")
    assert lost[0].status_code == 201
    assert (ada.created, ada.accepted) == (True, 3), "the first answer, not one of duplicates"


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (Subject, "SubjectDocument"),
        (Sample, "SampleDocument"),
        (Enrolled, "Enrolled"),
        (Face, "Answer"),
    ],
)
def test_every_field_is_promised(service: Service, kind: type, schema: str) -> None:
    promised = build_api(service).openapi()["components"]["schemas"][schema]
    assert {field.name for field in fields(kind)} <= set(promised["required"])


def readme_example() -> str:
    readme = Path(__file__).parents[2].joinpath("README.md").read_text("utf-8")
    (found,) = re.findall(r"```python\n(from client import .*?)```", readme, re.DOTALL)
    return str(found)


def test_the_readme_example_runs(
    rollcall: Rollcall,
    photo: Callable,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    service: Service,
) -> None:
    code = readme_example()
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        photo(1, number).rename(tmp_path / f"ada{number}.jpg")
    photo(1, 50).rename(tmp_path / "door.jpg")
    monkeypatch.setattr("client.Rollcall", lambda address, key: rollcall)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102
    assert "known Ada Lovelace" in capsys.readouterr().out
    assert service.count() == 0
