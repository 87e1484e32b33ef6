"""The page of everybody, and of one person, on a real gallery with tiny models; no browser."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.service import Service
from store import database, gallery
from tests import databases

pytestmark = pytest.mark.slow

Person = Callable[..., Enrollee]


def _page(service) -> None:  # a script of its own: it knows no names from here
    from app.language import Language
    from app.people_page import show
    from app.tasks import Tasks
    from app.visit import Visit

    show(Visit(service, Language(), Tasks()))


def open_page(service: Service, subject_id: str | None = None) -> AppTest:
    at = AppTest.from_function(_page, default_timeout=600, args=(service,))
    if subject_id is not None:
        at.query_params["id"] = subject_id
    return run(at)


def run(at: AppTest) -> AppTest:
    at.run()
    assert not at.exception
    return at


def press(at: AppTest, label: str) -> AppTest:
    (button,) = [b for b in at.button if unmarked(b.label) == label]
    button.click()
    return run(at)


def labels(at: AppTest) -> list[str]:
    return [unmarked(button.label) for button in at.button]


def said(at: AppTest) -> str:
    """Everything on the page that is text."""
    parts = [*at.title, *at.subheader, *at.text, *at.markdown, *at.caption, *at.success]
    return unmarked("\n".join(str(p.value) for p in [*parts, *at.error, *at.warning, *at.info]))


def unmarked(text: str) -> str:
    return text.replace("\\", "").replace("\u2060", "")


@pytest.fixture
def staff(service: Service, person: Person) -> Service:
    """Ada, Bea and Carl; Ada has four photos."""
    people = [
        person(1, range(4), "Ada"),
        person(2, range(3), "Bea"),
        person(3, range(1), "Carl"),
    ]
    assert all(
        r.enrolled for r in service.enroll(people, "I agree, word for word.", allow_collision)
    )
    return service


def id_of(service: Service, name: str) -> str:
    return service.person(name).subject_id


# -- the list -------------------------------------------------------------------------------------


def test_an_empty_gallery_says_what_to_do(service: Service) -> None:
    at = open_page(service)
    assert "Nobody is enrolled yet" in said(at)
    assert not at.text_input


def test_everybody_is_listed_with_face_and_facts(staff: Service) -> None:
    at = open_page(staff)
    assert labels(at) == ["Ada", "Bea", "Carl"]
    assert "1 to 3 of 3" in said(at)
    assert "4 photos" in said(at)
    assert [i.proto.imgs[0].alt for i in at.image] == [
        f"The face of {name}" for name in ("Ada", "Bea", "Carl")
    ]


def test_search_state_and_order(staff: Service) -> None:
    staff.suspend("Bea")
    staff.merge("Carl", "Ada")
    at = open_page(staff)
    assert labels(at) == ["Ada", "Bea"]
    assert "suspended" in said(at)
    at.selectbox[0].set_value("suspended")
    assert labels(run(at)) == ["Bea"]
    at.selectbox[0].set_value("merged")
    assert labels(run(at)) == ["Carl"]
    at.selectbox[0].set_value("all")
    at.selectbox[1].set_value("newest")
    assert labels(run(at)) == ["Bea", "Ada"]
    at.text_input[0].set_value("AD")
    assert labels(run(at)) == ["Ada"]
    at.text_input[0].set_value("**nobody**")
    assert 'Nobody was found for "**nobody**"' in said(run(at))


def test_pages_of_fifty(service: Service) -> None:
    with service._gallery.change("test") as change:
        for n in range(52):
            change.add_subject(f"Person {n:03}", None)
    at = open_page(service)
    assert "1 to 50 of 52" in said(at)
    at.button("people-next-below").click()
    run(at)
    assert "51 to 52 of 52" in said(at)
    assert "Person 051" in labels(at)
    press(at, "Person 051")
    press(at, "All people")
    assert "51 to 52 of 52" in said(at), "the list is where it was left"
    for name in ("Person 050", "Person 051"):
        service.erase(name)
    assert "1 to 50 of 50" in said(run(at)), "the page is gone, the list is not"
    at.text_input[0].set_value("person 01")
    assert "1 to 10 of 10" in said(run(at))


# -- one person -----------------------------------------------------------------------------------


def test_a_line_opens_the_person_and_the_address_says_who(staff: Service) -> None:
    at = press(open_page(staff), "Ada")
    assert id_of(staff, "Ada") in at.query_params["id"]
    assert at.title[0].value == "Ada"
    press(at, "All people")
    assert "id" not in at.query_params
    assert at.title[0].value == "People"


def test_one_person_whole(staff: Service) -> None:
    text = said(open_page(staff, id_of(staff, "Ada")))
    assert "Staff number: none" in text
    assert "1-0.png" in text, "where a photo came from"
    assert "given as a photo" in text
    assert text.count("sharpness") == 4, "quality numbers of each photo"
    assert "I agree, word for word." in text
    assert "the person's consent" in text
    assert "4 of 4 photos would be found if they were not in the gallery: 100%" in text
    assert "No night has measured this person yet" in text
    assert "likeness" in text
    assert "None yet: a night makes the first one" in text


def test_one_photo_says_nothing_of_the_find_rate(staff: Service) -> None:
    assert "add another one" in said(open_page(staff, id_of(staff, "Carl")))


def test_many_photos_are_shown_when_asked_for(service: Service, person: Person) -> None:
    list(service.enroll([person(1, range(14), "Ada")], "yes", allow_collision))
    at = open_page(service, id_of(service, "Ada"))
    kept, shown = service.person("Ada").templates, len(at.image)
    press(at, f"Show all {kept} photos")
    assert len(at.image) == shown + kept - 12


def test_nobody_has_this_id(staff: Service) -> None:
    at = open_page(staff, "no-such-id")
    assert "There is nobody with this id" in said(at)
    press(at, "All people")
    assert "Ada" in labels(at)


def test_nights_become_a_chart(staff: Service) -> None:
    ada = id_of(staff, "Ada")
    for day, found in (("2026-11-20", 2), ("2026-11-21", 3)):
        with staff._gallery.change("test") as change:
            change.put_night(day, {ada: (found, 4)})
        at = open_page(staff, ada)
        assert f"found {found} of 4" in said(at)
        assert len(at.get("arrow_vega_lite_chart")) + len(at.get("vega_lite_chart")) == found - 2
    with staff._gallery.change("test") as change:
        change.add_head("2026-11-21-imprint", "champion", 1, {"mode": "imprint"}, [ada])
    (heads,) = open_page(staff, ada).table
    assert unmarked(heads.value["Version"][0]) == "2026-11-21-imprint"
    assert heads.value["State"][0] == "serves now"


def test_a_near_colleague_is_marked_and_opens(service: Service, person: Person) -> None:
    twin = person(1, range(10, 13), "Bea")
    list(service.enroll([person(1, name="Ada"), twin, person(2)], "yes", allow_collision))
    at = open_page(service, id_of(service, "Ada"))
    assert said(at).count("near enough to be mistaken") == 2, "Bea's badge, and what it means"
    press(at, "Bea")
    assert at.title[0].value == "Bea"


def test_a_name_is_never_markup(service: Service, person: Person) -> None:
    list(service.enroll([person(1, name="O'Neil & Söhne (1) - x")], "yes", allow_collision))
    at = open_page(service, id_of(service, "O'Neil & Söhne (1) - x"))
    assert unmarked(at.title[0].value) == "O'Neil & Söhne (1) - x"


# -- what can be done -----------------------------------------------------------------------------


def rename(at: AppTest, name: str) -> AppTest:
    press(at, "Rename")
    at.text_input[0].set_value(name)
    return press(at, "Save")


def test_rename(staff: Service) -> None:
    at = rename(open_page(staff, id_of(staff, "Ada")), "Ada Lovelace")
    assert "Ada is called Ada Lovelace now" in said(at)
    assert not at.text_input, "the dialog is closed"
    assert staff.person("Ada Lovelace").templates == 4


def test_a_wrong_name_is_refused_and_kept_in_the_field(staff: Service) -> None:
    at = rename(open_page(staff, id_of(staff, "Ada")), "<b>")
    assert at.error
    assert at.text_input[0].value == "<b>"
    assert staff.person("Ada")


def test_a_name_that_somebody_has_is_a_question(staff: Service) -> None:
    at = rename(open_page(staff, id_of(staff, "Ada")), "bea")
    assert "bea is enrolled already" in said(at)
    assert {s.name for s in staff.people()} == {"Ada", "Bea", "Carl"}
    press(at, "Keep the name Ada")
    assert not at.warning
    at = rename(at, "Bea")
    press(at, "Two people of one name: rename all the same")
    assert sorted(s.name for s in staff.people()) == ["Bea", "Bea", "Carl"]


def test_a_name_that_somebody_has_may_be_a_merge(staff: Service) -> None:
    at = rename(open_page(staff, id_of(staff, "Ada")), "Bea")
    press(at, "The same person: merge with Bea")
    assert "7 photos in all" in said(at)
    assert len(staff.people()) == 3, "only looked at so far"
    press(at, "Merge them")
    assert [s.name for s in staff.people()] == ["Ada", "Carl"]


def test_merge_is_previewed_and_undone(staff: Service) -> None:
    at = press(open_page(staff, id_of(staff, "Ada")), "Merge")
    at.text_input[0].set_value("carl")
    run(at)
    carl = next(b for b in at.button if b.label == "Carl" and "pick" in str(b.key))
    carl.click()
    run(at)
    assert "Likeness" in said(at)
    assert "Carl answers as Ada, with 5 photos in all" in said(at)
    press(at, "Merge them")
    assert "Carl answers as Ada now" in said(at)
    assert "Merged into this person" in said(at)
    assert staff.person("Ada").templates == 5
    carl = open_page(staff, staff.profiles.family(id_of(staff, "Ada"))[1].subject_id)
    assert "this person answers as Ada" in said(carl)
    press(at, "Unmerge Carl")
    assert "Carl is a person of their own again" in said(at)
    assert staff.person("Carl").templates == 1


def test_the_other_name_may_stay(staff: Service) -> None:
    at = press(open_page(staff, id_of(staff, "Ada")), "Merge")
    at.text_input[0].set_value("Carl")
    run(at)
    next(b for b in at.button if b.label == "Carl" and "pick" in str(b.key)).click()
    run(at)
    at.radio[0].set_value(id_of(staff, "Carl"))
    run(at)
    press(at, "Merge them")
    assert at.title[0].value == "Carl"
    assert [s.name for s in staff.people()] == ["Bea", "Carl"]


def test_nobody_to_merge_with(staff: Service) -> None:
    at = press(open_page(staff, id_of(staff, "Ada")), "Merge")
    at.text_input[0].set_value("ada")
    assert "Nobody else was found" in said(run(at))


def test_suspend_and_resume(staff: Service) -> None:
    at = press(open_page(staff, id_of(staff, "Ada")), "Suspend")
    assert "Ada is suspended" in said(at)
    assert staff.person("Ada").state == "suspended"
    assert "Nobody is searched for while suspended" in said(at)
    press(at, "Resume")
    assert "Ada is found again" in said(at)
    assert staff.person("Ada").state == "active"


# -- erasing --------------------------------------------------------------------------------------


def test_erase_asks_for_the_name_and_gives_a_receipt(staff: Service) -> None:
    ada = id_of(staff, "Ada")
    at = press(open_page(staff, ada), "Erase")
    assert "4 photos and templates" in said(at)
    at.text_input[0].set_value("Bea")
    press(at, "Erase for good")
    assert "Nothing was erased" in said(at)
    assert staff.person("Ada")
    at.text_input[0].set_value(" ada ")
    press(at, "Erase for good")
    assert [s.name for s in staff.people()] == ["Bea", "Carl"]
    assert "0 of 4 found this person" in said(at)
    lines = dict(zip(at.table[0].value["Erased"], at.table[0].value["Number"], strict=True))
    assert lines["photos"] == "4"
    assert "Ada" not in said(at)
    assert "There is nobody with this id" in said(open_page(staff, ada))


def test_erasing_can_be_left(staff: Service) -> None:
    at = press(open_page(staff, id_of(staff, "Ada")), "Erase")
    press(at, "Keep this person")
    assert not at.text_input
    assert len(staff.people()) == 3


def test_a_log_that_could_not_be_cut_is_said(
    make_service: Callable[..., Service], person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "_CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0)  # nobody waits for the reader here
    service = make_service()
    list(service.enroll([person(1, name="Ada")], "yes"))
    at = press(open_page(service, id_of(service, "Ada")), "Erase")
    at.text_input[0].set_value("Ada")
    with databases.read(service._settings.home):
        press(at, "Erase for good")
    assert "another process is reading the database" in said(at)
    assert not service.people()


# -- two at once ----------------------------------------------------------------------------------


def test_erased_by_somebody_else_meanwhile(staff: Service) -> None:
    pages = [open_page(staff, id_of(staff, "Ada")) for _ in range(4)]
    press(pages[0], "Rename")
    press(pages[1], "Erase")
    press(pages[2], "Merge")
    staff.erase("Ada")
    for at in pages:
        assert "There is nobody with this id" in said(run(at))


def test_renamed_by_somebody_else_meanwhile(staff: Service) -> None:
    at = press(open_page(staff, id_of(staff, "Ada")), "Rename")
    staff.rename("Ada", "Augusta")
    assert "renamed this person from Ada to Augusta" in said(run(at))
    at.text_input[0].set_value("Ada King")
    press(at, "Save")
    assert "Augusta is called Ada King now" in said(at)


def test_the_other_one_is_merged_by_somebody_else_meanwhile(staff: Service) -> None:
    at = press(open_page(staff, id_of(staff, "Ada")), "Merge")
    at.text_input[0].set_value("Carl")
    run(at)
    next(b for b in at.button if b.label == "Carl" and "pick" in str(b.key)).click()
    run(at)
    staff.merge("Carl", "Bea")
    press(at, "Merge them")
    assert "erased or merged by somebody else meanwhile" in said(at)
    press(at, "Pick somebody else")
    assert at.text_input


def test_a_day_is_told(staff: Service) -> None:
    today = f"{datetime.now(UTC).year}"
    assert today in said(open_page(staff))
