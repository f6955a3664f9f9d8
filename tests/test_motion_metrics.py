"""Errors of motion estimates: by hand, by group, and how sure an estimate may be."""

from types import SimpleNamespace

import numpy as np
import pytest

from tracklab import errors
from tracklab.metrics import motion as metric

SIDE = np.float32([10, 10])


def boxes_at(points):
    points = np.asarray(points, np.float32)
    return np.concatenate([points - SIDE / 2, points + SIDE / 2], axis=-1)


def test_root_mean_square_by_hand():
    assert metric.rms([3, 4, np.nan]) == pytest.approx(np.sqrt(12.5))
    assert np.isnan(metric.rms([np.nan]))
    np.testing.assert_allclose(metric.rms([[3.0, 0], [4, 0]], axis=0), [np.sqrt(12.5), 0])
    np.testing.assert_allclose(metric.distances([[3, 4], [0, 0]], [[0, 0], [0, 2]]), [5, 2])


def case():
    truth = np.zeros((8, 3, 2)) + 50
    found = truth.copy()
    found[:, 1, 0] += 3
    found[:, 2, 1] += 4
    estimates = SimpleNamespace(
        boxes=boxes_at(found), velocities=np.full((8, 3, 2), 1.0), predicted=boxes_at(found + 1)
    )
    blind = SimpleNamespace(boxes=boxes_at([found[:2] + np.array([6, 8])]), frames=lambda k: [k])
    return estimates, boxes_at(truth), np.zeros((8, 3, 2)), blind


def test_a_table_by_hand():
    estimates, truth, velocities, blind = case()
    table = metric.evaluate(
        estimates, truth, velocities, coasted=blind, groups=("a", "b", "b"), hidden=(1, 2)
    )
    assert table["a"]["position"] == pytest.approx(0)
    assert table["b"]["position"] == pytest.approx(np.sqrt(12.5))
    assert table["all"]["position"] == pytest.approx(np.sqrt(25 / 3))
    assert table["all"]["velocity"] == pytest.approx(np.sqrt(2))
    assert table["a"]["ahead"] == pytest.approx(np.sqrt(2))
    assert table["a"]["hidden 2"] == pytest.approx(10)
    assert list(table) == ["all", "a", "b"]
    halves = metric.relative(
        table, {row: {k: 2 * v or 1 for k, v in t.items()} for row, t in table.items()}
    )
    assert halves["b"]["position"] == pytest.approx(0.5)


def test_first_frames_do_not_count():
    estimates, truth, velocities, _ = case()
    estimates.boxes[:5] += 100
    table = metric.evaluate(estimates, truth, velocities, first=5)
    assert table["all"]["position"] == pytest.approx(np.sqrt(25 / 3))


def test_a_gaussian_that_is_right_about_itself_covers_what_it_should():
    rng = np.random.default_rng(0)
    spread = rng.uniform(1, 5, (50_000, 2))
    found = rng.normal(size=(50_000, 2)) * spread
    for k in (1, 2, 3):
        share = metric.coverage(found, np.zeros_like(found), spread, k)
        assert share == pytest.approx(1 - np.exp(-(k**2) / 2), abs=0.01)


def test_what_does_not_go_together_is_refused():
    estimates, truth, velocities, blind = case()
    with pytest.raises(errors.InputError, match="found and truth"):
        metric.distances(np.zeros((3, 2)), np.zeros((2, 2)))
    with pytest.raises(errors.InputError, match="groups"):
        metric.evaluate(estimates, truth, velocities, groups=("a",))
    with pytest.raises(errors.InputError, match="boxes"):
        metric.evaluate(estimates, truth[0], velocities)
    with pytest.raises(errors.InputError, match="hidden"):
        metric.evaluate(estimates, truth, velocities, coasted=blind, hidden=(3,))
    with pytest.raises(errors.InputError, match="deviations"):
        metric.coverage(np.zeros((3, 2)), np.zeros((3, 2)), np.ones(3))
