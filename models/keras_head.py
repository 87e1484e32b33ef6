"""The Keras 3 side of the head: a cosine softmax layer, and the loss it is trained with.

Imports Keras, so it is itself imported where a head is trained and nowhere else.
"""

from typing import Any

import keras
from keras import ops

_MASKED = -1e4  # a logit that no active row can reach, and that float16 still holds


class CosineSoftmax(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """`scale * normalise(x) @ normalise(rows).T`, with spare rows that are masked out.

    What regularises it are variables of the layer, so that one compiled step serves every learner:
    `anchor` is the head to stay near, `importance` how much each number of it matters (zero: not at
    all), `taught` which rows the distillation compares.
    """

    def __init__(self, capacity: int, dimension: int) -> None:
        super().__init__()
        self.rows = self._variable("rows", (capacity, dimension), trainable=True)
        self.active = self._variable("active", (capacity,))
        self.anchor = self._variable("anchor", (capacity, dimension))
        self.importance = self._variable("importance", (capacity, dimension))
        self.taught = self._variable("taught", (capacity,))

    def _variable(self, name: str, shape: tuple[int, ...], trainable: bool = False) -> Any:  # noqa: ANN401
        return self.add_weight(shape=shape, initializer="zeros", trainable=trainable, name=name)

    def call(self, probes: Any) -> Any:  # noqa: ANN401 - Keras tensors
        """(n, dimension) unit rows -> (n, capacity) cosines."""
        return ops.matmul(probes, ops.transpose(_unit(self.rows)))

    def taught_cosines(self, probes: Any) -> Any:  # noqa: ANN401
        return ops.matmul(probes, ops.transpose(_unit(self.anchor)))


class HeadModel(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Trains a `CosineSoftmax` by class-balanced cross entropy, CosFace's margin at choice.

    Args:
        distilled: also match the anchor head's softened answers (Hinton et al. 2015; over the old
            rows only, as in Li and Hoiem's Learning without Forgetting, 2016).
    """

    def __init__(self, capacity: int, dimension: int, distilled: bool) -> None:
        super().__init__()
        self.head = CosineSoftmax(capacity, dimension)
        self.capacity = capacity
        self.dimension = dimension
        self.distilled = distilled
        self.scale = self._number("scale")
        self.margin = self._number("margin")
        self.temperature = self._number("temperature")
        self.teaching = self._number("teaching")

    def _number(self, name: str) -> Any:  # noqa: ANN401
        return self.add_weight(shape=(), initializer="zeros", trainable=False, name=name)

    def call(self, probes: Any) -> Any:  # noqa: ANN401
        return self.head(probes)

    def compute_loss(
        self,
        x: Any = None,  # noqa: ANN401
        y: Any = None,  # noqa: ANN401
        y_pred: Any = None,  # noqa: ANN401
        sample_weight: Any = None,  # noqa: ANN401
        training: bool = True,
    ) -> Any:  # noqa: ANN401
        """y: (n,) positions of the right rows, -1 where only the teacher knows."""
        right = ops.one_hot(y, self.capacity)
        logits = self._masked(self.scale * (y_pred - self.margin * right), self.head.active)
        losses = ops.logsumexp(logits, axis=1) - ops.sum(right * logits, axis=1)
        losses = ops.where(y >= 0, losses, ops.zeros_like(losses))
        loss = _mean(losses, sample_weight)
        if self.distilled:
            loss = loss + self.teaching * _mean(self._distance_to_teacher(x, y_pred), sample_weight)
        return loss

    def _distance_to_teacher(self, x: Any, cosines: Any) -> Any:  # noqa: ANN401
        softened = self.scale / self.temperature
        taught = self.head.taught
        teacher = ops.softmax(self._masked(softened * self.head.taught_cosines(x), taught), axis=1)
        student = self._masked(softened * cosines, taught)
        cross = ops.logsumexp(student, axis=1) - ops.sum(teacher * student, axis=1)
        return ops.square(self.temperature) * cross

    def _masked(self, logits: Any, rows: Any) -> Any:  # noqa: ANN401
        return ops.where(rows > 0, logits, ops.full_like(logits, _MASKED))


def _unit(rows: Any) -> Any:  # noqa: ANN401
    # The spare rows are zero: their gradient must be a number too.
    squares = ops.sum(ops.square(rows), axis=1, keepdims=True)
    return rows * ops.rsqrt(ops.maximum(squares, 1e-12))


def _mean(losses: Any, weights: Any) -> Any:  # noqa: ANN401
    return ops.sum(losses * weights) / ops.sum(weights)
