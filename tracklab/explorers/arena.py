"""The explorer "arena": several trackers follow one object, and you see where each loses it.

`draw` is pure once the trackers are through: clip and dials make a stage, each chosen tracker runs
through it once (`arena_runs`), the frame number picks what they said there (`arena_moment`,
`arena_views`). Until then it draws what there is, says what is missing, and is asked again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracklab import errors, scenes
from tracklab import trackers as known
from tracklab.clips import Clip
from tracklab.explorers import arena_views
from tracklab.explorers.arena_moment import NO_LAYER, Moment, caption
from tracklab.explorers.arena_runs import LAYERS, Run, Runner, Stage, progress
from tracklab.explorers.controls import Choice, Play, Seed, Several, Slider
from tracklab.explorers.shell import Drawing, Explorer, Jump

FRAMES, SIZE, SPEED = 80, (150, 200), (1.5, 3.0)  # of the scenes; pixels, pixels a frame
EASY = "easy"
SCENES = {EASY: "", **{name.replace("_", " "): name for name in scenes.DIALS}}  # name: its dial
FIRST = ("still", "template", "mosse")  # those that begin: quick, and without a network
FIRST_CLIP, FIRST_STRENGTH, FIRST_SAMPLE, FIRST_FRAME = "occlusion", 0.7, 0, 40
KEPT = 12  # scenes with their runs: 8 MB each

Make = Callable[[], known.Tracker]


class Arena:
    """Clips and trackers that can be chosen, and what has been run of them.

    clips: by name, beside the scenes. boxes: by the same names, where the truth does not tell.
    own: by name, what makes a tracker, beside those of this machine. background: whether runs go on
    while what they have found so far is drawn.
    """

    def __init__(
        self,
        clips: Mapping[str, Clip],
        boxes: Mapping[str, ArrayLike],
        own: Mapping[str, Make],
        *,
        background: bool,
    ) -> None:
        for argument, named in (("clips", clips), ("boxes", boxes), ("own", own)):
            if not isinstance(named, Mapping) or not all(isinstance(name, str) for name in named):
                errors.bad(argument, named, "a dict by name")
        for name in clips:
            if name in SCENES or not name.strip():
                errors.bad("clips", name, "names that no scene has: " + ", ".join(SCENES))
        for name in boxes:
            errors.choice("boxes", name, clips)
        self._makers: dict[str, Make] = {name: _maker(name) for name in known.available()}
        for name, make in own.items():
            if name in known.NAMES or not name.strip():
                errors.bad("own", name, "names that no tracker has: " + ", ".join(known.NAMES))
            if not callable(make):
                errors.bad(f"own[{name!r}]", make, "what makes a tracker: lambda: MyTracker()")
            self._makers[name] = make
        self.names = tuple(self._makers)
        self.given = {name: Stage(clip, boxes.get(name), name=name) for name, clip in clips.items()}
        self.runner = Runner(background)
        self._scenes: OrderedDict[tuple[str, float, int], Stage] = OrderedDict()
        self._strip: tuple[Any, arena_views.Picture] | None = None

    @property
    def longest(self) -> int:
        """Frames of the longest clip."""
        return max([FRAMES, *map(len, self.given.values())])

    def number(self, name: str) -> int:
        """A tracker's number, from 1, which chooses its colour and line: always the same one."""
        return self.names.index(name) + 1

    def stage(self, clip: str, strength: float, seed: int) -> Stage:
        """The stage of that name: one that was handed in, or a scene."""
        if clip in self.given:
            return self.given[clip]
        dial = SCENES[clip]
        key = (clip, round(strength, 3) if dial else 0.0, seed)
        if key not in self._scenes:
            turned: dict[str, Any] = {dial: key[1]} if dial else {}
            scene = scenes.Scene("arena", seed, FRAMES, SIZE, objects=1, speed=SPEED, **turned)
            self._scenes[key] = Stage(scene.render())
            while len(self._scenes) > KEPT:
                self._scenes.popitem(last=False)
        self._scenes.move_to_end(key)
        return self._scenes[key]

    def draw(
        self,
        *,
        clip: str,
        strength: float,
        seed: int,
        trackers: tuple[str, ...],
        frame: int,
        look: str,
        layer: str,
    ) -> Drawing:
        """One frame with all boxes, what one tracker saw in it, and how all hold the object."""
        stage = self.stage(clip, strength, seed)
        runs = {self.number(name): stage.run(name, self._makers[name]) for name in trackers}
        self.runner.want(runs.values())
        moment = Moment(
            stage,
            runs,
            min(frame, len(stage) - 1),
            _setting(clip, strength, seed),
            (self.number(look), look),
            layer,
        )
        lower = arena_views.lower(moment, self._ground(stage, runs))
        dials = ["strength", "seed"] if clip in self.given else [] if SCENES[clip] else ["strength"]
        return Drawing(
            np.concatenate([arena_views.upper(moment), lower]),
            caption(moment),
            _numbers(runs),
            jumps=_jumps(runs),
            frames={"frame": len(stage)},
            idle=dials,
            unfinished=progress(runs.values()),
        )

    def _ground(self, stage: Stage, runs: Mapping[int, Run]) -> arena_views.Picture:
        """The strip, which stays while only the frame changes."""
        key = (stage, *((run, run.done, run.error) for run in runs.values()))
        kept = self._strip
        if kept is None or kept[0] != key:
            self._strip = kept = (key, arena_views.strip(stage, runs))
        return kept[1]


def _maker(name: str) -> Make:
    return lambda: known.create(name)


def _setting(clip: str, strength: float, seed: int) -> str:
    if clip not in SCENES:
        return clip
    return f"{clip} {strength:.1f}, sample {seed}" if SCENES[clip] else f"{clip}, sample {seed}"


def _numbers(runs: Mapping[int, Run]) -> dict[str, Any]:
    judged = {f"{number} {run.name}": run.judged() for number, run in runs.items() if run.over}
    return {f"{name}: success AUC": one.auc for name, one in judged.items() if one is not None}


def _jumps(runs: Mapping[int, Run]) -> list[Jump]:
    """To the frame in which each tracker loses the object."""
    jumps = []
    for number, run in runs.items():
        judged = run.judged()
        if judged is not None and judged.losses:
            frame = judged.losses[0].frame
            key = str(number) if number < 10 else ""
            jumps.append(Jump(f"{number} {run.name}: lost at {frame}", "frame", frame, key))
    return jumps


def _watched() -> bool:
    """Whether a notebook's kernel shows what is drawn, and can show it again."""
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def arena(
    trackers: Iterable[str] | None = None,
    *,
    clips: Mapping[str, Clip] | None = None,
    boxes: Mapping[str, ArrayLike] | None = None,
    own: Mapping[str, Make] | None = None,
    background: bool | None = None,
    seed: int = FIRST_SAMPLE,
    **settings: Any,
) -> Explorer:
    """The explorer: trackers of your choice on one clip.

    trackers: those that are ticked at first; `FIRST` and all of `own` if None.
    clips: clips of your own by name, beside the scenes; the first of them is shown first.
    boxes: by the names of clips, the object in the first frame, `(4,)` xyxy pixels; needed where a
        clip has no truth, and where its first object is not the one that is meant.
    own: trackers of your own by name, beside those of this machine: functions without arguments
        that make one, `{"mine": lambda: RecurrentTracker(network)}`.
    background: whether trackers run on while their progress is shown; None: in a notebook.
    seed, settings: where the controls begin: `clip`, `strength`, `frame`, `look` (whose search is
        shown), `layer` (the map that is laid over it).

    A tracker runs through a clip when it is chosen, and what it found is kept. Raises `InputError`
    for clips, boxes and names that are none, for settings that are none, and for values beyond
    their ends.
    """
    clips = {} if clips is None else clips
    boxes = {} if boxes is None else boxes
    own = {} if own is None else own
    background = _watched() if background is None else background
    made = Arena(clips, boxes, own, background=background)
    names = made.names
    if trackers is None:
        trackers = [name for name in names if name in FIRST or name in own]
    several = Several("Trackers", names, labels=[f"{made.number(n)} {n}" for n in names])
    chosen = several.check("trackers", trackers)
    telling = [name for name in chosen if not name.startswith(("still", "opencv"))]
    controls: dict[str, Any] = {
        "frame": Play("Frame", made.longest),
        "clip": Choice("Clip", (*SCENES, *clips), next(iter(clips), FIRST_CLIP)),
        "strength": Slider("Strength", 0.0, 1.0, FIRST_STRENGTH, 0.1),
        "seed": Seed("Sample", seed),
        "look": Choice("See through", names, [*names[:1], *chosen, *telling][-1]),
        "layer": Choice("Laid over", (*LAYERS, NO_LAYER)),
        "trackers": several,
    }
    begin = {"frame": 0 if clips else FIRST_FRAME, "trackers": chosen} | settings
    for key, value in begin.items():
        control = controls[errors.choice("setting", key, controls)]
        controls[key] = replace(control, default=control.check(key, value))
    explorer = Explorer(
        "arena",
        made.draw,
        controls,
        title="Arena: where does each tracker lose the object?",
        description="Choose a clip and trackers, play, and watch the strips fall. Jump to where "
        "one loses the object, and look at what it saw in the frames before.",
    )
    made.runner.tell = explorer.refresh
    if explorer.screen.unfinished:
        explorer.refresh()  # what was done before anybody listened
    return explorer
