"""The controls of an explorer, as data: what can be set, between which ends, under which name.

Each knows its default, checks a value at the door, and names the values that a test should try:
an explorer must be sensible at every end of every control.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import ipywidgets as widgets
import traitlets

from tracklab import errors

MOST_SEED = 2**31 - 1
LABEL = {"description_width": "8.5em"}


class Control(Protocol):
    """What the shell needs of a control."""

    @property
    def label(self) -> str:
        """What stands beside it."""

    @property
    def default(self) -> Any:
        """The value it begins with, and goes back to."""

    def check(self, name: str, value: Any) -> Any:
        """The value as `draw` gets it; raises `InputError` for one that cannot be set."""

    def values(self) -> tuple[Any, ...]:
        """Values that a test tries: the ends and the default, or every choice."""

    def build(self) -> tuple[Any, Any]:
        """The widget whose `value` is the parameter, and the widget to show (often the same)."""


@dataclass(frozen=True)
class Slider:
    """A number between two ends. All whole: a whole-number slider.

    low, high, default, step: in `unit`, which is written behind the label.
    """

    label: str
    low: float
    high: float
    default: float
    step: float = 1
    unit: str = ""

    def __post_init__(self) -> None:
        low = errors.number("low", self.low)
        errors.number("high", self.high, low=low)
        errors.number("step", self.step, low=0)
        errors.number("default", self.default, low=low, high=self.high)
        if self.step == 0:
            errors.bad("step", self.step, "more than 0")

    @property
    def whole(self) -> bool:
        """Whether ends, step and default are all whole numbers (`int`, not `float`)."""
        return all(isinstance(v, int) for v in (self.low, self.high, self.step, self.default))

    def check(self, name: str, value: Any) -> Any:
        """A number between the ends."""
        return errors.number(name, value, low=self.low, high=self.high, whole=self.whole)

    def values(self) -> tuple[Any, ...]:
        """Both ends and the default."""
        return self.low, self.default, self.high

    def build(self) -> tuple[Any, Any]:
        """A slider that reports while it moves."""
        kind = widgets.IntSlider if self.whole else widgets.FloatSlider
        places = max(0, len(f"{self.step:g}".partition(".")[2]))
        form = {} if self.whole else {"readout_format": f".{places}f"}
        label = f"{self.label} ({self.unit})" if self.unit else self.label
        slider = kind(
            value=self.default,
            min=self.low,
            max=self.high,
            step=self.step,
            description=label,
            style=LABEL,
            **form,
        )
        return slider, slider


@dataclass(frozen=True)
class Choice:
    """One of a few named options. The first is the default if none is given."""

    label: str
    options: Sequence[str]
    default: str = ""

    def __post_init__(self) -> None:
        if not self.options:
            errors.bad("options", self.options, "at least one name")
        object.__setattr__(self, "default", self.default or self.options[0])
        errors.choice("default", self.default, self.options)

    def check(self, name: str, value: Any) -> str:
        """One of the options."""
        return errors.choice(name, value, self.options)

    def values(self) -> tuple[str, ...]:
        """Every option."""
        return tuple(self.options)

    def build(self) -> tuple[Any, Any]:
        """A drop-down list."""
        box = widgets.Dropdown(
            options=list(self.options), value=self.default, description=self.label, style=LABEL
        )
        return box, box


@dataclass(frozen=True)
class Several:
    """Any of a few named options, none and all among them, each with a check box.

    The value is a tuple of names, in the order of `options`. labels: what stands at each box, if
    not its name.
    """

    label: str
    options: Sequence[str]
    default: Sequence[str] = ()
    labels: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.options:
            errors.bad("options", self.options, "at least one name")
        if self.labels and len(self.labels) != len(self.options):
            errors.bad("labels", self.labels, f"{len(self.options)}, one for each option")
        object.__setattr__(self, "default", self.check("default", self.default))

    def check(self, name: str, value: Any) -> tuple[str, ...]:
        """Those of the options that are named, in their order, each once."""
        if isinstance(value, str) or not isinstance(value, Iterable):
            errors.bad(name, value, "names out of " + ", ".join(map(repr, self.options)))
        chosen = {errors.choice(name, one, self.options) for one in value}
        return tuple(one for one in self.options if one in chosen)

    def values(self) -> tuple[tuple[str, ...], ...]:
        """None, the default, and all."""
        return (), tuple(self.default), tuple(self.options)

    def build(self) -> tuple[Any, Any]:
        """A row of check boxes that breaks where it must."""
        ticks = Ticks(self.label, self.options, self.labels or self.options)
        ticks.value = tuple(self.default)
        return ticks, ticks


class Ticks(widgets.HBox):
    """Check boxes with one `value`: the names of those that are ticked."""

    value: Any = traitlets.Tuple()

    def __init__(self, label: str, options: Sequence[str], labels: Sequence[str]) -> None:
        self._setting = False
        self._boxes = {
            name: widgets.Checkbox(description=text, indent=False)
            for name, text in zip(options, labels, strict=True)
        }
        name = widgets.Label(label)
        name.add_class("tracklab-name")
        super().__init__([name, *self._boxes.values()])
        self.add_class("tracklab-ticks")
        self.add_class("tracklab-wide")
        for box in self._boxes.values():
            box.observe(self._ticked, names="value")

    def _ticked(self, _: Any) -> None:
        if not self._setting:
            self.value = tuple(name for name, box in self._boxes.items() if box.value)

    @traitlets.observe("value")
    def _set(self, change: Any) -> None:
        self._setting = True  # one change of the value, however many boxes
        try:
            for name, box in self._boxes.items():
                box.value = name in change["new"]
        finally:
            self._setting = False


@dataclass(frozen=True)
class Toggle:
    """On or off."""

    label: str
    default: bool = False

    def check(self, name: str, value: Any) -> bool:
        """True or False."""
        if not isinstance(value, bool):
            errors.bad(name, value, "True or False")
        return value

    def values(self) -> tuple[bool, ...]:
        """Off and on."""
        return False, True

    def build(self) -> tuple[Any, Any]:
        """A check box."""
        box = widgets.Checkbox(value=self.default, description=self.label, indent=False)
        return box, box


@dataclass(frozen=True)
class Seed:
    """A seed, with a button that takes the next one: another sample of the same kind."""

    label: str = "Sample"
    default: int = 0
    button: str = "New sample"

    def __post_init__(self) -> None:
        self.check("seed", self.default)

    def check(self, name: str, value: Any) -> int:
        """A whole number of at least 0."""
        return int(errors.number(name, value, low=0, high=MOST_SEED, whole=True))

    def values(self) -> tuple[int, ...]:
        """The default, the next, and a far one."""
        return self.default, self.default + 1, 12345

    def build(self) -> tuple[Any, Any]:
        """A field for the number, and the button."""
        field = widgets.BoundedIntText(
            value=self.default,
            min=0,
            max=MOST_SEED,
            description=self.label,
            style=LABEL,
            layout={"width": "12.4em"},  # with the button it must fit into a column
        )
        button = widgets.Button(
            description=self.button, layout={"width": "auto", "flex": "0 0 auto"}
        )

        def take_next(_: Any) -> None:
            field.value = (field.value + 1) % MOST_SEED

        button.on_click(take_next)
        return field, widgets.HBox([field, button])


@dataclass(frozen=True)
class Play:
    """A position in a sequence of frames: a slider to scrub, and buttons to play.

    frames: how many; the parameter goes from 0 to `frames - 1`. fps: how fast it plays, at most.
    """

    label: str
    frames: int
    fps: float = 12.5
    default: int = 0

    def __post_init__(self) -> None:
        errors.number("frames", self.frames, low=1, whole=True)
        errors.number("fps", self.fps, low=0.1, high=60)
        errors.number("default", self.default, low=0, high=self.frames - 1, whole=True)

    def check(self, name: str, value: Any) -> int:
        """A whole number from 0 to `frames - 1`."""
        return int(errors.number(name, value, low=0, high=self.frames - 1, whole=True))

    def values(self) -> tuple[int, ...]:
        """The first frame, the default and the last."""
        return 0, self.default, self.frames - 1

    def build(self) -> tuple[Any, Any]:
        """A slider, and with it buttons to play; the shell's view ties them in the browser."""
        ends = {"min": 0, "max": self.frames - 1, "value": self.default}
        play = widgets.Play(**ends, interval=round(1000 / self.fps))
        slider = widgets.IntSlider(**ends, description=self.label, style=LABEL)
        row = widgets.HBox([slider, play])
        row.add_class("tracklab-wide")  # a timeline wants length
        return slider, row
