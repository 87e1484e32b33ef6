"""From a photo to a name among 10,000 people: ours, a plain app, and DeepFace's own search.

    python -m benchmarks.whole_photo
    python -m benchmarks.whole_photo --people 1000 --rounds 3

One thread, the processor's time, VGG-Face with stand-in weights, MTCNN, a drawn face of 640x480.
The plain app is what people write first: DeepFace.represent, a flat FAISS index and a Keras
layer's `predict`. DeepFace.find reads its own cache of 10,000 embeddings, one file each, as it
would after its first call. Ours is `Service.identify` on a gallery on disk.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drawn_crowd import person
from benchmarks.figure import Figure, figure, line, write
from benchmarks.load import shot
from benchmarks.stand_in import stand_in_weights

PART = "whole photo"
DIMENSION = 4096


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def people_of(count: int) -> np.ndarray:
    random = np.random.default_rng(3)
    return np.concatenate([np.abs(person(random, 1, DIMENSION)) for _ in range(count)])


def ours(folder: Path, vectors: np.ndarray, weights: Path) -> tuple[Any, Callable[[], object]]:
    """The open service, and one answer."""
    from dataclasses import replace

    from enrollment.config import Settings
    from enrollment.opening import create
    from enrollment.photo import photo_bytes
    from enrollment.service import open_service
    from store.records import NewSample

    settings = Settings(home=folder / "gallery", key="5a" * 32, key_folder=folder / "keys")
    settings = replace(settings, weights_home=weights)
    create(settings, "vgg-face", consent_policy="none")
    service = open_service(settings)
    service.warm()
    for begin in range(0, len(vectors), 500):
        with service._gallery.change("benchmark") as change:
            for number, vector in enumerate(vectors[begin : begin + 500], begin):
                subject_id = change.add_subject(f"Person {number}", None)
                consent = change.add_consent(subject_id, "policy-none", "")
                digest = number.to_bytes(32, "big")
                change.add_samples(subject_id, consent, [NewSample(digest, b"picture", {}, vector)])
        print(f"\r{begin + 500} people", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    photo = photo_bytes("probe.jpg", shot(1, 1))
    return service, lambda: service.identify(photo)


def plain_app(vectors: np.ndarray, picture: np.ndarray) -> Callable[[], object]:
    import faiss
    import keras
    from deepface import DeepFace

    index = faiss.IndexFlatIP(DIMENSION)
    index.add(vectors)
    head = keras.Sequential([keras.layers.Dense(len(vectors))])
    head.build((None, DIMENSION))

    def answer() -> object:
        (face,) = DeepFace.represent(
            picture, model_name="VGG-Face", detector_backend="mtcnn", enforce_detection=False
        )[:1]
        row = np.asarray([face["embedding"]], np.float32)
        row /= np.linalg.norm(row)
        return index.search(row, 1), head.predict(row, verbose=0).argmax()

    return answer


def deepface_find(folder: Path, vectors: np.ndarray, picture: np.ndarray) -> Callable[[], object]:
    """Among as many files as there are people, with DeepFace's own cache beside them."""
    from deepface import DeepFace
    from deepface.commons import image_utils
    from deepface.modules import recognition

    database = folder / "people"
    database.mkdir()
    data, cached = shot(2, 1), []
    for number, vector in enumerate(vectors):
        file = database / f"{number}.jpg"
        file.write_bytes(data + number.to_bytes(4, "big"))
        cached.append(
            {
                "identity": str(file),
                "hash": image_utils.find_image_hash(str(file)),
                "embedding": vector.tolist(),
                "target_x": 0, "target_y": 0, "target_w": 100, "target_h": 100,
            }
        )  # fmt: skip
    # In the form that it writes itself.
    written = vars(recognition)["__serialize_npz"](cached)
    name = "ds_model_vggface_detector_mtcnn_aligned_normalization_base_expand_0.npz"
    (database / name).write_bytes(written)
    return lambda: DeepFace.find(
        picture,
        db_path=str(database),
        model_name="VGG-Face",
        detector_backend="mtcnn",
        enforce_detection=False,
        refresh_database=True,
        silent=True,
    )


def measure(folder: Path, weights: Path, people: int, rounds: int) -> list[Figure]:
    from benchmarks.embedding import deepface_home

    deepface_home(weights)
    from enrollment.photo import Picture, decode, photo_bytes

    vectors = people_of(people)
    service, identify = ours(folder, vectors, weights)
    decoded = decode(photo_bytes("probe.jpg", shot(1, 1)))
    assert isinstance(decoded, Picture)
    picture = np.ascontiguousarray(decoded.image[:, :, ::-1])
    row = service._capture.faces([decoded.image])[0][0]
    plain, find = plain_app(vectors, picture), deepface_find(folder, vectors, picture)
    represent = _represent(picture)
    decide = lambda: service.identifier.faces([row], "probe")  # noqa: E731
    for warm in (identify, plain, find, decide, represent):
        warm()
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, work in (("ours", identify), ("plain", plain), ("find", find),
                           ("decide", decide), ("represent", represent)):  # fmt: skip
            found.setdefault(name, []).append(seconds(work))
    service.close()
    at = {name: np.asarray(rounds_of) for name, rounds_of in found.items()}
    searched = np.maximum(at["find"] - at["represent"], 1e-9)
    said = f"{people:,} people, one thread"
    for name, of in at.items():
        print(f"  {name}: {1000 * np.median(of):.1f} ms", file=sys.stderr)
    return [
        figure(PART, f"times as fast as the plain app, {said}",
               list(at["plain"] / at["ours"]), "times", at_least=2.3),
        figure(PART, f"search, head and decision, {said}",
               list(at["decide"] / at["ours"]), "of the whole", at_most=0.03),
        figure(PART, f"times as fast as DeepFace.find, {said}",
               list(at["find"] / at["ours"]), "times", at_least=14),
        figure(PART, f"the search alone against DeepFace's, {said}",
               list(searched / at["decide"]), "times", at_least=100),
    ]  # fmt: skip


def _represent(picture: np.ndarray) -> Callable[[], object]:
    from deepface import DeepFace

    return lambda: DeepFace.represent(
        picture, model_name="VGG-Face", detector_backend="mtcnn", enforce_detection=False
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--weights", type=Path, help="a folder with VGG-Face's weights")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    # Before anything loads them.
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS",
                 "OPENBLAS_NUM_THREADS"):  # fmt: skip
        os.environ[name] = "1"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = arguments.weights or stand_in_weights(folder)
        figures = measure(folder, weights, arguments.people, arguments.rounds)
    for one in figures:
        print(line(one))
    if arguments.json:
        write(figures, arguments.json)


if __name__ == "__main__":
    main()
