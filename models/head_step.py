"""One step of training a head, with as few passes over its rows as there can be.

A head of 1,000 subjects and 4,096 numbers weighs 17 MB, and each pass over it costs about as much
as a tenth of a batch's arithmetic. So the rows are never normalised as a whole: the lengths go into
the cosines and into their gradient, which are small. And Adam (Kingma and Ba 2015) is TensorFlow's
fused operation, which reads and writes everything once.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.keras_head import HeadModel

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7  # Keras' own


class HeadStep:
    """Steps of Adam on a model's rows.

    Args:
        restrained: also drawn to the model's anchor, as its importance says.
    """

    def __init__(self, tf: Any, model: HeadModel, restrained: bool) -> None:  # noqa: ANN401
        self._tf = tf
        self._model = model
        self._restrained = restrained
        shape = (model.capacity, model.dimension)
        self._first, self._second = (tf.Variable(tf.zeros(shape), trainable=False) for _ in "12")
        self._steps = 0
        number, vectors = tf.TensorSpec((), tf.float32), (None, model.dimension)
        self._run = tf.function(
            self._step,
            input_signature=[
                tf.TensorSpec(vectors, tf.float32),
                tf.TensorSpec((None,), tf.int32),
                tf.TensorSpec((None,), tf.float32),
                *[number] * 3,
            ],
            autograph=False,
        )

    def forget(self) -> None:
        """What Adam remembers of the steps so far."""
        for moment in (self._first, self._second):
            moment.assign(self._tf.zeros_like(moment))
        self._steps = 0

    def take(
        self,
        vectors: NDArray[np.float32],
        labels: NDArray[np.int32],
        weights: NDArray[np.float32],
        rate: float,
    ) -> None:
        self._steps += 1
        powers = (np.float32(beta**self._steps) for beta in (_BETA_1, _BETA_2))
        self._run(vectors, labels, weights, np.float32(rate), *powers)

    def _step(self, *given: Any) -> None:  # noqa: ANN401 - tensors
        vectors, labels, weights, rate, power_1, power_2 = given
        tf, rows = self._tf, self._model.head.rows.value
        lengths = tf.reduce_sum(tf.square(rows), axis=1)
        inverse = tf.math.rsqrt(tf.maximum(lengths, 1e-12))
        cosines = tf.matmul(vectors, rows, transpose_b=True) * inverse
        with tf.GradientTape() as tape:
            tape.watch(cosines)
            loss = self._model.compute_loss(
                x=vectors, y=labels, y_pred=cosines, sample_weight=weights
            )
        # d cos / d row = (vector - cos * row / |row|) / |row|
        per_cosine = tape.gradient(loss, cosines) * inverse
        along = tf.reduce_sum(per_cosine * cosines, axis=0) * inverse
        gradient = tf.matmul(per_cosine, vectors, transpose_a=True) - along[:, None] * rows
        if self._restrained:
            gradient += self._model.head.importance.value * (rows - self._model.head.anchor.value)
        tf.raw_ops.ResourceApplyAdam(
            var=rows.handle,
            m=self._first.handle,
            v=self._second.handle,
            beta1_power=power_1,
            beta2_power=power_2,
            lr=rate,
            beta1=_BETA_1,
            beta2=_BETA_2,
            epsilon=_EPSILON,
            grad=gradient,
        )
