"""Route x scope, every cell: made from the routers, so a new route without an entry fails."""

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from app.rest.api import build_api
from app.rest.discretion import told
from enrollment.api_keys import ADMIN, ENROLL, IDENTIFY, NIGHTLY, READ, SCOPES
from enrollment.errors import BadInput
from enrollment.service import Service
from tests.app.rest.conftest import Ask, photo, photos
from tests.app.rest.test_subjects import enroll

OPEN = "open"
MATRIX = {
    ("GET", "/v1/subjects"): READ,
    ("POST", "/v1/subjects"): ENROLL,
    ("GET", "/v1/subjects/{subject_id}"): READ,
    ("PATCH", "/v1/subjects/{subject_id}"): ENROLL,
    ("DELETE", "/v1/subjects/{subject_id}"): ADMIN,
    ("POST", "/v1/subjects/{subject_id}/samples"): ENROLL,
    ("POST", "/v1/identify"): IDENTIFY,
    ("POST", "/v1/verify"): IDENTIFY,
    ("GET", "/v1/heads"): READ,
    ("POST", "/v1/heads/{head_id}/promote"): NIGHTLY,
    ("POST", "/v1/nightly"): NIGHTLY,
    ("GET", "/v1/nightly/{day}"): READ,
    ("GET", "/v1/operating-point"): READ,
    ("PUT", "/v1/operating-point"): ADMIN,
    ("GET", "/v1/events"): READ,
    ("GET", "/v1/audit"): ADMIN,
    ("GET", "/v1/metrics"): READ,
    ("GET", "/v1/health"): OPEN,
    ("GET", "/v1/ready"): OPEN,
}
BODIES = {
    ("POST", "/v1/subjects"): {"data": {"name": "New"}, "files": photos(5, range(1))},
    ("POST", "/v1/subjects/{subject_id}/samples"): {"files": photos(1, range(5, 6))},
    ("PATCH", "/v1/subjects/{subject_id}"): {"json": {}},
    ("POST", "/v1/identify"): {"files": photo(1)},
    ("POST", "/v1/verify"): {"files": photo(1), "data": {"name": "Ada"}},
    ("PUT", "/v1/operating-point"): {"json": {"max_fpir": 0.01}},
}


def routes(service: Service) -> set[tuple[str, str]]:
    found = set()
    for path, methods in build_api(service).openapi()["paths"].items():
        found |= {(method.upper(), path) for method in methods}
    return found


def test_every_route_has_an_entry(service: Service) -> None:
    assert routes(service) == set(MATRIX)
    api = build_api(service)
    unlisted = {r.path for r in api.routes if isinstance(r, APIRoute) and not r.include_in_schema}
    assert unlisted == {"/docs", "/docs/oauth2-redirect"}, "these show no data"


@pytest.mark.parametrize("shown", [*SCOPES, None])
def test_every_cell(service: Service, ask: Ask, shown: str | None) -> None:
    enroll(ask(*SCOPES), "Ada", 1)
    client = ask(shown) if shown else ask()
    subject_id = service.person("Ada").subject_id
    # Erasing comes last, for the others need somebody.
    for (method, path), needed in sorted(MATRIX.items(), key=lambda cell: cell[0][0] == "DELETE"):
        place = path.removeprefix("/v1/").format(
            subject_id=subject_id, head_id="none", day="2026-11-21"
        )
        answer = client.request(method, place, **BODIES.get((method, path), {}))
        if needed in (OPEN, shown):
            # 503: the tiny models of a test are not warm, and nobody asked who is ready.
            allowed = {200, 201, 404, 503} if needed == OPEN else {200, 201, 404}
            assert answer.status_code in allowed, (method, path, answer.text)
        else:
            assert answer.status_code == (403 if shown else 401), (method, path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


def test_a_key_that_ended_or_was_revoked_opens_nothing(ask: Ask, service: Service) -> None:
    client = ask(READ)
    assert client.get("subjects").status_code == 200
    service.api_keys.revoke("test 0")
    refused = client.get("subjects")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert client.get("subjects", headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_no_score_without_the_scope(ask: Ask) -> None:
    enroll(ask(*SCOPES), "Ada", 1)
    for person, decision, band in ((1, "known", "above"), (9, "unknown", "below")):
        (face,) = ask(IDENTIFY).post("identify", files=photo(person)).json()["faces"]
        assert (face["decision"], face["band"]) == (decision, band)
        assert face["score"] is face["margin"] is face["head_agrees"] is None
        assert face["candidates"] == []
    verified = ask(IDENTIFY).post("verify", files=photo(1), data={"name": "Ada"}).json()
    assert (verified["decision"], verified["score"], verified["threshold"]) == ("known", None, None)
    point = ask(READ).get("operating-point").json()
    assert point["threshold"] is None
    twin = {"name": "Twin", "consent": "agreed"}
    refused = ask(ENROLL).post("subjects", data=twin, files=photos(1, range(20, 22))).text
    assert "likeness" not in refused


def test_nothing_near_is_told_at_any_depth() -> None:
    document = {"a": [{"score": 0.5, "b": {"likeness": 0.7, "kept": 1}}], "decision": "unknown"}
    assert told(document, scores=False) == {
        "a": [{"score": None, "b": {"likeness": None, "kept": 1}}],
        "decision": "unknown",
        "band": "below",
    }


def test_what_cannot_be_a_key(service: Service) -> None:

    for name, scopes, days in (
        ("", ["read"], 1),
        ("a", ["all"], 1),
        ("a", [], 1),
        ("a", ["read"], 91),
    ):
        with pytest.raises(BadInput):
            service.api_keys.add(name, scopes, days)
    service.api_keys.add("a", ["read"])
    with pytest.raises(BadInput, match="already"):
        service.api_keys.add("a", ["read"])
    with pytest.raises(BadInput, match="no key named"):
        service.api_keys.revoke("b")


@pytest.mark.sqlite
def test_a_secret_is_in_no_file(service: Service, ask: Ask) -> None:
    _, secret = service.api_keys.add("a", ["read"])
    files = list(service._settings.home.glob("gallery.db*"))
    assert files
    assert all(secret.encode() not in file.read_bytes() for file in files)


def test_metrics_and_health(ask: Ask, service: Service) -> None:
    everything: TestClient = ask(*SCOPES)
    enroll(everything, "Ada", 1)
    everything.post("identify", files=photo(1))
    text = everything.get("metrics").text
    assert 'rollcall_decisions_total{decision="known",way="identify"} 1.0' in text
    assert "rollcall_people 1.0" in text
    assert 'route="/identify"' in text
    assert "Ada" not in text
    assert ask().get("health").json() == {"status": "ok"}
    assert ask().get("ready").json() == {"status": "ready"}


@pytest.mark.slow
def test_a_night_over_http(ask: Ask) -> None:
    everything = ask(*SCOPES)
    for person in (1, 2, 3):
        enroll(everything, f"Person {person}", person)
    run = everything.post("nightly").json()
    assert run["outcome"] in ("promoted", "refused", "skipped")
    shown = everything.get(f"nightly/{run['day']}").json()
    assert (shown["run_id"], shown["outcome"]) == (run["run_id"], run["outcome"])
    heads = everything.get("heads").json()["heads"]
    assert everything.post(f"heads/{heads[0]['head_id']}/promote").status_code == 200
    events = everything.get("events").json()
    assert {e["kind"] for e in events["events"]} == {"night"}


def numbers(document: object, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a document, and where it stands."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from numbers(value, f"{path}.{key}")
    elif isinstance(document, list):
        for value in document:
            yield from numbers(value, path)
    elif isinstance(document, float):
        yield path, document


@pytest.mark.slow
def test_no_threshold_and_no_likeness_in_anything_that_is_read(ask: Ask) -> None:
    everything, reader = ask(*SCOPES), ask(READ)
    for person in (1, 2, 3):
        enroll(everything, f"Person {person}", person)
    day = everything.post("nightly").json()["day"]
    seen = {}
    for client in (everything, reader):
        places = ("operating-point", "heads", f"nightly/{day}", "events", "subjects")
        found = [n for place in places for n in numbers(client.get(place).json())]
        seen[client] = [p for p, _ in found if re.search("threshold|likeness|score|margin", p)]
    assert len(seen[everything]) > 3
    assert seen[reader] == []
