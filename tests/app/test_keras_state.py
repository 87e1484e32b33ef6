"""A page that is drawn leaves the models of everybody else alone."""

import sys
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from app.keras_state import keep_keras_state


def test_drawing_a_page_does_not_reset_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    resets: list[str] = []
    keras = SimpleNamespace(backend=SimpleNamespace(clear_session=lambda: resets.append("reset")))
    monkeypatch.setitem(sys.modules, "keras", keras)

    keep_keras_state()
    AppTest.from_string("import streamlit as st; st.write('drawn')").run()

    assert resets == []
