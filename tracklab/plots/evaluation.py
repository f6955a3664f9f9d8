"""All figures of an evaluation, by the names of their files; titles say what was found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tracklab.evaluation import Report
from tracklab.files import write_whole
from tracklab.metrics.single import Results
from tracklab.plots import single
from tracklab.plots.base import Figure, figure_to_png

OVERLAPS = "overlaps"  # the folder of figures of single sequences


def save(report: Report, folder: Path, *, each: bool = False) -> list[Path]:
    """Draw an evaluation and write its figures as `.png`; returns the files.

    each: also how each sequence went, in a folder `overlaps`. Where there are more trackers than a
    figure holds, the best are drawn. Nothing is drawn where nothing can be compared. Raises
    `SourceError` where the folder cannot be written.
    """
    files = []
    for name, fig in figures(report, each=each):
        path = folder / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        files.append(write_whole(path, figure_to_png(fig)))
    return files


def figures(report: Report, *, each: bool = False) -> Iterator[tuple[str, Figure]]:
    """The figures of `save`, by name, one at a time."""
    results = dict(list(report.results.items())[: single.MOST])
    if not results:
        return
    count = len(report.common)
    on = f"on {count} sequence{'s' * (count != 1)}"
    success, precision, normalized = (
        _leads(results, figure) for figure in ("AUC", "P20", "NP AUC")
    )
    yield "success", single.success_plot(results, title=f"Success {on}: {success}")
    yield "precision", single.precision_plot(results, title=f"Precision {on}: {precision}")
    title = f"Normalized precision {on}: {normalized}"
    yield "normalized_precision", single.normalized_precision_plot(results, title=title)
    if any(one.by_attribute() for one in results.values()):
        yield "attributes", single.by_attribute(results, title=_leads_by_attribute(results))
    timed = {name: one for name, one in results.items() if one.combined.cpu_ms > 0}
    if timed:
        fastest = min(timed, key=lambda name: timed[name].combined.cpu_ms)
        best = next(iter(timed))
        slower = timed[best].combined.cpu_ms / timed[fastest].combined.cpu_ms
        title = f"{best} is the most accurate"
        title += (
            " and the fastest" if best == fastest else f"; {fastest} is {slower:.0f} times as fast"
        )
        yield "speed", single.accuracy_against_speed(timed, title=title)
    if each:
        for name, one in report.sequences.items():
            there = {t: own[name] for t, own in report.runs.items() if name in own}
            some = {t: there[t] for t in [*results, *there] if t in there}
            some = dict(list(some.items())[: single.MOST])
            if some:
                overlaps = {t: report.parts[t][name].ao for t in some}
                best = max(overlaps, key=lambda t: overlaps[t])
                title = f"{name}: {best} holds it best, mean overlap {overlaps[best]:.2f}"
                yield f"{OVERLAPS}/{name}", single.overlap_over_time(some, one.truth, title=title)


def _leads(results: dict[str, Results], figure: str) -> str:
    """Who is first and by how much, in words."""
    scores = {name: one.combined.as_dict()[figure] for name, one in results.items()}
    first, *others = sorted(scores, key=lambda name: -scores[name])
    if not others:
        return f"{first} reaches {scores[first]:.3f}"
    return f"{first} is {scores[first] - scores[others[0]]:.3f} ahead of {others[0]}"


def _leads_by_attribute(results: dict[str, Results]) -> str:
    tables = {name: one.by_attribute() for name, one in results.items()}
    rows = list(next(iter(tables.values())))
    best = [max(tables, key=lambda name: tables[name][row].auc) for row in rows]
    most = max(tables, key=best.count)
    if len(tables) == 1:
        hardest = min(rows, key=lambda row: tables[most][row].auc)
        return f"Hardest for {most}: {hardest.replace('_', ' ')}"
    return f"{most} is best in {best.count(most)} of {len(rows)} attributes"
