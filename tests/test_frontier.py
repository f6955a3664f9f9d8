"""Who is beaten by nobody, what layers cost, and what a clock says."""

import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracklab import compress, errors
from tracklab.compress import frontier, profiling
from tracklab.models import classifier
from tracklab.quiet import keras

POINTS = st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=1, max_size=25)


@given(POINTS)
def test_the_frontier_is_what_nobody_beats(points):
    costs, good = [p[:2] for p in points], [p[2] for p in points]
    found = frontier.frontier(costs, good)

    def beats(a, b):
        no_worse = a[0] <= b[0] and a[1] <= b[1] and a[2] >= b[2]
        return no_worse and a != b

    for point, stays in zip(points, found, strict=True):
        assert stays == (not any(beats(other, point) for other in points))
    assert found.any()


def test_lengths_that_differ():
    for costs, good in (([1, 2], [1]), ([1], [[1]]), ([], [1])):
        with pytest.raises(errors.InputError, match="costs"):
            frontier.frontier(costs, good)


def test_points_that_are_no_numbers():
    for costs, good in (([np.nan], [1]), ([1], [np.nan]), (["cheap"], [1]), ([[[1]]], [1])):
        with pytest.raises(errors.InputError, match="costs"):
            frontier.frontier(costs, good)
    assert frontier.frontier([], []).shape == (0,)


def test_stored_results_come_back(tmp_path):
    row = frontier.Row(
        "motion", "lstm", "int8", 15_000, 9_000, "position error, px", 3.1, 0.02, 0.02
    )
    path = tmp_path / "compress.json"
    path.write_text(json.dumps({"data": "none", "rows": [vars(row)]}))
    found = compress.read_results(path)
    assert found.rows == [row]
    assert found.about == {"data": "none"}
    assert found.of("motion") == [row]
    assert found.of("detector") == []
    assert row.goodness == -3.1  # of an error less is better
    assert "motion: lstm, int8" in compress.table(found.rows)
    with pytest.raises(errors.InputError, match="model"):
        found.of("planner")
    with pytest.raises(errors.MissingError, match=r"benchmarks\.compress"):
        compress.read_results(tmp_path / "nowhere.json")
    path.write_text("{")
    with pytest.raises(errors.SourceError, match="stored run"):
        compress.read_results(path)


def test_a_clock_measures_what_is_done_and_what_is_waited_for():
    slept = profiling.clocked(lambda: time.sleep(0.02), repeats=3)
    assert slept.wall >= 20
    assert slept.cpu < slept.wall / 2  # who sleeps does not work


def test_every_layer_is_counted_once():
    images = np.zeros((4, 32, 32, 3), np.float32)
    model = classifier.improved(np.zeros((1, 32, 32, 3), np.uint8), widths=(4, 6, 8))
    costs = compress.by_layer(model, images, repeats=1)
    assert [one.name for one in costs] == [layer.name for layer in model.layers[1:]]
    assert sum(one.weights for one in costs) == model.count_params()
    assert all(one.cpu >= 0 for one in costs)
    products = {one.name: one.products for one in costs if one.products}
    # the whitening looks at 31 x 31 places, the first stage as well; 15, 15, 7 and 7 follow... by
    # hand: h w k k M N
    by_hand = [31 * 31 * 4 * 3 * 24, 31 * 31 * 9 * 24 * 4, 15 * 15 * 9 * 4 * 6, 7 * 7 * 9 * 6 * 6]
    by_hand += [7 * 7 * 9 * 6 * 8, 3 * 3 * 9 * 8 * 8, 8 * 10]
    assert list(products.values()) == by_hand


def test_products_of_other_layers():
    layers = keras.layers
    deep = layers.DepthwiseConv2D(3, padding="same")
    deep.build((None, 8, 8, 5))
    assert profiling.products(deep, (1, 8, 8, 5)) == 64 * 9 * 5
    assert profiling.products(layers.ReLU(), (1, 8, 8, 5)) == 0


def test_batches_share_what_a_call_costs():
    def run(part):
        time.sleep(0.004 + 0.0005 * len(part))

    found = compress.by_batch(run, np.zeros((8, 2)), batches=(1, 8), repeats=3)
    assert found[8].wall < found[1].wall / 2


def test_bad_input():
    with pytest.raises(errors.InputError, match="images"):
        compress.by_batch(len, np.zeros((3, 2)), batches=(4,))
    with pytest.raises(errors.InputError, match="batches"):
        compress.by_batch(len, np.zeros((3, 2)), batches=(0,))
    with pytest.raises(errors.InputError, match="repeats"):
        compress.clocked(lambda: None, repeats=0)
    with pytest.raises(errors.InputError, match="call"):
        compress.clocked(None)
    pixels = keras.Input((8, 8, 3))
    model = keras.Model(pixels, keras.layers.Conv2D(2, 3)(pixels))
    for images in (np.zeros((0, 8, 8, 3)), np.zeros((8, 8, 3))):
        with pytest.raises(errors.InputError, match="images"):
            compress.by_layer(model, images)
    for model in (None, keras.layers.Dense(2)):
        with pytest.raises(errors.InputError, match="model"):
            compress.by_layer(model, np.zeros((1, 2)))
