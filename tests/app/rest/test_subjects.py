"""Enroll, look, change and erase over HTTP."""

from starlette.testclient import TestClient

from enrollment.service import Service
from tests.app.rest.conftest import Ask, photo, photos


def enroll(client: TestClient, name: str, person: int, **form: str) -> str:
    answer = client.post(
        "subjects", data={"name": name, "consent": "agreed", **form}, files=photos(person)
    )
    assert answer.status_code == 201, answer.text
    (subject,) = answer.json()["subjects"]
    return str(subject["subject_id"])


def test_the_whole_way(everything: TestClient, service: Service) -> None:
    ada = enroll(everything, "Ada Lovelace", 1, external_id="7")
    (found,) = everything.post("identify", files=photo(1)).json()["faces"]
    assert (found["decision"], found["name"], found["band"]) == ("known", "Ada Lovelace", "above")
    assert found["score"] > 0.5

    listed = everything.get("subjects", params={"search": "ada"}).json()
    assert [s["external_id"] for s in listed["subjects"]] == ["7"]
    assert (listed["total"], listed["next_offset"]) == (1, None)

    renamed = everything.patch(f"subjects/{ada}", json={"name": "Ada King"}).json()
    assert renamed["subjects"][0]["name"] == "Ada King"
    shown = everything.get(f"subjects/{ada}").json()["subjects"][0]
    assert shown["consents"][0]["text"] == "agreed"

    assert everything.patch(f"subjects/{ada}", json={"state": "suspended"}).status_code == 200
    (gone,) = everything.post("identify", files=photo(1)).json()["faces"]
    assert gone["decision"] == "unknown"
    assert everything.patch(f"subjects/{ada}", json={"state": "active"}).status_code == 200

    erased = everything.delete(f"subjects/{ada}")
    assert erased.json()["receipt"]["erased_rows"]["templates"] == 3
    assert everything.get(f"subjects/{ada}").status_code == 404
    assert everything.delete(f"subjects/{ada}").status_code == 404
    assert service.count() == 0


def test_who_did_it_is_the_key(everything: TestClient, service: Service) -> None:
    enroll(everything, "Ada", 1)
    rows = everything.get("audit", params={"action": "subject.add"}).json()["audit"]
    assert [row["actor"] for row in rows] == ["key:test 0"]
    assert service.acting.actor == "test", "nobody else acts in that name"


def test_photos_are_added_to_one_who_is_enrolled(everything: TestClient) -> None:
    ada = enroll(everything, "Ada", 1)
    more = everything.post(f"subjects/{ada}/samples", files=photos(1, range(3, 5)))
    assert (more.status_code, more.json()["accepted"]) == (200, 2)
    again = everything.post(f"subjects/{ada}/samples", files=photos(1, range(3, 5))).json()
    assert [s["reasons"] for s in again["subjects"][0]["samples"]] == [["duplicate_photo"]] * 2


def test_without_a_consent_nobody_is_enrolled(everything: TestClient) -> None:
    answer = everything.post("subjects", data={"name": "Ada"}, files=photos(1))
    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)
    assert answer.json()["subjects"][0]["samples"][0]["reasons"] == ["no_consent"]


def test_an_idempotency_key_acts_once(everything: TestClient) -> None:
    form, key = {"name": "Ada", "consent": "agreed"}, {"Idempotency-Key": "a-key-of-mine"}
    first = everything.post("subjects", data=form, files=photos(1), headers=key)
    second = everything.post("subjects", data=form, files=photos(1), headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["Idempotent-Replay"] == "true"
    other = everything.post("subjects", data=form, files=photos(2), headers=key)
    assert other.status_code == 409
    assert everything.get("subjects").json()["subjects"][0]["templates"] == 3


def test_an_erasure_forgets_what_was_answered(everything: TestClient, service: Service) -> None:
    form, key = {"name": "Ada", "consent": "agreed"}, {"Idempotency-Key": "a-key-of-mine"}
    everything.post("subjects", data=form, files=photos(1), headers=key)
    service.erase("Ada")
    again = everything.post("subjects", data=form, files=photos(1), headers=key)
    assert "Idempotent-Replay" not in again.headers


def test_who_looks_like_somebody_is_refused_until_allowed(everything: TestClient) -> None:
    enroll(everything, "Ada", 1)
    form = {"name": "Somebody Else", "consent": "agreed"}
    twin = everything.post("subjects", data=form, files=photos(1, range(10, 13)))
    assert twin.json()["subjects"][0]["subject_id"] is None
    allowed = everything.post(
        "subjects", data=form | {"on_collision": "allow"}, files=photos(1, range(10, 13))
    )
    assert allowed.status_code == 201


def test_one_thing_is_changed_at_a_time(everything: TestClient) -> None:
    ada = enroll(everything, "Ada", 1)
    both = everything.patch(f"subjects/{ada}", json={"name": "Ada King", "state": "suspended"})
    assert (both.status_code, "one at a time" in both.json()["detail"]) == (422, True)
    (shown,) = everything.get(f"subjects/{ada}").json()["subjects"]
    assert (shown["name"], shown["state"]) == ("Ada", "active")


def test_pages(everything: TestClient) -> None:
    for person in range(1, 4):
        enroll(everything, f"Person {person}", person)
    first = everything.get("subjects", params={"limit": 2}).json()
    assert (len(first["subjects"]), first["total"], first["next_offset"]) == (2, 3, 2)
    rest = everything.get("subjects", params={"limit": 2, "offset": 2}).json()
    assert (len(rest["subjects"]), rest["next_offset"]) == (1, None)


def test_a_name_that_is_taken_is_a_problem(everything: TestClient) -> None:
    enroll(everything, "Ada", 1)
    bert = enroll(everything, "Bert", 2)
    refused = everything.patch(f"subjects/{bert}", json={"name": "Ada"})
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert "enrolled already" in refused.json()["detail"]


def test_a_photo_is_refused_with_its_reason(everything: TestClient, ask: Ask) -> None:
    files = {"photo": ("x.png", b"no picture", "image/png")}
    (face,) = everything.post("identify", files=files).json()["faces"]
    assert (face["decision"], face["reasons"]) == ("refused", ["unreadable_image"])


def test_what_is_too_large_is_not_read(everything: TestClient) -> None:
    def endless():
        for _ in range(80):
            yield b"x" * 1024**2

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = everything.post("identify", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (413, "Too large")
    declared = everything.post(
        "identify", content=b"", headers=headers | {"Content-Length": "99999999999"}
    )
    assert declared.status_code == 413
