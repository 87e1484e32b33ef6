"""The one place where TensorFlow is loaded, and where it is told how to behave."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from models.errors import ModelError
from wording.message import message


def load_tensorflow() -> tuple[Any, str]:
    """TensorFlow's module, and the device line, e.g. `GPU: NVIDIA H200` or `CPU: ...`.

    deepface and mtcnn are written for Keras 2, so TensorFlow must be told before its first import
    (TF_USE_LEGACY_KERAS). The head uses `import keras` (always Keras 3); both live in one process.
    Memory grows on each GPU instead of being taken whole. Raises ModelError when TensorFlow
    cannot be imported, or was imported before and without legacy Keras.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # On processors without AVX-512 TensorFlow leaves oneDNN out unless asked: VGG-Face is 1.3 times
    # as fast with it (`benchmarks.embedding`), MTCNN as fast as without.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        with _silent():
            import tensorflow as tf

            tf.config.list_physical_devices()
    except ImportError as error:
        raise ModelError(
            message(
                "TensorFlow cannot be loaded ({error}): pip install tensorflow tf-keras",
                error=str(error),
            )
        ) from error
    try:
        legacy = tf.keras.Model.__module__.startswith("tf_keras")
    except (ImportError, AttributeError) as error:
        raise ModelError(
            message("TensorFlow has no Keras 2 ({error}): pip install tf-keras", error=str(error))
        ) from error
    if not legacy:
        raise ModelError(
            message(
                "TensorFlow was imported before models.tensorflow_runtime and runs Keras 3: "
                "set TF_USE_LEGACY_KERAS=1 at the start of the program"
            )
        )
    return tf, _device(tf)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Nothing on stderr: TensorFlow's C++ greets there whatever its log level says.

    What goes wrong comes as an exception all the same.
    """
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _device(tf: Any) -> str:  # noqa: ANN401 - a module
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return message("CPU: TensorFlow sees no GPU")
    names = []
    for gpu in gpus:
        with contextlib.suppress(RuntimeError):  # already in use: its memory policy is fixed
            tf.config.experimental.set_memory_growth(gpu, True)
        names.append(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))
    return "GPU: " + ", ".join(names)
