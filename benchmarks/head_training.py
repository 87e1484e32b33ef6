"""How much of the processor does the night's training use? Ours against Keras' own `fit`.

    python -m benchmarks.head_training
    python -m benchmarks.head_training --subjects 100 1000 10000

Four epochs over ten embeddings a subject, 4,096 numbers, batches of 256, one thread, the
processor's time. The arithmetic that is counted is four operations for each example, subject and
number: the scores, and the gradient of the rows. The peer is what people write first: a Dense layer
with softmax and Adam, and `fit`.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure, figure, line, write
from benchmarks.limits import Limits

PART = "head training"
DIMENSION = 4096
EACH = 10
EPOCHS = 4
BATCH = 256
MOST = 5_120  # examples of an epoch


def examples_of(subjects: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(subjects)
    count = min(EACH * subjects, MOST)
    vectors = random.standard_normal((count, DIMENSION), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, random.integers(0, subjects, count)


def measure(subjects: int, rounds: int) -> list[Figure]:
    from models.head_trainer import Examples, FitOptions, HeadTrainer
    from models.tensorflow_runtime import load_tensorflow

    load_tensorflow()
    import keras

    vectors, labels = examples_of(subjects)
    rows = vectors[np.arange(subjects) % len(vectors)]
    examples = Examples(vectors, labels, np.ones(len(labels), np.float32))
    trainer, options = HeadTrainer(DIMENSION), FitOptions(epochs=EPOCHS, batch=BATCH)
    dense = keras.Sequential([keras.layers.Dense(subjects, activation="softmax")])
    dense.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    ways = {
        "ours": lambda: trainer.fit(rows, examples, options),
        "keras fit": lambda: dense.fit(vectors, labels, batch_size=BATCH, epochs=EPOCHS, verbose=0),
    }
    limits, found = Limits(), dict[str, list[float]]()
    work = EPOCHS * 4 * len(vectors) * subjects * DIMENSION / 1e9
    for name, way in ways.items():
        way()
        print(f"  {subjects} subjects: {name} is warm", file=sys.stderr)
    for _ in range(rounds):
        for name, way in ways.items():
            before, start = limits.gflops(), time.process_time()
            way()
            took = time.process_time() - start
            peak = max(before, limits.gflops())
            found.setdefault(name, []).append(work / took / peak)
    times = [o / k for o, k in zip(found["ours"], found["keras fit"], strict=True)]
    goal = 0.8 if subjects >= 1000 else None
    return [
        figure(PART, f"ours, {subjects:,} subjects", found["ours"], "of peak", at_least=goal),
        figure(PART, f"keras fit, {subjects:,} subjects", found["keras fit"], "of peak"),
        figure(PART, f"ours against keras fit, {subjects:,} subjects", times, "times",
               at_least=2 if subjects >= 1000 else 5),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = "1"
    figures = [
        one for subjects in arguments.subjects for one in measure(subjects, arguments.rounds)
    ]
    for one in figures:
        print(line(one))
    if arguments.json:
        write(figures, arguments.json)


if __name__ == "__main__":
    main()
