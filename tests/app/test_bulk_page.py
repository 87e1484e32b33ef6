"""Many people at once: the page as Streamlit runs it, on a real gallery with tiny models."""

import csv
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from app.bulk_results import refused_file, results_file
from app.bulk_work import NAME, results_of
from app.consent_text import offered_consent
from app.language import Language
from app.spreadsheet import spreadsheet
from app.tasks import Task, Tasks
from enrollment.bulk import BulkEnrollment, Outcome
from enrollment.intake import Enrollee
from enrollment.service import Service
from store.errors import GalleryLocked
from tests import tiny

pytestmark = pytest.mark.slow

Person = Callable[..., Enrollee]
EVIL = "<img src=x onerror=alert(1)>"


def _bulk_page(service, tasks) -> None:  # a script of its own: it knows no names from here
    from app.bulk_page import show
    from app.language import Language
    from app.visit import Visit

    show(Visit(service, Language(), tasks))


def open_page(service: Service, tasks: Tasks) -> AppTest:
    at = AppTest.from_function(_bulk_page, default_timeout=600, args=(service, tasks)).run()
    assert not at.exception
    return at


def photo(person: int, number: int) -> bytes:
    return tiny.png(tiny.picture((person, number)))


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def staff(people: dict[str, int], photos: int = 2) -> dict[str, bytes]:
    return {f"{name}/{n}.png": photo(i, n) for name, i in people.items() for n in range(photos)}


def give(at: AppTest, *files: tuple[str, bytes]) -> AppTest:
    given = [(name, data, "application/octet-stream") for name, data in files]
    at.file_uploader[0].set_value(given).run()
    assert not at.exception
    return at


def agree(at: AppTest) -> AppTest:
    return at.checkbox[0].set_value(True).run()


def start(at: AppTest, tasks: Tasks) -> AppTest:
    at.button(key="bulk-start").click().run()
    assert not at.exception
    task = tasks.latest(NAME)
    assert task is not None
    task.wait(60)
    at.run()
    assert not at.exception
    return at


def press(at: AppTest, label: str) -> AppTest:
    (button,) = [button for button in at.button if button.label == label]
    button.click().run()
    assert not at.exception
    return at


def said(at: AppTest) -> str:
    parts = [*at.title, *at.text, *at.markdown, *at.caption, *at.error, *at.warning, *at.info]
    return "\n".join(str(part.value) for part in [*parts, *at.success]).replace("\\", "")


def rows(at: AppTest) -> list[tuple[str, str, str, str]]:
    table = at.table[-1].value
    plain = table.map(lambda cell: cell.replace("\\", "").replace("\u2060", ""))
    return [tuple(row) for row in plain.itertuples(index=False)]


def read(data: bytes) -> list[dict[str, str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


# -- the way from files to people -------------------------------------------------------------


def test_a_zip_becomes_people(service: Service, tasks: Tasks) -> None:
    at = give(open_page(service, tasks), ("staff.zip", zipped(staff({"Ada": 1, "Žofie": 2}))))
    assert [metric.value for metric in at.metric] == ["2", "0", "0", "4"]
    assert not service.people(), "a plan stores nothing"
    at.button(key="bulk-start").click().run()
    assert "There is no consent yet" in said(at)
    assert tasks.latest(NAME) is None
    start(agree(at), tasks)
    assert "2 people enrolled, 0 refused, 4 photos kept" in said(at)
    assert [row[:3] for row in rows(at)] == [
        ("Žofie", ":green-badge[:material/person_add: enrolled]", "2 of 2"),
        ("Ada", ":green-badge[:material/person_add: enrolled]", "2 of 2"),
    ]
    people = service.people()
    assert sorted(s.name for s in people) == ["Ada", "Žofie"]
    assert [c.text for s in people for c in service.consents(s.subject_id)] == [
        offered_consent(Language())
    ] * 2


def test_the_same_zip_again_skips_what_is_there(service: Service, tasks: Tasks) -> None:
    files = staff({"Ada": 1, "Bea": 2})
    start(agree(give(open_page(service, tasks), ("a.zip", zipped(files)))), tasks)
    generation = [s.templates for s in service.people()]
    more = zipped(files | staff({"Cleo": 3}))
    at = press(open_page(service, tasks), "Enroll more people")
    at = give(at, ("b.zip", more))
    assert [metric.value for metric in at.metric] == ["1", "2", "0", "6"]
    start(agree(at), tasks)
    assert "2 of 3 people were there already; nothing of them was changed" in said(at)
    assert [s.templates for s in service.people()] == [*generation, 2]


def test_what_is_refused_stops_nobody_else(service: Service, tasks: Tasks) -> None:
    members = staff({"Ada": 1, EVIL: 2})
    members |= {"Bea/large.png": bytes(40 * 1024**2), "Bea/1.png": photo(3, 0), "lost.png": b""}
    members |= {"Cleo/1.png": b"no picture"}
    at = give(open_page(service, tasks), ("staff.zip", zipped(members)))
    text = said(at)
    assert "2 entries cannot be taken; the others can" in text
    refused = rows(at)
    assert refused[0][0] == EVIL
    assert "has the character '<'" in refused[0][2]
    assert refused[1][2].startswith("It lies in no person's folder")
    for element in [*at.markdown, *at.error, *at.warning]:
        assert EVIL not in element.value
    assert EVIL not in "".join(at.table[-1].value["Name"]), "never markup"
    start(agree(at), tasks)
    assert sorted((s.name, s.templates) for s in service.people()) == [("Ada", 2), ("Bea", 1)]
    by_name = {row[0]: row for row in rows(at)}
    assert by_name["Bea"][2] == "1 of 2"
    assert "the file is larger than 10 MB" in by_name["Bea"][3]
    assert "refused" in by_name["Cleo"][1]
    at.toggle(key="bulk-only-refused").set_value(True).run()
    assert {row[0] for row in rows(at)} == {EVIL, "Bea", "Cleo", "staff.zip/lost.png"}
    task = tasks.latest(NAME)
    assert task is not None
    lines = read(refused_file(Language(), results_of(task)))
    assert [(line["name"], line["code"]) for line in lines] == [
        (EVIL, "not_taken"),
        ("staff.zip/lost.png", "not_taken"),
        ("Bea", "too_large"),
        ("Cleo", "unreadable_image"),
    ]
    assert lines[2]["photo"] == "staff.zip/Bea/large.png"
    assert len(read(results_file(Language(), results_of(task)))) == 5
    assert {button.label for button in at.get("download_button")} >= {
        "Download what was refused, and why", "Download the whole result",
    }  # fmt: skip


def test_a_table_with_its_photos(service: Service, tasks: Tasks) -> None:
    table = (
        "name,photo,external_id\nAda,ADA.png,1\nBea,c:\\pics\\Bea\u0301.PNG,2\nCleo,none.png,3\n"
    )
    at = give(
        open_page(service, tasks),
        ("people.csv", table.encode()),
        ("ada.png", photo(1, 0)),
        ("be\u00e1.png", photo(2, 0)),
        ("other.png", photo(3, 0)),
    )
    assert [metric.value for metric in at.metric] == ["2", "0", "1", "2"]
    assert "1 photo is named by no line of the table" in said(at)
    assert rows(at)[0] == ("Cleo", "4", "There is no photo 'none.png' beside the table")
    start(agree(at), tasks)
    assert sorted((s.name, s.external_id) for s in service.people()) == [("Ada", "1"), ("Bea", "2")]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.zip", b"no archive", "is not a zip archive that can be read"),
        ("a.zip", zipped({"../x.png": b""}), "points outside it"),
        ("a.csv", b"name,picture\nAda,a.png\n", "has no column photo"),
        ("a.png", b"", "photos alone do not say whom they show"),
        ("a.zip", zipped({"readme.txt": b""}), "there is no photo"),
    ],
)
def test_files_that_cannot_be_read_are_refused_in_a_sentence(
    service: Service, tasks: Tasks, name: str, data: bytes, says: str
) -> None:
    at = give(open_page(service, tasks), (name, data))
    assert says.lower() in said(at).lower()
    assert not at.metric
    give(at, ("b.zip", zipped(staff({"Ada": 1}))))
    assert at.metric[0].value == "1", "other files may follow"


def test_when_nobody_can_be_taken_there_is_nothing_to_press(service: Service, tasks: Tasks) -> None:
    at = give(open_page(service, tasks), ("a.csv", b"name,photo\n=1+1,a.png\n"))
    assert "begins like a spreadsheet formula" in rows(at)[0][2]
    assert "Nobody of these can be enrolled" in said(at)
    assert "bulk-start" not in [button.key for button in at.button]


def test_what_was_read_stays_when_the_page_is_left(service: Service, tasks: Tasks) -> None:
    at = agree(give(open_page(service, tasks), ("a.zip", zipped(staff({"Ada": 1})))))
    draft = at.session_state["bulk-draft"]
    again = AppTest.from_function(_bulk_page, default_timeout=600, args=(service, tasks))
    again.session_state["bulk-draft"] = draft  # the widgets' own state is gone
    again.run()
    assert again.metric[0].value == "1"
    assert again.checkbox[0].value is True
    press(again, "Put these away")
    assert not again.metric


# -- those who look alike ---------------------------------------------------------------------


def collide(service: Service, tasks: Tasks, person: Person) -> AppTest:
    list(service.enroll([person(1, name="Ada")], "yes"))
    members = {f"{name}/{n}.png": photo(1, 10 * i + n) for i, name in ((1, "Bea"), (2, "Cleo"))
               for n in range(2)}  # fmt: skip
    at = start(agree(give(open_page(service, tasks), ("a.zip", zipped(members)))), tasks)
    assert "2 people look like somebody enrolled" in "".join(s.value for s in at.subheader)
    assert [s.name for s in service.people()] == ["Ada"]
    return at


def test_who_looks_alike_is_asked_about_at_the_end(
    service: Service, tasks: Tasks, person: Person
) -> None:
    at = collide(service, tasks, person)
    assert len(at.image) == 2, "both faces"
    press(at, "The same person: add the photos there")
    assert [(s.name, s.templates) for s in service.people()] == [("Ada", 5)]
    press(at, "Different people, such as twins")
    assert [(s.name, s.templates) for s in service.people()] == [("Ada", 5), ("Cleo", 2)]
    assert {row[0]: row[1].split(": ")[1] for row in rows(at)} == {
        "Bea": "photos added]", "Cleo": "enrolled]",
    }  # fmt: skip
    assert "1 got more photos" in said(at)
    # The same files again: nobody is asked twice.
    press(at, "Enroll more people")
    members = {f"{name}/{n}.png": photo(1, 10 * i + n) for i, name in ((1, "Bea"), (2, "Cleo"))
               for n in range(2)}  # fmt: skip
    start(agree(give(at, ("a.zip", zipped(members)))), tasks)
    assert "2 of 2 people were there already" in said(at)
    assert len(service.people()) == 2


def test_who_looks_alike_can_be_left_out(service: Service, tasks: Tasks, person: Person) -> None:
    at = collide(service, tasks, person)
    for _ in range(2):
        press(at, "Cancel")
    assert [s.name for s in service.people()] == ["Ada"]
    assert "2 left out" in said(at)


def test_the_second_of_two_clicks_answers_nothing(
    service: Service, tasks: Tasks, person: Person
) -> None:
    at = collide(service, tasks, person)
    task = tasks.latest(NAME)
    assert task is not None
    press(at, "Cancel")
    at.session_state["bulk-question"] = "the one before"  # as if it had never been drawn
    press(at, "The same person: add the photos there")
    assert [(s.name, s.templates) for s in service.people()] == [("Ada", 3)]
    assert [r.outcome for r in results_of(task)] == [Outcome.LEFT_OUT, Outcome.SET_ASIDE]


def test_all_can_be_said_to_be_different(service: Service, tasks: Tasks, person: Person) -> None:
    list(service.enroll([person(1, name="Ada")], "yes"))
    at = give(open_page(service, tasks), ("a.zip", zipped({"Bea/1.png": photo(1, 20)})))
    at.radio[0].set_value("allow")
    start(agree(at), tasks)
    assert [s.name for s in service.people()] == ["Ada", "Bea"]


# -- while it runs ----------------------------------------------------------------------------


def test_others_see_it_run_and_wait(service: Service, tasks: Tasks) -> None:
    at = agree(give(open_page(service, tasks), ("a.zip", zipped(staff({"Ada": 1})))))
    going = threading.Event()

    def somebody_elses(task: Task) -> None:
        task.stage = EVIL
        going.wait(60)

    running = tasks.start(NAME, somebody_elses, 7)
    at.button(key="bulk-start").click().run()
    text = said(at)
    assert "Somebody began this at" in text
    assert "Your files are kept on this page: a.zip" in text
    assert not service.people()
    press(at, "Stop")
    going.set()
    running.wait(60)
    at.run()
    press(at, "Enroll more people")
    assert at.metric[0].value == "1", "nothing of the second one's is lost"
    start(at, tasks)
    assert [s.name for s in service.people()] == ["Ada"]


def test_stop_keeps_what_is_done(service: Service, tasks: Tasks, person: Person) -> None:
    files = zipped(staff({"Ada": 1, "Bea": 2, "Cleo": 3}))
    at = agree(give(open_page(service, tasks), ("a.zip", files)))
    stopped_after_one = threading.Event()
    enroll_bulk = service.enroll_bulk

    def stopping(*args: object, **options: object) -> Iterator[object]:
        for result in enroll_bulk(*args, **options):  # type: ignore[arg-type]
            yield result
            task = tasks.latest(NAME)
            assert task is not None
            task.stop()
            stopped_after_one.set()

    service.enroll_bulk = stopping  # type: ignore[method-assign, assignment]
    start(at, tasks)
    assert stopped_after_one.is_set()
    assert "Give the same files again to go on from there" in said(at)
    assert [s.name for s in service.people()] == ["Ada"]
    service.enroll_bulk = enroll_bulk  # type: ignore[method-assign]
    press(at, "Enroll more people")
    start(agree(give(at, ("a.zip", files))), tasks)
    assert "1 of 3 people were there already" in said(at)
    assert len(service.people()) == 3


# -- one of them is refused --------------------------------------------------------------------


def test_a_suspended_and_an_ambiguous_person_are_told_beforehand(
    service: Service, tasks: Tasks, person: Person
) -> None:
    people = [person(1, name="Ada"), person(2, name="Bea"), replace(person(3), external_id="7")]
    people += [replace(person(4, name="Bea"), external_id="8")]
    list(service.enroll([people[0], people[2]], "yes"))
    list(service.enroll([replace(people[1], external_id="6"), people[3]], "yes"))
    service.suspend("Ada")
    at = give(open_page(service, tasks), ("a.zip", zipped(staff({"Ada": 1, "Bea": 2}, 1))))
    why = {row[0]: row[2] for row in rows(at)}
    assert why["Ada"].startswith("This person is suspended; resume the person first")
    assert why["Bea"].startswith("Several people of this name are enrolled")


def test_refusals_while_it_runs_are_results(service: Service, person: Person) -> None:
    list(service.enroll([replace(person(1, name="Ada"), external_id="7")], "yes"))
    given = [
        person(1, name="Ada"), replace(person(2, name="Bea"), external_id="7"), person(3),
    ]  # fmt: skip
    service.suspend("Ada")
    found = list(service.enroll_bulk(given, "yes"))
    assert [r.outcome for r in found] == [Outcome.REFUSED, Outcome.REFUSED, Outcome.ENROLLED]
    assert "suspended" in (found[0].message or "")
    assert "belongs to 'Ada', not to 'Bea'" in (found[1].message or "")


class Locked:
    """An enroller whose gallery another process holds for so many tries."""

    def __init__(self, enroller: object, tries: int) -> None:
        self._enroller, self.tries = enroller, tries

    def ahead(self, *args: object) -> object:
        return self._enroller.ahead(*args)  # type: ignore[attr-defined]

    def enroll(self, *args: object, **options: object) -> object:
        self.tries -= 1
        if self.tries >= 0:
            raise GalleryLocked("held")
        return self._enroller.enroll(*args, **options)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("tries", "gets_through"), [(3, True), (4, False)])
def test_a_locked_gallery_is_waited_for(
    service: Service, person: Person, tries: int, gets_through: bool
) -> None:
    waited: list[float] = []
    enroller = Locked(service._enroller(), tries)
    bulk = BulkEnrollment(
        service._gallery, enroller, "yes", wait=waited.append  # type: ignore[arg-type]
    )  # fmt: skip
    if gets_through:
        assert [r.outcome for r in bulk.enroll([person(1)])] == [Outcome.ENROLLED]
    else:
        with pytest.raises(GalleryLocked):
            list(bulk.enroll([person(1)]))
    assert waited == [2, 5, 10]


def test_cells_that_begin_like_a_formula_compute_nothing() -> None:
    data = spreadsheet([["name"], ["=1+1"], ["-x"], ["@x"], ["+1"], ["Žofie"], ['a"b\nc']])
    assert [line["name"] for line in read(data)] == [
        "'=1+1", "'-x", "'@x", "'+1", "Žofie", 'a"b\nc',
    ]  # fmt: skip
