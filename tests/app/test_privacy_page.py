"""The privacy page as Streamlit runs it, on a real gallery with tiny models; no browser."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.deed_words import _WORDS, action_in_words
from app.language import Language
from app.tasks import Tasks
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.service import Service

pytestmark = pytest.mark.slow

Person = Callable[..., Enrollee]


def _page(service, tasks) -> None:  # a script of its own: it knows no names from here
    from app.language import Language
    from app.privacy_page import show
    from app.visit import Visit

    show(Visit(service, Language(), tasks))


@pytest.fixture
def staffed(service: Service, person: Person) -> Service:
    names = ("Žofie <b>", "Bert **x**", "Cleo")
    people = [person(n, range(1)) for n in range(3)]
    list(service.enroll(people, "I agree.", allow_collision))
    with service._gallery.change("test") as change:
        for subject, name in zip(service.people(), names, strict=True):
            change.rename(subject.subject_id, name)
    return service


@pytest.fixture
def at(staffed: Service, tasks: Tasks) -> AppTest:
    return AppTest.from_function(_page, default_timeout=60, args=(staffed, tasks))


def run(at: AppTest) -> AppTest:
    at.run()
    assert not at.exception, at.exception
    return at


def press(at: AppTest, label: str) -> AppTest:
    buttons = [button for button in at.button if button.label == label]
    assert len(buttons) == 1, [button.label for button in at.button]
    assert not buttons[0].disabled
    buttons[0].click()
    return run(at)


def go(at: AppTest, part: str) -> AppTest:
    at.session_state["privacy-part"] = part
    return run(at)


def said(at: AppTest) -> str:
    parts = [*at.title, *at.text, *at.markdown, *at.caption, *at.error, *at.warning, *at.info]
    everything = [*parts, *at.success, *at.subheader]
    return "\n".join(str(p.value) for p in everything).replace("\\", "").replace("\u2060", "")


def ids(service: Service) -> list[str]:
    return [subject.subject_id for subject in service.people()]


def end_consent(service: Service, subject_id: str, days: float) -> None:
    with service._gallery.change("test") as change:
        change.withdraw_consents([subject_id])
        end = datetime.now(UTC) + timedelta(days=days)
        change.add_consent(subject_id, "consent", "I agree.", end)


# -- what is due ----------------------------------------------------------------------------------


def test_an_empty_gallery_says_so(service: Service, tasks: Tasks) -> None:
    at = run(AppTest.from_function(_page, default_timeout=60, args=(service, tasks)))
    assert "Nothing is due" in at.success[0].value
    assert "Nobody is enrolled yet" in at.info[0].value
    assert "Nobody waits for an answer" in said(go(at, "requests"))
    assert "Nobody has agreed to anything yet" in said(go(at, "rules"))
    go(at, "trail")
    assert list(at.table[0].value["What"]) == ["Sealed everything for the first time"]


def test_the_worst_come_first_with_what_can_be_done(staffed: Service, at: AppTest) -> None:
    zofie, bert, cleo = ids(staffed)
    end_consent(staffed, zofie, 5.5)
    end_consent(staffed, bert, -5)
    staffed.privacy.withdraw(cleo)
    run(at)
    badges = [m.value for m in at.markdown if "-badge[" in m.value]
    assert ["withdrawn: 1" in badges[0], "ended: 1" in badges[1], "soon: 1" in badges[2]] == [
        True
    ] * 3
    names = [text.value for text in at.text]
    assert names == ["Cleo", "Bert **x**", "Žofie <b>"], "shown as they are"
    labels = [button.label for button in at.button]
    assert labels.count("Erase…") == 2, "not while a consent holds"
    assert labels.count("Consent again…") == 3
    at.selectbox[0].set_value("consent_expired")
    run(at)
    assert [text.value for text in at.text] == ["Bert **x**"]


def test_a_long_list_is_turned(service: Service, tasks: Tasks) -> None:
    with service._gallery.change("test") as change:
        for number in range(23):
            who = change.add_subject(f"Person {number:02}", None)
            end = datetime.now(UTC) - timedelta(days=30 - number)
            change.add_consent(who, "consent", "yes", end)
    at = run(AppTest.from_function(_page, default_timeout=60, args=(service, tasks)))
    assert [text.value for text in at.text][:2] == ["Person 00", "Person 01"]
    press(press(at, "Further"), "Further")
    assert [text.value for text in at.text] == ["Person 20", "Person 21", "Person 22"]
    assert "21 to 23 of 23" in said(at)
    press(at, "Back")
    assert len(at.text) == 10


# -- consent --------------------------------------------------------------------------------------


def test_a_consent_is_withdrawn_after_a_question(staffed: Service, at: AppTest) -> None:
    run(at)
    at.text_input[0].set_value("cleo")
    run(at)
    assert "Nobody is enrolled" not in said(at)
    press(at, "Withdraw…")
    assert all(s.state == "active" for s in staffed.people()), "only asked so far"
    press(at, "Withdraw the consent")
    cleo = staffed.person("Cleo")
    assert cleo.state == "suspended"
    assert "The consent of Cleo is withdrawn" in said(at)
    assert staffed.privacy.open_requests() == 1
    assert "Request open" not in said(at), "the worst reason alone is counted"
    assert "Consent withdrawn: 1" in said(at)


def test_a_consent_is_given_again(staffed: Service, at: AppTest) -> None:
    cleo = ids(staffed)[2]
    end_consent(staffed, cleo, -1)
    press(run(at), "Consent again…")
    (text,) = at.text_area
    assert text.value == "I agree."
    text.set_value(" ")
    next(box for box in at.checkbox if "has read" in box.label).set_value(True)
    run(at)
    press(at, "Write it down")
    assert "The text is empty" in said(at)
    at.text_area[0].set_value("I agree once more.")
    run(at)
    press(at, "Write it down")
    given = staffed.consents(cleo)[-1]
    assert given.text == "I agree once more."
    assert given.expires_at is not None
    assert 360 < (given.expires_at - datetime.now(UTC)).days < 367
    assert "Nothing is due" in said(at)


# -- erasing --------------------------------------------------------------------------------------


def test_erasing_asks_for_the_name_and_hands_out_a_receipt(staffed: Service, at: AppTest) -> None:
    zofie = ids(staffed)[0]
    staffed.privacy.withdraw(zofie)
    made = staffed.backup()
    go(at, "requests")
    press(at, "Erase…")
    assert "still hold" not in said(at), "an erasure reaches its keys"
    # As a version made it that left the keys inside.
    made.path.write_bytes(made.path.read_bytes().replace(b"backup 2", b"backup 1", 1))
    at.run()
    assert "Backups of an older version of Rollcall still hold" in said(at)
    yes = next(button for button in at.button if button.label == "Erase for ever")
    assert yes.disabled
    typed = next(field for field in at.text_input if field.label == "Type the name to confirm")
    typed.set_value("Zofie")
    run(at)
    assert "not the name yet" in said(at)
    typed = next(field for field in at.text_input if field.label == "Type the name to confirm")
    typed.set_value("žofie <b>")
    run(at)
    press(at, "Erase for ever")
    assert zofie not in ids(staffed)
    assert "Žofie <b> is erased" in said(at)
    assert "own photos afterwards: 1; found: 0." in said(at), "also when suspended"
    assert staffed.privacy.open_requests() == 0
    press(at, "Put away")
    assert "is erased" not in said(at)


def test_an_erased_persons_question_closes_itself(staffed: Service, at: AppTest) -> None:
    cleo = ids(staffed)[2]
    end_consent(staffed, cleo, -1)
    press(run(at), "Erase…")
    staffed.erase(cleo)
    run(at)
    assert not [button for button in at.button if button.label == "Erase for ever"]


def test_everybody_without_a_consent_is_listed_before_they_are_erased(
    staffed: Service, at: AppTest, tasks: Tasks
) -> None:
    zofie, bert, cleo = ids(staffed)
    for who in (zofie, bert):
        end_consent(staffed, who, -1)
    press(run(at), "Erase everybody whose consent is gone…")
    assert len(ids(staffed)) == 3
    assert "these 2 people" in said(at)
    count = next(field for field in at.text_input if field.label.startswith("Type how many"))
    count.set_value("2")
    run(at)
    staffed.privacy.consent_again(bert, "I agree again.")
    press(at, "Erase them all for ever")
    assert len(ids(staffed)) == 3, "it is another list than the one that was confirmed"
    count = next(field for field in at.text_input if field.label.startswith("Type how many"))
    count.set_value("1")
    run(at)
    press(at, "Erase them all for ever")
    task = tasks.latest("erase-all")
    assert task is not None
    task.wait(60)
    run(at)
    assert ids(staffed) == [bert, cleo], "who agreed meanwhile stays"
    assert "1 person is erased" in said(at)
    press(at, "Put away")
    assert "is erased" not in said(at)


# -- requests -------------------------------------------------------------------------------------


def test_a_request_is_written_down_with_its_deadline(staffed: Service, at: AppTest) -> None:
    go(at, "requests")
    assert next(b for b in at.button if b.label == "Write it down").disabled
    at.text_input[0].set_value("zzz")
    run(at)
    assert "Nobody is called so" in said(at)
    at.text_input[0].set_value("bert")
    run(at)
    at.selectbox[1].set_value("export")
    at.text_input[1].set_value("came **by post**")
    run(at)
    press(at, "Write it down")
    ((request,), _) = staffed.privacy.requests()
    assert (request.name, request.kind, request.note) == (
        "Bert **x**",
        "export",
        "came **by post**",
    )
    text = said(at)
    assert "days left" in text
    assert "came **by post**" in [shown.value for shown in at.text]
    press(at, "It was handed over")
    assert staffed.privacy.open_requests() == 0
    assert at.table[0].value["Outcome"][0] == "done"


def test_a_refusal_needs_a_reason(staffed: Service, at: AppTest) -> None:
    staffed.privacy.add_request(ids(staffed)[0], "erasure", "")
    press(go(at, "requests"), "Refuse…")
    press(at, "Refuse the request")
    assert "Write why" in said(at)
    at.text_area[0].set_value("a law says that it is kept")
    run(at)
    press(at, "Refuse the request")
    assert staffed.privacy.open_requests() == 0
    assert at.table[0].value["Why"][0] == "a law says that it is kept"


def test_a_copy_holds_everything_of_one_person_and_nobody_else(staffed: Service) -> None:
    zofie, bert, _ = ids(staffed)
    staffed.merge(bert, zofie)
    staffed.privacy.add_request(zofie, "export", "mine")
    archive = zipfile.ZipFile(io.BytesIO(staffed.privacy.copy_of(zofie)))
    documents = {
        name: json.loads(archive.read(name)) for name in archive.namelist() if name[-5:] == ".json"
    }
    photos = [name for name in archive.namelist() if name.startswith("photos/")]
    assert len(photos) == 2
    assert archive.read(photos[0])[:2] == b"\xff\xd8"
    assert [consent["text"] for consent in documents["consents.json"]] == ["I agree.", "I agree."]
    assert documents["requests.json"][0]["note"] == "mine"
    assert len(documents["templates.json"]["templates"]) == 2
    assert "Cleo" not in json.dumps(documents)
    assert "subject.export" in {deed["action"] for deed in documents["audit.json"]}


# -- the audit trail and the rules ----------------------------------------------------------------


def test_the_trail_is_told_in_words_and_checked(staffed: Service, at: AppTest) -> None:
    staffed.merge("Cleo", ids(staffed)[1])
    go(at, "trail")
    told = [cell.replace("\\", "") for cell in at.table[0].value["What"]]
    assert told[0] == "Merged Cleo into Bert **x**"
    assert "Changed the name of Žofie <b>" in told
    assert "Kept 1 photo of Žofie <b>" in told
    at.selectbox[0].set_value("subject.merge")
    run(at)
    assert len(at.table[0].value) == 1
    press(at, "Check the trail now")
    assert "nothing was altered" in said(at)
    with staffed._gallery._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET action = 'x' WHERE seq = 2")
    press(at, "Check the trail now")
    assert "altered at entry 2" in said(at)


def test_the_rules_are_told_from_the_values_in_force(staffed: Service, at: AppTest) -> None:
    text = said(go(at, "rules"))
    assert "ends within 30 days" in text
    assert "more than 180 days" in text
    assert "waits for review for at most 30 days" in text
    assert "2,000 faces wait" in text
    (expander,) = at.expander
    assert "3 people" in expander.label
    assert "I agree." in [shown.value for shown in at.text]


def test_every_action_is_told_in_words() -> None:
    """What the code records is found in the words; a new action needs some."""
    root = Path(__file__).parents[2]
    files = [path for room in ("store", "enrollment") for path in (root / room).glob("*.py")]
    code = "".join(path.read_text() for path in files)
    recorded = set(re.findall(r'\.record\(\s*"([a-z._-]+)"', code))
    assert len(recorded) > 12
    for action in recorded:
        assert action_in_words(action, Language()) != action, action
        assert action in _WORDS, action


def test_who_asks_for_a_copy_is_answered_and_not_erased(staffed: Service, at: AppTest) -> None:
    staffed.privacy.add_request(ids(staffed)[1], "export")
    run(at)
    assert "Erase…" not in [button.label for button in at.button]
    press(at, "To the request")
    assert "Asked for a copy of their data" in said(at)


def test_people_of_one_name_are_told_apart(staffed: Service, at: AppTest) -> None:
    with staffed._gallery.change("test") as change:
        for who in ids(staffed)[:2]:
            change.rename(who, "Kim **K**")
    run(at)
    at.text_input[0].set_value("kim")
    run(at)
    options = at.selectbox[0].options
    assert len(set(options)) == 2
    assert all(option.startswith("Kim **K** (") for option in options), "no backslashes either"
    one = ids(staffed)[1]
    at.selectbox[0].set_value(one)
    run(at)
    press(at, "Withdraw…")
    press(at, "Withdraw the consent")
    assert [s.state for s in staffed.people()] == ["active", "suspended", "active"]
