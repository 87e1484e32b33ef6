"""VGG-Face's network with random numbers for weights, where the real ones are not at hand: as large
and as slow, and it tells drawn people apart, no more."""

from pathlib import Path
from typing import Any

import numpy as np

from models.tensorflow_runtime import load_tensorflow
from models.vgg_face import FILE

BIAS = 0.01  # else a black picture is embedded as zeros


def stand_in_network() -> Any:  # noqa: ANN401 - TensorFlow has no types
    """deepface's own network. The same at every call."""
    tf, _ = load_tensorflow()
    from deepface.models.facial_recognition.tf.VGGFace import base_model

    tf.keras.utils.set_random_seed(7)
    network = base_model()
    network.set_weights(
        [np.full_like(a, BIAS) if a.ndim == 1 else a for a in network.get_weights()]
    )
    return network


def stand_in_weights(folder: Path) -> Path:
    """The folder, with a file in it as deepface would have it (580 MB)."""
    stand_in_network().save_weights(str(folder / FILE))
    return folder
