"""A gallery whose index is in a real Milvus Lite, from the rules up to the doors."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app import cli
from app.watch_command import Door
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.errors import BadInput, Unusable
from enrollment.intake import Enrollee
from enrollment.opening import (
    database_url,
    index_url,
    is_elsewhere,
    is_gallery,
    move_index,
    write_gallery,
    write_pointer,
)
from enrollment.photo import photo_bytes
from enrollment.restoring import restore
from enrollment.service import Service, open_service
from store.errors import IndexAway
from store.gallery import new_gallery_id
from tests import tiny
from tests.app.rest.conftest import photo
from tests.app.rest.test_database_away import client
from tests.conftest import facts_for_tests
from tests.enrollment.test_rebackbone import back, move, named
from tests.galleries import TinyPipelines, make_gallery, open_copy, settings_of
from tests.milvus import Milvus, running
from tests.two_sites import make_site

pytestmark = pytest.mark.slow
Person = Callable[..., Enrollee]


@pytest.fixture
def milvus(tmp_path: Path) -> Iterator[Milvus]:
    with running(tmp_path / "server") as made:
        yield made


@pytest.fixture
def theirs(settings: Settings, milvus: Milvus) -> Settings:
    made = replace(settings, index=milvus.url)
    write_gallery(made, replace(facts_for_tests("required"), gallery_id=new_gallery_id()))
    return made


@pytest.fixture
def staff(theirs: Settings, capture: Capture, person: Person) -> Iterator[Service]:
    with open_service(theirs, capture=capture) as service:
        list(service.enroll([person(1), person(2)], "agreed"))
        yield service


def answer(service: Service, number: int) -> str | None:
    image = tiny.png(tiny.picture((number, 50)))
    (found,) = service.identify(photo_bytes("probe.png", image))
    return found.name if found.decision == "known" else None


def test_people_come_are_renamed_and_go(
    staff: Service, theirs: Settings, capture: Capture, milvus: Milvus
) -> None:
    assert [answer(staff, n) for n in (1, 2, 3)] == ["Person 1", "Person 2", None]
    staff.rename("Person 1", "Ada")
    staff.suspend("Person 2")
    assert [answer(staff, n) for n in (1, 2)] == ["Ada", None]
    staff.resume("Person 2")
    assert answer(staff, 2) == "Person 2"
    theirs_rows = set(milvus.rows())
    receipt = staff.erase("Person 2")
    assert "Milvus" in str(receipt.remains)
    assert receipt.negative_test["found"] == 0
    assert len(theirs_rows) == 6
    assert len(milvus.rows()) == 3
    with open_service(theirs, capture=capture) as again:
        assert [answer(again, n) for n in (1, 2)] == ["Ada", None]
        found = again.diagnose()
        assert found.index == f"Milvus, 127.0.0.1:{milvus.port}"
        assert not [p for p in found.problems if "ndex" in p or "Milvus" in p]
        assert again.verify_gallery().sound


def test_away_is_said_at_every_door(staff: Service, milvus: Milvus, theirs: Settings) -> None:
    with client(staff) as asked:
        assert asked.post("/identify", files=photo(1)).json()["faces"][0]["name"] == "Person 1"
        assert asked.get("/ready").json() == {"status": "ready"}
        milvus.kill()
        for refused in (asked.post("/identify", files=photo(1)), asked.get("/ready")):
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
            assert "index does not answer" in refused.json()["detail"]
            assert str(milvus.port) not in refused.text, "where it is is nobody's business"
        assert asked.get("/health").status_code == 200
        assert any(f"127.0.0.1:{milvus.port}" in p for p in staff.diagnose().problems)
        with pytest.raises(Unusable, match="may still be in Milvus"):
            staff.erase("Person 2")
        assert staff.count() == 1
        assert any("erasure has not been finished" in p for p in staff.diagnose().problems)
        milvus.start()
        time.sleep(2.1)
        assert asked.get("/ready").json() == {"status": "ready"}
        assert asked.post("/identify", files=photo(1)).json()["faces"][0]["name"] == "Person 1"
    staff.close()
    with open_service(theirs) as again:
        assert not [p for p in again.diagnose().problems if "erasure" in p]
        assert len(milvus.rows()) == 3


def test_a_door_stays_while_it_is_away(staff: Service, milvus: Milvus) -> None:
    said: list[dict[str, object]] = []

    class Passages:
        def see(self, _frame: object) -> list[object]:
            answer(staff, 1)
            return []

        def drop(self) -> None:
            said.append({"event": "dropped"})

    door = Door("door", lambda event: said.append(dict(event)), lambda: "there")
    door._seen(object(), Passages())  # type: ignore[arg-type]
    assert said == []
    milvus.kill()
    door._seen(object(), Passages())  # type: ignore[arg-type]
    door._seen(object(), Passages())  # type: ignore[arg-type]
    milvus.start()
    time.sleep(2.1)
    door._seen(object(), Passages())  # type: ignore[arg-type]
    states = [event["state"] for event in said if event["event"] == "index"]
    assert states == ["away", "there"]


@pytest.mark.sqlite
def test_a_backup_comes_back_with_an_index_made_anew(
    staff: Service, theirs: Settings, capture: Capture, milvus: Milvus, tmp_path: Path
) -> None:
    made = staff.backup(tmp_path / "one.rollcall")
    staff.close()
    shutil.rmtree(theirs.home)
    with milvus.client() as there:
        there.drop_collection(*there.list_collections())
    again = replace(theirs, home=tmp_path / "again")
    assert restore(again, made.path).digest == made.digest
    assert index_url(again.home) == milvus.url
    with open_service(again, capture=capture) as restored:
        assert [answer(restored, n) for n in (1, 2, 3)] == ["Person 1", "Person 2", None]
        assert restored.verify_gallery().sound
    assert len(milvus.rows()) == 6


def test_a_night_learns_and_a_threshold_is_measured(staff: Service) -> None:
    """What looks at everybody reads from the database."""
    staff.nightly(force=True)
    assert answer(staff, 1) == "Person 1"


def test_it_moves_there_and_back(
    settings: Settings, capture: Capture, person: Person, milvus: Milvus
) -> None:
    write_gallery(settings, replace(facts_for_tests("required"), gallery_id=new_gallery_id()))
    where = database_url(settings.home)
    with open_service(settings, capture=capture) as service:
        list(service.enroll([person(1)], "agreed"))
    move_index(settings, milvus.url)
    assert (index_url(settings.home), database_url(settings.home)) == (milvus.url, where)
    assert len(milvus.rows()) == 3
    with open_service(settings, capture=capture) as service:
        assert answer(service, 1) == "Person 1"
    milvus.kill()
    with pytest.raises(IndexAway):
        move_index(settings, None)
    assert index_url(settings.home) == milvus.url, "rows of nobody would stay there"
    milvus.start()
    move_index(settings, None)
    assert milvus.collections() == []
    assert (index_url(settings.home), database_url(settings.home)) == (None, where)
    with open_service(settings, capture=capture) as service:
        assert answer(service, 1) == "Person 1"


def test_another_sites_file_chooses_nobody_to_connect_to(tmp_path: Path, milvus: Milvus) -> None:
    """It names the index of the other gallery; reading that gallery asks no Milvus."""
    here = make_site(tmp_path / "here", {"Ada": (1, range(3))})
    there = make_site(tmp_path / "there", {"Bert": (2, range(3))})
    pointer = there.settings.home / "gallery.toml"
    said = pointer.read_text() if pointer.exists() else ""
    pointer.write_text(said + f'index = "{milvus.url}"\n')
    before = milvus.collections()
    assert here.merge(there)
    assert milvus.collections() == before == []
    assert set(here.subjects()) == {"Ada", "Bert"}


@pytest.mark.parametrize(
    "wrong", ["milvus", "http://", "http://host", "ftp://host:1", "tcp://host:19530", "http://h:x"]
)
def test_what_is_no_url_is_refused(settings: Settings, wrong: str) -> None:
    with pytest.raises(BadInput, match=r"https://HOST:PORT"):
        write_gallery(replace(settings, index=wrong), facts_for_tests("required"))
    assert not is_gallery(settings.home)


def test_the_commands(
    theirs: Settings, milvus: Milvus, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("ROLLCALL_KEY", tiny.KEY)
    monkeypatch.setenv("ROLLCALL_KEY_FOLDER", str(theirs.key_folder))

    def run(*words: str) -> tuple[int, dict[str, object]]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main([*words, "--home", str(theirs.home), "--json"])
        code = ended.value.code
        said = capsys.readouterr().out
        return (code if isinstance(code, int) else 0), json.loads(said) if said else {}

    assert run("rebuild", "--index", "memory")[0] == 0
    assert index_url(theirs.home) is None
    code, said = run("rebuild", "--index", milvus.url)
    assert (code, said["sound"]) == (0, True)
    assert index_url(theirs.home) == milvus.url
    milvus.put({5: [1.0] + [0.0] * (_width(milvus) - 1)})
    assert run("rebuild", "--verify")[0] == 3
    assert run("rebuild")[0] == 0
    assert run("rebuild", "--verify")[0] == 0
    assert run("rebuild", "--verify", "--index", "memory")[0] == 2
    milvus.kill()
    assert run("rebuild")[0] == 3


def _width(milvus: Milvus) -> int:
    with milvus.client() as there:
        (name,) = there.list_collections()
        fields = there.describe_collection(name)["fields"]
    return int(next(f["params"]["dim"] for f in fields if f["name"] == "vector"))


@pytest.mark.sqlite
def test_another_backbone_has_rows_of_its_own_there_and_back(
    tmp_path: Path, settings: Settings, milvus: Milvus
) -> None:
    home = make_gallery(tmp_path / "eight", {f"Person {i:02}": (i, 3) for i in range(8)})
    write_pointer(home, None, milvus.url)
    names = []
    with open_copy(home, settings, None, TinyPipelines()) as service:
        for turn in (lambda: None, lambda: move(service, "tiny-2"), lambda: back(service)):
            turn()
            assert all(named(service, i) == f"Person {i:02}" for i in range(8))
            assert named(service, 99) is None
            assert service.verify_gallery().sound
            names += milvus.collections()
            assert len(milvus.rows()) == 24
    assert len(names) == 3, "one at a time"
    assert names[0] == names[2] != names[1]


def test_a_file_is_the_same_one_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_gallery(tmp_path / "gallery", {"Ada": (1, 2)})
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    move_index(settings_of(home, home / "keys"), "faces.db")
    assert index_url(home) == str(tmp_path / "here" / "faces.db")


def test_from_a_milvus_that_is_gone_nothing_is_moved(tmp_path: Path, milvus: Milvus) -> None:
    home = make_gallery(tmp_path / "gallery", {"Ada": (1, 2)})
    settings = settings_of(home, home / "keys")
    gone = "http://127.0.0.1:9"
    write_pointer(home, database_url(home) if is_elsewhere(home) else None, gone)
    with pytest.raises(IndexAway):
        move_index(settings, milvus.url)
    assert index_url(home) == gone
    assert milvus.collections() == []
