"""What was measured once is read as it was; linear algebra gets its threads back."""

import json
import threading

import numpy as np
import pytest

from tracklab import errors
from tracklab.optimizers import lbfgs, levenberg_marquardt, problems, results, threads
from tracklab.optimizers import stored_runs as stored


def result(losses, *, method="one", values=0):
    count = len(losses)
    columns = {name: np.zeros(count) for name in results.COLUMNS}
    columns["step"] = np.arange(count, dtype=float)
    columns["gradients"] = 2 * columns["step"] + 1
    columns["values"] = values * columns["step"]
    columns["cpu_seconds"] = columns["step"] / 100
    columns["loss"] = np.array(losses, float)
    return results.Result(method, np.zeros(1), min(losses), columns, None, results.STEPS)


class TestStored:
    def test_a_curve_is_the_lowest_so_far_thinned_and_keeps_its_ends(self):
        rng = np.random.default_rng(0)
        losses = 1 / np.arange(1, 3001) * rng.uniform(1, 3, 3000)
        row = stored.row(result(losses, values=3), "one", seed=1, prices={"values": 0.5})
        assert len(row["loss"]) <= stored.POINTS + 2
        assert (np.diff(row["loss"]) <= 0).all()
        assert row["loss"][0] == pytest.approx(losses[0], rel=1e-4)
        assert row["loss"][-1] == pytest.approx(losses.min(), rel=1e-4)
        assert (row["step"][0], row["step"][-1]) == (0, 2999)
        # a value costs half a gradient
        assert row["gradients"][-1] == pytest.approx(2 * 2999 + 1 + 1.5 * 2999, rel=1e-4)
        assert "test" not in row

    def test_one_row_and_a_run_without_steps(self):
        row = stored.row(result([2.0]), "one", seed=0, test=0.25)
        assert row["loss"] == [2.0]
        assert row["test"] == 0.25

    def test_what_is_written_is_read_and_other_tasks_stay(self, tmp_path):
        path = tmp_path / "second_order.json"
        rows = [
            stored.row(result([3.0, end]), name, seed=seed, rate=rate, test=end / 10)
            for name, rate, ends in (
                ("Adam", 0.1, (2.0, 1.5, 2.5)),
                ("Adam", 0.3, (1.0, 9.0, 9.0)),
                ("L-BFGS", 0.0, (0.5, 0.25, 0.125)),
            )
            for seed, end in enumerate(ends)
        ]
        stored.write("a", {}, rows, path)
        stored.write("b", {}, rows[:1], path)
        stored.write("a", {"command": "c"}, rows, path)
        found = stored.read(path)
        assert set(found) == {"a", "b"}
        assert found["a"].about["command"] == "c"
        assert found["a"].methods == ("Adam", "L-BFGS")
        # by the median: a lucky seed is not enough
        assert found["a"].rate("Adam") == 0.1
        np.testing.assert_array_equal(found["a"].ends("Adam"), [2.0, 1.5, 2.5])
        np.testing.assert_allclose(found["a"].ends("L-BFGS", "test"), [0.05, 0.025, 0.0125])
        (one, *_) = found["a"].results("L-BFGS")
        assert one.loss == 0.5
        np.testing.assert_array_equal(one.in_gradients(), [1, 3])
        assert not list(tmp_path.glob("*.part"))

    def test_seeds_can_be_measured_one_by_one(self, tmp_path):
        path = tmp_path / "second_order.json"
        for seed, end in ((1, 2.0), (0, 1.0), (1, 3.0)):
            rows = [stored.row(result([4.0, end]), name, seed=seed) for name in ("a", "b")]
            stored.write("task", {}, rows, path)
        found = stored.read(path)["task"]
        assert found.about["seeds"] == [0, 1]
        np.testing.assert_array_equal(found.ends("b"), [1.0, 3.0])

    def test_bad_input(self, tmp_path):
        with pytest.raises(errors.InputError, match="path"):
            stored.read(tmp_path / "none.json")
        with pytest.raises(errors.InputError, match="method"):
            stored.Stored({}, []).rate("Adam")

    def test_what_comes_with_the_course_is_whole(self):
        text = stored.PATH.read_text()
        assert "NaN" not in text
        assert json.loads(text)
        for task, one in stored.read().items():
            assert one.about["command"].startswith("python -m benchmarks.second_order"), task
            assert len(one.about["seeds"]) >= 3
            for method in one.methods:
                assert len(one.best(method)) == len(one.about["seeds"]), (task, method)
                assert np.isfinite(one.ends(method)).all()


class TestThreads:
    def counts(self):
        return [library.get() for library in threads.libraries()]

    def test_one_inside_and_what_it_was_outside(self):
        before = self.counts()
        assert len(before) >= 2, "NumPy's and SciPy's wheels bring one each"
        with threads.one():
            assert set(self.counts()) == {1}
            with threads.one():
                assert set(self.counts()) == {1}
            assert set(self.counts()) == {1}
        assert self.counts() == before
        with pytest.raises(ZeroDivisionError), threads.one():
            1 / 0  # noqa: B018
        assert self.counts() == before

    def test_blocks_that_overlap_in_time(self):
        before = self.counts()
        entered, leave = threading.Event(), threading.Event()

        def other():
            with threads.one():
                entered.set()
                leave.wait(10)

        with threads.one():
            runner = threading.Thread(target=other)
            runner.start()
            assert entered.wait(10)
        assert set(self.counts()) == {1}, "the other block is still open"
        leave.set()
        runner.join()
        assert self.counts() == before

    def test_methods_run_in_such_a_block_and_do_what_they_did(self):
        seen = []

        def slopes(x):
            seen.append(set(self.counts()))
            return x @ x / 2, x

        before = self.counts()
        problem = problems.Known(
            [3.0, 4.0], slopes, residuals_and_jacobian=lambda x: (x, np.eye(2))
        )
        assert lbfgs.lbfgs(problem).stopped == results.CONVERGED
        assert seen
        assert all(one == {1} for one in seen)
        found = levenberg_marquardt.levenberg_marquardt(problem)
        np.testing.assert_allclose(found.x, 0, atol=1e-7)
        assert self.counts() == before

    def test_without_openblas_nothing_is_done(self, monkeypatch):
        monkeypatch.setattr(threads, "libraries", lambda: ())
        with threads.one():
            pass
