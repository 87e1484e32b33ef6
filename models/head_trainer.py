"""Fitting the rows of a head: arrays in, rows out, the same rows for the same seed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.tensorflow_runtime import load_tensorflow

if TYPE_CHECKING:
    from models.head_step import HeadStep
    from models.keras_head import HeadModel
    from models.learners import Learner, Lesson

Tick = Callable[[float], None]


@dataclass(frozen=True)
class FitOptions:
    """How a head is trained. The defaults are research/head.md 3.3's, less its margin.

    scale: of the logits; margin: CosFace's (Wang et al. 2018), in cosine; average: the share of
    the trained rows in the result, the rest is the rows' starts.
    """

    epochs: int = 20
    batch: int = 256
    learning_rate: float = 5e-3
    scale: float = 16.0
    margin: float = 0.0
    average: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Examples:
    """What is learnt from. labels: the position of each vector's row, -1 where only the teacher
    knows; weights: how much each one counts."""

    vectors: NDArray[np.float32]
    labels: NDArray[np.intp]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class Restraint:
    """What keeps a head near an older one.

    anchor: (rows, dimension), zero rows where the older head has none; importance: as `anchor`,
    None for no penalty; teaching: weight of the distillation, at this temperature.
    """

    anchor: NDArray[np.float32]
    importance: NDArray[np.float32] | None = None
    teaching: float = 0.0
    temperature: float = 2.0


class HeadTrainer:
    """Trains heads of one dimension. Compiles once for each capacity, which doubles.

    The network is reused, because building and compiling one takes seconds; each fit starts from
    the rows it is given and with an optimizer that remembers nothing, so it depends on its
    arguments alone.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._prepared_for: dict[tuple[int, bool, bool, int], tuple[HeadModel, HeadStep]] = {}

    def fit(
        self,
        start: NDArray[np.float32],
        examples: Examples,
        options: FitOptions,
        restraint: Restraint | None = None,
        tick: Tick = lambda share: None,
    ) -> NDArray[np.float32]:
        """(rows, dimension) unit float32: `start` after training.

        Args:
            start: (rows, dimension) unit rows.
            tick: told the share that is done, 0..1; what it raises ends the training.

        Raises:
            ValueError: shapes that do not fit, or numbers that are not finite.
        """
        _check(start, examples, self.dimension)
        if len(start) == 0 or len(examples.labels) == 0:
            return start.copy()
        model, step = self._prepared(len(start), restraint, options.batch)
        _load(model, start, options, restraint)
        step.forget()
        schedule = _schedule(len(examples.labels), options)
        for number, chosen in enumerate(schedule):
            step.take(
                examples.vectors[chosen],
                examples.labels[chosen].astype(np.int32),
                np.where(chosen >= 0, examples.weights[chosen], 0).astype(np.float32),
                options.learning_rate * _decay(number / len(schedule)),
            )
            tick((number + 1) / len(schedule))
        trained = np.asarray(model.head.rows)[: len(start)]
        return unit_rows(options.average * unit_rows(trained) + (1 - options.average) * start)

    def heads(
        self, learner: "Learner", lessons: "Iterable[Lesson]", of: int, tick: Tick
    ) -> Iterator[NDArray[np.float32]]:
        """The rows that the learner makes of each lesson, in order.

        Args:
            of: how many lessons there are, for `tick`.
        """
        for done, lesson in enumerate(lessons):

            def part(share: float, done: int = done) -> None:
                tick((done + share) / of)

            yield learner.learn(lesson, self, part)

    def _prepared(
        self, rows: int, restraint: Restraint | None, batch: int
    ) -> "tuple[HeadModel, HeadStep]":
        tf, _ = load_tensorflow()
        from models.head_step import HeadStep
        from models.keras_head import HeadModel

        distilled = bool(restraint and restraint.teaching)
        restrained = bool(restraint and restraint.importance is not None)
        key = capacity_for(rows), distilled, restrained, batch
        if key not in self._prepared_for:
            model = HeadModel(key[0], self.dimension, distilled)
            model(np.zeros((1, self.dimension), np.float32))
            self._prepared_for[key] = model, HeadStep(tf, model, restrained)
        return self._prepared_for[key]


def capacity_for(rows: int, least: int = 64) -> int:
    """Rows that are allotted: the next power of two, so a network is rebuilt O(log rows) times."""
    return max(least, 1 << max(rows - 1, 1).bit_length())


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length one; a zero row stays zero."""
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def balanced_weights(labels: NDArray[np.intp]) -> NDArray[np.float32]:
    """Weights with which every label counts the same, whatever its number of examples."""
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return (1.0 / counts[inverse]).astype(np.float32)


def _schedule(examples: int, options: FitOptions) -> list[NDArray[np.intp]]:
    """The positions of each batch, -1 where the last one of an epoch is filled up."""
    rng = np.random.default_rng(options.seed)
    steps = -(-examples // options.batch)
    batches: list[NDArray[np.intp]] = []
    for _ in range(options.epochs):
        order = np.full(steps * options.batch, -1, np.intp)
        order[:examples] = rng.permutation(examples)
        batches.extend(order.reshape(steps, options.batch))
    return batches


def _load(
    model: "HeadModel",
    start: NDArray[np.float32],
    options: FitOptions,
    restraint: Restraint | None,
) -> None:
    spare = model.capacity - len(start)

    def padded(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.pad(rows, [(0, spare)] + [(0, 0)] * (rows.ndim - 1))

    nothing = np.zeros_like(start)
    anchor = restraint.anchor if restraint else nothing
    importance = restraint.importance if restraint else None
    model.head.rows.assign(padded(start))
    model.head.active.assign(padded(np.ones(len(start), np.float32)))
    model.head.anchor.assign(padded(anchor))
    model.head.importance.assign(padded(nothing if importance is None else importance))
    model.head.taught.assign(padded(np.asarray(anchor.any(axis=1), np.float32)))
    model.scale.assign(options.scale)
    model.margin.assign(options.margin)
    model.teaching.assign(restraint.teaching if restraint else 0.0)
    model.temperature.assign(restraint.temperature if restraint else 1.0)


def _decay(done: float) -> float:
    """The share of the learning rate that is left: half a cosine, from 1 to 0."""
    return float(0.5 * (1 + np.cos(np.pi * done)))


def _check(start: NDArray[np.float32], examples: Examples, dimension: int) -> None:
    n = len(examples.labels)
    if start.ndim != 2 or start.shape[1] != dimension:
        raise ValueError(f"rows are (n, {dimension}), not {start.shape}")
    if examples.vectors.shape != (n, dimension) or examples.weights.shape != (n,):
        raise ValueError(f"{n} examples need vectors ({n}, {dimension}) and {n} weights")
    if n and (examples.labels.max() >= len(start) or examples.labels.min() < -1):
        raise ValueError("a label names a row that is not there")
    if not (np.isfinite(start).all() and np.isfinite(examples.vectors).all()):
        raise ValueError("rows and vectors are finite numbers")
