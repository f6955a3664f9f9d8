"""Figures of convergence and of eigenvalues."""

import numpy as np
import pictured
import pytest

from tracklab import errors, plots
from tracklab.optimizers import lanczos, lbfgs, newton, newton_cg, problems, results, surfaces

PRICES = {"values": 0.5, "products": 2.0, "hessians": 4.0}


def runs():
    def one(method):
        result = method(problems.on_surface(surfaces.rosenbrock()))
        # the clock is the only thing that differs between two runs
        columns = result.columns | {"cpu_seconds": 1e-4 * result["step"]}
        return results.Result(
            result.method, result.x, result.loss, columns, result.path, result.stopped
        )

    return {
        "Newton": one(newton.newton),
        "L-BFGS": [one(lbfgs.lbfgs), one(lbfgs.lbfgs)],
        "Newton-CG": one(newton_cg.newton_cg),
    }


def test_convergence_has_three_axes_and_all_runs():
    found = runs()
    fig = pictured.check(
        lambda: plots.convergence(found, title="Newton needs the fewest steps", prices=PRICES)
    )
    assert [len(ax.lines) for ax in fig.axes] == [8, 8, 8]
    assert {ax.get_xlabel() for ax in fig.axes} >= {"steps", "CPU time (s)"}
    work = fig.axes[1].lines[0].get_xdata()
    np.testing.assert_allclose(work, found["Newton"].in_gradients(PRICES))
    assert f"Newton {found['Newton'].loss:.2g} after" in fig.alt


def test_the_spectrum_with_and_without_what_is_exact():
    rng = np.random.default_rng(0)
    exact = np.concatenate([rng.exponential(0.02, 180) - 0.01, [1.0, 2.5]])
    density = lanczos.density(lambda v: exact * v, len(exact), starts=4, steps=40)
    bare = pictured.check(lambda: plots.spectrum(density, title="Two curvatures stand out"))
    both = pictured.check(
        lambda: plots.spectrum(density, title="Two curvatures stand out", exact=exact)
    )
    assert len(both.axes[1].lines) == len(bare.axes[1].lines) + 1
    assert "to 2.5;" in both.alt
    shares = both.axes[1].lines[0].get_ydata()
    assert shares[-1] == pytest.approx(1)
    assert (np.diff(shares) >= 0).all()


def test_bad_input():
    with pytest.raises(errors.InputError, match="runs"):
        plots.convergence({}, title="Nothing")
    with pytest.raises(errors.InputError, match="prices"):
        plots.convergence(runs(), title="No prices")
    density = lanczos.density(lambda v: v, 3)
    with pytest.raises(errors.InputError, match="exact"):
        plots.spectrum(density, title="Nothing", exact=[np.nan])
