"""The map as Streamlit runs it, on a real gallery with tiny models."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from app.map_chart import _chosen
from app.tasks import Tasks
from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.service import Service
from tests.app.charted import charts

pytestmark = pytest.mark.slow

CONSENT = "agreed"
NASTY = '**Žofie** :red[x] "quoted"'
Person = Callable[..., Enrollee]


def _page(service, tasks) -> None:  # a script of its own: it knows no names from here
    from app.language import Language
    from app.map_page import show
    from app.visit import Visit

    show(Visit(service, Language(), tasks))


def open_page(service: Service, tasks: Tasks) -> AppTest:
    at = AppTest.from_function(_page, default_timeout=600, args=(service, tasks)).run()
    assert not at.exception
    return at


def drawn(service: Service, tasks: Tasks) -> AppTest:
    """The page once the map is there."""
    at = open_page(service, tasks)
    task = tasks.latest("map")
    if task is not None:
        task.wait()
        at.run()
    assert not at.exception
    return at


def said(at: AppTest) -> str:
    parts = [*at.text, *at.markdown, *at.caption, *at.error, *at.info, *at.success, *at.subheader]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def points(at: AppTest) -> list[dict]:
    (chart,) = charts(at)
    return chart["layer"][1]["rows"]


@pytest.fixture
def company(service: Service, person: Person) -> Service:
    """Five people; two of them are alike."""
    list(service.enroll([person(i) for i in range(4)], CONSENT))
    twin = replace(person(1, range(10, 13)), name="Twin")
    list(service.enroll([twin], CONSENT, allow_collision))
    with service._gallery.change("test") as change:  # no door lets such a name in
        change.rename(service.person("Twin").subject_id, NASTY)
    return service


def test_an_empty_gallery_says_what_to_do(service: Service, tasks: Tasks) -> None:
    assert "Enroll people first" in open_page(service, tasks).info[0].value


def test_one_and_two_people_are_handled_with_words(
    service: Service, person: Person, tasks: Tasks
) -> None:
    list(service.enroll([person(0)], CONSENT))
    at = open_page(service, tasks)
    assert "here are 1" in at.info[0].value
    list(service.enroll([person(1)], CONSENT))
    at.run()
    assert "here are 2" in at.info[0].value
    assert len(at.image) == 2
    assert "Their likeness is" in said(at)
    assert not at.get("vega_lite_chart")
    service.suspend("Person 0")
    service.suspend("Person 1")
    assert "Everybody is suspended" in at.run().info[0].value


def test_the_map_is_drawn_while_the_page_answers(company: Service, tasks: Tasks) -> None:
    at = open_page(company, tasks)
    assert not at.get("vega_lite_chart")
    task = tasks.latest("map")
    assert task is not None
    task.wait()
    assert task.state == "done"
    assert len(points(at.run())) == 5


def test_each_person_is_a_point_with_a_face(company: Service, tasks: Tasks) -> None:
    at = drawn(company, tasks)
    shown = {point["name"]: point for point in points(at)}
    assert set(shown) == {"Person 0", "Person 1", "Person 2", "Person 3", NASTY}
    assert all(point["image"].startswith("data:image/jpeg;base64,") for point in shown.values())
    alike = {name for name, point in shown.items() if point["kind"] == "looks like somebody else"}
    assert alike == {"Person 1", NASTY}
    (chart,) = charts(at)
    lines, people = chart["layer"]
    (line,) = lines["rows"]
    ends = {(line["x"], line["y"]), (line["x2"], line["y2"])}
    assert ends == {(shown[name]["x"], shown[name]["y"]) for name in alike}
    assert [t["title"] for t in people["encoding"]["tooltip"]] == ["title", "image"]
    assert {"color", "shape"} < set(people["encoding"]), "not by colour alone"


def test_near_pairs_are_listed_with_both_faces(company: Service, tasks: Tasks) -> None:
    at = drawn(company, tasks)
    assert "5 people, laid out by t-SNE" in said(at)
    assert "1 pair looks alike" in said(at)
    assert NASTY in [text.value for text in at.text]
    assert all(NASTY not in part.value for part in [*at.markdown, *at.caption])
    assert len(at.image) == 2
    assert "merge them under People" in said(at)


def test_who_is_suspended_or_erased_is_on_no_map(company: Service, tasks: Tasks) -> None:
    company.suspend("Person 0")
    names = {point["name"] for point in points(drawn(company, tasks))}
    assert names == {"Person 1", "Person 2", "Person 3", NASTY}
    company.erase(NASTY)
    at = drawn(company, tasks)
    assert {point["name"] for point in points(at)} == {"Person 1", "Person 2", "Person 3"}
    assert "No two people are as alike" in said(at)


def test_a_map_that_cannot_be_drawn_is_said_and_can_be_tried_again(
    company: Service, tasks: Tasks
) -> None:
    draw = company.map.draw

    def refuse() -> None:
        raise BadInput("the disk is full")

    company.map.draw = refuse
    at = drawn(company, tasks)
    assert at.error[0].value == "The disk is full"
    company.map.draw = draw
    (button,) = at.button
    button.click().run()
    task = tasks.latest("map")
    assert task is not None
    task.wait()
    assert len(points(at.run())) == 5


def test_who_is_chosen_by_clicks_and_by_a_region() -> None:
    at = {"a": (0.0, 0.0), "b": (0.5, 0.5), "c": (-1.0, 1.0)}
    assert _chosen({}, at) == []
    assert _chosen({"picked": [{"id": "b"}, {"id": "gone"}]}, at) == ["b"]
    region = {"x": [0.6, -0.1], "y": [-0.1, 0.6]}
    assert _chosen({"picked": [{"id": "c"}, {"id": "b"}], "region": region}, at) == ["c", "b", "a"]
    assert _chosen({"picked": [], "region": {}}, at) == []
