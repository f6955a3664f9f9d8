"""How the Siamese network is trained: pairs of windows, and what each part must say of them.

Every window of a clip is embedded once. It is searched with the first window as the certain memory
and the one before it as the running one, and another clip's object, which is not there, is looked
for in it as well: "nowhere" must be learned from something.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tracklab import training
from tracklab.models.siamese import losses, second_look
from tracklab.models.siamese import memory as mm
from tracklab.models.siamese.geometry import CELLS, SEARCH, STRIDE
from tracklab.models.siamese.network import Response, Siamese
from tracklab.models.siamese.pairs import Pairs
from tracklab.quiet import keras, tf

RATE = 2e-3  # of AdamW, at its peak
DECAY = 1e-4
FLAT = 0.35  # of the training at the peak, then straight down to 0
AVERAGE = 0.998
CLIP = 2.0  # of the length of the gradient, all weights together
REMEMBERED = 0.5  # visible share from which on a window is remembered from
EXACT = 0.5  # of a remembered box's errors, in the first window


def train(network: Siamese, pairs: Pairs, **options: Any) -> training.Curves:
    """Train a Siamese network; returns the curves, which hold the parts of the loss by name.

    options: of `training.fit`, among them the budget (`steps`, `seconds` or `cpu_seconds`),
    `validation`, `checkpoint` and `progress`. Raises `InputError` for options that are none.
    """
    settings: dict[str, Any] = {
        "optimizer": keras.optimizers.AdamW(RATE, weight_decay=DECAY, global_clipnorm=CLIP),
        "schedule": training.flat_then_down(flat=FLAT, warmup=0.02),
        "average": AVERAGE,
        "name": "siamese",
        "seed": pairs.seed,
        "objective": objective,
    }
    return training.fit(network, pairs, **(settings | options))


class Looked(NamedTuple):
    """What a network saw of a batch of `Pairs`: N = B (K - 1) searched windows, of B clips.

    searched: embedded windows. certain, running: the two memories that each is searched with.
    boxes `(N, 4)`, visible `(N,)`: what is true of them. strangers, first: one embedded window of
    each clip, and the memory of another clip's object.
    """

    searched: Any
    certain: mm.Memory
    running: mm.Memory
    boxes: Any
    visible: Any
    strangers: Any
    first: mm.Memory


def objective(network: Siamese, batch: training.Batch) -> dict[str, Any]:
    """The loss of a batch of `Pairs`, its parts, and the share of objects that were found."""
    looked = look(network, batch, training=True)
    response = network.respond(looked.searched, looked.certain, looked.running)
    return judge(network, looked, response, batch[-1])


def look(network: Siamese, batch: training.Batch, *, training: bool) -> Looked:
    """Embed and remember what is in a batch."""
    windows, boxes, visible, wrong, mixes, _ = batch
    B, K = windows.shape[0], windows.shape[1]
    embedded = network.embed(tf.reshape(windows, (B * K, SEARCH, SEARCH, 3)), training=training)
    embedded = tf.reshape(embedded, (B, K, CELLS, CELLS, embedded.shape[-1]))
    first = network.remember(embedded[:, 0], boxes[:, 0] + EXACT * wrong[:, 0])
    certain = tf.nest.map_structure(lambda part: tf.repeat(part, K - 1, 0), first)

    def flat(part: Any) -> Any:
        return tf.reshape(part, (B * (K - 1), *part.shape[2:]))

    lately = _lately(
        network, flat(embedded[:, :-1]), flat((boxes + wrong)[:, :-1]), flat(visible[:, :-1])
    )
    running = mm.where(lately[1], mm.mix(certain, lately[0], tf.reshape(mixes, (-1,))), certain)
    searched, true, shown = flat(embedded[:, 1:]), flat(boxes[:, 1:]), flat(visible[:, 1:])
    strangers = tf.roll(embedded[:, 1], 1, 0)
    return Looked(searched, certain, running, true, shown, strangers, first)


def judge(network: Siamese, looked: Looked, response: Response, guesses: Any) -> dict[str, Any]:
    """The loss of what a network says of what it saw, and the parts of the loss.

    response: of the searched windows. guesses: of the batch; the second look starts from them.
    """
    _, certain, running, true, shown, strangers, first = looked
    nowhere = tf.convert_to_tensor(network.nowhere)
    parts = losses.of_map(response, nowhere, true, shown)
    # somebody else's object
    other = network.respond(strangers, first, first)
    parts["stranger"] = losses.of_strangers(other, nowhere)
    again = {"again": 0.0, "verdict": 0.0}
    for guess in tf.unstack(guesses):
        box = second_look.moved(true, guess)
        said = network.look_again(looked.searched, box, certain, running)
        found = losses.of_second_look(said, box, true, shown)
        again = {name: again[name] + found[name] / guesses.shape[0] for name in again}
    parts |= again
    weights = {
        "place": 1.0,
        "offset": losses.OFFSET,
        "size": losses.SIZE,
        "stranger": losses.STRANGER,
        "again": losses.AGAIN,
        "verdict": losses.VERDICT,
    }
    return {"loss": sum(weight * parts[name] for name, weight in weights.items()), **parts}


def _lately(network: Siamese, embedded: Any, boxes: Any, visible: Any) -> tuple[mm.Memory, Any]:
    """Memories of windows, and where the object is well enough in view to be remembered."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = tf.reduce_all((middles > STRIDE) & (middles < SEARCH - STRIDE), 1)
    return network.remember(embedded, boxes), inside & (visible > REMEMBERED)
