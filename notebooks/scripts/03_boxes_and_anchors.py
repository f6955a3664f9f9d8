# ---
# jupyter:
#   jupytext:
#     notebook_metadata_filter: kernelspec,language_info,tracklab
#     cell_metadata_filter: tags,shows
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   tracklab:
#     title: Boxes, anchors, non-maximum suppression
#     objectives:
#     - text: tell box formats apart, and compute the overlap of two boxes from two sources
#       exercise: 03-iou
#     - text: say why overlap gives no direction to boxes that do not touch, and repair it
#       exercise: 03-giou
#     - text: turn a network's offsets from an anchor into a box, and keep it from blowing up
#       exercise: 03-decode
#     - text: decide for every anchor which object it answers for, so that no object is left out
#       exercise: 03-match
#     - text: reduce a crowd of detections to one box an object
#       exercise: 03-nms
#     - text: compute average precision from a ranked list, and say what VOC and COCO do differently
#       exercise: 03-average-precision
#     builds_on: ['00']
#     minutes: 120
#     seconds: 60
#     measures:
#     - how many boxes in the wrong format go unnoticed
#     - how many boxes that do not touch their target reach it, pulled by IoU and by GIoU
#     - how many objects get an anchor, with and without low-quality matches
#     - average precision of the same detections raw, after NMS at every threshold, and after soft-NMS
#     - what the same error in pixels costs at AP50 and at AP 0.50:0.95
#     - the largest differences between our functions and pycocotools, TensorFlow and OpenCV
# ---

# %% [markdown]
# # 03 Boxes, anchors, non-maximum suppression
#
# A detector does not say once where an object is. It says it many times, each time a little
# differently, and now and then it sees something that is not there. The next cell takes such a crowd
# of boxes, keeps one for each object, and computes the number that says how much that was worth. No
# network is needed for any of it: this lesson is about everything that happens *around* the network.
#
# **Objectives.** After this lesson you can
#
# - tell box formats apart, and compute the overlap of two boxes from two sources (`03-iou`)
# - say why overlap gives no direction to boxes that do not touch, and repair it (`03-giou`)
# - turn a network's offsets from an anchor into a box, and keep it from blowing up (`03-decode`)
# - decide for every anchor which object it answers for, so that no object is left out (`03-match`)
# - reduce a crowd of detections to one box an object (`03-nms`)
# - compute average precision from a ranked list, and say what VOC and COCO do differently
#   (`03-average-precision`)
#
# **Builds on** lesson 00: boxes, overlap, and how `check`, `hint` and `solution` work.
#
# **Time.** 120 minutes to read and work; runs in under 60 seconds on two cores.
#
# **You will have measured**
#
# - how many boxes in the wrong format go unnoticed
# - how many boxes that do not touch their target reach it, pulled by IoU and by GIoU
# - how many objects get an anchor, with and without low-quality matches
# - average precision of the same detections raw, after NMS at every threshold, and after soft-NMS
# - what the same error in pixels costs at AP50 and at AP 0.50:0.95
# - the largest differences between our functions and pycocotools, TensorFlow and OpenCV

# %% tags=["setup", "hook"]
import numpy as np

from tracklab import boxes, datasets, plots
from tracklab.exercises import check, hint
from tracklab.explorers import explore
from tracklab.metrics import detection
from tracklab.plots import boxes as figures
from tracklab.show import show

test = datasets.boxed_scenes("plain", 200, part="test")  # 200 frames whose objects are known
rng = np.random.default_rng(3)
raw = [
    datasets.imagined_detections(objects, rng, size=test.size, classes=len(test.class_names))
    for objects in test.objects
]
kept = [d[boxes.nms(d.boxes, d.scores, labels=d.labels)] for d in raw]
ap_raw = detection.average_precision(raw, test.objects, iou=0.5)
ap_nms = detection.average_precision(kept, test.objects, iou=0.5)

example = 61
frame, truth = test.images[example], test.objects[example]
figures.panels(
    [frame, frame, frame],
    [
        [figures.Layer(truth.boxes, "truth", figures.TRUTH, "--")],
        [figures.Layer(raw[example].boxes, "detections", wide=1.0)],
        [
            figures.Layer(truth.boxes, "truth", figures.TRUTH, "--"),
            figures.Layer(kept[example].above(0.5).boxes, "detections"),
        ],
    ],
    [
        f"the truth: {len(truth)} objects",
        f"raw: {len(raw[example])} detections",
        f"after NMS, score over 0.5: {len(kept[example].above(0.5))}",
    ],
    title=f"One box an object: AP50 (1 is perfect; section 7) rises from {ap_raw:.2f} to {ap_nms:.2f}",
    width=7,
    alt=f"The same frame three times: with {len(truth)} true boxes, with {len(raw[example])} raw "
    f"detections in crowds around them, and with the {len(kept[example].above(0.5))} that are left.",
)

# %% [markdown]
# The frames are rendered, so the truth is exact. The detections are **imagined**:
# `datasets.imagined_detections` takes the truth and makes of it what detectors are known to make. Each
# object gets several boxes, each off by some pixels, with a higher score where the box is better. There are false
# alarms, and some objects are missed. So you can study what comes after a network before you have one.
# Lesson 04 puts a real one in its place.

# %% [markdown]
# ## 1. Four numbers, and what they may mean
#
# A box is four numbers. Which four is a matter of taste, and every tool has its own:
#
# | format | means | who writes it so |
# |---|---|---|
# | `x1, y1, x2, y2` | the upper left and the lower right corner | tracklab, Pascal VOC, most of the arithmetic below |
# | `x, y, w, h` | the upper left corner and the size | OpenCV, COCO, OTB, MOTChallenge |
# | `cx, cy, w, h` | the centre and the size | networks, YOLO's label files |
# | `y1, x1, y2, x2` | corners, rows first | TensorFlow's `tf.image` |
#
# All are four numbers, so nothing stops you from taking the one for the other.
#
# **Predict.** An annotation says `60, 40, 50, 30` and means `x, y, w, h`. You read it as corners. What
# kind of box is that? And if it says `5, 5, 60, 70`?

# %%
# NBVAL_CHECK_OUTPUT
from tracklab.errors import InputError

for annotation in ([60, 40, 50, 30], [5, 5, 60, 70]):
    right = boxes.xywh_to_xyxy([annotation])
    try:
        wrong = boxes.as_boxes([annotation])
        print(annotation, "is taken for a box; its IoU with the right one:", end=" ")
        print(boxes.iou(wrong, right)[0, 0].round(2))
    except InputError as error:
        print(f"{annotation} is refused:\n   {error}")

# %% [markdown]
# **Explain.** Where `w < x`, the "corner" lies before the first one, and a check finds it.
# `boxes.as_boxes` makes that check where boxes enter `Objects`, `Detections`, a data set or `nms`. (Inside a
# network there is no time for it: there, such a box counts as an empty one.) Where `w > x` and `h > y`, the
# result looks like a perfectly good box, and near the upper left corner it even fits. The farther away, the
# less it does; a network trained on such boxes gets worse, and no error says why.
#
# **Predict.** We make both mistakes with all boxes of our frames: read `x, y, w, h` as corners, and
# the other way round. What share of them does the check let pass?

# %%
everyone = np.concatenate([objects.boxes for objects in test.objects])
mistakes = {
    "x y w h read as corners": boxes.xyxy_to_xywh(everyone),
    "corners read as x y w h": boxes.xywh_to_xyxy(everyone),
}
unnoticed = {}
for name, misread in mistakes.items():
    passes = (misread[:, 2:] >= misread[:, :2]).all(1)
    overlap = [boxes.iou(misread[[k]], everyone[[k]])[0, 0] for k in np.flatnonzero(passes)]
    unnoticed[name] = passes.mean()
    print(f"{name}: {passes.mean():6.1%} pass, with a mean IoU of {np.mean(overlap):.2f}")

# %% [markdown]
# **Explain.** In one direction the check helps, for most objects are farther from the corner of the
# image than they are large. In the other it cannot: with a positive size, `x + w` is always behind `x`. So
# convert once, at the door, and name the format where you do. And **look** at some boxes, drawn on
# their images, before you train on them: that finds all of these mistakes in a second.
#
# One more classic: is a box that covers the pixels 10 to 14 four wide, or five? In tracklab
# coordinates are continuous, and pixel 10 covers the stretch from 10 to 11. The box is `10, ..., 15`
# and its width is `x2 - x1 = 5`, without a `+ 1`. Old code (and VOC's own) names the last pixel and adds 1.

# %% [markdown]
# ## 2. IoU: how much two boxes share
#
# $$\mathrm{IoU}(a, b) = \frac{|a \cap b|}{|a \cup b|}, \qquad |a \cup b| = |a| + |b| - |a \cap b|$$
#
# Two rectangles share a rectangle: from the *larger* of the two left edges to the *smaller* of the two
# right ones, and the same for y. If that is negative, they share nothing. Here is the package's own
# source. `xp` is NumPy or Keras, whichever the boxes came in, so the same lines serve inside a network.

# %%
from tracklab.boxes import overlap as overlaps

show(overlaps._area, overlaps._shared, overlaps._union, docstring=False)

# %%
show(boxes.iou)

# %% [markdown]
# It takes `(N, 4)` and `(M, 4)` boxes and gives a table `(N, M)`: every box with every box. Nearly all
# of this lesson is done with such tables.
#
# **Predict.** A box is 3 pixels too far to the right. What is its IoU with the truth if the object is
# 12 pixels wide? And if it is 96?

# %%
# NBVAL_CHECK_OUTPUT
for side in (12, 24, 48, 96):
    shifted = boxes.iou([[0, 0, side, side]], [[3, 0, side + 3, side]])[0, 0]
    print(f"{side:2} pixels wide, 3 pixels off: IoU {shifted:.2f}")

# %% [markdown]
# **Explain.** IoU is a share, so the same three pixels cost a small object far more. This is fair (three
# pixels *are* a quarter of the small one), and it is why small objects score badly everywhere below.
#
# Try it: drag the boxes with the mouse, or move them with the arrow keys.

# %% tags=["explorer"]
explore("iou")

# %% [markdown]
# ### Is it right?
#
# A reference should be independent. The most honest one counts pixels: with whole-numbered corners, a
# box is a set of pixels. Another is the library that COCO's own evaluation uses, pycocotools. (It wants
# `x, y, w, h`.) **Predict.** Will they agree to the last bit?

# %%
from pycocotools import mask as coco_mask

draws = np.random.default_rng(0)
corner, size = draws.integers(0, 40, (2, 60, 2)), draws.integers(1, 30, (2, 60, 2))
a, b = np.concatenate([corner, corner + size], -1).astype(np.float32)


def pixels(box):
    """The pixels of an image of 80 x 80 that a whole-numbered box covers."""
    x1, y1, x2, y2 = box.astype(int)
    covered = np.zeros((80, 80), bool)
    covered[y1:y2, x1:x2] = True
    return covered


in_a, in_b = (np.array([pixels(box).ravel() for box in group], float) for group in (a, b))
shared = in_a @ in_b.T
counted = shared / (in_a.sum(1)[:, None] + in_b.sum(1)[None] - shared)
coco = coco_mask.iou(
    boxes.xyxy_to_xywh(a).astype(float), boxes.xyxy_to_xywh(b).astype(float), [0] * len(b)
)
ours = boxes.iou(a, b)
iou_gap = max(np.abs(ours - counted).max(), np.abs(ours - coco).max())
print(f"{ours.size} pairs; largest difference to counting {np.abs(ours - counted).max():.1e}")
print(f"            largest difference to pycocotools {np.abs(ours - coco).max():.1e}")
assert iou_gap < 1e-6

# %% [markdown]
# **Explain.** They agree as far as a `float32` can say it.
#
# ### Exercise `03-iou`
#
# The overlap of a tracker's box with an annotation, in two formats, as they come in real life. The two
# lists may hold anything, also boxes that do not touch.


# %% tags=["exercise"]
def iou(predicted, annotated):
    """The IoU of two boxes from two sources: a number from 0 to 1.

    `predicted` is a tracker's box: x1, y1, x2, y2. `annotated` comes from an annotation file that
    keeps x, y, w, h: the upper left corner, and the size. Both have an area.
    """
    return ...


check("03-iou", iou)

# %% [markdown]
# Stuck? Ask for a hint, more than once: each says a little more. `from tracklab.exercises import
# solution` and `solution("03-iou")` show the reference, here and for every exercise.

# %%
hint("03-iou", 1)

# %% [markdown]
# ## 3. GIoU: a direction where nothing touches
#
# If IoU is what we are judged by, why not train a network on it? `1 - IoU` is a loss: it falls as the
# boxes agree.
#
# **Predict.** A box of 20 pixels starts 60 pixels to the left of its target and slides over it. Draw its IoU
# against the distance in your head. Where would gradient descent stand still?

# %%
offsets = np.arange(-60, 61, 1.0, dtype=np.float32)
sliding = np.stack([offsets, 0 * offsets, offsets + 20, 0 * offsets + 20], -1)
target = np.array([[0, 0, 20, 20]], np.float32)
plots.curves(
    {
        "GIoU": (offsets, boxes.giou(sliding, target)[:, 0]),
        "IoU": (offsets, boxes.iou(sliding, target)[:, 0]),
    },
    title="Apart, IoU is flat: it does not say which way is nearer. GIoU does",
    xlabel="how far the box is to the right of its target (pixels)",
    ylabel="IoU, GIoU",
    alt="Two curves against the distance from -60 to 60 pixels. Both peak at 1 at distance 0. IoU is 0 "
    "for every distance beyond 20 pixels; GIoU goes on falling below 0, ever more slowly.",
)

# %% [markdown]
# **Explain.** Beyond 20 pixels IoU is 0, however far away the box is. The slope is 0 too, so a network
# that is wrong by 21 pixels hears nothing at all.
#
# **GIoU** (Rezatofighi et al., 2019) adds what is missing. Draw the smallest box around both, the
# *hull*. The share of the hull that neither box covers is empty ground, and it is taken off:
#
# $$\mathrm{GIoU} = \mathrm{IoU} - \frac{|\text{hull}| - |a \cup b|}{|\text{hull}|}$$

# %%
apart = np.array([[18, 20, 48, 44], [70, 62, 106, 98]], np.float32)
hull = np.r_[apart[:, :2].min(0), apart[:, 2:].max(0)]
near = np.array([[18, 20, 48, 44], [40, 30, 76, 66]], np.float32)
near_hull = np.r_[near[:, :2].min(0), near[:, 2:].max(0)]


def pair(two, around):
    """The layers of two boxes and the smallest box around them."""
    return [
        figures.Layer(around, "hull", plots.COLORS[1], ":", 2.2),
        figures.Layer(two, "the two boxes", plots.COLORS[0]),
    ]


figures.panels(
    [(112, 128), (112, 128)],
    [pair(apart, hull), pair(near, near_hull)],
    [
        f"IoU {boxes.iou(two[:1], two[1:])[0, 0]:.2f}, GIoU {boxes.giou(two[:1], two[1:])[0, 0]:.2f}"
        for two in (apart, near)
    ],
    title="The nearer the boxes, the less of their hull is empty",
    alt="Two drawings of two boxes and the dotted hull around both. Left the boxes are far apart and "
    "most of the hull is empty; right they overlap a little and the hull is smaller.",
    width=6,
)

# %%
show(boxes.giou, overlaps._hull, docstring=False)

# %% [markdown]
# ### What the gradient says
#
# TensorFlow differentiates these very lines. **Predict.** For a box 40 pixels to the left of its
# target: what are the derivatives of IoU by its four coordinates? And of GIoU: which sign has each?

# %%
from tracklab.quiet import keras, tf


def derivatives(score, box, target):
    """The derivatives of a score of two boxes `(4,)` by the corners of the first."""
    box = tf.Variable(np.asarray(box, np.float32)[None])
    with tf.GradientTape() as tape:
        value = score(box, np.asarray(target, np.float32)[None])[0, 0]
    return tape.gradient(value, box).numpy()[0]


away = [-40, 5, -20, 25]
for name, score in (("IoU", boxes.iou), ("GIoU", boxes.giou)):
    by_corner = derivatives(score, away, target[0])
    said = ", ".join(
        f"{c} {d:+.4f}" for c, d in zip(("x1", "y1", "x2", "y2"), by_corner, strict=True)
    )
    print(f"{name:>4}: {said}")
giou_slope = derivatives(boxes.giou, away, target[0])
assert not derivatives(boxes.iou, away, target[0]).any()
assert giou_slope[2] > 0 > giou_slope[1]  # the right edge is pulled right, the upper one up

# %% [markdown]
# **Explain.** IoU: four zeros. GIoU pulls the right edge `x2` to the right, over the gap. It also pulls
# `y1` up, to where the target begins. A positive derivative means: move this corner to the right, or
# down, and the score rises.
#
# ### A race
#
# Now 200 boxes at random places, each with a target of its own, pulled by gradient descent (Adam) on
# `1 - IoU`, and once more on `1 - GIoU`. **Predict.** How many of those that do not touch their target
# at the start will reach it?


# %%
def scattered(count):
    """Boxes of 12 to 40 pixels, anywhere in a picture of 128 x 128."""
    side, center = draws.uniform(12, 40, (count, 2)), draws.uniform(20, 108, (count, 2))
    return np.concatenate([center - side / 2, center + side / 2], 1).astype(np.float32)


def pull(score, start, goal, steps=300):
    """The boxes `(steps + 1, N, 4)` on their way, each pulled to its own goal."""
    moved, goal = tf.Variable(start[:, None]), tf.constant(goal[:, None])
    optimizer = keras.optimizers.Adam(1.0)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(1 - score(moved, goal))
        optimizer.apply([tape.gradient(loss, moved)], [moved])

    way = [start]
    for _ in range(steps):
        step()
        way.append(moved.numpy()[:, 0])
    return np.array(way)


def own_iou(some, others):
    """The IoU `(N,)` of each box with the one in the same row."""
    return np.array([boxes.iou(s[None], o[None])[0, 0] for s, o in zip(some, others, strict=True)])


starts, goals = scattered(200), scattered(200)
touch = own_iou(starts, goals) > 0
ways = {"IoU": pull(boxes.iou, starts, goals), "GIoU": pull(boxes.giou, starts, goals)}
arrived = {name: own_iou(way[-1], goals) > 0.5 for name, way in ways.items()}
reached = {name: done[~touch].mean() for name, done in arrived.items()}
print(f"{(~touch).sum()} of {len(touch)} boxes do not touch their target at the start")
for name, done in arrived.items():
    print(
        f"{name:>4}: reach an IoU of 0.5: {done[touch].mean():4.0%} of those that touch, "
        f"{done[~touch].mean():4.0%} of those that do not"
    )

# %%
row = int(np.flatnonzero(~touch & arrived["GIoU"])[0])
moments = [0, 10, 20, 40, 80, 300]


def journey(name):
    """The layers of one box on its way."""
    return [
        figures.Layer(ways[name][moments, row], "the box on its way", plots.COLORS[1], ":", 1.3),
        figures.Layer(ways[name][-1, row], "after 300 steps", plots.COLORS[1], "-", 2.4),
        figures.Layer(goals[row], "its target", plots.COLORS[0], "--", 2.4),
    ]


figures.panels(
    [(128, 128), (128, 128)],
    [journey("IoU"), journey("GIoU")],
    ["pulled by IoU", "pulled by GIoU"],
    title="IoU leaves it where it is; GIoU stretches it over the gap and then lets it shrink",
    alt="Two drawings. Left the box has not moved, and its target is elsewhere. Right several dotted "
    "boxes grow from the start towards the target and end on it.",
    width=6,
)

# %% [markdown]
# **Explain.** None of those that do not touch moves by IoU. GIoU first *grows* the box until it touches, because
# that covers empty hull, and then IoU takes over and shrinks it. It even grows away from the target: the sign of `x1`
# above pulls the left edge to the *left*, for that fills hull, too. (Only `y2`, which lies below the target, is
# drawn in.) This detour is slow, and later losses (DIoU, CIoU)
# shorten it by adding the distance of the centres. A few do not arrive in 300 steps. Most detectors
# avoid the question differently: they start every prediction from a box that is near already. That is
# section 5.
#
# ### Exercise `03-giou`


# %% tags=["exercise"]
def giou(a, b):
    """The GIoU of two boxes x1, y1, x2, y2: a number from -1 to 1. Both have an area."""
    return ...


check("03-giou", giou)

# %% [markdown]
# ## 4. What a network should say
#
# A network puts out numbers of about 1, at every place of the image in the same way. A box is `412, 96, 470,
# 238`. So detectors do not let it say boxes. It starts from a box that is given, the **anchor**, and
# says by how much the object's box differs:
#
# $$d_x = \frac{x - x_a}{w_a}, \quad d_y = \frac{y - y_a}{h_a}, \quad
# d_w = \log\frac{w}{w_a}, \quad d_h = \log\frac{h}{h_a}$$
#
# (centres $x, y$ and sizes $w, h$; Girshick et al., 2014). `encode` makes these offsets from an anchor
# and a box, `decode` goes back.

# %%
show(boxes.encode, boxes.decode, docstring=False)

# %% [markdown]
# **Why divided by the size?** So that the same number means the same for small and large objects. Suppose
# a network is off by a little in each of its four outputs, at random. Once its outputs are pixels, and
# once they are offsets. **Predict.** How good are the boxes, for objects from 8 to 256 pixels?

# %%
sides = np.array([8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256])
noise = draws.normal(size=(400, 4))
in_pixels, in_offsets = [], []
for side in sides:
    box = np.tile(np.array([0, 0, side, side], np.float32), (len(noise), 1))
    corners = boxes.xyxy_to_cxcywh(box) + 4 * noise  # 4 pixels in each output
    corners[:, 2:] = np.maximum(corners[:, 2:], 0)
    in_pixels.append(own_iou(boxes.cxcywh_to_xyxy(corners), box).mean())
    anchor = np.float32([-0.1 * side, 0.1 * side, 0.7 * side, 0.9 * side])  # near, and smaller
    said = boxes.encode(anchor, box) + 0.1 * noise  # a tenth in each output
    in_offsets.append(own_iou(boxes.decode(anchor, said), box).mean())
plots.curves(
    {
        "outputs in offsets, off by 0.1": (sides, in_offsets),
        "outputs in pixels, off by 4": (sides, in_pixels),
    },
    title="In offsets, the same error costs a small object no more than a large one",
    xlabel="side of the object (pixels)",
    ylabel="mean IoU",
    ylim=(0, 1),
    alt="Two curves of mean IoU against the object's side. The one for offsets is level; the one for "
    f"pixels climbs from {in_pixels[0]:.2f} at 8 pixels to {in_pixels[-1]:.2f} at 256.",
)

# %% [markdown]
# **Explain.** In pixels a network would have to be right to a fraction of a pixel for small objects, and
# would be wasting its care on large ones. In offsets one error fits all.
#
# **Why the logarithm?** Two reasons. **Predict.** A box twice as wide as its anchor, and one half as
# wide: what are $w / w_a - 1$ and $\log (w / w_a)$ for each? Which width does an output of -1.5 mean,
# in each of the two ways?

# %%
# NBVAL_CHECK_OUTPUT
for factor in (2.0, 0.5):
    print(
        f"{factor:3g} times as wide:  w / wa - 1 = {factor - 1:+.2f}   log(w / wa) = {np.log(factor):+.2f}"
    )
print(
    f"output -1.5 means:   (1 - 1.5) = {1 - 1.5:+.2f} widths      exp(-1.5) = {np.exp(-1.5):+.2f} widths"
)

# %% [markdown]
# **Explain.** Twice and half are equally far away in the logarithm, as they should be. And `exp` is
# positive whatever the network says: there are no boxes with a negative width.
#
# **Why the clamp?** `exp` has a price: it explodes. At the start of training, or after one bad step, an
# output may be anything. **Predict.** How wide is the box of an 8-pixel anchor when $d_w$ is 10? When it is
# 100?

# %%
# NBVAL_CHECK_OUTPUT
anchor = [[0, 0, 8, 8]]
for dw in (1, 4, 10, 100):
    width = [
        boxes.sizes(boxes.decode(anchor, [[0, 0, dw, 0]], clamp=clamp))[0, 0]
        for clamp in (1000, boxes.GROWTH)
    ]
    print(f"dw = {dw:3}: {width[0]:12.6g} pixels as it is, {width[1]:6.1f} with the clamp")

# %% [markdown]
# **Explain.** An untrained network can say 100, and it means a box without end. Such a box breaks what comes after
# it: crops, overlaps, and every loss that is computed on boxes, such as 1 - GIoU. An infinite loss makes NaN
# weights, and nothing repairs a NaN. The clamp at $\log(1000/16)$ lets a box
# grow to 62.5 times its anchor: from 16 pixels to 1000, more than any image asks for.
#
# Within the clamp, `decode` undoes `encode`:

# %%
some, anchors_of_them = scattered(500), scattered(500)
back = boxes.decode(anchors_of_them, boxes.encode(anchors_of_them, some))
round_trip = float(np.abs(back - some).max())
print(f"largest error of there and back: {round_trip:.1e} pixels")
assert round_trip < 1e-3

# %% [markdown]
# ### Exercise `03-decode`


# %% tags=["exercise"]
def decode(anchors, offsets):
    """The boxes x1, y1, x2, y2 that offsets mean, one for each anchor: shape (N, 4).

    `anchors` are x1, y1, x2, y2, and `offsets` dx, dy, dw, dh, both of shape (N, 4). The centre
    moves by dx anchor widths and dy anchor heights; width and height are multiplied by exp(dw) and
    exp(dh). A network may say anything: no dw or dh counts for more than log(1000 / 16).
    """
    return ...


check("03-decode", decode)

# %% [markdown]
# ## 5. Anchors: an answer box at every place
#
# Where does the anchor come from? Nobody knows where the objects are, so anchors are laid **everywhere**
# beforehand: at every place of a grid, in several sizes and shapes (Ren et al., 2015). The network is
# convolutional, so it looks at each place in the same way, and for each anchor there it says two things:
# *is there an object*, and *how does its box differ from this anchor*.
#
# **Predict.** A frame of 128 x 128 has a grid with a place every 8 pixels, and at each place three sizes
# in three shapes. How many anchors are that?

# %%
# NBVAL_CHECK_OUTPUT
anchors = boxes.anchor_grid(128, 128, stride=8, sizes=(16, 24, 32), ratios=(0.5, 1, 2))
print(anchors.shape, " = 16 x 16 places x 9 shapes")
print("the nine at the first place, as widths and heights:")
print(", ".join(f"{w:.0f} x {h:.0f}" for w, h in boxes.sizes(anchors[:9])))

# %% [markdown]
# **Explain.** For a handful of objects there are thousands of anchors, and each must be told what to
# learn. That is **matching**. The rule of Faster R-CNN goes by IoU:
#
# - at least 0.7 with an object: **positive**, answer for that object;
# - below 0.3 with every object: **background**, say that nothing is here;
# - between the two: **ignored**. It is neither right nor wrong, and to teach it either would confuse.
#
# **Predict.** Does every object get an anchor that way? Which ones go without?

# %%
sizes_of_all, has_anchor = [], {True: [], False: []}
totals = {True: np.zeros(3, int), False: np.zeros(3, int)}
for objects in test.objects:
    sizes_of_all.append(np.sqrt(boxes.area(objects.boxes)))
    for low_quality in (False, True):
        found = boxes.match(anchors, objects.boxes, low_quality=low_quality)
        numbers = np.arange(len(objects))
        has_anchor[low_quality].append((found[:, None] == numbers).any(0))
        totals[low_quality] += [
            (found >= 0).sum(),
            (found == boxes.IGNORED).sum(),
            (found == boxes.BACKGROUND).sum(),
        ]
size = np.concatenate(sizes_of_all)
has_anchor = {rule: np.concatenate(parts) for rule, parts in has_anchor.items()}
plain, rescued = has_anchor[False].mean(), has_anchor[True].mean()
edges = np.quantile(size, np.linspace(0, 1, 9))
group = np.clip(np.searchsorted(edges, size, side="right") - 1, 0, 7)
middle = [size[group == g].mean() for g in range(8)]
plots.curves(
    {
        "with low-quality matches": (
            middle,
            [has_anchor[True][group == g].mean() for g in range(8)],
        ),
        "thresholds alone": (middle, [has_anchor[False][group == g].mean() for g in range(8)]),
    },
    title=f"By thresholds alone, {plain:.0%} of the objects have an anchor to learn from; "
    f"with the rule, {rescued:.1%}",
    xlabel="size of the object (pixels, root of its area)",
    ylabel="share with an anchor",
    ylim=(0, 1.05),
    alt=f"Two curves against the object's size. With low-quality matches nearly all have an anchor; "
    f"by thresholds alone {plain:.0%} have one, fewest of the smallest and of those between anchor sizes.",
)

# %% [markdown]
# **Explain.** A grid of 8 pixels can miss an object's middle by 4 in each direction, and the sizes go in
# steps. For a small object that is enough to keep every anchor below 0.7. It would never be
# positive, so the network would never learn that it exists. Worse: anchors at 0.25 would teach that there
# is *background*.
#
# So there is a second rule, the **low-quality match**: every object keeps the anchors that overlap it
# most, however little. *All* that are equally good: an object in the middle between two grid places has
# several best anchors, and which of them `argmax` finds is an accident of rounding. But only those that
# touch it.

# %%
show(boxes.match, docstring=False)

# %%
pair_of = boxes.match(anchors, truth.boxes)
alone = boxes.match(anchors, truth.boxes, low_quality=False)
ordinary = (alone >= 0) & (pair_of >= 0)
rescue = (pair_of >= 0) & ~ordinary
ignored = pair_of == boxes.IGNORED
places = np.unique(boxes.centers(anchors[ignored]), axis=0)
figures.panels(
    [frame, frame],
    [
        [
            figures.Layer(truth.boxes, "truth", figures.TRUTH, ":", 1.6),
            figures.Layer(anchors[ordinary], "positive by threshold", figures.FOUND, "-", 2.0),
            figures.Layer(
                anchors[rescue], "positive as the best there is", figures.OTHER, "--", 2.0
            ),
        ],
        [figures.Layer(np.hstack([places - 0.6, places + 0.6]), "", "#FFFFFF", "-", 1.2)],
    ],
    [
        f"{int((pair_of >= 0).sum())} of {len(anchors)} anchors are positive",
        f"{int(ignored.sum())} are ignored: their centres",
    ],
    title="A handful of anchors answer for the objects, and many around them are left out of it",
    alt=f"The example frame twice. Left {int(ordinary.sum())} anchors that are positive by the "
    f"threshold and {int(rescue.sum())} that are the best of their object; right the centres of the "
    "ignored ones, which crowd around the objects.",
    width=6.2,
)

# %%
for rule, name in ((False, "thresholds alone"), (True, "with low-quality matches")):
    positive, skipped, background = totals[rule] / len(test)
    print(
        f"{name:>24}: {positive:5.1f} positive, {skipped:5.1f} ignored, {background:6.1f} background a frame"
    )

# %% [markdown]
# **Explain.** The two rules differ by a few anchors a frame, and by half of the objects. (The few objects
# that still go without have a best anchor that overlaps another object more, and goes to that one.) There are also
# hundreds of times as many background anchors as positive ones. A network that always says "nothing" is
# right nearly every time; lesson 04 has to do something about that.
#
# Try it: which anchors go to which object, with other thresholds, sizes and strides?

# %% tags=["explorer"]
explore("anchors")

# %% [markdown]
# ### Exercise `03-match`


# %% tags=["exercise"]
def match(anchors, truth, positive=0.7, negative=0.3):
    """Which object each anchor answers for: shape (A,), whole numbers.

    `anchors` (A, 4) and the true boxes `truth` (M, 4, M at least 1) are x1, y1, x2, y2. For each
    anchor: the number of the object that it overlaps most, if their IoU is at least `positive`; -1
    (background) if it is below `negative`; -2 (ignored) between the two. But every object keeps
    the anchors that overlap it most, all that are equally good, however low their IoU is; not
    those that do not touch it.
    """
    return ...


check("03-match", match)

# %% [markdown]
# ## 6. Non-maximum suppression
#
# Anchors explain the crowd in the first cell: several anchors answer for the same object, and each is
# decoded to nearly the same box. **NMS** keeps the best of each crowd: take the box with the highest
# score, drop what overlaps it by more than a threshold, go on with the best of the rest. The package's
# version looks at many boxes at a time, to be fast; the rule itself is its innermost loop. `alive` marks
# the boxes that nobody has dropped yet.

# %%
show(boxes.nms, docstring=False)

# %% [markdown]
# **Predict.** Three boxes in a row, each overlapping its neighbour by 0.43: A (score 0.9), B (0.8),
# C (0.7). A and C overlap by 0.11. The threshold is 0.4. Which stay? And if B has the highest score?

# %%
# NBVAL_CHECK_OUTPUT
chain = np.array([[0, 0, 20, 20], [8, 0, 28, 20], [16, 0, 36, 20]], np.float32)
print(boxes.iou(chain, chain).round(2))
for scores in ([0.9, 0.8, 0.7], [0.8, 0.9, 0.7]):
    names = ["ABC"[i] for i in boxes.nms(chain, scores, threshold=0.4)]
    print("scores", scores, "-> stay:", ", ".join(names))

# %% [markdown]
# **Explain.** In the first case A removes B, and B, being gone, cannot remove C. In the second B removes
# both. NMS is greedy: the highest score decides, and what was removed has no say.
#
# ### Is it right?
#
# Against TensorFlow's and OpenCV's, on random crowds. (TensorFlow wants `y1, x1, y2, x2`, OpenCV
# `x, y, w, h`. You have been warned.)

# %%
# NBVAL_CHECK_OUTPUT
import cv2

trials, same_tf, same_cv = 100, 0, 0
for trial in range(trials):
    crowd = np.random.default_rng(trial)
    corner, side = crowd.uniform(0, 60, (40, 2)), crowd.uniform(10, 50, (40, 2))
    some = np.concatenate([corner, corner + side], 1).astype(np.float32)
    scores = (1 + crowd.permutation(40)).astype(np.float32) / 40
    stay = boxes.nms(some, scores, threshold=0.45)
    theirs = tf.image.non_max_suppression(some[:, [1, 0, 3, 2]], scores, 40, 0.45).numpy()
    opencv = cv2.dnn.NMSBoxes(boxes.xyxy_to_xywh(some).tolist(), scores.tolist(), 0.0, 0.45)
    same_tf += stay.tolist() == theirs.tolist()
    same_cv += stay.tolist() == list(opencv)
print(f"{same_tf} of {trials} crowds as TensorFlow, {same_cv} of {trials} as OpenCV")
assert same_tf == same_cv == trials

# %% [markdown]
# ### Exercise `03-nms`


# %% tags=["exercise"]
def nms(candidates, scores, threshold):
    """The numbers of the boxes that stay, best first.

    Go through the boxes in `candidates` (N, 4; x1, y1, x2, y2) from the highest of the `scores`
    (N,) to the lowest. A box stays unless its IoU with one that stays already is above `threshold`.
    """
    return ...


check("03-nms", nms)

# %% [markdown]
# ### The threshold is a guess
#
# Two boxes that overlap by 0.5: the same object twice, or two objects side by side? NMS cannot know. For
# this we need a real crowd: frames of twenty objects that all count as one class.
#
# **Predict.** AP50 (of which more in section 7; 1 is perfect) against the threshold, from 0.1 to 1: what
# shape does the curve have? What goes wrong at each end?

# %%
from tracklab import scenes
from tracklab.detections import Detections, Objects

crowded = datasets.boxed_scenes(
    scenes.Scene("crowd", objects=20, background="plain"), 60, part="test"
)
crowd_truth = [Objects(o.boxes, 0 * o.labels, o.ignored) for o in crowded.objects]
rng = np.random.default_rng(0)
crowd_raw = [datasets.imagined_detections(o, rng, size=crowded.size) for o in crowd_truth]
thresholds = np.round(np.arange(0.1, 1.01, 0.1), 1)
hard_ap = [
    detection.average_precision(
        [d[boxes.nms(d.boxes, d.scores, threshold=t)] for d in crowd_raw], crowd_truth
    )
    for t in thresholds
]
best_threshold = thresholds[int(np.argmax(hard_ap))]
plots.curves(
    {"NMS": (thresholds, hard_ap)},
    title=f"Too low loses neighbours, too high keeps doubles: best at {best_threshold:g} here",
    xlabel="threshold: IoU above which the worse box goes",
    ylabel="AP50",
    ylim=(0.4, 1),
    alt="AP50 against the threshold: it rises from "
    f"{hard_ap[0]:.2f} at 0.1 to {max(hard_ap):.2f} at {best_threshold:g} and falls to {hard_ap[-1]:.2f} at 1.",
)

# %%
scene = int(np.argmax([len(o) for o in crowd_truth]))
shown, there = crowd_raw[scene], crowd_truth[scene]


def survivors(threshold):
    """What NMS leaves of the crowd's surer detections."""
    left = shown[boxes.nms(shown.boxes, shown.scores, threshold=threshold)]
    return left.above(0.4)


figures.panels(
    [crowded.size] * 3,
    [
        [
            figures.Layer(there.boxes, "truth", plots.COLORS[0], "--", 1.0),
            figures.Layer(
                survivors(t).boxes, "after NMS, score over 0.4", plots.COLORS[1], "-", 1.4
            ),
        ]
        for t in (0.1, best_threshold, 0.9)
    ],
    [f"threshold {t:g}: {len(survivors(t))} boxes" for t in (0.1, best_threshold, 0.9)],
    title=f"{len(there)} objects: a low threshold takes neighbours for doubles, "
    "a high one doubles for neighbours",
    alt=f"A crowded frame with {len(there)} objects three times: NMS leaves "
    + ", ".join(f"{len(survivors(t))} boxes at {t:g}" for t in (0.1, best_threshold, 0.9))
    + ".",
    width=7,
)

# %% [markdown]
# **Explain.** Every threshold is a compromise, and the right one depends on how crowded the scene is and
# how far the detector's boxes scatter.
#
# ### Soft-NMS
#
# Bodla et al. (2017) change one line: a box that overlaps a better one is not dropped, it loses score,
# the more the more it overlaps:
#
# $$s_i \leftarrow s_i \, e^{-\mathrm{IoU}(i, \text{best})^2 / \sigma}$$
#
# A double sinks to the end of the list, and a neighbour only sinks a little. **Predict.** Will soft-NMS
# beat the best threshold? All thresholds?


# %%
def softened(found, **how):
    """Detections with the scores that soft-NMS leaves them."""
    index, scores = boxes.soft_nms(found.boxes, found.scores, labels=found.labels, **how)
    return Detections(found.boxes[index], scores, found.labels[index])


ap_crowd_raw = detection.average_precision(crowd_raw, crowd_truth)
soft_ap = {
    sigma: detection.average_precision([softened(d, sigma=sigma) for d in crowd_raw], crowd_truth)
    for sigma in (0.05, 0.2, 0.5, 1, 2)
}
assert min(soft_ap[sigma] for sigma in (0.2, 0.5, 1, 2)) > max(hard_ap) - 0.01
plots.bars(
    {
        "raw": ap_crowd_raw,
        **{
            f"NMS, threshold {t:g}": hard_ap[int(np.flatnonzero(thresholds == t)[0])]
            for t in (0.3, 0.5, 0.6, 0.7)
        },
        **{f"soft-NMS, sigma {sigma:g}": value for sigma, value in soft_ap.items()},
    },
    title="From sigma 0.2 to 2, soft-NMS is as good as the best threshold",
    xlabel="AP50 in the crowd",
    form="{:.3f}",
    highlight="soft-NMS, sigma 0.5",
    alt=f"Bars of AP50: raw {ap_crowd_raw:.3f}, NMS between {hard_ap[2]:.3f} at 0.3 and {max(hard_ap):.3f} "
    f"at its best, soft-NMS between {min(soft_ap.values()):.3f} and {max(soft_ap.values()):.3f}.",
)

# %% [markdown]
# **Explain.** It hardly beats the best threshold. What it buys is that you need not know it: over a wide range every
# sigma is about as good. (Not over all: a very small one is nearly NMS with a low threshold.) The price is that all boxes are still there, with low scores: if you want
# to *draw* them or *track* them, you need a threshold on the score instead.
#
# It is what TensorFlow computes, too (whose sigma is half of the paper's):

# %%
soft_gap = 0.0
for trial in range(30):
    crowd = np.random.default_rng(trial)
    corner, side = crowd.uniform(0, 60, (40, 2)), crowd.uniform(10, 50, (40, 2))
    some = np.concatenate([corner, corner + side], 1).astype(np.float32)
    scores = crowd.uniform(0.05, 1, 40).astype(np.float32)
    index, ours = boxes.soft_nms(some, scores, sigma=0.5, floor=0.0)
    theirs, their_scores = tf.image.non_max_suppression_with_scores(
        some[:, [1, 0, 3, 2]], scores, 40, iou_threshold=1.0, soft_nms_sigma=0.25
    )
    assert index.tolist() == theirs.numpy().tolist()
    soft_gap = max(soft_gap, float(np.abs(ours - their_scores.numpy()).max()))
print(f"largest difference of a score: {soft_gap:.1e}")
assert soft_gap < 1e-5

# %% [markdown]
# Try it: move the threshold, and find a setting that loses an object and one that keeps a double.

# %% tags=["explorer"]
explore("nms")

# %% [markdown]
# ## 7. How good is a detector? Precision, recall, and the area below
#
# A detection is **right** if it has the class of an object, overlaps it enough, and no surer detection
# found that object before. So a second box on the same object is *wrong*: this is why the raw crowd
# scores so badly although it holds every good box. With that, two questions:
#
# - **Precision**: which share of the detections are right?
# - **Recall**: which share of the objects were found?
#
# Both depend on where you cut the list. Keep only what is very sure, and precision is high and recall
# low. So we walk down the list, from the surest on, and draw the one against the other.
#
# **Predict.** Six detections, the best first: right, wrong, right, right, wrong, right; and five objects.
# What are precision and recall after the first? After the second? At the end?

# %%
hits = np.array([True, False, True, True, False, True])
figures.ranked(
    hits,
    5,
    title="A hit moves the curve to the right, a false alarm only down",
)

# %% [markdown]
# **Explain.** The dotted line is what was measured: a saw, which falls at a false alarm and climbs at a hit. The
# staircase is the **envelope**: at each recall the best precision that is had there *or at a higher
# recall*. (If you can have more objects with better precision, why should you stop earlier?) The shaded
# area below it is the **average precision**, AP. It is 1 only if every object is found before the first
# false alarm. The fifth object was never found, so nothing is shaded there.

# %%
show(detection.envelope, detection.area)

# %% [markdown]
# Three ways to sum the area are in use. VOC until 2009 read the envelope at 11 recalls, VOC since 2010
# takes the exact area, COCO reads it at 101 recalls. **Predict.** How far do they differ on our six
# detections?

# %%
# NBVAL_CHECK_OUTPUT
precision, recall = np.cumsum(hits) / np.arange(1, 7), np.cumsum(hits) / 5
for style, words in detection.STYLES.items():
    print(f"{style:<6} {detection.area(precision, recall, style):.4f}   {words}")

# %% [markdown]
# How much is that on a long list? The same three rules for the detections of the first cell, after NMS:

# %%
sums = {
    style: detection.average_precision(kept, test.objects, style=style)
    for style in detection.STYLES
}
print(", ".join(f"{style} {value:.3f}" for style, value in sums.items()))
print(f"from the lowest to the highest: {max(sums.values()) - min(sums.values()):.3f}")

# %% [markdown]
# **Explain.** By hundredths, on six detections and on thousands: two papers may differ by as much and mean the same.
# Always say which AP it is.
#
# The area is not all in which VOC and COCO differ:
#
# | | VOC | COCO |
# |---|---|---|
# | a detection may take | the object that it overlaps most, or none: if that one is taken, it is a false alarm | the best one *that is still free* |
# | objects that do not count | *difficult* ones: finding one is neither right nor wrong | *crowds*: a box around many; any number of detections may lie in it |
# | a hit needs an IoU | above 0.5 | of at least 0.5 (0.55, ..., 0.95) |
# | detections a frame and class | all | the 100 surest |
# | objects by size | no | small up to 32 x 32 pixels, large from 96 x 96, medium between |
#
# In tracklab, an object of which too little can be seen is `ignored`: difficult to VOC, a crowd to COCO.
#
# ### Exercise `03-average-precision`


# %% tags=["exercise"]
def average_precision(correct, objects):
    """The area under the precision envelope: a number from 0 to 1.

    `correct` (K,) says of each detection, best first, whether it found an object that none before
    it had found. `objects` is how many objects there are. At each recall the envelope is the
    highest precision that is reached at this recall or at a higher one.
    """
    return ...


check("03-average-precision", average_precision)

# %% [markdown]
# ### The hook again, as a curve
#
# The first cell's detections, raw and after NMS, all classes in one list. **Predict.** Both lists hold
# the same good boxes. Where do the curves part?

# %%
from tracklab.plots import detection as detection_figures

curves = {
    "after NMS": detection.precision_recall(kept, test.objects),
    "raw": detection.precision_recall(raw, test.objects),
}
detection_figures.precision_recall(
    curves,
    title="Doubles are false alarms: they pull the raw curve down from the start",
    alt="Precision over recall. The curve after NMS stays high up to a recall of about nine tenths; the raw "
    "one falls early. "
    + ", ".join(f"AP {name} {curve.average_precision():.2f}" for name, curve in curves.items())
    + ".",
)

# %% [markdown]
# **Explain.** They part at once. The surest detections of a frame are copies of its clearest object, and
# all but one of them are wrong. Both end at nearly the same recall: NMS finds nothing new, it only
# takes away.
#
# Try it: where is the score that you would choose, and what does it cost in precision and in recall?

# %% tags=["explorer"]
explore("precision-recall")

# %% [markdown]
# ### Why 0.50:0.95?
#
# "Overlaps it enough" was an IoU of 0.5 so far: **AP50**, VOC's measure. **Predict.** How many pixels may a
# box of 24 pixels be off to the side, to reach 0.5? 0.75? 0.95?

# %%
# NBVAL_CHECK_OUTPUT
for need in (0.5, 0.75, 0.95):
    # IoU = (w - s) / (w + s), so s = w (1 - IoU) / (1 + IoU)
    off = [side * (1 - need) / (1 + need) for side in (24, 240)]
    print(f"IoU {need:.2f}: {off[0]:4.1f} pixels of 24, {off[1]:4.1f} of 240")

# %% [markdown]
# AP50 forgives a third of the width. COCO asks ten times, at 0.50, 0.55, ..., 0.95, and takes the mean: **AP**,
# or AP 0.50:0.95. Here are three imagined detectors which find the same objects, with boxes that are off by 2 %, 5 %
# and 10 % of the object's size. **Predict.** How much worse is the last one by AP50? And by AP?

# %%
by_jitter = {}
for jitter in (0.02, 0.05, 0.10):
    rng = np.random.default_rng(1)
    found = [
        datasets.imagined_detections(o, rng, size=test.size, classes=10, copies=1, jitter=jitter)
        for o in test.objects
    ]
    by_jitter[jitter] = [
        detection.average_precision(found, test.objects, iou=t) for t in detection.IOUS
    ]
ap50 = {jitter: values[0] for jitter, values in by_jitter.items()}
ap = {jitter: float(np.mean(values)) for jitter, values in by_jitter.items()}
plots.curves(
    {
        f"off by {jitter:.0%}: AP {ap[jitter]:.2f}": (detection.IOUS, values)
        for jitter, values in by_jitter.items()
    },
    title=f"AP50 hardly tells them apart ({ap50[0.02]:.2f} and {ap50[0.1]:.2f}); "
    f"AP does ({ap[0.02]:.2f} and {ap[0.1]:.2f})",
    xlabel="IoU from which on a detection is right",
    ylabel="average precision",
    ylim=(0, 1),
    alt="Average precision against the IoU that is asked for, for three detectors. At 0.5 they lie close "
    "together; the one with the loosest boxes falls first, and at 0.95 all are low. "
    + ", ".join(
        f"Off by {jitter:.0%}: AP50 {ap50[jitter]:.2f}, AP {ap[jitter]:.2f}" for jitter in ap
    )
    + ".",
)

# %% [markdown]
# **Explain.** At 0.5 nearly all of these boxes are hits. The mean over ten thresholds rewards tight boxes, and its top
# end is where they differ: at 0.95 a small object must be right to a fraction of a pixel. For a tracker this
# matters: a box that shakes by a tenth of its size makes a velocity that shakes (lesson 00).
#
# ### Is it what COCO computes?
#
# An evaluation has many small decisions (equal scores, two objects for one box, classes without objects),
# and a benchmark is only comparable if all are made alike. So: the same random cases to ours and to
# pycocotools, COCO's own. **Predict.** In how many digits will they agree?

# %%
import contextlib
import io

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def coco_reference(found, truth, classes):
    """AP, AP50 and AP75 by pycocotools, from the same detections and objects."""
    known = COCO()
    known.dataset = {
        "images": [{"id": k} for k in range(len(truth))],
        "categories": [{"id": c} for c in range(classes)],
        "annotations": [
            {
                "image_id": k,
                "category_id": int(c),
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            for k, one in enumerate(truth)
            for c, box in zip(one.labels, boxes.xyxy_to_xywh(one.boxes).tolist(), strict=True)
        ],
    }
    for number, annotation in enumerate(known.dataset["annotations"], start=1):
        annotation["id"] = number
    answers = [
        {"image_id": k, "category_id": int(c), "bbox": box, "score": float(s)}
        for k, one in enumerate(found)
        for c, s, box in zip(
            one.labels, one.scores, boxes.xyxy_to_xywh(one.boxes).tolist(), strict=True
        )
    ]
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        known.createIndex()
        judge = COCOeval(known, known.loadRes(answers), "bbox")
        judge.evaluate(), judge.accumulate(), judge.summarize()
    return judge.stats[:3]


ap_gap, cases = 0.0, 20
for seed in range(cases):
    rng = np.random.default_rng(seed)
    some = test[rng.choice(len(test), 12, replace=False)]
    truth_now = [o[~o.ignored] for o in some.objects]
    dials = {
        "copies": rng.uniform(1, 4),
        "jitter": rng.uniform(0.02, 0.2),
        "confused": rng.uniform(0, 0.3),
    }
    found = [
        datasets.imagined_detections(o, rng, size=test.size, classes=10, **dials) for o in truth_now
    ]
    ours = detection.evaluate(found, truth_now, test.class_names)
    theirs = coco_reference(found, truth_now, 10)
    ap_gap = max(ap_gap, float(np.abs(np.array([ours.ap, ours.ap50, ours.ap75]) - theirs).max()))
print(f"{cases} random cases: largest difference of AP, AP50 and AP75 {ap_gap:.1e}")
assert ap_gap < 1e-6

# %% [markdown]
# **Explain.** In all that a `float64` has. The tests of the package go further, with ties, crowds, empty frames and absent classes.
#
# ## 8. The gate
#
# What this lesson measured, beside what it is measured against.

# %% tags=["gate"]
from IPython.display import Markdown

ap_crowd_best, ap_crowd_worst = max(hard_ap), hard_ap[0]
rows = [
    (
        "boxes read in the wrong format, not noticed",
        f"{unnoticed['corners read as x y w h']:.0%}",
        f"{unnoticed['x y w h read as corners']:.0%} the other way round",
    ),
    (
        "boxes that reach a target that they do not touch",
        f"{reached['GIoU']:.0%} by GIoU",
        f"{reached['IoU']:.0%} by IoU",
    ),
    (
        "objects with an anchor",
        f"{rescued:.1%} with low-quality matches",
        f"{plain:.1%} by thresholds",
    ),
    ("AP50 of 200 frames", f"{ap_nms:.3f} after NMS", f"{ap_raw:.3f} raw"),
    (
        "AP50 in a crowd",
        f"{ap_crowd_best:.3f} at the best threshold",
        f"{ap_crowd_worst:.3f} at 0.1, {ap_crowd_raw:.3f} raw",
    ),
    (
        "the same, soft-NMS",
        f"{soft_ap[0.5]:.3f} at sigma 0.5",
        f"{ap_crowd_best:.3f} NMS at its best",
    ),
    (
        "loss from boxes 2 % off to 10 % off",
        f"{ap[0.02] - ap[0.1]:.2f} in AP",
        f"{ap50[0.02] - ap50[0.1]:.2f} in AP50",
    ),
    ("IoU, largest difference", f"{iou_gap:.0e}", "pycocotools, counted pixels"),
    ("NMS, equal crowds", f"{same_tf + same_cv} of {2 * trials}", "TensorFlow, OpenCV"),
    ("soft-NMS, largest difference", f"{soft_gap:.0e}", "TensorFlow"),
    ("AP, largest difference", f"{ap_gap:.0e}", "pycocotools"),
]
assert reached["GIoU"] > 0.8
assert reached["IoU"] == 0
assert rescued > 0.95 > 0.7 > plain
assert ap_nms > ap_raw + 0.15
assert ap_crowd_best > ap_crowd_worst + 0.2
assert ap_crowd_best > ap_crowd_raw + 0.15
assert soft_ap[0.5] > ap_crowd_best - 0.02
assert ap[0.02] - ap[0.1] > 3 * (ap50[0.02] - ap50[0.1])
table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
Markdown(f"| measured | | beside |\n|---|---|---|\n{table}")

# %% [markdown]
# ## Summary
#
# - A box is four numbers in one of several formats. Convert once, at the door, and look at the result.
# - **IoU** is the shared area over the covered area. It is a share, so small objects are judged in
#   fractions of a pixel.
# - Where boxes do not touch, IoU is flat. **GIoU** subtracts the empty share of the hull and has a slope
#   everywhere.
# - Networks say **offsets** from an **anchor**: divided by its size, with the logarithm of the ratio, and
#   with a clamp on what goes into the exponential.
# - **Matching** tells every anchor what to learn. Thresholds alone leave objects without an anchor; the
#   **low-quality** rule gives every object its best ones, all of them where they tie.
# - **NMS** keeps one box an object. Its threshold trades lost neighbours for doubles; soft-NMS lowers
#   scores instead.
# - **AP** is the area under the envelope of precision over recall. AP50 asks for a rough box, AP
#   0.50:0.95 for a tight one.
#
# ## Common misconceptions
#
# - *"An IoU of 0.5 means half of the box is right."* Two equal boxes with an IoU of 0.5 share two
#   thirds of each: $s / (2 - s) = 1/2$.
# - *"The network finds the objects, NMS is tidying up."* Without it the same good boxes scored far lower in the
#   first cell: doubles are false alarms.
# - *"Removed boxes remove others."* Only boxes that stay do.
# - *"More anchors are always better."* They must be matched. Most become background, and the imbalance grows.
# - *"AP is the mean of the precisions."* It is an area over recall: objects that were missed count as 0.
# - *"Two APs can be compared."* Only with the same thresholds, the same sum, and the same rule for
#   difficult objects.
#
# ## Quiz
#
# 1. You double the resolution of all images, and boxes with them. What happens to IoU, to the offsets
#    of `encode`, to the anchors you need, and to AP?
#
# <details><summary>Answer</summary>
#
# IoU is a ratio of areas: it stays. The offsets stay if the anchors are doubled too; with the old
# anchors all four grow (`dw` and `dh` by up to log 2), and most objects find no anchor at 0.7. AP stays for the same (doubled)
# detections. By *size*, though, COCO counts in pixels: "small" objects may become "medium".
#
# </details>
#
# 2. Your detector has AP50 0.90 and AP 0.35. What would you look at first: missed objects, doubles,
#    wrong classes, or loose boxes?
#
# <details><summary>Answer</summary>
#
# Loose boxes. At an IoU of 0.5 nearly everything is found, with the right class and without doubles, so
# what fails at the higher thresholds is where the edges are: the box regression, the alignment of the
# crops (lesson 04), or the annotations themselves.
#
# </details>
#
# ## Further reading
#
# - M. Everingham, L. Van Gool, C. K. I. Williams, J. Winn, A. Zisserman: The Pascal Visual Object
#   Classes (VOC) Challenge. International Journal of Computer Vision 88, 2010. Section 4.2: IoU, and AP.
# - T.-Y. Lin et al.: Microsoft COCO: Common Objects in Context. ECCV 2014.
# - S. Ren, K. He, R. Girshick, J. Sun: Faster R-CNN: Towards Real-Time Object Detection with Region
#   Proposal Networks. NIPS 2015. Section 3.1: anchors and how they are matched.
# - R. Girshick, J. Donahue, T. Darrell, J. Malik: Rich feature hierarchies for accurate object detection
#   and semantic segmentation. CVPR 2014. Appendix C (of the version on arXiv): the offsets.
# - P. F. Felzenszwalb, R. B. Girshick, D. McAllester, D. Ramanan: Object Detection with
#   Discriminatively Trained Part-Based Models. IEEE Transactions on Pattern Analysis and Machine
#   Intelligence 32(9), 2010. Section 7.2: non-maximum suppression.
# - H. Rezatofighi et al.: Generalized Intersection over Union: A Metric and A Loss for Bounding Box
#   Regression. CVPR 2019.
# - N. Bodla, B. Singh, R. Chellappa, L. S. Davis: Soft-NMS: Improving Object Detection With One Line of
#   Code. ICCV 2017.
