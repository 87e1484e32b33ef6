"""Streamlit and Keras in one process: what the one would take from the other."""

from streamlit.runtime.scriptrunner import script_runner


def keep_keras_state() -> None:
    """Let no run of a page reset Keras for everybody else.

    Streamlit 1.67 calls `keras.backend.clear_session()` after every run of a script. The models are
    everybody's here: that empties TensorFlow's kernel cache and Keras' scopes under a night that
    trains in another thread, and looks through every object there is, with all threads stopped.
    """
    script_runner._clean_problem_modules = _leave_alone


def _leave_alone() -> None:
    pass
