"""What is in force, in a few words: people, backbone, device, operating point."""

import streamlit as st

from enrollment.calibration import OperatingPoint
from enrollment.service import Service

_PROMISES = {"kept": "kept", "not_enough_data": "not enough data yet"}


def show_sidebar(service: Service) -> None:
    with st.sidebar:
        _fact("People", str(len(service.people())))
        _fact("Backbone", service.facts.backbone)
        _fact("Device", service.backbone.device)
        point = service.operating_point()
        _fact("Promise", promise(point))
        with st.expander("How this was measured"):
            st.text(f"{point.explanation}\nThreshold: {point.threshold:.3f}")


def promise(point: OperatingPoint) -> str:
    """The operating point in words."""
    return (
        f"at most 1 stranger in {1 / point.max_fpir:.0f} is named: "
        f"{_PROMISES.get(point.promise, point.promise)}"
    )


def _fact(label: str, value: str) -> None:
    # Not st.caption or st.metric for the value: these would read it as Markdown.
    with st.container(gap=None):
        st.caption(label)
        st.text(value)
