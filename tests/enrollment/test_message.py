"""Texts for people that can be said in another language: English stays English, word for word."""

import ast
import copy
import json
import pickle
import string
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import enrollment.errors
import models.errors
import store.errors
from enrollment.calibration import leave_subjects_out, operating_point, point_to_store, stored_point
from enrollment.errors import BadInput
from enrollment.intake import check_name
from enrollment.outlook import Outlook, missing_views
from enrollment.photo import MAX_BYTES, decode, photo_bytes
from enrollment.quality import ENROLLMENT_LIMITS, Quality, judge
from enrollment.reasons import Reason
from wording.message import Message, joined, message, read_message, stored_message

ROOT = Path(__file__).parents[2]
ROOMS = ("enrollment", "models", "store")


def test_a_message_is_its_english_text() -> None:
    said = message("{n} of {all:.0%}", n=3, all=0.5)
    assert said == "3 of 50%"
    assert json.loads(json.dumps({"message": said})) == {"message": "3 of 50%"}
    assert f"{said}!" == "3 of 50%!"


def sent(text: str) -> str:
    received: str = pickle.loads(pickle.dumps(text))  # noqa: S301
    return received


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, sent])
def test_a_copy_remembers_too(again) -> None:
    """dataclasses.asdict copies; processes send."""
    said = again(message("{inner}, {n}", inner=message("no face"), n=1))
    assert (said, said.template) == ("no face, 1", "{inner}, {n}")
    assert said.values["inner"].template == "no face"


def test_what_is_kept_in_the_database_can_be_translated_afterwards() -> None:
    said = message("{how}; {rate:.2%}", how=message("measured on {n}", n=7), rate=0.01)
    again = read_message(json.loads(json.dumps(stored_message(said))))
    assert isinstance(again, Message)
    assert (again, again.template, again.values) == (said, said.template, said.values)
    assert read_message(json.loads(json.dumps(stored_message("plain")))) == "plain"


def test_an_operating_point_keeps_its_explanation() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(8, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    trials = leave_subjects_out(vectors, ["a", "a", "b", "b", "c", "c", "d", "d"])
    point = operating_point(trials, 0.01, 0.5, 1)
    again = stored_point(json.loads(json.dumps(point_to_store(point))))
    assert again == point
    assert isinstance(again.explanation, Message)
    assert again.explanation.template.startswith("not enough data: {how}")
    old = stored_point(json.loads(json.dumps(point.as_document())))
    assert old == point, "kept before explanations were messages"


def test_reasons_are_messages() -> None:
    quality = Quality(5, 1, 1, 1, 90, 0, 0, 0.1)
    reasons = judge(quality, ENROLLMENT_LIMITS)
    assert len(reasons) == 5
    for data in (b"x", b"GIF8", b"    ftyp", bytes(MAX_BYTES + 1)):
        reason = decode(photo_bytes("x", data))
        assert isinstance(reason, Reason)
        reasons.append(reason)
    assert all(isinstance(reason.message, Message) for reason in reasons)
    assert reasons[0].message == "the eyes are 5 px apart, at least 20 are needed; come closer"
    with pytest.raises(BadInput) as caught:
        check_name("<b>")
    assert isinstance(caught.value.args[0], Message)


@pytest.mark.parametrize(
    ("outlook", "said"),
    [
        (Outlook(0, None, None, None, None, ()), "no photo would be kept"),
        (
            Outlook(1, None, None, None, None, missing_views([0, 20])),
            "with this photo nobody can say yet how often this person will be found; "
            "missing: a view turned to the person's own right",
        ),
        (
            Outlook(3, 0.974, "id", "Ada", 0.417, missing_views([0])),
            "with these 3 photos this person will be found about 97% of the time; the nearest "
            "colleague is Ada (0.42); missing: a view turned to the person's own left, a view "
            "turned to the person's own right",
        ),
        (
            Outlook(2, None, "id", "Ada", 0.4, ()),
            "with these 2 photos nobody can say yet how often this person will be found; the "
            "nearest colleague is Ada (0.40)",
        ),
        (
            Outlook(1, 1.0, None, None, None, ()),
            "with this photo this person will be found about 100% of the time",
        ),
    ],
)
def test_an_outlook_in_words(outlook: Outlook, said: str) -> None:
    assert outlook.words == said
    assert isinstance(outlook.words, Message)


def test_every_template_is_written_out_and_gets_its_values() -> None:
    """The catalogue finds literals only, and a value that is missing is an error at the door."""
    seen = 0
    for path, call in _messages():
        where = f"{path.name}:{call.lineno}"
        (template,) = call.args
        assert isinstance(template, ast.Constant), where
        asked = {name for _, name, _, _ in string.Formatter().parse(template.value) if name}
        assert asked == {keyword.arg for keyword in call.keywords}, where
        seen += 1
    assert seen > 80


def _messages() -> Iterator[tuple[Path, ast.Call]]:
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "message":
                yield path, node


def _modules() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).glob("*.py"))


def test_numbers_of_numpy_and_paths_can_be_kept() -> None:
    said = message(
        "{n} of {rate:.1%} in {path}", n=np.int64(3), rate=np.float32(0.5), path=Path("/x")
    )
    again = read_message(json.loads(json.dumps(stored_message(said))))
    assert again == said == "3 of 50.0% in /x"


def test_several_are_one_that_can_be_translated() -> None:
    said = joined([message("a {n}", n=1), "plain", message("b")])
    assert (said, said.template) == ("a 1; plain; b", "{one}; {other}")
    assert joined(["alone"]) == "alone"


# Commands alone raise these: a page has no folder, no method and no file to be written.
COMMANDS = {"cohort.py", "embedding_cache.py", "intake.py", "planning.py", "stream.py"}
COMMANDS |= {"threshold_history.py", "evaluation.py"}


def test_no_error_is_a_text_that_nobody_can_translate() -> None:
    errors = {
        name
        for module in (enrollment.errors, models.errors, store.errors)
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }
    seen = 0
    for path in _modules():
        if path.name in COMMANDS and path.parent.name == "enrollment":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in errors:
                continue
            plain = isinstance(node.args[0], (ast.Constant, ast.JoinedStr, ast.BinOp))
            assert not plain, f"{path.name}:{node.lineno}"
            seen += 1
    assert seen > 150


def test_no_refusal_is_a_text_that_nobody_can_translate() -> None:
    """Reasons are shown on pages: none is made of a plain or formatted string."""
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or len(node.args) != 2:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in ("Reason", "refuse") and path.name != "evaluation.py":
                plain = isinstance(node.args[1], (ast.Constant, ast.JoinedStr, ast.BinOp))
                assert not plain, f"{path.name}:{node.lineno}"
