"""What a check, a hint and a solution look like, in a notebook and in a terminal.

One message, two dresses: `str(feedback)` for a test or a terminal, `_repr_html_` for a notebook.
State is said by a sign and a word, never by colour alone; text takes the notebook's own colour, so
that it reads on a light theme and on a dark one.
"""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass, field

RIGHT, WRONG, ERROR, WAITING = "right", "wrong", "error", "not attempted"

# sign, word, colour of the rule at the left (Okabe and Ito's palette)
_LOOK = {
    RIGHT: ("✓", "Right", "#009E73"),
    WRONG: ("✗", "Not yet", "#D55E00"),
    ERROR: ("⚠", "It stopped with an error", "#CC79A7"),
    WAITING: ("○", "Not attempted yet", "#56B4E9"),
}
_HINT = ("✎", "#E69F00")
_SOLUTION = ("▸", "#0072B2")


@dataclass(frozen=True)
class Feedback:
    """What `check` answers.

    state: "right", "wrong", "error" or "not attempted".
    message: what there is to say first, in words.
    facts: pairs of a name and a text (the inputs, what came, what was wanted), read as a table.
    notes: more sentences (a recognised misconception, a pointer onward).
    misconception: the name of the recognised misconception, or None.
    picture: the counterexample as PNG, or None; `alt` says what is on it.

    `bool(feedback)` and `feedback.right` are true for a right answer only.
    """

    state: str
    message: str
    exercise: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    misconception: str | None = None
    picture: bytes | None = field(default=None, repr=False)
    alt: str = ""

    @property
    def right(self) -> bool:
        """Whether the answer was accepted."""
        return self.state == RIGHT

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        sign, word, _ = _LOOK[self.state]
        lines = [f"{sign} {word}: {self.exercise}" if self.exercise else f"{sign} {word}"]
        lines += _indented(self.message, "  ")
        width = max((len(name) for name, _ in self.facts), default=0)
        for name, text in self.facts:
            first, *rest = text.split("\n")
            lines.append(f"  {name.rjust(width)}: {first}")
            lines += [" " * (width + 4) + line for line in rest]
        for note in self.notes:
            lines += _indented(note, "  ")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        sign, word, colour = _LOOK[self.state]
        body = [_paragraph(self.message)]
        if self.misconception is not None:
            body.append(_paragraph(self.notes[0]))
        if self.facts:
            rows = "".join(
                "<tr style='background:none'>"
                "<th scope='row' style='text-align:right;vertical-align:top;"
                f"padding:2px 10px 2px 0;font-weight:600'>{html.escape(name)}</th>"
                "<td style='text-align:left;padding:2px 0'><code style='white-space:pre-wrap;"
                f"background:none;color:inherit'>{html.escape(text)}</code></td></tr>"
                for name, text in self.facts
            )
            body.append(
                "<table style='border-collapse:collapse;margin:4px 0;background:none;"
                "color:inherit;font:inherit'>"
                f"<tbody>{rows}</tbody></table>"
            )
        if self.picture is not None:
            data = base64.b64encode(self.picture).decode()
            body.append(
                f"<img alt='{html.escape(self.alt, quote=True)}' "
                "style='max-width:100%;margin:6px 0;background:#fff' "
                f"src='data:image/png;base64,{data}'>"
            )
        later = self.notes if self.misconception is None else self.notes[1:]
        body += [_paragraph(note) for note in later]
        return _card(colour, f"{sign} {word}", self.exercise, "".join(body))


@dataclass(frozen=True)
class Hint:
    """One hint of several."""

    exercise: str
    number: int
    count: int
    text: str

    def __str__(self) -> str:
        lines = [f"{_HINT[0]} Hint {self.number} of {self.count}: {self.exercise}"]
        return "\n".join([*lines, *_indented(self.text, "  "), f"  {self.onward}"])

    __repr__ = __str__

    @property
    def onward(self) -> str:
        """What to call next."""
        if self.number < self.count:
            return f'The next one: hint("{self.exercise}", {self.number + 1}).'
        return f'That was the last one. The reference: solution("{self.exercise}").'

    def _repr_html_(self) -> str:
        title = f"{_HINT[0]} Hint {self.number} of {self.count}"
        body = _paragraph(self.text) + f"<small>{_inline(self.onward)}</small>"
        return _card(_HINT[1], title, self.exercise, body)


@dataclass(frozen=True)
class Solution:
    """The reference, as source."""

    exercise: str
    source: str
    note: str = ""

    def __str__(self) -> str:
        lines = [f"{_SOLUTION[0]} Solution: {self.exercise}"]
        lines += [f"  {self.note}"] if self.note else []
        return "\n".join([*lines, "", *_indented(self.source, "    ")])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        note = _paragraph(self.note) if self.note else ""
        body = (
            "<details><summary style='cursor:pointer'>Show the reference</summary>"
            "<pre style='background:none;color:inherit;overflow-x:auto'>"
            f"<code>{html.escape(self.source)}</code></pre></details>{note}"
        )
        return _card(_SOLUTION[1], "Solution", self.exercise, body)


def _card(colour: str, title: str, exercise: str, body: str) -> str:
    aside = f" <small>{html.escape(exercise)}</small>" if exercise else ""
    return (
        f"<div style='border-left:4px solid {colour};padding:6px 12px;margin:4px 0;"
        "background:none;color:inherit'>"
        f"<strong>{html.escape(title)}</strong>{aside}{body}</div>"
    )


def _paragraph(text: str) -> str:
    return f"<p style='margin:4px 0'>{_inline(text)}</p>"


def _inline(text: str) -> str:
    """Text with `code` and line breaks as HTML; everything else is shown as it is."""
    escaped = html.escape(text).replace("\n", "<br>")
    code = "<code style='background:none;color:inherit'>{}</code>"
    return re.sub(r"`([^`]+)`", lambda found: code.format(found.group(1)), escaped)


def _indented(text: str, by: str) -> list[str]:
    return [by + line if line else "" for line in text.split("\n")]
