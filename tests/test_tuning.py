"""Tuning: grids widen until the best rate lies inside, all is counted, other seeds compare."""

import json
import math

import numpy as np
import pytest

from tracklab import errors, sweeps
from tracklab.optimizers import first_order, trials, tuning
from tracklab.optimizers import stored_tuning as stored
from tracklab.quiet import tf

BEST = {"sgd": 3.0, "momentum": 1e-2, "adam": 1e-6}  # far above, at, and far below Keras' own
CALLS: list[tuple] = []


def task(method, rate, seed, budget=10):
    """A loss that is least at a method's own rate, and diverges a thousand times above."""
    CALLS.append((method, rate, seed))
    far = math.log10(rate / BEST.get(method, 1e-3))
    diverged = far > 3
    held_out = np.linspace(5.0, 1 + far**2 + 0.01 * seed, 6)
    at = np.linspace(0, budget, 6)
    keep = 3 if diverged else 6
    return {
        "loss": math.inf if diverged else held_out[-1],
        "start": 5.0,
        "steps": budget,
        "gradients": budget,
        "seconds": 0.2,
        "cpu_seconds": 0.1 * budget,
        "held_out": held_out[:keep],
        "at_step": at[:keep],
        "at_gradient": at[:keep],
        "at_second": 0.02 * (1 + seed) * at[:keep],
        "at_cpu_second": 0.01 * at[:keep],
    }


def never(method, rate, seed):
    """A method that no rate helps."""
    return task(method, rate, seed) | {"loss": math.inf}


@pytest.fixture
def tuned():
    CALLS.clear()
    return tuning.tune(task, list(BEST), budget=10, shown=False)


def test_a_grid_widens_until_the_best_lies_inside(tuned):
    # the first five rates of "sgd" end at 0.1, and those of "adam" begin at 1e-4
    for name, best in BEST.items():
        assert abs(math.log10(tuned.rates[name] / best)) <= 0.25 + 1e-9
        tried = [float(r) for r in tuned.table.select(method=name).values("rate")]
        assert min(tried) < tuned.rates[name] < max(tried)
    assert tuned.edges == tuned.lost == ()
    assert len(tuned.table.select(method="momentum")) == 2 * 5, "its grid had no reason to widen"


def test_nothing_is_run_twice_and_all_is_counted(tuned):
    assert len(CALLS) == len(set(CALLS)) == len(tuned.table)
    rows = {row["method"]: row for row in tuned.rows()}
    assert sum(row["runs"] for row in rows.values()) == len(CALLS)
    for name, row in rows.items():
        mine = [call for call in CALLS if call[0] == name]
        assert row["rates tried"] == len({rate for _, rate, _ in mine})
        assert row["gradients"] == 10 * len(mine)
        assert row["cpu_seconds"] == pytest.approx(len(mine))
        assert row["diverged"] == (4 if name == "adam" else 0)
    assert tuning.spent(tuned.table) == (10 * len(CALLS), pytest.approx(len(CALLS)))


def test_where_widening_ends_it_says_so():
    found = tuning.tune(task, ["sgd", "momentum"], widen=1, shown=False)
    assert found.edges == ("sgd",)
    assert found.rates["sgd"] == 0.316
    row = found.rows()[0]
    assert row["at an edge"]
    assert row["rates tried"] == 6


def test_a_method_that_no_rate_helps_is_named():
    found = tuning.tune(never, ["adam"], widen=2, shown=False)
    assert found.lost == ("adam",)
    assert found.rates == {}
    # it looks lower: too high is what makes a rate diverge
    assert min(found.table.values("rate")) == pytest.approx(1e-5)
    (row,) = found.rows()
    assert math.isnan(row["rate"])
    assert row["diverged"] == row["runs"] == 14


def test_a_rate_does_not_win_by_the_seeds_that_survive_it():
    def lucky(method, rate, seed):
        wild = rate > 0.05
        return task("momentum", 0.01, seed) | {
            "loss": math.inf if wild and seed else 0.0 if wild else 1.0
        }

    found = tuning.tune(lucky, ["sgd"], rates={"sgd": [0.01, 0.02, 0.1]}, widen=0, shown=False)
    assert found.rates["sgd"] < 0.05


def test_rates_of_ones_own_and_half_decades():
    found = tuning.tune(task, ["momentum"], rates={"momentum": [1.0]}, widen=4, shown=False)
    tried = sorted(float(rate) for rate in found.table.values("rate"))
    assert found.rates["momentum"] == pytest.approx(0.01)
    assert tried == [0.00316, 0.01, 0.0316, 0.1, 0.316, 1.0, 3.16] or tried[0] <= 0.01
    assert tuning._first("adam", None) == [1e-4, 3.16e-4, 1e-3, 3.16e-3, 1e-2]


def test_a_stopped_tuning_goes_on(tmp_path):
    CALLS.clear()
    first = tuning.tune(task, ["sgd"], out=tmp_path / "runs", shown=False)
    count = len(CALLS)
    again = tuning.tune(task, ["sgd"], out=tmp_path / "runs", shown=False)
    assert len(CALLS) == count
    assert again.rates == first.rates


def test_those_that_chose_a_rate_are_in_no_comparison(tuned):
    with pytest.raises(errors.InputError, match=r"seeds: got \[1\], which chose the rates"):
        tuning.compare(task, tuned, seeds=(1, 5), shown=False)
    table = tuning.compare(task, tuned, budget=10, shown=False)
    assert len(table) == len(BEST) * len(tuning.SEEDS)
    for name in BEST:
        assert table.select(method=name).values("rate") == [tuned.rates[name]]
    assert {tuple(row["seed"] for row in table)} == {tuning.SEEDS * len(BEST)}


def test_bands_hold_every_seed_and_what_diverged():
    table = tuning.compare(task, {"adam": 1e-6, "sgd": 1e5}, seeds=(2, 3), budget=10, shown=False)
    assert [run.status for run in table.runs] == [sweeps.DONE] * 2 + [sweeps.DIVERGED] * 2
    bands = tuning.bands(table, "at_second")
    places, losses = bands["adam"]
    np.testing.assert_allclose(places, np.linspace(0, 10, 6) * 0.02 * 3.5)
    assert losses.shape == (2, 6)
    np.testing.assert_allclose(losses[:, -1], [1.02, 1.03])
    _, gone = bands["sgd"]
    assert gone.shape == (2, 3)
    with pytest.raises(errors.InputError, match="over"):
        tuning.bands(table, "at_hour")


def test_bad_input():
    for call, said in (
        (lambda: tuning.tune(task, []), "methods"),
        (lambda: tuning.tune(task, "adam"), "methods"),
        (lambda: tuning.tune(task, ["adamax"]), "method"),
        (lambda: tuning.tune(task, ["adam"], rates={"adam": []}), "rates"),
        (lambda: tuning.tune(task, ["adam"], rates={"adam": [-1]}), "rates"),
        (lambda: tuning.tune(task, ["adam"], seeds=[0.5]), "seeds"),
        (lambda: tuning.tune(task, ["adam"], widen=-1), "widen"),
        (lambda: tuning.compare(task, {"adamax": 1}), "method"),
        (lambda: tuning.tune(task, ["adam"], speed=3, shown=False), "task"),
    ):
        with pytest.raises(errors.InputError, match=said):
            call()


# --- trials of real networks ---


@pytest.mark.slow
@pytest.mark.parametrize("name", trials.TASKS)
def test_a_trial_learns_and_begins_where_all_begin(name):
    found = trials.TASKS[name](method="adam", rate=3e-3, seed=4, budget=20)
    assert found["loss"] < found["start"]
    assert found["lowest"] == found["held_out"].min()
    assert found["steps"] == found["gradients"] == 20
    assert found["at_step"].tolist() == [*range(0, 21, 2)]
    for axis in tuning.AXES:
        assert len(found[axis]) == len(found["held_out"]) == trials.LOOKS + 1
        assert (np.diff(found[axis]) >= 0).all()
    assert found["held_out"][0] == found["start"]
    wild = trials.TASKS[name](method="sgd", rate=1e12, seed=4, budget=5)
    assert wild["start"] == pytest.approx(found["start"], rel=1e-6), "the same start"
    assert wild["loss"] == math.inf or wild["loss"] > 10 * abs(found["start"])


def test_a_trial_repeats_whatever_was_tried_before():
    one = trials.motion_rnn(method="momentum", rate=0.01, seed=1, budget=6)
    trials.motion_rnn(method="momentum", rate=0.1, seed=3, budget=3)
    two = trials.motion_rnn(method="momentum", rate=0.01, seed=1, budget=6)
    np.testing.assert_array_equal(one["held_out"], two["held_out"])
    other = trials.motion_rnn(method="momentum", rate=0.01, seed=2, budget=6)
    assert other["start"] != one["start"]


def test_a_trial_that_diverges_keeps_what_it_saw():
    class Line:
        built = True
        losses = ()

        def __init__(self):
            self.w = tf.Variable(1.0)
            self.variables = self.trainable_variables = [self.w]

    class Nothing:
        steps_per_epoch = 10.0

        def batch(self, step, progress):
            return (np.float32(0),)

    model = Line()
    bench = trials.Bench(
        *(model, lambda m, batch: {"loss": m.w**2}, lambda: {"loss": float(model.w**2), "w": 1.0}),
        first=lambda seed: [np.float32(1)],
        data=lambda seed: Nothing(),
    )
    found = bench.trial("sgd", 1e2, budget=50)
    assert found["w"] is None
    assert found["loss"] == math.inf
    assert 5 < found["steps"] < 50
    assert np.isfinite(found["held_out"]).all()
    assert len(found["held_out"]) == found["steps"] // 5 + 1
    assert float(model.w) == 1, "back at its start"
    for options, said in (
        ({"budget": 0}, "budget"),
        ({"schedule": "square"}, "schedule"),
        ({"clip": -1}, "clip"),
        ({"rate": -1}, "rate"),
        ({"method": "lion"}, "method"),
    ):
        with pytest.raises(errors.InputError, match=said):
            bench.trial(**{"method": "sgd", "rate": 0.1} | options)


@pytest.mark.slow
def test_the_detectors_backbone_stays_as_it_is():
    before = [v.numpy() for v in trials._shipped().parts["backbone"].variables]
    trials.heads(method="adam", rate=1e-2, budget=2)
    for a, v in zip(before, trials._shipped().parts["backbone"].variables, strict=True):
        np.testing.assert_array_equal(a, v.numpy())


def test_the_compiling_of_the_first_step_is_left_out():
    times = np.array([5.0, 5.1, 5.2, 5.35])
    np.testing.assert_allclose(trials._without_compiling(times), [0.1, 0.2, 0.3, 0.45])
    assert trials._without_compiling(np.array([3.0])).tolist() == [0.0]


def test_every_method_has_a_rate_to_begin_with():
    for name in first_order.NAMES:
        grid = tuning._first(name, None)
        assert len(grid) == 5
        assert grid[2] == first_order.method(name).rate


# --- what is stored ---


def test_what_is_read_back_is_what_was_written(tuned, tmp_path):
    table = tuning.compare(
        task, {"adam": tuned.rates["adam"], "sgd": 1e5}, seeds=(2, 3), budget=10, shown=False
    )
    path = tmp_path / "first_order.json"
    kept = {"it": stored.packed(tuned, table, {"data": "numbers", "budget": 10})}
    path.write_text(json.dumps({"tasks": kept}, allow_nan=False))
    found = stored.read(path)["it"]
    assert found.about == {"data": "numbers", "budget": 10}
    assert found.tuned.rates == tuned.rates
    for mine, theirs in zip(found.tuned.rows(), tuned.rows(), strict=True):
        assert mine.keys() == theirs.keys()
        for name, value in theirs.items():
            expected = value if isinstance(value, str) else pytest.approx(value, rel=1e-4)
            assert mine[name] == expected, name
    assert tuning.spent(found.tuned.table) == pytest.approx(tuning.spent(tuned.table), rel=1e-4)
    for axis in tuning.AXES:
        ours, others = tuning.bands(found.compared, axis), tuning.bands(table, axis)
        assert ours.keys() == others.keys()
        for name in ours:
            for a, b in zip(ours[name], others[name], strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-4)
    assert [run.status for run in found.compared.runs] == [run.status for run in table.runs]


def test_a_file_that_is_not_there_or_another_is_said(tmp_path):
    path = tmp_path / "first_order.json"
    with pytest.raises(errors.MissingError, match=r"benchmarks\.first_order --tune --save"):
        stored.read(path)
    for text in ("{}", "no JSON", '{"tasks": {"cnn": {"tried": 1}}}'):
        path.write_text(text)
        with pytest.raises(errors.SourceError, match="not a stored tuning"):
            stored.read(path)


def test_a_task_says_what_its_data_are():
    assert "20 frames" in trials.data_of("motion_rnn")
    with pytest.raises(errors.InputError, match="name"):
        trials.data_of("rnn")
