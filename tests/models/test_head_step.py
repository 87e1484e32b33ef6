"""The step that is written by hand does what automatic differentiation and Keras' Adam do."""

import numpy as np
import pytest

from models.head_trainer import unit_rows
from models.tensorflow_runtime import load_tensorflow

SUBJECTS, DIMENSION, BATCH = 5, 16, 12


@pytest.mark.parametrize("restrained", [False, True])
@pytest.mark.parametrize("distilled", [False, True])
def test_it_is_adam_on_the_whole_loss(restrained: bool, distilled: bool) -> None:
    tf, _ = load_tensorflow()
    import keras

    from models.head_step import HeadStep
    from models.keras_head import HeadModel

    random = np.random.default_rng(0)

    def model() -> HeadModel:
        made = HeadModel(8, DIMENSION, distilled)
        made(np.zeros((1, DIMENSION), np.float32))
        rows = np.zeros((8, DIMENSION), np.float32)
        rows[:SUBJECTS] = start
        made.head.rows.assign(rows)
        made.head.active.assign(np.arange(8) < SUBJECTS)
        made.head.anchor.assign(np.pad(anchor, ((0, 3), (0, 0))))
        made.head.importance.assign(np.pad(importance, ((0, 3), (0, 0))))
        made.head.taught.assign(np.arange(8) < SUBJECTS)
        for number, value in (("scale", 16.0), ("margin", 0.1), ("teaching", 0.5)):
            getattr(made, number).assign(value)
        made.temperature.assign(2.0)
        return made

    start = 1.3 * unit_rows(random.normal(size=(SUBJECTS, DIMENSION)).astype(np.float32))
    anchor = unit_rows(random.normal(size=(SUBJECTS, DIMENSION)).astype(np.float32))
    importance = random.uniform(0, 2, (SUBJECTS, DIMENSION)).astype(np.float32)
    vectors = unit_rows(random.normal(size=(BATCH, DIMENSION)).astype(np.float32))
    labels = random.integers(-1, SUBJECTS, BATCH).astype(np.int32)
    weights = random.uniform(0.5, 2, BATCH).astype(np.float32)

    ours, theirs = model(), model()
    step, adam = HeadStep(tf, ours, restrained), keras.optimizers.Adam()
    adam.build(theirs.trainable_variables)
    for rate in (0.01, 0.005, 0.02):
        step.take(vectors, labels, weights, rate)
        with tf.GradientTape() as tape:
            head = theirs.head
            loss = theirs.compute_loss(
                x=vectors, y=labels, y_pred=head(vectors), sample_weight=weights
            )
            if restrained:
                away = head.rows.value - head.anchor.value
                loss += 0.5 * tf.reduce_sum(head.importance.value * tf.square(away))
        adam.learning_rate = rate
        adam.apply([tape.gradient(loss, head.rows.value)], [head.rows])
    moved = np.asarray(theirs.head.rows)[:SUBJECTS] - start
    assert np.abs(moved).max() > 0.01
    np.testing.assert_allclose(np.asarray(ours.head.rows), np.asarray(theirs.head.rows), atol=2e-5)


def test_what_it_remembers_can_be_forgotten() -> None:
    tf, _ = load_tensorflow()
    from models.head_step import HeadStep
    from models.keras_head import HeadModel

    made = HeadModel(2, 4, False)
    made(np.zeros((1, 4), np.float32))
    made.head.active.assign(np.ones(2))
    made.scale.assign(16.0)
    step = HeadStep(tf, made, False)
    rows = np.eye(4, dtype=np.float32)[:2]

    def one() -> np.ndarray:
        made.head.rows.assign(rows)
        step.forget()
        step.take(rows[::-1].copy(), np.array([0, 1], np.int32), np.ones(2, np.float32), 0.1)
        return np.asarray(made.head.rows)

    np.testing.assert_array_equal(one(), one())
