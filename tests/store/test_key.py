"""Who may read a key file."""

import os

import pytest

from store.key import _open_to_others


@pytest.mark.parametrize(
    ("mode", "owner", "group", "reader", "is_open"),
    [
        (0o600, 1000, 1000, 1000, False),
        (0o400, 1000, 1000, 1000, False),
        (0o640, 1000, 1000, 1000, True),
        (0o604, 1000, 1000, 1000, True),
        (0o440, 0, 0, 1000, False),  # systemd's credential, with an access list for the reader
        (0o440, 0, 0, 0, True),
        (0o440, 1000, 0, 1000, True),
        (0o440, 0, 50, 1000, True),
        (0o444, 0, 0, 1000, True),
        (0o640, 0, 0, 1000, True),
    ],
)
def test_open_to_others(mode: int, owner: int, group: int, reader: int, is_open: bool) -> None:
    about = os.stat_result((mode, 0, 0, 1, owner, group, 64, 0, 0, 0))
    assert _open_to_others(about, reader) == is_open
