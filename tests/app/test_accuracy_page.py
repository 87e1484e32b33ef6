"""The accuracy page as Streamlit runs it, on a real gallery with tiny models."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from app.language import Language
from app.missing_data import what_is_missing
from app.rates import offered, one_in
from app.tasks import Tasks
from app.visit import Visit
from enrollment.calibration import Needed
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.service import Service
from tests.app.charted import charts

pytestmark = pytest.mark.slow

CONSENT = "agreed"
NASTY = "**Žofie** :red[x]"
Person = Callable[..., Enrollee]


def _page(service) -> None:  # a script of its own: it knows no names from here
    from app.accuracy_page import show
    from app.language import Language
    from app.tasks import Tasks
    from app.visit import Visit

    show(Visit(service, Language(), Tasks()))


def open_page(service: Service) -> AppTest:
    at = AppTest.from_function(_page, default_timeout=600, args=(service,)).run()
    assert not at.exception
    return at


def said(at: AppTest) -> str:
    parts = [*at.text, *at.markdown, *at.caption, *at.error, *at.warning, *at.info, *at.success]
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("\u2060", "")


def press(at: AppTest, label: str) -> AppTest:
    (button,) = [button for button in at.button if button.label == label]
    button.click().run()
    assert not at.exception
    return at


def choose(at: AppTest, rate: float) -> AppTest:
    at.select_slider[0].set_value(rate).run()
    assert not at.exception
    return at


@pytest.fixture
def company(service: Service, person: Person) -> Service:
    """A few people, two of whom are alike, with names that Markdown would read."""
    list(service.enroll([person(i) for i in range(6)], CONSENT))
    twin = replace(person(1, range(10, 13)), name="Twin")
    list(service.enroll([twin], CONSENT, allow_collision))
    with service._gallery.change("test") as change:  # no door lets such a name in
        change.rename(service.person("Twin").subject_id, NASTY)
    return service


def test_an_empty_gallery_says_what_to_do(service: Service) -> None:
    at = open_page(service)
    assert "Enroll people first" in at.info[0].value
    assert not at.select_slider


def test_one_person_is_too_few_to_measure(service: Service, person: Person) -> None:
    list(service.enroll([person(1)], CONSENT))
    at = open_page(service)
    assert "it takes two people at least" in said(at)
    assert "Enroll about 99 more people" in at.warning[0].value
    choose(at, 1 / 50)
    assert not at.error


def test_the_promise_is_said_in_words(company: Service) -> None:
    at = open_page(company)
    assert "At most 1 stranger in 100 is named." in said(at)
    assert "not enough data yet" in said(at)
    assert "Enroll about 93 more people" in at.warning[0].value
    labels = [metric.label for metric in at.metric]
    assert labels == ["Strangers named, measured", "With 95 % certainty at most", "Enrolled found"]
    assert all(metric.value.endswith("%") for metric in at.metric)
    assert "7 people: 21 searches by strangers, and 21 photos" in said(at)
    (use,) = [button for button in at.button if button.label == "Use 1 in 100"]
    assert use.disabled


def test_moving_the_slider_shows_what_would_change_and_saves_nothing(company: Service) -> None:
    before = company.operating_points()
    at = choose(open_page(company), 1 / 10)
    line = at.table[0].value
    assert list(line.columns) == ["What is measured", "Now\\: 1 in 100", "1 in 10"]
    now, then = company.what_if(0.1).now, company.what_if(0.1).then
    assert then.threshold < now.threshold
    assert "more would be named" in said(at)
    assert "This rate could not be promised" in [warning.proto.title for warning in at.warning]
    mistaken = at.table[1].value
    assert list(mistaken.columns) == ["If not enrolled", "would be named", "Photos", "now"]
    assert "\\*\\*Žofie" in mistaken.to_csv()
    assert "**Žofie" not in mistaken.to_csv()
    assert company.operating_points() == before
    assert company.operating_point().max_fpir == 0.01


def test_a_stricter_rate_names_who_would_be_found_less(company: Service) -> None:
    company.calibrate(0.5)
    at = choose(open_page(company), 1 / 10_000)
    found = company.what_if(1 / 10_000)
    names = company.names([change.subject_id for change in found.changed])
    assert found.changed, "somebody must be lost, or nothing is tested"
    assert "Who would be found less often" in said(at)
    shown = [text.value for text in at.text]
    assert all(name in shown for name in names.values())
    assert len(at.image) == len(found.changed)
    assert at.image[0].proto.imgs[0].alt.startswith("The face of ")
    assert "More enrolled people alone do not help" in said(at)


def test_a_rate_is_used_after_a_question(company: Service) -> None:
    at = press(choose(open_page(company), 1 / 10), "Use 1 in 10")
    assert "From 1 in 100 to 1 in 10." in said(at)
    assert company.operating_point().max_fpir == 0.01, "nothing is used before the answer"
    press(at, "Cancel")
    assert not [button for button in at.button if button.label == "Use it"]
    press(at, "Use 1 in 10")
    kept = len(company.operating_points())
    press(at, "Use it")
    assert company.operating_point().max_fpir == pytest.approx(0.1)
    assert len(company.operating_points()) == kept + 1
    assert "1 in 10 instead of 1 in 100" in at.success[0].value
    assert not [button for button in at.button if button.label == "Use it"]
    assert "Now: 1 in 10" in [c.replace("\\", "") for c in at.table[0].value.columns]
    choose(at, 1 / 20)
    assert not at.success, "what was done is said once"


def test_distributions_and_thresholds_are_drawn(company: Service) -> None:
    at = choose(open_page(company), 1 / 10)
    bars, lines = charts(at)[0]["layer"]
    assert {row["who"] for row in bars["rows"]} == {
        "enrolled (above)", "strangers (below)",
    }  # fmt: skip
    assert [row["which"] for row in lines["rows"]] == ["now: 1 in 100", "chosen: 1 in 10"]
    assert "strokeDash" in lines["encoding"], "not by colour alone"
    assert "At 1 in 10:" in said(at)
    assert "http" not in json.dumps({k: v for k, v in charts(at)[0].items() if k != "$schema"})


def test_the_history_is_a_chart_and_a_table(company: Service) -> None:
    for rate in (0.02, 0.05):
        company.calibrate(rate)
    at = open_page(company)
    history = next(table.value for table in at.table if "Asked" in table.value.columns)
    points = company.operating_points()
    assert len(history) == len(points)
    assert list(history["Asked"])[:2] == ["1 in 20", "1 in 50"], "the newest first"
    drawn = [chart for chart in charts(at) if "layer" not in chart]
    asked = [row["value"] for row in drawn[0]["rows"] if row["what"] == "asked"]
    assert asked == [point.max_fpir for _, point in points]


def test_people_who_look_alike_are_listed_by_name(company: Service) -> None:
    company.calibrate(0.3)
    at = open_page(company)
    assert "1 pair of people is as alike as photos of one person" in at.info[0].value
    named = next(table.value for table in at.table if "Strangers" in table.value.columns)
    assert {"Person 1"} < set(named["Person"])
    pairs = next(table.value for table in at.table if "looks like" in table.value.columns)
    assert len(pairs) == 1
    assert NASTY not in pairs.to_csv()


def test_thresholds_are_told_in_numbers_only(company: Service) -> None:
    at = open_page(company)
    threshold = f"{company.operating_point().threshold:.4f}"
    outside = [*at.markdown, *at.caption, *at.warning, *at.metric]
    assert all(threshold not in str(part.value) for part in outside)
    assert [e.label for e in at.expander] == ["In numbers", "The threshold in numbers"]
    assert any(threshold in text.value for text in at.expander[0].text)


# -- words ----------------------------------------------------------------------------------------


def test_the_present_rate_is_offered_once() -> None:
    assert offered(0.01) == [1 / n for n in (10, 20, 50, 100, 200, 500, 1000, 2000, 10_000)]
    assert offered(0.03)[2] == 0.03
    assert len(offered(0.03)) == 10
    assert one_in(Language(), 1 / 2000) == "1 in 2,000"
    assert one_in(Language("de"), 1 / 2000).endswith("2.000")


def test_one_more_person_is_no_plural(service: Service) -> None:
    visit = Visit(service, Language(), Tasks())
    said = what_is_missing(visit, service.operating_point(), Needed(1, 300))
    assert "Enroll about 1 more person with" in said
