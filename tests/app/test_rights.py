"""Who may do what: every role at every page and at every deed, and nothing that stands nowhere."""

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.language import Language
from app.page_rights import PAGES
from app.pages import _allowed, addresses
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.errors import Forbidden, NotConfirmed
from enrollment.intake import Enrollee
from enrollment.rights import DEEDS, ROLES, STEP_UP, Acting, Right, rights_of
from enrollment.service import Service, open_service
from tests.app.visiting import visit

ROOT = Path(__file__).parents[2]
ALL = ("", "account")
OF = {
    "viewer": {"identify", "door"},
    "operator": {"identify", "door", "review", "people"},
    "enroller": {"identify", "door", "review", "people", "enroll", "bulk"},
    "ml-engineer": {"identify", "nightly", "accuracy", "map"},
    "privacy-officer": {"people", "privacy"},
    "admin": {"system", "accounts", "accuracy"},
    "service": {"door"},
}
RECOGNISING = {"operator", "enroller"}
DOES = {
    "subject.add": RECOGNISING, "consent.add": RECOGNISING | {"privacy-officer"},
    "samples.add": RECOGNISING, "samples.insist": RECOGNISING, "subject.different": RECOGNISING,
    "review.assign": RECOGNISING, "review.ignore": RECOGNISING, "review.discard": RECOGNISING,
    "review.forget": RECOGNISING,
    "subject.rename": {"enroller"}, "subject.merge": {"enroller"},
    "subject.active": {"enroller", "privacy-officer"},
    "subject.suspended": {"enroller", "privacy-officer"},
    "subject.erase": {"privacy-officer"}, "subject.export": {"privacy-officer"},
    "consent.withdraw": {"privacy-officer"}, "request.add": {"privacy-officer"},
    "request.answer": {"privacy-officer"},
    "cohort.set": {"ml-engineer", "admin"},
    "head.champion": {"ml-engineer"}, "head.challenger": {"ml-engineer"},
    "head.refused": {"ml-engineer"}, "head.retired": {"ml-engineer"},
    "night.finish": {"ml-engineer"},
    "backbone.prepare": {"ml-engineer"}, "backbone.switch": {"ml-engineer"},
    "backbone.discard": {"ml-engineer"},
    "audit.accept": {"admin"}, "backup.make": {"admin"}, "backup.check": {"admin"},
    "backup.restore": {"admin"}, "keys.rotate": {"admin"},
    "subject.import": {"admin"}, "gallery.merge": {"admin"},
    "api_key.add": {"admin"}, "api_key.revoke": {"admin"},
    "webhook.add": {"admin"}, "webhook.remove": {"admin"},
    "user.add": {"admin"}, "user.roles": {"admin"}, "user.disable": {"admin"},
    "user.enable": {"admin"}, "user.reset": {"admin"},
}  # fmt: skip
# Consequences of what was allowed, and one's own affairs.
OPEN = {
    "operating-point.set", "review.expire", "person.look", "people.look", "seal.first",
    "seal.renew", "user.password", "user.factor",
    "session.open", "session.confirm", "session.refuse", "session.end",
}  # fmt: skip
Person = Callable[..., Enrollee]


def acting(*roles: str, confirmed: bool = True) -> Acting:
    return Acting("user:test", rights_of(roles), confirmed)


def test_every_page_and_every_role_stands_in_the_matrix() -> None:
    assert list(PAGES) == addresses(Language())
    assert set(OF) == set(ROLES)
    assert set(PAGES) == set(ALL).union(*OF.values())
    assert set().union(*(set(needed) for needed in PAGES.values())) <= set(Right)


def test_every_deed_stands_in_the_matrix() -> None:
    assert recorded() <= set(DEEDS), "a deed that nobody may do"
    assert set(DEEDS) == set(DOES) | OPEN


@pytest.mark.parametrize("role", OF)
@pytest.mark.parametrize("page", PAGES)
def test_pages(role: str, page: str) -> None:
    mine = acting(role)
    may = not PAGES[page] or any(mine.may(right) for right in PAGES[page])
    assert may == (page in ALL or page in OF[role])


@pytest.mark.parametrize("role", OF)
@pytest.mark.parametrize("deed", [*DOES, *sorted(OPEN), "something.new"])
def test_deeds(role: str, deed: str) -> None:
    if deed in OPEN or role in DOES.get(deed, ()):
        acting(role).allow(deed)
    else:
        with pytest.raises(Forbidden):
            acting(role).allow(deed)


@pytest.mark.parametrize("deed", DOES)
def test_dangerous_deeds_need_a_proof(deed: str) -> None:
    dangerous = bool(DEEDS[deed]) and DEEDS[deed] <= STEP_UP
    later = acting(*ROLES, confirmed=False)
    if dangerous:
        with pytest.raises(NotConfirmed):
            later.allow(deed)
    else:
        later.allow(deed)
    kinds = ("user", "api_key", "webhook", "cohort")
    others = ("subject.erase", "subject.export")
    assert dangerous == (deed.split(".", maxsplit=1)[0] in kinds or deed in others)


def _all_pages(service) -> None:  # a script of its own: it knows no names from here
    from app.pages import show
    from tests.app.visiting import visit

    show(lambda: service, visit(service).tasks)


@pytest.mark.parametrize("role", [*OF, "nobody"])
def test_the_menu_is_the_roles_own(role: str, service: Service) -> None:
    mine = acting(*([role] if role != "nobody" else []))
    with service.acting_as(mine):
        shown = [page.path for group in _allowed(visit(service)).values() for page in group]
    if role == "nobody":
        assert not shown
    elif role == "service":
        assert shown == ["door"]
    else:
        assert set(shown) == {*ALL, *OF[role]}


def test_nobody_sees_a_page(service: Service) -> None:
    gallery = service._gallery
    gallery._who = acting
    at = AppTest.from_function(_all_pages, default_timeout=60, args=(service,)).run()
    assert [info.value for info in at.info] == ["You are signed out."]
    assert not at.title


@pytest.fixture
def crew(service: Service, settings: Settings, person: Person) -> Service:
    """Two people are enrolled."""
    people = [person(0, name="Anna"), person(1, name="Bo")]
    assert all(r.enrolled for r in service.enroll(people, "yes", allow_collision))
    return service


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "role"),
    [
        (lambda s: s.rename("Anna", "Other"), "enroller"),
        (lambda s: s.merge("Anna", "Bo"), "enroller"),
        (lambda s: s.suspend("Anna"), "enroller"),
        (lambda s: s.calibrate(0.05), "ml-engineer"),
        (lambda s: s.nightly(force=True), "ml-engineer"),
        (lambda s: s.erase("Anna"), "privacy-officer"),
        (lambda s: s.profiles.dossier(s.person("Anna").subject_id), "privacy-officer"),
        (lambda s: s.rebuild(), "admin"),
        (lambda s: s.backup(s._settings.home / "b.rollcall"), "admin"),
        (lambda s: s.api_keys.add("a"), "admin"),
        (lambda s: s.accounts.add("new", ["viewer"]), "admin"),
    ],
    ids=["rename", "merge", "suspend", "calibrate", "nightly", "erase", "export", "rebuild",
         "backup", "key", "account"],
)  # fmt: skip
def test_the_rules_hold_it_whatever_a_page_shows(
    crew: Service, act: Callable[[Service], object], role: str
) -> None:
    before = [replace(s) for s in crew.people()]
    for other in {*ROLES} - {role, "privacy-officer", "admin"}:
        with crew.acting_as(acting(other)), pytest.raises(Forbidden):
            act(crew)
    with crew.acting_as(acting()), pytest.raises(Forbidden):
        act(crew)
    assert [replace(s) for s in crew.people()] == before
    assert not crew.api_keys.all()
    assert not crew.accounts.all()
    assert crew.verify_gallery().sound
    with crew.acting_as(acting(role)):
        act(crew)


def test_long_work_is_done_in_the_name_of_who_began_it(crew: Service) -> None:
    with crew.acting_as(acting("viewer")):
        task = visit(crew).start("erase", lambda task: task.results.append(crew.erase("Anna")))
    task.wait(60)
    assert task.state == "failed"
    assert not task.results
    with crew.acting_as(acting("privacy-officer")):
        task = visit(crew).start("erase", lambda task: task.results.append(crew.erase("Anna")))
    task.wait(60)
    assert task.state == "done"
    deeds, _ = crew.privacy.audit_page(["subject.erase"])
    assert [deed.record.actor for deed in deeds] == ["user:test"]


def test_whoever_opens_a_gallery_says_who_acts(settings: Settings, crew: Service) -> None:
    crew.close()
    with open_service(settings, who=lambda: acting("viewer")) as service:
        assert service.signs_in
        with pytest.raises(Forbidden):
            service.rename("Anna", "Other")
        with pytest.raises(Forbidden):
            _ = service.accounts


def recorded() -> set[str]:
    """What the code writes into the audit trail."""
    found = set()
    for room in ("store", "enrollment"):
        for path in (ROOT / room).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text("utf-8"))):
                name = getattr(getattr(call, "func", None), "attr", None)
                if name in ("record", "put_user") and isinstance(call, ast.Call):
                    found |= set(_texts(call))
    return found


def _texts(call: ast.Call) -> list[str]:
    for argument in call.args[:3]:
        if isinstance(argument, ast.Constant) and "." in str(argument.value):
            return [str(argument.value)]
        if isinstance(argument, ast.JoinedStr):
            kind = str(getattr(argument.values[0], "value", ""))
            states = {"subject.": ("active", "suspended"), "head.": ("champion", "challenger",
                      "refused", "retired")}  # fmt: skip
            return [kind + state for state in states[kind]]
    return []


def _identify(service) -> None:  # a script of its own: it knows no names from here
    from app.verdict import show_answers
    from enrollment.photo import photo_bytes
    from tests import tiny
    from tests.app.visiting import visit

    show_answers(visit(service), photo_bytes("a.png", tiny.png(tiny.picture((0, 50)))))


@pytest.mark.parametrize("role", [role for role in ROLES if "identify" in OF[role]])
def test_a_viewer_is_told_no_number(crew: Service, role: str) -> None:
    """With scores, whoever may send photos gropes for a template (`benchmarks.hill_climbing`)."""
    crew._gallery._who = lambda: acting(role)
    at = AppTest.from_function(_identify, default_timeout=60, args=(crew,)).run()
    (table,) = at.table
    assert "Anna" in str(table.value)
    assert ("Score" in table.value.columns) == (role != "viewer")
    assert ("Margin" in table.value.columns) == (role != "viewer")
    assert bool(at.caption) == (role != "viewer")
