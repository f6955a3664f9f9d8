"""Figures about classifiers: the numbers in them are those of SciPy and Keras."""

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tracklab import errors, plots
from tracklab.plots import classification
from tracklab.quiet import keras

LOGITS = hnp.arrays(float, st.integers(2, 12), elements=st.floats(-500, 500))


@given(LOGITS)
def test_softmax_is_scipys(logits):
    found = classification.softmax(logits)
    np.testing.assert_allclose(found, scipy.special.softmax(logits), atol=1e-12)


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_both_losses_are_what_keras_computes(classes):
    fig = classification.loss_against_margin(classes, title="Two losses")
    once, twice = (line for line in fig.axes[0].lines[:2])
    margin = once.get_xdata()[::30]
    logits = np.zeros((len(margin), classes), np.float32)
    logits[:, 0] = margin
    labels = np.zeros(len(margin), int)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    wanted = np.array(loss(labels, logits))
    np.testing.assert_allclose(once.get_ydata()[::30], wanted, rtol=1e-4, atol=1e-5)
    wanted = np.array(loss(labels, scipy.special.softmax(logits, -1)))
    np.testing.assert_allclose(twice.get_ydata()[::30], wanted, rtol=1e-4, atol=1e-5)
    assert twice.get_ydata().min() >= np.log(1 + (classes - 1) / np.e) - 1e-9


def test_slopes_are_those_of_softmax():
    fig = classification.loss_against_margin(10, title="Two losses")
    once = fig.axes[1].lines[0]
    margin = once.get_xdata()
    right = 1 / (1 + 9 * np.exp(-margin))
    # d loss / d z = p - 1
    np.testing.assert_allclose(once.get_ydata()[1:-1], (1 - right)[1:-1], atol=1e-3)


@settings(max_examples=20, deadline=None)  # each draws a figure
@given(LOGITS, st.data())
def test_the_words_say_finite_losses(logits, data):
    label = data.draw(st.integers(0, len(logits) - 1))
    fig = classification.softmax_steps(logits, label)
    assert "inf" not in fig.alt
    assert "nan" not in fig.alt


def test_without_the_second_softmax_there_is_no_third_panel():
    both = classification.softmax_steps([1, 2, 3], 0, ["a", "b", "c"])
    one = classification.softmax_steps([1, 2, 3], 0, twice=False)
    assert (len(both.axes), len(one.axes)) == (3, 2)
    assert "twice" in both.alt
    assert "twice" not in one.alt
    assert "The true class, a," in both.alt
    assert plots.figure_to_rgb(one).shape[1] < plots.figure_to_rgb(both).shape[1]


@pytest.mark.parametrize(
    ("logits", "label"), [([1.0], 0), ([1, 2], 2), ([1, 2], -1), ([[1, 2]], 0)]
)
def test_logits_that_are_none_are_refused(logits, label):
    with pytest.raises(errors.InputError, match="logits"):
        classification.softmax_steps(logits, label)


def test_a_table_holds_its_texts():
    fig = classification.table(("layer", "weights"), [("dense", "10"), ("flatten", "0")])
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert texts == ["layer", "weights", "dense", "10", "flatten", "0"]
    with pytest.raises(errors.InputError, match="2 texts a row"):
        classification.table(("layer", "weights"), [("dense",)])


def test_seen_and_new_have_a_panel_each_and_whole_epochs():
    epoch = np.arange(1, 21)
    seen = {"loss": 2.0 / epoch, "accuracy": epoch / 21}
    new = {"loss": 1 + epoch / 20, "accuracy": epoch / 42}
    fig = classification.seen_and_new(epoch, seen, new, title="By heart", alt="Two panels.")
    assert [ax.get_ylabel() for ax in fig.axes] == ["loss", "accuracy"]
    for ax, what in zip(fig.axes, ("loss", "accuracy"), strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), seen[what])
        np.testing.assert_array_equal(ax.lines[1].get_ydata(), new[what])
        assert all(float(tick).is_integer() for tick in ax.get_xticks())
        assert {text.get_text() for text in ax.texts} == {"seen", "new"}
    with pytest.raises(errors.InputError, match="seen and new"):
        classification.seen_and_new(epoch[:-1], seen, new, title="By heart")
