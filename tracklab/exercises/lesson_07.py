"""Exercises of lesson 07, Tracking one: what a visual tracker computes, and what it is judged by.

MOSSE's filter at work, the votes of a cost volume, prior and likelihood, a recurrent cell's gains,
and the success AUC.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab.exercises import compare, sketch
from tracklab.exercises.engine import Exercise, Misconception

Floats = NDArray[np.floating[Any]]

THRESHOLDS = 21  # of the success curve
EXACT = (0.0, 0.25, 0.5, 0.75, 1.0)  # thresholds that every way to write them hits to the last bit


# -- MOSSE's filter ------------------------------------------------------------------------------


def mosse_starter(patches: Floats, wished: Floats, patch: Floats, regularisation: float) -> Floats:
    """What the best filter answers to a patch: (h, w).

    The filter is learned from `patches` (N, h, w), so that it answers each of them with `wished`
    (h, w) as nearly as one filter can. With F the Fourier transform of one of the patches, G that
    of `wished`, and * the complex conjugate, at each frequency

        H* = mean of G F* / (mean of F F* + regularisation)

    with both means over the patches. `regularisation` is above 0. With P the transform of `patch`
    (h, w), the answer to it is the real part of what transforms back from P H*.
    `np.fft.fft2`, `np.fft.ifft2` and `np.conj` will help.
    """
    return ...  # type: ignore[return-value]


def mosse(patches: Floats, wished: Floats, patch: Floats, regularisation: float) -> Floats:
    """What the best filter answers to a patch: (h, w).

    Bolme, Beveridge, Draper, Lui (2010), equations 5 and 1.
    """
    F, G = np.fft.fft2(patches), np.fft.fft2(wished)  # fft2 takes the last two axes
    # H* = sum G F* / (sum F F* + r)
    above = (G * np.conj(F)).mean(0)
    below = (F * np.conj(F)).mean(0) + regularisation
    # g = F^-1(P H*)
    return np.asarray(np.fft.ifft2(np.fft.fft2(patch) * above / below).real)


def _mosse_by_loop(patches: Any, wished: Any, patch: Any, regularisation: float) -> Any:
    above: Any = 0
    below: Any = regularisation
    for one in patches:
        spectrum = np.fft.fft2(one)
        above = above + np.fft.fft2(wished) * spectrum.conj() / len(patches)
        below = below + np.abs(spectrum) ** 2 / len(patches)
    return np.real(np.fft.ifft2(np.fft.fft2(patch) * (above / below)))


def _mosse_with_sums(patches: Any, wished: Any, patch: Any, regularisation: float) -> Any:
    spectra = [np.fft.fft2(one) for one in patches]
    above = sum(np.conj(one) for one in spectra) * np.fft.fft2(wished)
    below = sum((one * np.conj(one)).real for one in spectra) + len(spectra) * regularisation
    return np.fft.ifft2(np.fft.fft2(patch) * above / below)  # its imaginary part is rounding


def _mosse(
    patches: Floats,
    wished: Floats,
    patch: Floats,
    regularisation: float,
    *,
    of_quotients: bool = False,
    conjugate: Any = np.conj,
    transform: Any = np.fft.fft2,
    energy: Any = lambda F: np.abs(F) ** 2,
    divided: bool = True,
    summed: bool = False,
    after: Any = lambda H: H,
    out: Any = np.real,
) -> Floats:
    """The same with one thing changed."""
    F, G, P = transform(patches), transform(wished), transform(patch)
    back = np.fft.ifft2 if transform is np.fft.fft2 else np.fft.ifft
    above, below = G * conjugate(F), energy(F)
    if of_quotients:
        H = (above / (below + regularisation)).mean(0)
    elif not divided:
        H = above.mean(0)
    elif summed:
        H = above.sum(0) / (below.sum(0) + regularisation)
    else:
        below = below.mean(0) + regularisation
        H = np.divide(above.mean(0), below, out=np.zeros_like(above[0]), where=below != 0)
    return np.asarray(out(back(P * after(H))))


def _mosse_of_quotients(*inputs: Any) -> Floats:
    return _mosse(*inputs, of_quotients=True)


def _mosse_no_conjugate(*inputs: Any) -> Floats:
    return _mosse(*inputs, conjugate=lambda F: F)


def _mosse_conjugated_again(*inputs: Any) -> Floats:
    return _mosse(*inputs, after=np.conj)


def _mosse_unregularised(
    patches: Floats, wished: Floats, patch: Floats, regularisation: float
) -> Floats:
    return _mosse(patches, wished, patch, 0.0)


def _mosse_tiny(patches: Floats, wished: Floats, patch: Floats, regularisation: float) -> Floats:
    return _mosse(patches, wished, patch, 1e-9)


def _mosse_undivided(*inputs: Any) -> Floats:
    return _mosse(*inputs, divided=False)


def _mosse_summed(*inputs: Any) -> Floats:
    return _mosse(*inputs, summed=True)


def _mosse_not_squared(*inputs: Any) -> Floats:
    return _mosse(*inputs, energy=np.abs)


def _mosse_one_axis(*inputs: Any) -> Floats:
    return _mosse(*inputs, transform=np.fft.fft)


def _mosse_absolute(*inputs: Any) -> Floats:
    return _mosse(*inputs, out=np.abs)


def _mosse_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    # of sides 2 and 4 a Fourier transform knows 1, -1, i and -i only: it rounds nothing
    count, (height, width) = int(rng.integers(1, 4)), rng.choice([2, 4], 2).tolist()
    patches = rng.integers(-3, 4, (count, height, width)).astype(float)
    wished = rng.integers(0, 5, (height, width)) / 4
    patch = rng.integers(-3, 4, (height, width)).astype(float)
    return patches, wished, patch, float(rng.choice([0.5, 1.0, 2.0]))


def _is_mosse(patches: Floats, wished: Floats, patch: Floats, regularisation: float) -> bool:
    alike = patches.ndim == 3 and patches.shape[1:] == wished.shape == patch.shape
    return bool(alike and patches.size and 0.05 <= regularisation <= 100)


def _draw_mosse(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    panels = {"the patch": inputs[2], "wanted": wanted, "yours": np.real(np.asarray(got))}
    return sketch.tables("What the filter answers", panels)


_BRIGHT = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 3.0, 1.0, 0.0]])
_PEAK = np.array([[0.0, 0.25, 0.0, 0.0], [0.25, 1.0, 0.25, 0.0]])

MOSSE = Exercise(
    name="07-mosse",
    task="the filter's answer (h, w) to a patch",
    starter=mosse_starter,
    reference=mosse,
    cases=(
        (np.stack([_BRIGHT, np.roll(_BRIGHT, 1, 1)]), _PEAK, np.roll(_BRIGHT, 1, 0), 0.5),
        (_BRIGHT[None], _PEAK, np.roll(_BRIGHT, 1, 1), 1.0),
        (
            np.array([[[1.0, 2.0, 0.0, 1.0], [0.0, -1.0, 3.0, 0.0]], 2 * _BRIGHT - 1]),
            np.array([[0.0, 1.0, 0.25, 0.0], [0.0, 0.5, 0.0, 0.0]]),
            np.array([[2.0, 0.0, 1.0, -2.0], [-1.0, 3.0, 0.0, 1.0]]),
            2.0,
        ),
        (np.zeros((2, 2, 2)), np.eye(2), np.ones((2, 2)), 0.5),
    ),
    generate=_mosse_inputs,
    valid=_is_mosse,
    misconceptions=(
        Misconception(
            "a mean of quotients",
            _mosse_of_quotients,
            "You divided for each patch and took the mean of the filters. Where one patch has "
            "little of a frequency, its quotient is large and wrong, and it weighs as much as the "
            "others. Add up above and below the line first, and divide once.",
        ),
        Misconception(
            "no conjugate",
            _mosse_no_conjugate,
            "F is not conjugated. G F over F F is G over F times a turn by twice the phase: above "
            "the line belongs `np.conj(F)`.",
        ),
        Misconception(
            "conjugated twice",
            _mosse_conjugated_again,
            "The quotient is H* already: the answer is P times it, as it is. Conjugated once more, "
            "it answers as a convolution would.",
        ),
        Misconception(
            "not regularised",
            _mosse_unregularised,
            "`regularisation` is not used. A frequency that the patches hardly have is then "
            "divided by nearly nothing.",
            variants=(_mosse_tiny,),
        ),
        Misconception(
            "not divided",
            _mosse_undivided,
            "Nothing is divided: that is the mean patch as a template, blurred by the wished peak. "
            "The division makes the peak narrow.",
        ),
        Misconception(
            "sums in place of means",
            _mosse_summed,
            "You added up over the patches. Then `regularisation` weighs less, the more patches "
            "there are: take the means.",
        ),
        Misconception(
            "an energy not squared",
            _mosse_not_squared,
            "F F* is the squared length of F, `np.abs(F) ** 2`.",
        ),
        Misconception(
            "transformed along one axis",
            _mosse_one_axis,
            "`np.fft.fft` transforms the rows alone. A picture takes `np.fft.fft2`.",
        ),
        Misconception(
            "the absolute value",
            _mosse_absolute,
            "You took the absolute value. An answer may be below 0: take the real part, `.real`.",
        ),
    ),
    alternatives=(_mosse_by_loop, _mosse_with_sums),
    hints=(
        "Three steps: all spectra; one quotient of two means, for all frequencies at once; back "
        "again. In none of them does one frequency need to know another.",
        "`np.fft.fft2(patches)` transforms all patches, for it takes the last two axes. Means over "
        "the patches are `.mean(0)`.",
        "`F, G = np.fft.fft2(patches), np.fft.fft2(wished)`; `H = (G * np.conj(F)).mean(0) / "
        "((F * np.conj(F)).mean(0) + regularisation)`; `return np.fft.ifft2(np.fft.fft2(patch) * "
        "H).real`.",
    ),
    praise="A filter in three lines, and it is the best there is for these patches.",
    onward="A tracker keeps above and below the line apart, and lets a little of each frame into "
    "both.",
    draw=_draw_mosse,
    alt="The patch, the wanted answer and yours as tables of numbers.",
)


# -- the votes of a cost volume ------------------------------------------------------------------


def votes_starter(volume: Floats, row: int, column: int) -> Floats:
    """What each cell of a template votes for the object's middle in one cell: (G, G).

    `volume` (G, G, H, W) holds a cosine for each pair of cells: `volume[i, j, y, x]` says how much
    the template's cell (i, j) looks like the window's cell (y, x). G is odd, and the template's
    middle cell is (G // 2, G // 2).

    If the object's middle is in the window's cell (`row`, `column`), the template's cell (i, j)
    should be found as many rows below it and columns right of it as it lies below and right of the
    template's middle. Entry (i, j) is the cosine there, and 0 where that is beyond the window.
    """
    return ...  # type: ignore[return-value]


def votes(volume: Floats, row: int, column: int) -> Floats:
    """What each cell of a template votes for the object's middle in one cell: (G, G)."""
    count, _, height, width = volume.shape
    cast = np.zeros((count, count))
    for i, j in np.ndindex(count, count):
        # the template's cell lies (i, j) - (G // 2, G // 2) from the middle
        y, x = row + i - count // 2, column + j - count // 2
        if 0 <= y < height and 0 <= x < width:
            cast[i, j] = volume[i, j, y, x]
    return cast


def _votes_by_padding(volume: Any, row: int, column: int) -> Any:
    count = len(volume)
    reach = count // 2
    wide = np.pad(np.asarray(volume), ((0, 0), (0, 0), (reach, reach), (reach, reach)))
    steps = np.arange(count)
    rows, columns = steps[:, None], steps[None]
    # in the padded window the cell (row, column) lies `reach` further on
    return wide[rows, columns, row + rows, column + columns]


def _votes_as_lists(volume: Any, row: int, column: int) -> Any:
    count, (height, width) = len(volume), np.shape(volume)[2:]
    middle = (count - 1) // 2

    def at(i: int, j: int) -> float:
        y, x = row - middle + i, column - middle + j
        seen = y in range(height) and x in range(width)
        return float(volume[i][j][y][x]) if seen else 0.0

    return [[at(i, j) for j in range(count)] for i in range(count)]


def _votes(
    volume: Floats,
    row: int,
    column: int,
    *,
    sign: int = 1,
    from_middle: bool = True,
    crossed: bool = False,
    border: str = "zero",
    short: int = 0,
) -> Floats:
    """The same with one thing changed."""
    count, _, height, width = volume.shape
    cast = np.zeros((count, count))
    for i, j in np.ndindex(count, count):
        dy, dx = (k - (count // 2 - short if from_middle else 0) for k in (i, j))
        if crossed:
            dy, dx = dx, dy
        y, x = row + sign * dy, column + sign * dx
        if border == "around":
            y, x = y % height, x % width
        elif border == "edge":
            y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
        elif border == "negative" and -height <= y < height and -width <= x < width:
            y, x = y % height, x % width
        if 0 <= y < height and 0 <= x < width:
            cast[i, j] = volume[i, j, y, x]
    return cast


def _votes_in_place(volume: Floats, row: int, column: int) -> Floats:
    return np.asarray(volume[:, :, row, column])


def _votes_backwards(volume: Floats, row: int, column: int) -> Floats:
    return _votes(volume, row, column, sign=-1)


def _votes_from_corner(volume: Floats, row: int, column: int) -> Floats:
    return _votes(volume, row, column, from_middle=False)


def _votes_crossed(volume: Floats, row: int, column: int) -> Floats:
    return _votes(volume, row, column, crossed=True)


def _votes_around(volume: Floats, row: int, column: int) -> Floats:
    return _votes(volume, row, column, border="around")


def _votes_negative(volume: Floats, row: int, column: int) -> Floats:
    return _votes(volume, row, column, border="negative")


def _votes_at_edge(volume: Floats, row: int, column: int) -> Floats:
    return _votes(volume, row, column, border="edge")


def _votes_column_row(volume: Floats, row: int, column: int) -> Floats:
    height, width = volume.shape[2:]
    return _votes(volume, min(column, height - 1), min(row, width - 1))


def _votes_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    count = int(rng.choice([1, 3, 5], p=[0.1, 0.7, 0.2]))
    height, width = (int(n) for n in rng.integers(2, 5, 2))
    volume = rng.integers(0, 11, (count, count, height, width)) / 10
    return volume, int(rng.integers(height)), int(rng.integers(width))


def _is_volume(volume: Floats, row: int, column: int) -> bool:
    if volume.ndim != 4 or volume.shape[0] != volume.shape[1] or volume.shape[0] % 2 == 0:
        return False
    inside = 0 <= row < volume.shape[2] and 0 <= column < volume.shape[3]
    return inside and bool((np.abs(volume) <= 1).all())


def _draw_votes(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    volume, row, column = inputs
    height, width = volume.shape[2:]
    title = f"Votes for cell ({row}, {column}) of a window of {height} x {width} cells"
    return sketch.tables(title, {"wanted": wanted, "yours": got})


def _one_match(count: int, height: int, width: int, *places: tuple[int, int, int, int]) -> Floats:
    volume = np.zeros((count, count, height, width))
    for number, place in enumerate(places, 1):
        volume[place] = number / len(places)
    return volume


VOTES = Exercise(
    name="07-votes",
    task="the votes (G, G) for the middle in one cell",
    starter=votes_starter,
    reference=votes,
    cases=(
        (_one_match(3, 4, 4, (0, 0, 1, 1), (1, 2, 2, 3), (2, 1, 3, 2)), 2, 2),
        (_one_match(3, 3, 3, (0, 0, 2, 2), (2, 2, 1, 1), (1, 1, 0, 0)), 0, 0),
        (_one_match(3, 3, 4, (0, 2, 0, 3), (2, 0, 2, 1), (2, 2, 2, 3), (0, 0, 0, 1)), 1, 2),
        (_one_match(1, 2, 3, (0, 0, 1, 2)), 1, 2),
        (np.arange(81).reshape(3, 3, 3, 3) / 81, 2, 0),
    ),
    generate=_votes_inputs,
    valid=_is_volume,
    misconceptions=(
        Misconception(
            "all in the same cell",
            _votes_in_place,
            "You looked at one cell of the window for all cells of the template. Only the "
            "template's middle should be found there: the others lie around it.",
        ),
        Misconception(
            "the wrong way round",
            _votes_backwards,
            "A cell that lies above the template's middle should be found *above* the cell, not "
            "below it: add the way from the template's middle.",
        ),
        Misconception(
            "from the corner",
            _votes_from_corner,
            "You took the template's corner for its middle. The way from the middle is `i - G // "
            "2` rows and `j - G // 2` columns.",
        ),
        Misconception(
            "rows for columns in the template",
            _votes_crossed,
            "i is a row of the template and moves the row of the window; j is a column.",
        ),
        Misconception(
            "around the border",
            _votes_around,
            "What leaves the window on one side comes in again on the other. Beyond the window "
            "there is nothing to see: 0.",
            variants=(_votes_negative,),
        ),
        Misconception(
            "held at the border",
            _votes_at_edge,
            "Beyond the window you took the cell at its border. There is nothing to see: 0.",
        ),
        Misconception(
            "column, row",
            _votes_column_row,
            "Row first, then column, as in `volume[i, j, row, column]`.",
        ),
    ),
    alternatives=(_votes_by_padding, _votes_as_lists),
    hints=(
        "The template's middle cell should be found in the cell itself. Where should the cell left "
        "of the middle be found?",
        "Cell (i, j) lies `i - G // 2` rows below the template's middle and `j - G // 2` columns "
        "right of it. So look at row `row + i - G // 2`, column `column + j - G // 2`.",
        "Begin with `np.zeros((G, G))`; loop over i and j; where the place is inside the window, "
        "`0 <= y < H and 0 <= x < W`, take `volume[i, j, y, x]`.",
    ),
    praise="Their sum is how well the whole template fits there: a correlation, taken apart.",
    onward="The network gets the votes one by one, so it can learn that half of them missing is a "
    "pillar.",
    draw=_draw_votes,
    alt="The wanted votes and yours as tables.",
)


# -- prior and likelihood ------------------------------------------------------------------------


def posterior_starter(logits: Floats, expected: Floats, spread: float) -> Floats:
    """How likely the object's middle is in each cell, from what is seen and what was expected.

    `logits` (H, W) are what the network says of each cell: the logarithm of the likelihood, up to
    a constant. `expected` (2,) is where the middle should be, x and y in cells: cell (row, column)
    lies at x = column, y = row. The prior is a Gaussian around it, in x and y alike, with standard
    deviation `spread` in cells.

    The posterior is (H, W): likelihood times prior, divided by the sum over all cells. Logits may
    be as large as 1000, or as small as -1000.
    """
    return ...  # type: ignore[return-value]


def posterior(logits: Floats, expected: Floats, spread: float) -> Floats:
    """How likely the object's middle is in each cell, from what is seen and what was expected."""
    y, x = np.indices(logits.shape)
    # log N(x; p, s) = -|x - p|^2 / (2 s^2), but for a constant
    log_prior = -((x - expected[0]) ** 2 + (y - expected[1]) ** 2) / (2 * spread**2)
    # log posterior = log likelihood + log prior, but for a constant
    log_posterior = logits + log_prior
    likely = np.exp(log_posterior - log_posterior.max())  # the highest is 1: nothing overflows
    return np.asarray(likely / likely.sum())


def _posterior_by_loop(logits: Any, expected: Any, spread: float) -> Any:
    height, width = np.shape(logits)
    sums = {
        (row, column): logits[row][column]
        - ((column - expected[0]) / spread) ** 2 / 2
        - ((row - expected[1]) / spread) ** 2 / 2
        for row in range(height)
        for column in range(width)
    }
    top = max(sums.values())
    likely = [[np.exp(sums[row, column] - top) for column in range(width)] for row in range(height)]
    total = sum(map(sum, likely))
    return [[value / total for value in line] for line in likely]


def _posterior_separable(logits: Any, expected: Any, spread: float) -> Any:
    from scipy.special import softmax

    height, width = logits.shape
    across = -0.5 * ((np.arange(width) - expected[0]) / spread) ** 2
    down = -0.5 * ((np.arange(height) - expected[1]) / spread) ** 2
    return softmax(logits + across[None] + down[:, None])


def _posterior(
    logits: Floats,
    expected: Floats,
    spread: float,
    *,
    prior: Any = lambda away, spread: -away / (2 * spread**2),
    swapped: bool = False,
    mixed: Any = lambda logits, prior: logits + prior,
    axis: Any = None,
) -> Floats:
    """The same with one thing changed."""
    y, x = np.indices(logits.shape)
    if swapped:
        x, y = y, x
    away = (x - expected[0]) ** 2 + (y - expected[1]) ** 2
    together = mixed(logits, prior(away, spread))
    likely = np.exp(together - together.max(axis=axis, keepdims=True))
    return np.asarray(likely / likely.sum(axis=axis, keepdims=True))


def _posterior_no_prior(logits: Floats, expected: Floats, spread: float) -> Floats:
    return _posterior(logits, expected, spread, mixed=lambda logits, prior: logits)


def _posterior_prior_alone(logits: Floats, expected: Floats, spread: float) -> Floats:
    return _posterior(logits, expected, spread, mixed=lambda logits, prior: prior)


def _posterior_added(logits: Floats, expected: Floats, spread: float) -> Floats:
    return _posterior(logits, expected, spread, mixed=lambda logits, prior: logits + np.exp(prior))


def _posterior_times(logits: Floats, expected: Floats, spread: float) -> Floats:
    return _posterior(logits, expected, spread, mixed=lambda logits, prior: logits * np.exp(prior))


def _posterior_two_sums(logits: Floats, expected: Floats, spread: float) -> Floats:
    one = _posterior_no_prior(logits, expected, spread)
    return (one + _posterior_prior_alone(logits, expected, spread)) / 2


def _posterior_swapped(logits: Floats, expected: Floats, spread: float) -> Floats:
    return _posterior(logits, expected, spread, swapped=True)


def _posterior_not_squared(logits: Floats, expected: Floats, spread: float) -> Floats:
    return _posterior(logits, expected, spread, prior=lambda away, s: -away / (2 * s))


def _posterior_no_half(logits: Floats, expected: Floats, spread: float) -> Floats:
    return _posterior(logits, expected, spread, prior=lambda away, s: -away / s**2)


def _posterior_by_distance(logits: Floats, expected: Floats, spread: float) -> Floats:
    return _posterior(logits, expected, spread, prior=lambda away, s: -np.sqrt(away) / (2 * s**2))


def _posterior_rows(logits: Floats, expected: Floats, spread: float) -> Floats:
    return _posterior(logits, expected, spread, axis=-1)


def _posterior_logs(logits: Floats, expected: Floats, spread: float) -> Floats:
    y, x = np.indices(logits.shape)
    away = (x - expected[0]) ** 2 + (y - expected[1]) ** 2
    return np.asarray(logits - away / (2 * spread**2))


def _posterior_not_divided(logits: Floats, expected: Floats, spread: float) -> Floats:
    logs = _posterior_logs(logits, expected, spread)
    return np.asarray(np.exp(logs - logs.max()))


def _posterior_undivided(logits: Floats, expected: Floats, spread: float) -> Floats:
    with np.errstate(all="ignore"):
        return np.asarray(np.exp(_posterior_logs(logits, expected, spread)))


def _posterior_overflow(logits: Floats, expected: Floats, spread: float) -> Floats:
    with np.errstate(all="ignore"):
        likely = np.exp(_posterior_logs(logits, expected, spread))
        return np.asarray(likely / likely.sum())


def _posterior_overflow_apart(logits: Floats, expected: Floats, spread: float) -> Floats:
    y, x = np.indices(logits.shape)
    away = (x - expected[0]) ** 2 + (y - expected[1]) ** 2
    with np.errstate(all="ignore"):
        likely = np.exp(logits) * np.exp(-away / (2 * spread**2))
        return np.asarray(likely / likely.sum())


def _posterior_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    shape = tuple(int(n) for n in rng.integers(1, 5, 2))
    logits = rng.integers(-4, 5, shape).astype(float)
    if rng.random() < 0.25:
        logits += float(rng.choice([-996.0, 996.0]))
    expected = rng.integers(0, 4, 2).astype(float)
    return logits, expected, float(rng.choice([0.5, 1.0, 1.5, 3.0]))


def _is_posterior(logits: Floats, expected: Floats, spread: float) -> bool:
    fit = logits.ndim == 2 and logits.size > 0 and expected.shape == (2,)
    near = bool((np.abs(logits) <= 1000).all() and (np.abs(expected) <= 10).all())
    return fit and near and 0.3 <= spread <= 10


def _draw_posterior(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    logits, (x, y), spread = inputs
    title = f"Expected at row {y:g}, column {x:g}, give or take {spread:g}"
    return sketch.tables(title, {"logits": logits, "wanted": wanted, "yours": got})


POSTERIOR = Exercise(
    name="07-posterior",
    task="the posterior (H, W), which sums to 1",
    starter=posterior_starter,
    reference=posterior,
    cases=(
        (np.array([[0.0, 0.0, 2.0], [0.0, 1.0, 0.0]]), np.array([1.0, 1.0]), 1.0),
        (np.array([[3.0, 0.0, 0.0, 3.0]]), np.array([2.0, 0.0]), 1.5),
        (np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0]]), np.array([0.0, 2.0]), 0.5),
        (np.array([[1000.0, 999.0], [998.0, 1000.0]]), np.array([1.0, 0.0]), 1.0),
        (np.array([[-1000.0, -999.0]]), np.array([0.0, 0.0]), 2.0),
        (np.array([[5.0]]), np.array([0.0, 0.0]), 1.0),
    ),
    generate=_posterior_inputs,
    valid=_is_posterior,
    misconceptions=(
        Misconception(
            "no prior",
            _posterior_no_prior,
            "That is what the frame alone says. Where the object was expected is not in it.",
        ),
        Misconception(
            "the prior alone",
            _posterior_prior_alone,
            "That is what was expected. What the frame shows is not in it.",
        ),
        Misconception(
            "a probability added to a logit",
            _posterior_added,
            "You added the prior itself to logits. Those are logarithms: add the prior's "
            "*logarithm*, -d^2 / (2 spread^2). A prior never makes up for being far away by "
            "adding something between 0 and 1.",
        ),
        Misconception(
            "a logit times a probability",
            _posterior_times,
            "You multiplied logits by the prior. Likelihood times prior is a product of "
            "probabilities, so a *sum* of logarithms. (Negative logits would get better far away.)",
        ),
        Misconception(
            "a mean of the two",
            _posterior_two_sums,
            "You averaged likelihood and prior. Then a cell that only one of them likes stays "
            "likely. In a product both have to agree.",
        ),
        Misconception(
            "x and y swapped",
            _posterior_swapped,
            "`expected` is x, y: its first number belongs to the column, the second to the row.",
        ),
        Misconception(
            "a spread not squared",
            _posterior_not_squared,
            "A Gaussian's logarithm is -d^2 / (2 s^2): the spread is squared.",
        ),
        Misconception(
            "a half is missing",
            _posterior_no_half,
            "A Gaussian's logarithm is -d^2 / (2 s^2): without the 2 the prior is narrower than "
            "`spread` says.",
        ),
        Misconception(
            "a distance not squared",
            _posterior_by_distance,
            "A Gaussian's logarithm is -d^2 / (2 s^2): the distance is squared.",
        ),
        Misconception(
            "each row sums to 1",
            _posterior_rows,
            "You normalised each row. The object is in one cell of the whole map, so all cells "
            "together sum to 1.",
        ),
        Misconception(
            "logarithms",
            _posterior_logs,
            "Those are logarithms still. `np.exp` makes likelihoods of them; then divide by their "
            "sum.",
        ),
        Misconception(
            "not normalised",
            _posterior_not_divided,
            "The cells do not sum to 1: divide by the sum over all of them.",
            variants=(_posterior_undivided,),
        ),
        Misconception(
            "overflow",
            _posterior_overflow,
            "exp(1000) is infinite, and exp(-1000) is 0. Take the highest logarithm off all of "
            "them first: that divides all likelihoods by the same number, and cancels.",
            variants=(_posterior_overflow_apart,),
        ),
    ),
    alternatives=(_posterior_by_loop, _posterior_separable),
    hints=(
        "What is the logarithm of a product? So what happens to the logits?",
        "`y, x = np.indices(logits.shape)`. Add -((x - expected[0])^2 + (y - expected[1])^2) / "
        "(2 spread^2) to the logits, and make probabilities of the sum as a softmax does.",
        "`s = logits + log_prior`; `e = np.exp(s - s.max())`; `return e / e.sum()`.",
    ),
    praise="That is Bayes' rule on a grid: seen times expected.",
    onward="A wide spread lets the eyes decide, a narrow one the expectation. The recurrent cell "
    "sets it, frame by frame.",
    draw=_draw_posterior,
    alt="The logits, the wanted posterior and yours as tables of numbers.",
)


# -- a recurrent cell's gains --------------------------------------------------------------------


def believe_starter(middle: Floats, velocity: Floats, found: Floats, said: Floats) -> Any:
    """What is believed after a frame: the new middle (2,) and velocity (2,), as a pair.

    `middle` (2,) is where the object was believed to be before this frame, `velocity` (2,) its
    motion a frame, `found` (2,) where it was found in this frame; all x, y in pixels. `said` (3,)
    is what a recurrent cell says: any numbers, which a sigmoid makes gains k, g and keep of, in
    this order, from 0 to 1. sigmoid(a) = 1 / (1 + exp(-a)).

        expected   = middle + velocity
        middle'    = expected + k (found - expected)
        velocity'  = keep (velocity + g k ((found - middle) - velocity))

    with the middle of before the frame in the last line.
    """
    return ...


def believe(middle: Floats, velocity: Floats, found: Floats, said: Floats) -> Any:
    """What is believed after a frame: the new middle (2,) and velocity (2,), as a pair."""
    k, g, keep = 1 / (1 + np.exp(-said))
    # p = c + v
    expected = middle + velocity
    # c <- p + k (found - p);  v <- keep (v + g k ((found - c_before) - v))
    moved = velocity + g * k * (found - middle - velocity)
    return expected + k * (found - expected), keep * moved


def _believe_by_shares(middle: Any, velocity: Any, found: Any, said: Any) -> Any:
    k, g, keep = (0.5 + 0.5 * np.tanh(np.asarray(said) / 2)).tolist()
    expected = np.add(middle, velocity)
    step = np.subtract(found, middle)
    return (1 - k) * expected + k * np.asarray(found), keep * (
        (1 - g * k) * velocity + g * k * step
    )


def _believe_by_coordinate(middle: Any, velocity: Any, found: Any, said: Any) -> Any:
    k, g, keep = (1 / (1 + np.exp(-float(one))) for one in said)
    places, speeds = [], []
    for c, v, z in zip(middle, velocity, found, strict=True):
        innovation = z - c - v  # the same in both lines
        places.append(c + v + k * innovation)
        speeds.append(keep * (v + g * k * innovation))
    return places, speeds


def _believe(
    middle: Floats,
    velocity: Floats,
    found: Floats,
    said: Floats,
    *,
    gains: Any = lambda said: 1 / (1 + np.exp(-said)),
    at_rest: bool = False,
    from_before: bool = False,
    doubted: bool = True,
    kept: bool = True,
    late: bool = False,
    other_share: bool = False,
    bare_step: bool = False,
) -> Any:
    """The same with one thing changed."""
    k, g, keep = gains(said)
    expected = middle if at_rest else middle + velocity
    start = middle if from_before else expected
    after = start + (1 - k if other_share else k) * (found - start)
    step = found - (after if late else middle)
    moved = velocity + g * (k if doubted else 1) * (step - (0 if bare_step else velocity))
    return after, (keep if kept else 1) * moved


def _believe_raw(*inputs: Any) -> Any:
    return _believe(*inputs, gains=lambda said: said)


def _believe_at_rest(*inputs: Any) -> Any:
    return _believe(*inputs, at_rest=True)


def _believe_innovation_of_before(middle: Any, velocity: Any, found: Any, said: Any) -> Any:
    k, *_ = 1 / (1 + np.exp(-said))
    _, moved = believe(middle, velocity, found, said)
    return middle + velocity + k * (found - middle), moved


def _believe_not_doubted(*inputs: Any) -> Any:
    return _believe(*inputs, doubted=False)


def _believe_not_kept(*inputs: Any) -> Any:
    return _believe(*inputs, kept=False)


def _believe_late(*inputs: Any) -> Any:
    return _believe(*inputs, late=True)


def _believe_other_share(*inputs: Any) -> Any:
    return _believe(*inputs, other_share=True)


def _believe_bare_step(*inputs: Any) -> Any:
    return _believe(*inputs, bare_step=True)


def _believe_order(middle: Any, velocity: Any, found: Any, said: Any) -> Any:
    return believe(middle, velocity, found, said)[::-1]


def _believe_softmax(*inputs: Any) -> Any:
    return _believe(*inputs, gains=lambda said: np.exp(said) / np.exp(said).sum())


def _believe_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    middle, velocity, found = (
        rng.integers(low, high, 2).astype(float) for low, high in ((0, 50), (-9, 10), (0, 60))
    )
    return middle, velocity, found, rng.integers(-4, 5, 3).astype(float)


def _is_belief(middle: Floats, velocity: Floats, found: Floats, said: Floats) -> bool:
    alike = middle.shape == velocity.shape == found.shape == (2,) and said.shape == (3,)
    parts = (middle, velocity, found, said)
    return alike and all(np.isfinite(part).all() for part in parts) and np.abs(said).max() <= 20


def _draw_believe(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    middle, velocity, found, said = inputs
    k, g, keep = 1 / (1 + np.exp(-np.asarray(said, float)))
    ends = [middle, middle + velocity, found, wanted[0], wanted[0] + wanted[1]]
    mine = np.asarray([np.asarray(part, float) for part in got])
    if mine.shape == (2, 2) and np.isfinite(mine).all():
        ends += [mine[0], mine[0] + mine[1]]
    sheet = sketch.Sheet(np.array(ends, float))
    sheet.arrow(middle, middle + velocity, sketch.GIVEN, key="before, and where it was expected")
    sheet.point(found, sketch.OTHER, key="found")
    sheet.arrow(wanted[0], wanted[0] + wanted[1], sketch.WANTED, key="wanted: middle, velocity")
    sheet.point(wanted[0], sketch.WANTED)
    if mine.shape == (2, 2):
        key = "yours: middle, velocity"
        sheet.arrow(mine[0], mine[0] + mine[1], sketch.YOURS, key=key, dashed=True)
        sheet.point(mine[0], sketch.YOURS)
    sheet.note(f"k {k:.2f}, g {g:.2f}, keep {keep:.2f}")
    return sheet.picture()


def _numbers(*rows: tuple[float, ...]) -> tuple[Floats, ...]:
    return tuple(np.array(row, float) for row in rows)


BELIEVE = Exercise(
    name="07-believe",
    task="the new middle (2,) and the new velocity (2,), as a pair",
    starter=believe_starter,
    reference=believe,
    cases=(
        _numbers((10, 10), (4, 0), (16, 12), (3, 0, 2)),
        _numbers((10, 10), (4, -2), (40, 40), (-6, 0, 2)),
        _numbers((0, 0), (0, 0), (6, 8), (0, 0, 0)),
        _numbers((20, 5), (-3, 2), (17, 7), (1, 1, -1)),
        _numbers((5, 5), (1, 1), (5, 9), (2, 4, 20)),
    ),
    generate=_believe_inputs,
    valid=_is_belief,
    misconceptions=(
        Misconception(
            "gains without a sigmoid",
            _believe_raw,
            "You took what the cell says for gains. It may say any number: the sigmoid makes a "
            "share from 0 to 1 of it.",
        ),
        Misconception(
            "a softmax",
            _believe_softmax,
            "The three gains need not sum to 1: each has a sigmoid of its own.",
        ),
        Misconception(
            "it does not move on",
            _believe_at_rest,
            "You corrected the place of before. First the object moves on by its velocity; with k "
            "near 0, as behind a pillar, that is all that happens.",
        ),
        Misconception(
            "measured from before",
            _believe_innovation_of_before,
            "The new middle begins at the expected place, so the difference must be taken from "
            "there, too. Otherwise the way of this frame counts twice.",
        ),
        Misconception(
            "a velocity that believes everything",
            _believe_not_doubted,
            "k is missing from the velocity. What is not believed for the place (k near 0) must "
            "not change the velocity either.",
        ),
        Misconception(
            "a velocity that stays",
            _believe_not_kept,
            "`keep` is missing: the share of a velocity that is left for the next frame.",
        ),
        Misconception(
            "measured from after",
            _believe_late,
            "You took the new middle in the last line. The step of this frame leads from the "
            "middle of *before* it to where the object was found.",
        ),
        Misconception(
            "the share of the expectation",
            _believe_other_share,
            "k is the share of what was found, not of what was expected: with k = 1 the new middle "
            "is `found`.",
        ),
        Misconception(
            "a step in place of a difference",
            _believe_bare_step,
            "The velocity moves by a share of the *difference* between the step of this frame and "
            "itself, not by a share of the step.",
        ),
        Misconception("velocity first", _believe_order, "The middle first, then the velocity."),
    ),
    alternatives=(_believe_by_shares, _believe_by_coordinate),
    hints=(
        "Make the three gains first. What should happen where k is 0? And where it is 1?",
        "`k, g, keep = 1 / (1 + np.exp(-said))`. The expected place is `middle + velocity`; it "
        "goes a share k of the way to `found`.",
        "`expected + k * (found - expected)` and `keep * (velocity + g * k * ((found - middle) - "
        "velocity))`, as a pair.",
    ),
    praise="That is an alpha-beta filter whose gains are chosen anew in every frame.",
    onward="What chooses them has seen how far off and how sure this frame was, and remembers the "
    "frames before.",
    draw=_draw_believe,
    alt="Arrows: the belief before, the wanted one after the frame, and yours; a dot where it was "
    "found.",
)


# -- success AUC ---------------------------------------------------------------------------------


def success_starter(overlaps: Floats) -> float:
    """The success AUC of a tracker, as OTB computes it.

    `overlaps` (T,) is the overlap of its box with the true one in each frame, 0 to 1, and NaN in a
    frame of which nobody knows the truth: it does not count. At least one is not NaN.

    Success at a threshold t is the share of the frames that count whose overlap is *above* t. There
    are 21 thresholds: 0, 0.05, 0.1, ..., 0.95, 1. The AUC is the mean of the 21 successes.
    """
    return ...  # type: ignore[return-value]


def success(overlaps: Floats) -> float:
    """The success AUC of a tracker, as OTB computes it.

    Wu, Lim, Yang (2015), section 4.2.
    """
    known = overlaps[np.isfinite(overlaps)]
    thresholds = np.linspace(0, 1, THRESHOLDS)
    # S(t) = |{frames: IoU > t}| / |frames|
    curve = (known[:, None] > thresholds).mean(0)
    return float(curve.mean())


def _success_by_loop(overlaps: Any) -> float:
    known = [one for one in overlaps if not np.isnan(one)]
    total = 0.0
    for step in range(THRESHOLDS):
        total += sum(one > step / 20 for one in known) / len(known)
    return total / THRESHOLDS


def _success_by_counting(overlaps: Any) -> Any:
    # the number of thresholds below an overlap, frame by frame
    known = np.asarray(overlaps)[~np.isnan(overlaps)]
    passed = np.searchsorted(np.arange(THRESHOLDS) / 20, known, side="left")
    return np.mean(passed) / THRESHOLDS


def _success(
    overlaps: Floats,
    *,
    above: Any = np.greater,
    thresholds: Any = None,
    missing: Any = None,
    area: Any = np.mean,
    drop: int = 0,
) -> float:
    """The same with one thing changed."""
    known = overlaps[np.isfinite(overlaps)] if missing is None else missing(overlaps)
    known = known[drop:] if len(known) > drop else known
    thresholds = np.linspace(0, 1, THRESHOLDS) if thresholds is None else thresholds
    return float(area(above(known[:, None], thresholds).mean(0)))


def _success_at_least(overlaps: Floats) -> float:
    return _success(overlaps, above=np.greater_equal)


def _success_mean(overlaps: Floats) -> float:
    return float(np.nanmean(overlaps))


def _success_half(overlaps: Floats) -> float:
    return float((overlaps[np.isfinite(overlaps)] > 0.5).mean())


def _success_twenty(overlaps: Floats) -> float:
    return _success(overlaps, thresholds=np.arange(20) / 20)


def _success_last_twenty(overlaps: Floats) -> float:
    return _success(overlaps, thresholds=np.arange(1, 21) / 20)


def _success_odd_twenty(overlaps: Floats) -> float:
    return _success(overlaps, thresholds=np.linspace(0, 1, 20))


def _success_missed(overlaps: Floats) -> float:
    return _success(overlaps, missing=lambda all_: np.nan_to_num(all_, nan=-1.0))


def _success_trapezoids(overlaps: Floats) -> float:
    return _success(overlaps, area=lambda curve: np.trapezoid(curve, dx=0.05))


def _success_not_first(overlaps: Floats) -> float:
    return _success(overlaps, drop=1)


def _success_percent(overlaps: Floats) -> float:
    return 100 * success(overlaps)


def _success_curve(overlaps: Floats) -> Floats:
    known = overlaps[np.isfinite(overlaps)]
    return np.asarray((known[:, None] > np.linspace(0, 1, THRESHOLDS)).mean(0))


def _success_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    overlaps = rng.integers(0, 20, int(rng.integers(1, 9))) / 20 + 0.02
    exact = rng.random(len(overlaps)) < 0.3
    overlaps[exact] = rng.choice(EXACT, int(exact.sum()))
    unknown = rng.random(len(overlaps)) < 0.15
    overlaps[unknown] = np.nan
    if unknown.all():
        overlaps[0] = 1.0
    return (overlaps,)


def _are_overlaps(overlaps: Floats) -> bool:
    known = overlaps[np.isfinite(overlaps)]
    if overlaps.ndim != 1 or not len(known) or np.isinf(overlaps).any():
        return False
    # 0.15 is not 3 x 0.05 to the last bit: what lies on a threshold must lie on an exact one
    clear = np.abs(known - np.round(known * 20) / 20) > 0.008
    return bool(((known >= 0) & (known <= 1) & (clear | np.isin(known, EXACT))).all())


def _draw_success(inputs: tuple[Any, ...], got: Any, wanted: Any) -> Any:
    from tracklab.plots import base

    curve, mine = _success_curve(inputs[0]), np.asarray(got, float)
    said = compare.words(mine) if mine.size == 1 else "no number"
    title = f"The mean of 21 shares; wanted {wanted:.4g}, yours {said}"
    fig, ax = base.figure(title=title, width=5, height=2.8)
    with base.style():
        places = np.linspace(0, 1, THRESHOLDS)
        ax.plot(places, curve, "o", color=base.COLORS[2], label="success", ms=5)
        ax.axhline(wanted, color=base.COLORS[2], label="wanted")
        if mine.size == 1:
            ax.axhline(float(mine.ravel()[0]), color=base.COLORS[1], ls="--", label="yours")
        elif mine.shape == curve.shape:
            ax.plot(places, mine, "x", color=base.COLORS[1], label="yours")
        ax.set(xlabel="overlap threshold", ylabel="share of the frames", ylim=(-0.03, 1.03))
        ax.legend(fontsize=8.5)
    return fig


SUCCESS = Exercise(
    name="07-success",
    task="the success AUC, one number",
    starter=success_starter,
    reference=success,
    cases=(
        (np.array([0.9, 0.72, 0.31, 0.0]),),
        (np.array([1.0, 1.0, 1.0]),),
        (np.array([1.0, np.nan, 0.53, np.nan]),),
        (np.array([0.5, 0.25, 0.75]),),
        (np.array([0.0]),),
        (np.array([1.0, 0.61, 0.62, 0.03]),),
    ),
    generate=_success_inputs,
    valid=_are_overlaps,
    misconceptions=(
        Misconception(
            "at least the threshold",
            _success_at_least,
            "You counted overlaps that *equal* the threshold. OTB asks for more than it: so a lost "
            "object, with overlap 0, fails at every threshold, and nobody passes at 1.",
        ),
        Misconception(
            "the mean overlap",
            _success_mean,
            "That is the mean overlap. It is near the AUC, and not equal to it: the curve is read "
            "at 21 places only.",
        ),
        Misconception(
            "success at one half",
            _success_half,
            "That is the success at a threshold of 0.5 alone.",
        ),
        Misconception(
            "twenty thresholds",
            _success_twenty,
            "There are 21 thresholds, 0 and 1 among them: `np.linspace(0, 1, 21)`. "
            "(`np.arange(0, 1, 0.05)` leaves out the last.)",
            variants=(_success_last_twenty, _success_odd_twenty),
        ),
        Misconception(
            "frames without truth as misses",
            _success_missed,
            "You counted frames without truth as missed: NaN > t is False, but the frame is still "
            "among those that you divide by. Leave it out first.",
        ),
        Misconception(
            "trapezoids",
            _success_trapezoids,
            "You integrated the curve with trapezoids. OTB's area is simply the mean of the 21 "
            "values.",
        ),
        Misconception(
            "without the first frame",
            _success_not_first,
            "You left out the first frame. GOT-10k does so, since it was given; OTB counts it.",
        ),
        Misconception("percent", _success_percent, "That is the AUC in percent."),
        Misconception(
            "the curve",
            _success_curve,
            "Those are the 21 successes. The AUC is their mean.",
        ),
    ),
    alternatives=(_success_by_loop, _success_by_counting),
    hints=(
        "Which frames count? Leave the others out first, or they end up in the number that you "
        "divide by.",
        "`overlaps[np.isfinite(overlaps)]` are those that count, `np.linspace(0, 1, 21)` the "
        "thresholds. Comparing `known[:, None]` with them gives a table (T, 21) of True and False.",
        "`return (known[:, None] > np.linspace(0, 1, 21)).mean()`: the mean of all is the mean of "
        "the 21 means.",
    ),
    praise="That is the number by which trackers are ranked on OTB.",
    onward="A perfect tracker has 20/21, for no overlap is above 1.",
    draw=_draw_success,
    alt="The success at each of 21 thresholds, a line at the wanted mean, and one at yours.",
)

EXERCISES = (SUCCESS, MOSSE, VOTES, POSTERIOR, BELIEVE)
