import logging

import numpy as np
import pytest

from models.errors import ModelError
from models.fitting_batches import FittingBatches, step_of


class FullError(Exception):
    pass


class Card:
    """Has memory for so many crops at once; a crop's row is its first number."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.tried: list[int] = []

    def __call__(self, crops):
        self.tried.append(len(crops))
        if len(crops) > self.room:
            raise FullError
        return crops[:, :1].astype(np.float32)


CROPS = np.arange(21, dtype=np.uint8)[:, None]
ROWS = CROPS.astype(np.float32)


def test_batches_are_powers_of_two():
    card = Card(99)
    np.testing.assert_array_equal(FittingBatches(card, 8, FullError).run(CROPS, 1), ROWS)
    assert card.tried == [8, 8, 4, 1]
    assert FittingBatches(card, 8, FullError).run(CROPS[:0], 1).shape == (0, 1)


@pytest.mark.parametrize(("left", "size"), [(1, 1), (2, 2), (3, 2), (7, 4), (20, 8)])
def test_no_crop_is_embedded_that_nobody_asked_for(left, size):
    assert step_of(left, 8) == size


def test_what_does_not_fit_is_halved_and_stays_so(caplog):
    card = Card(2)
    batches = FittingBatches(card, 8, FullError)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(batches.run(CROPS, 1), ROWS)
    assert card.tried == [8, 4, *[2] * 10, 1]
    assert [record.args for record in caplog.records] == [(8, 4), (4, 2)]
    card.tried.clear()
    batches.run(CROPS[:4], 1)
    assert card.tried == [2, 2]


def test_where_one_does_not_fit_it_goes_elsewhere(caplog):
    card, processor = Card(0), Card(99)
    batches = FittingBatches(card, 4, FullError, lambda: processor)
    np.testing.assert_array_equal(batches.run(CROPS, 1), ROWS)
    assert card.tried == [4, 2, 1]
    assert processor.tried == [1] * 21
    assert "going on without it" in caplog.text


def test_no_memory_anywhere_is_an_error_and_is_tried_again():
    card = Card(0)
    batches = FittingBatches(card, 4, FullError)
    with pytest.raises(ModelError, match="no memory left"):
        batches.run(CROPS, 1)
    card.room = 1
    np.testing.assert_array_equal(batches.run(CROPS, 1), ROWS)


def test_another_error_is_not_taken_for_a_lack_of_memory():
    def broken(crops):
        raise ValueError("of its own")

    with pytest.raises(ValueError, match="of its own"):
        FittingBatches(broken, 4, FullError).run(CROPS, 1)
