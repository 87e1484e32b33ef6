import io

import numpy as np
import pytest

from models.head_file import HeadArrays, pack, rows_problem, unpack
from models.head_trainer import unit_rows

D = 8


@pytest.fixture
def head() -> HeadArrays:
    rows = unit_rows(np.random.default_rng(0).normal(size=(3, D)).astype(np.float32))
    return HeadArrays(
        ("a-17", "b-3", "ö-9"), rows, np.array([5, 9, 2**62, 7]), np.array([0, 1, 1, 2])
    )


def test_it_comes_back_the_same(head: HeadArrays) -> None:
    again = unpack(pack(head), D)
    assert again.subject_ids == head.subject_ids
    assert again.rows.tobytes() == head.rows.tobytes()
    assert again.template_ids.tolist() == head.template_ids.tolist()


def test_a_row_is_that_of_just_these_templates(head: HeadArrays) -> None:
    assert np.array_equal(head.row_of("b-3", [2**62, 9]), head.rows[1])
    assert head.row_of("b-3", [9]) is None
    assert head.row_of("b-3", [9, 2**62, 4]) is None
    assert head.row_of("nobody", [5]) is None


def test_other_bytes_are_refused(head: HeadArrays) -> None:
    whole = pack(head)
    objects = io.BytesIO()
    np.savez(objects, subject_ids=np.array([{"a": 1}], dtype=object), rows=head.rows)
    for bad in (b"", b"x" * 100, whole[: len(whole) // 2], objects.getvalue()):
        with pytest.raises(ValueError, match=r"head|pickle"):
            unpack(bad, D)
    with pytest.raises(ValueError, match="rows are"):
        unpack(whole, D + 1)


def test_what_is_wrong_with_rows(head: HeadArrays) -> None:
    assert rows_problem(head.rows, 3, D) is None
    assert "not float32 (4" in rows_problem(head.rows, 4, D)
    broken = head.rows.copy()
    broken[1, 2] = np.nan
    assert "not finite" in rows_problem(broken, 3, D)
    assert "length one" in rows_problem(head.rows * 2, 3, D)
