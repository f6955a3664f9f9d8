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
#     title: 'Tracking many: detector + RNN'
#     objectives:
#     - text: put predictions and detections together, with a gate, for the best of all
#       exercise: 06-overlap-pairs
#     - text: decide when a track begins, when it is believed, and when it ends
#       exercise: 06-track-life
#     - text: count identity switches, through gaps too
#       exercise: 06-switches
#     - text: compute MOTA from what was counted in each frame
#       exercise: 06-mota
#     - text: compute IDF1, and say where it disagrees with MOTA
#       exercise: 06-idf1
#     builds_on: ['03', '04', '05']
#     minutes: 120
#     seconds: 60
#     measures:
#     - how often a greedy association differs from the best one, in crowds
#     - what patience and proof cost and buy
#     - MOTA, IDF1 and HOTA of small stories in which they disagree
#     - MOTA, IDF1, HOTA, identity switches and frames a CPU second of six motion models on the same crowds
#     - which objects keep their number after a gap, by its length
#     - the same comparison on scenes whose boxes come from a detector, beside a filter tuned to it
#     - how well tracks count, and how fast and how long they say that objects are there
# ---

# %% [markdown]
# # 06 Tracking many: detector + RNN
#
# Lesson 04's detector looks at every frame as if it were the first. Lesson 05's networks know how things
# move, and see no pictures. In this lesson you put the two together: eight objects, of which many look alike,
# each with a number that it keeps while they pass before one another. Everything between detector and motion
# model is little code. Whether it works is a harder question, and you will learn three ways to ask it that
# do not give the same answer.
#
# **Objectives.** After this lesson you can
#
# - put predictions and detections together, with a gate, for the best of all (`06-overlap-pairs`)
# - decide when a track begins, when it is believed, and when it ends (`06-track-life`)
# - count identity switches, through gaps too (`06-switches`)
# - compute MOTA from what was counted in each frame (`06-mota`)
# - compute IDF1, and say where it disagrees with MOTA (`06-idf1`)
#
# **Builds on** lesson 03 (overlap), lesson 04 (the detector) and lesson 05 (the motion models). Their trained
# networks come with the course.
#
# **Time.** 120 minutes to read and work; runs in under 60 seconds on two cores.
#
# **You will have measured**
#
# - how often a greedy association differs from the best one, in crowds
# - what patience and proof cost and buy
# - MOTA, IDF1 and HOTA of small stories in which they disagree
# - MOTA, IDF1, HOTA, identity switches and frames a CPU second of six motion models on the same crowds
# - which objects keep their number after a gap, by its length
# - the same comparison on scenes whose boxes come from a detector, beside a filter tuned to it
# - how well tracks count, and how fast and how long they say that objects are there

# %% tags=["hook", "plot"]
from tracklab import scenes, trackers
from tracklab.models import detector
from tracklab.show import play, show

shipped, _ = detector.shipped()  # lesson 04's detector
# triangles and hearts only: the class hardly helps to tell who is who
crossing = scenes.Scene("crossing", frames=64, objects=8, classes=(2, 7), speed=(2.0, 6.0))
clip = crossing.render(seed=scenes.TEST_SEED + 450)
height, width = clip.frames[0].shape[:2]
found = shipped.detect_all(clip.frames, score=0.5)  # each frame by itself

tracker = trackers.create("rnn-sort", size=(height, width))  # lesson 05's LSTM inside
tracks = [tracker.update(each) for each in found]
numbers = {one for frame in tracks for one in frame.ids.tolist()}
play(
    clip,
    [one.boxes for one in tracks],
    ids=[one.ids.tolist() for one in tracks],
    trails=12,
    fps=12,
    width=256,
    title=f"{len(clip.truth.ids)} objects, {len(numbers)} numbers",
    alt="Eight drawn shapes of two classes move fast over a texture and pass before one another. Each "
    "has a box with a number and a trail behind it; boxes go out while a shape is hidden, and come back "
    "with the same number.",
)

# %% [markdown]
# The detector gave boxes without numbers, and none at all for a shape that was hidden. Watch one number where two
# paths cross. (This is a scene in which it goes well. Section 7 has the others.)
#
# Everything that follows uses these imports:

# %% tags=["setup"]
import time

import numpy as np

from tracklab import boxes, datasets, explore, motion, overlay, plots
from tracklab.exercises import check, hint
from tracklab.metrics import counting, multi
from tracklab.trackers import association
from tracklab.trackers.sort import SortTracker

# %% [markdown]
# ## 1. Four questions in each frame
#
# *Tracking by detection* means: let a detector look at each frame, and link its boxes over time. The tracker
# of this lesson is **SORT** (Bewley and others, 2016), whose authors wanted to know how far one gets with the
# simplest thing. In each frame it answers four questions:
#
# 1. **Predict.** Where should everybody be that I know?
# 2. **Associate.** Which detection is which of them?
# 3. **Correct.** Where were they really, and how fast do they go?
# 4. **Births and deaths.** Whom do I not know yet? Whom do I give up?

# %%
show(SortTracker.update, docstring=False)

# %% [markdown]
# The motion model answers the first question and the third. It is a part that can be swapped: with a Kalman
# filter this is SORT, with a recurrent network it is this lesson's tracker. All else stays the same, so that what
# a motion model is worth can be measured.
#
# ### Crowds
#
# For that, a tracker needs no pictures. A **crowd** is a video without pixels: paths from the scenes' motion
# models, objects that pass before one another, and what a detector would make of it. Boxes are off by some
# percent of their size, some are missed, some are of nothing, and an object of which little is seen is not
# detected.

# %%
# NBVAL_CHECK_OUTPUT
crowd = datasets.crowd(seed=1)  # twelve objects, 120 frames
visible = crowd.truth.visibility
print(f"{len(crowd)} frames, {visible.shape[1]} objects, {crowd.truth.present.sum()} true boxes")
print(f"{(visible < datasets.crowds.HIDDEN).sum()} of them are too well hidden to be detected")
print(f"{sum(map(len, crowd.detections))} detections")


# %% tags=["plot"]
def seen_in(t):
    """Frame t of the crowd: what is there, grey, and what was detected, blue."""
    ground = np.full((*crowd.size, 3), 245, np.uint8)
    for x1, y1, x2, y2 in np.rint(crowd.truth.boxes[t]).astype(int):  # those in front come last
        ground[y1:y2, x1:x2] = 150
        ground[y1 + 1 : y2 - 1, x1 + 1 : x2 - 1] = 205
    return overlay.draw(ground, crowd.detections[t].boxes, colors=(86, 180, 233), scale=2)


plots.images(
    [seen_in(t) for t in (30, 36, 42)],
    [f"frame {t}" for t in (30, 36, 42)],
    columns=3,
    title="Grey: who is there. Blue: who was detected, and by what box",
    alt="Three frames of a crowd of grey boxes that lie over one another. Most have a blue detected box "
    "near them; some that lie behind others have none.",
)

# %% [markdown]
# **Predict.** Which blue box of frame 36 is which one of frame 30? What did
# you use to decide?
#
# **Explain.** Where it is easy, you took the nearest. Where boxes lie on one another, you asked which way each
# was going. That is all that a tracker without a look at the pixels has: where, and which way.
#
# ## 2. Predict: where everybody should be
#
# Lesson 05 built the motion models. All say the same three things of each object: a box, a velocity, and how far
# off the box may be. Here objects that turn are seen for a while, and then hidden for fourteen frames.
#
# **Predict.** Three models go on without seeing: one holds the last box, one is a Kalman filter, one an LSTM
# that was trained on such paths. Whose path stays nearest? And who *doubts* most?

# %% tags=["plot"]
LAST, BLIND, WHO = 30, 14, 23  # the last frame that is seen, frames in the dark, whom we draw
turning = motion.observe(
    80, 60, part="test", seed=4, motions="turning", speed=(3.0, 6.0), noise=0.06, misses=0.0
)
true = boxes.centers(turning.boxes)
circle = np.linspace(0, 2 * np.pi, 60)
circle = np.sqrt(association.GATE_99) * np.stack([np.cos(circle), np.sin(circle)], -1)
fig, axes = plots.figure(
    1,
    3,
    title="In the dark, a model needs a guess, and an idea of how good it is",
    height=3.3,
    sharex=True,
    sharey=True,
    alt="Three panels with the same curved path. Without a motion model the prediction stays where it was; "
    "the Kalman filter goes straight on; the LSTM bends with the path. Around each last prediction is a "
    "ring of doubt.",
)
print(f"{len(true[0])} objects, {BLIND} frames after their last detection:")
with plots.style():
    for ax, name in zip(axes, ("none", "kalman", "lstm"), strict=True):
        model = motion.create(name, turning.size)
        blind = motion.coast(model, turning.detections, [LAST], BLIND)
        path, doubt = boxes.centers(blind.boxes[0]), blind.deviations[0]
        ax.plot(*true[LAST - 15 : LAST + BLIND + 1, WHO].T, color="#8A8A8A", label="true path")
        dots = boxes.centers(turning.detections[LAST - 15 : LAST + 1, WHO])
        ax.plot(*dots.T, ".k", label="detected")
        ax.plot(*path[:, WHO].T, "--o", color=plots.COLORS[1], markersize=3, label="predicted")
        ring = path[-1, WHO] + doubt[-1, WHO] * circle
        ax.plot(*ring.T, color=plots.COLORS[1], linewidth=0.9, label="99 % sure")
        off = path[-1] - true[LAST + BLIND]
        inside = ((off / doubt[-1]) ** 2).sum(-1) < association.GATE_99
        print(
            f"  {name:7} off by {np.median(np.hypot(*off.T)):3.0f} px (median); inside its ring "
            f"{inside.mean():4.0%}; the ring's radius {np.median(doubt[-1]) * circle.max():3.0f} px"
        )
        ax.set_title(name)
        ax.set(aspect="equal", xlabel="x (px)", xlim=(0, 256), ylim=(256, 0))
    axes[0].set_ylabel("y (px)")
    axes[0].legend(fontsize=7.5, loc="upper right")
fig

# %% [markdown]
# **Explain.** The ring is where the object should be found with 99 %. It matters as much as the path: the next
# section ends with a rule that looks inside that ring and nowhere else. Without a motion model, all that can be
# said is "somewhere". Whose ring keeps its promise on paths that turn?
#
# ## 3. Associate: who is who
#
# SORT's measure of how well a prediction and a detection go together is their overlap (lesson 03). Here is the
# table of one frame, predictions in rows, detections in columns:

# %%
tracker = SortTracker("kalman", size=crowd.size)
for each in crowd.detections[:37]:
    tracker.update(each)
gains = tracker.decided.overlap.gains
print("track" + "".join(f"{k:6d}" for k in range(gains.shape[1])))
for one, row in zip(tracker.decided.ids, gains, strict=True):
    print(f"{one:5d}" + "".join(f"{g:6.2f}" if g else "     ." for g in row))

# %% [markdown]
# Most rows have one number that stands out. The others are why this section is needed. Two rules make a decision
# of the table:
#
# - **A gate.** Below an overlap of 0.2, two boxes are not the same object, whatever else is free.
# - **The best sum.** Among all ways to pair rows with columns, the one with the largest sum of overlaps. The
#   *Hungarian method* (Kuhn, 1955) finds it without trying them all. (It rests on papers of the Hungarians
#   Dénes Kőnig and Jenő Egerváry, hence the name.)

# %%
show(association.by_overlap, association.assign, docstring=False)

# %% [markdown]
# The line with `np.where` is easily written in the wrong place. In SORT's own code, assignment comes first, and
# pairs outside the gate are thrown away *afterwards*. Such a pair may have taken a row and a column from two
# pairs that were allowed. Here what is not allowed is worth nothing, and takes nobody's place.
#
# ### Exercise `06-overlap-pairs`


# %% tags=["exercise"]
def overlap_pairs(gains, least):
    """Which track takes which detection? Pairs (K, 2) of row and column, by growing row.

    `gains` (T, D) holds the overlap of each track (row) with each detection (column), 0 to 1. A
    pair is allowed if its overlap is at least `least`, which is above 0. Each row and each column
    may be in one pair at most, and the sum of the overlaps is to be as large as it can be.

    `linear_sum_assignment(table, maximize=True)` from `scipy.optimize` pairs as many rows as it
    can, so that the sum is largest, and gives their numbers and those of their columns. It knows
    of no gate.
    """
    return ...


check("06-overlap-pairs", overlap_pairs)

# %% [markdown]
# Stuck? `hint("06-overlap-pairs", 1)` says a little, 2 and 3 say more. `solution("06-overlap-pairs")`, from the
# same place, shows the reference.

# %%
hint("06-overlap-pairs", 1)

# %% [markdown]
# ### Greedy, or best?
#
# The greedy way is simpler: take the largest number of the table, strike out its row and its column, go on.
# **Predict.** In how many frames of a crowd does it choose other pairs? Twice as many objects: how many then?
# And if the boxes are twice as far off?


# %%
def greedy(step):
    """Pairs of an association, the largest gain first."""
    left, pairs = np.where(step.allowed, step.gains, 0.0), []
    while left.size and left.max() > 0:
        i, j = np.unravel_index(left.argmax(), left.shape)
        pairs.append([int(i), int(j)])
        left[i], left[:, j] = 0, 0
    return sorted(pairs)


kinds = {
    "12 objects": {},
    "24 objects": {"objects": 24},
    "24 objects, noise doubled": {"objects": 24, "noise": 2 * datasets.crowds.NOISE},
}
differs, lost_gain = {}, []
for name, options in kinds.items():
    other, frames = 0, 0
    for seed in range(4):
        one = datasets.crowd(seed=seed, **options)
        tracker = SortTracker("kalman", size=one.size)
        for each in one.detections:
            tracker.update(each)
            step, pairs = tracker.decided.overlap, greedy(tracker.decided.overlap)
            other += pairs != step.pairs.tolist()
            frames += 1
            sums = [step.gains[tuple(np.transpose(p))].sum() for p in (step.pairs, pairs) if len(p)]
            lost_gain.append(sums[0] - sums[-1] if sums else 0.0)
    differs[name] = other / frames
    print(f"{name:<26} other pairs in {other:3d} of {frames} frames ({other / frames:.1%})")
print(f"the greedy sum was never larger; at most it was {max(lost_gain):.2f} smaller")

# %% [markdown]
# **Explain.** While objects stand apart, both say the same. They differ in the thick of it. A frame now and then
# is not much; but a number that is lost there stays lost.
#
# ### Where nothing touches
#
# An object comes out from behind another after twenty frames. Its prediction has drifted, and the two boxes do not
# overlap. Is it lost? The motion model knows how far off it may be. So in a second round, tracks *that were not
# seen in the frame before* are offered the detections that are left, by distance **in standard deviations**:
#
# $$d^2 = \left(\frac{x - \hat x}{\sigma_x}\right)^2 + \left(\frac{y - \hat y}{\sigma_y}\right)^2 < 9.21$$
#
# If the model is right about its doubt, 99 % of the true positions pass. (9.21 is the 99 % quantile of a
# chi-squared distribution with two degrees of freedom; this is the ring of section 2.) This is the motion gate
# of Deep SORT (Wojke and others, 2017), with independent axes.

# %%
show(association.by_distance, docstring=False)

# %% [markdown]
# This is all the *re-identification* that boxes allow. Deep SORT adds a network that looks at the pixels: two
# people may cross out of sight, and still not wear the same coat.
#
# **Predict.** What goes wrong with a model that is too sure of itself? And with one that is never sure?
#
# **Explain.** Too sure: its gate is narrow, objects come back outside of it and get new numbers. Never sure: its
# gate holds half of the picture, and it takes whatever comes first for its own.
#
# ## 4. Births and deaths
#
# A detection that continues no track begins one. Most such detections are new objects; some are false alarms. A
# track that is not seen may be hidden; or its object may have left. Nobody can know, so there are two dials:
#
# - **proof**: a track is reported when it was seen in so many frames in a row, from its first.
# - **patience**: it lives on unseen for so many frames.

# %%
show(SortTracker._end, SortTracker._report, docstring=False)

# %% [markdown]
# (In the first frames of a video everybody is new, so tracks are reported there at once.)
#
# ### Exercise `06-track-life`


# %% tags=["exercise"]
def track_life(seen, proof, patience):
    """In which frames is a track reported? T booleans.

    `seen` (T,) says in which frames a detection was put together with the track; frame 0 is the
    one that began it, so `seen[0]` is True. The rules:

    - Until it has been seen in its first `proof` frames, all of them, it is not believed: if it
      misses one of these, it ends there.
    - Once believed, it ends in the frame in which it has been unseen for more than `patience`
      frames in a row.
    - It is reported in the frames in which it is alive, believed, and seen. The `proof`-th frame
      is the first of them. What ended never comes back.
    """
    return ...


check("06-track-life", track_life)

# %% [markdown]
# **Predict.** Six crowds of twelve objects. The table shows patience 0, 3 and 30 with proof 1 and 3. Which of
# the two dials lowers the false alarms? Which one the number of tracks (72 would be right)? What does each
# cost?

# %%
some = [datasets.crowd(seed=seed) for seed in range(6)]


def judged(crowds, model="kalman", **options):
    """All crowds together, followed with a motion model."""
    pairs = []
    for one in crowds:
        tracker = SortTracker(model, size=one.size, **options)
        pairs.append((one.truth, [tracker.update(each) for each in one.detections]))
    return multi.evaluate_all(pairs).combined


print("patience  proof   MOTA   IDF1   false alarms  misses  switches  tracks")
by_dial = {}
for patience in (0, 3, 30):
    for proof in (1, 3):
        r = by_dial[patience, proof] = judged(some, patience=patience, proof=proof)
        print(
            f"{patience:8d} {proof:6d} {r.mota:6.3f} {r.idf1:6.3f} {r.clear.false_alarms:14d} "
            f"{r.clear.misses:7d} {r.switches:9d} {r.tracks:7d}"
        )

# %% [markdown]
# **Explain.** Proof filters: few false alarms come three times in a row at the same place. It costs the first
# frames of each object, which are misses. Patience keeps numbers: without it, every missed detection ends a
# track, and the next one begins another. Look at MOTA beside IDF1 from patience 3 to 30: one of them hardly
# moves. Section 5 says why.
#
# The same crowd without patience and with it, a row for each object:

# %% tags=["plot"]
stories = {}
for patience in (0, 30):
    tracker = SortTracker("kalman", size=crowd.size, patience=patience)
    stories[patience] = [tracker.update(each) for each in crowd.detections]
pieces = multi.evaluate(crowd.truth, stories[0])
plots.identities(
    crowd.truth,
    stories[0],
    title=f"Without patience: {pieces.tracks} tracks for {pieces.objects} objects",
)

# %% tags=["plot"]
whole = multi.evaluate(crowd.truth, stories[30])
plots.identities(
    crowd.truth,
    stories[30],
    title=f"With patience 30: {whole.tracks} tracks, {whole.switches} identity switches",
)

# %% [markdown]
# Thin lines are times in which nobody covers the object: it is there, and hidden. A tracker may also speak up
# about those it cannot see, and report the predicted box for a while. **Predict.** Is that a good idea?

# %%
for coast in (0, 10):
    r = judged(some, coast=coast)
    print(
        f"unseen tracks reported for {coast:2d} frames: MOTA {r.mota:.3f}, IDF1 {r.idf1:.3f}, "
        f"{r.clear.misses} misses, {r.clear.false_alarms} false alarms"
    )

# %% [markdown]
# **Explain.** It trades misses for false alarms. In these crowds the truth knows of hidden objects, and
# predictions are good for a while, so some of it pays. How long is a question about your motion model.
#
# ### Play with it
#
# One frame after the other: predictions (dashed, with a disc that holds the object with 99 %), detections
# (white), the tables of both rounds, and what was decided. Things to try:
#
# 1. In the first picture a track is found again that was hidden for long. By which table, and why not by the other?
# 2. Set patience to 0 and play. What happens at each missed detection?
# 3. Choose the motion model *none*. Who loses their number, and in which situation?
# 4. Raise the noise, then the least overlap. When does the first table pair nobody any more?

# %% tags=["explorer", "plot"]
explore("association")

# %% [markdown]
# ## 5. How good is it?
#
# Precision and recall of boxes are not enough: a tracker that shuffles all numbers in each frame would score 1.
# Three measures take numbers into account. They differ in *when* they decide whose track is whose.
#
# ### CLEAR-MOT: frame by frame
#
# In each frame, tracks and objects that overlap by half are put together; a pair that was together in the frame
# before stays together while it can. What is left over is a **miss** (FN) or a **false alarm** (FP). An object
# that is covered by another track than last time suffered an **identity switch** (IDSW). Then (Bernardin and
# Stiefelhagen, 2008)
#
# $$\mathrm{MOTA} = 1 - \frac{\sum_t (\mathrm{FN}_t + \mathrm{FP}_t + \mathrm{IDSW}_t)}{\sum_t \mathrm{GT}_t}$$
#
# ### Exercise `06-switches`


# %% tags=["exercise"]
def switches(tracks):
    """How many identity switches does an object suffer?

    `tracks` (T,) is the number of the track that covers the object in each frame, and -1 where
    none does. A switch is counted in a frame in which the covering track is another one than the
    *last time that the object was covered*, however long ago that was.
    """
    return ...


check("06-switches", switches)

# %% [markdown]
# ### Exercise `06-mota`


# %% tags=["exercise"]
def mota(objects, misses, false_alarms, switches):
    """Multiple object tracking accuracy of a clip, from what was counted in each frame.

    All are (T,) whole numbers: how many objects there were, how many of them no track covered, how
    many tracks covered nothing, and how many objects changed their track. MOTA is 1 less all
    mistakes of the clip over all objects of the clip (at least one). It may be below 0.
    """
    return ...


check("06-mota", mota)

# %% [markdown]
# ### IDF1: once for the whole clip
#
# Give each object *one* track, and each track one object, for the whole clip, such that as many boxes as possible
# are right (IDTP). All others are wrong, however well they lie (Ristani and others, 2016):
#
# $$\mathrm{IDF1} = \frac{2\,\mathrm{IDTP}}{2\,\mathrm{IDTP} + \mathrm{IDFP} + \mathrm{IDFN}}$$
#
# ### Exercise `06-idf1`


# %% tags=["exercise"]
def idf1(together, objects, tracks):
    """IDF1 of a clip, from how long each track was on each object.

    `together` (G, K) says in how many frames track k (column) covers object g (row). `objects`
    (G,) and `tracks` (K,) are the numbers of frames in which each of them has a box; at least one
    of these is above 0.

    Give each object one track at most, and each track one object at most, once for the whole clip,
    so that as many frames as possible are right: IDTP of them. Then

        IDF1 = 2 IDTP / (boxes of all objects + boxes of all tracks)
    """
    return ...


check("06-idf1", idf1)

# %% [markdown]
# ### HOTA: for each box, how much of its history is right
#
# HOTA (Luiten and others, 2021) takes every match $c$ and asks how well its object and its track agree over
# the whole clip: TPA are their matches, FNA the object's other boxes, FPA the track's. The mean over all matches is
# the association accuracy AssA; DetA is the accuracy of the boxes. Neither can be bought with the other:
#
# $$\mathrm{AssA} = \frac{1}{\mathrm{TP}} \sum_c \frac{\mathrm{TPA}(c)}{\mathrm{TPA}(c) + \mathrm{FNA}(c) + \mathrm{FPA}(c)}, \quad
# \mathrm{DetA} = \frac{\mathrm{TP}}{\mathrm{TP} + \mathrm{FN} + \mathrm{FP}}, \quad
# \mathrm{HOTA} = \sqrt{\mathrm{DetA} \cdot \mathrm{AssA}}$$
#
# All this at 19 overlaps $\alpha$ from 0.05 to 0.95, of which the mean is taken: so HOTA also asks how well
# boxes fit.

# %%
from tracklab.metrics.multi import clear, hota, identity

show(clear.Clear.mota, identity.Identity.idf1, hota.Curves.hota, docstring=False)

# %% [markdown]
# All three equal `trackeval`, the evaluator of the published tables, on random sequences and on real ones; the
# tests hold them to it.
#
# ### Where they disagree
#
# Two objects that never move, twenty frames. Each line is a tracker's story. **Predict.** Which is the worst by
# MOTA, which by IDF1, which by HOTA? Do the two *swapped* ones differ?

# %%
# NBVAL_CHECK_OUTPUT
from tracklab.tracks import Tracks, from_truth

BOTH = np.array([[0, 0, 20, 20], [60, 0, 80, 20]])


def story(numbers, off=0):
    """Tracks of both boxes, by the pair of numbers in each frame; None is a miss."""
    told = []
    for pair in numbers:
        there = [row for row in range(2) if pair[row]]
        told.append(Tracks([pair[row] for row in there], BOTH[there] + [off, 0, off, 0]))
    return told


real_story = story([(1, 2)] * 20)
tales = {
    "perfect": real_story,
    "swapped halfway": story([(1, 2)] * 10 + [(2, 1)] * 10),
    "swapped in the last frame": story([(1, 2)] * 19 + [(2, 1)]),
    "swapped in every frame": story([(1, 2), (2, 1)] * 10),
    "a new number every 5 frames": story([(t // 5 * 2 + 1, t // 5 * 2 + 2) for t in range(20)]),
    "every other frame missed": story([(1, 2), (None, None)] * 10),
    "one of the two missed": story([(1, None)] * 20),
    "boxes 5 of 20 pixels off": story([(1, 2)] * 20, off=5),
}
told = {name: multi.evaluate(real_story, tale) for name, tale in tales.items()}
print(f"{'':28} MOTA   IDF1   HOTA = sqrt(DetA * AssA)   switches")
for name, r in told.items():
    print(
        f"{name:28} {r.mota:.2f}   {r.idf1:.2f}   {r.hota:.2f}        "
        f"{r.det_a:.2f}   {r.ass_a:.2f}   {r.switches:8d}"
    )

# %% tags=["plot"]
plots.scoreboard(
    {name: {"MOTA": r.mota, "IDF1": r.idf1, "HOTA": r.hota} for name, r in told.items()},
    form="{:.2f}",
    title="Three measures, three opinions",
)

# %% [markdown]
# **Explain.** Read it line by line:
#
# - *Swapped halfway* and *swapped in the last frame* are the same to MOTA: two switches. To IDF1, one costs half of
#   everything, the other next to nothing.
# - *Swapped in every frame* is a catastrophe to MOTA. To IDF1 it is no worse than the one swap halfway: half of
#   the boxes bear the wrong number.
# - *A new number every 5 frames* is a small thing to MOTA, and the worst of all to IDF1.
# - *Every other frame missed* and *one of the two missed* are the same to MOTA and IDF1. HOTA sees that in the
#   second one everything that was found was also put together rightly.
# - *Boxes 5 pixels off* are perfect to both old measures, for an overlap of half is all that they ask. HOTA is
#   not content.
#
# So ask what you need. To count cars that pass a line, switches matter little. To say how long somebody stayed,
# the number must hold. MOTA is mostly about detection: misses and false alarms come by the hundred, switches by
# the dozen, and each counts the same. That is why it hardly moved in section 4.
#
# ## 6. Kalman against RNN
#
# Now the comparison for which all this was built. Twelve crowds that no training has seen; the same detections
# for all; one tracker, in which the motion model is swapped. `none` is the baseline: it believes that everybody
# stays where they are. The networks learned their gains on other paths of the same kinds; the Kalman filter's
# numbers were searched on the same paths. **Predict.** Order the six models by IDF1. How much will MOTA differ?

# %%
crowds = [datasets.crowd(seed=seed) for seed in range(12)]
results, speeds, followed = {}, {}, {}
for name in motion.NAMES:
    SortTracker(name, size=crowds[0].size).update(crowds[0].detections[0])  # loads what it needs
    began = time.process_time()
    followed[name] = []
    for one in crowds:
        tracker = SortTracker(name, size=one.size)
        followed[name].append([tracker.update(each) for each in one.detections])
    spent = time.process_time() - began
    speeds[name] = sum(map(len, crowds)) / spent
    pairs = [(one.truth, said) for one, said in zip(crowds, followed[name], strict=True)]
    results[name] = multi.evaluate_all(pairs)

print(f"{'':18} MOTA   IDF1   HOTA   DetA   AssA  switches  frames a CPU second")
for name, each in results.items():
    r = each.combined
    print(
        f"{name:18} {r.mota:.3f}  {r.idf1:.3f}  {r.hota:.3f}  {r.det_a:.3f}  {r.ass_a:.3f}  "
        f"{r.switches:8d}  {speeds[name]:8.0f}"
    )

# %% [markdown]
# Crowds differ more from one another than trackers do, so two means say little. The same crowd with two
# trackers says more:

# %% tags=["plot"]
by_crowd = {name: [r.idf1 for r in each.parts.values()] for name, each in results.items()}
gain = np.subtract(by_crowd["lstm"], by_crowd["kalman"])
plots.paired(
    by_crowd,
    "kalman",
    of="crowd",
    xlabel="IDF1",
    title=f"The LSTM's IDF1 is {gain.mean():+.3f} beside Kalman's, and better in {(gain > 0).sum()} of "
    f"{len(gain)} crowds",
)

# %% [markdown]
# **Explain.** Three things to see.
#
# - *Constant velocity*, the difference of the last two boxes, can be worse than no motion model at all: it
#   doubles the noise of the detections and runs away with it. A velocity has to be *estimated*. (Where boxes
#   are good, that changes. Wait for section 7.)
# - MOTA hardly tells the models apart. It cannot: the detections are the same, and they decide most of it.
# - The networks are ahead of the filter where it is about numbers. Where do they get it from?
#
# **Predict.** Take each time that an object was not covered for a while and then covered again. After 2 frames
# without a cover, after 20: how often is it the same track as before? For whom does it fall fastest?


# %%
from itertools import pairwise


def after_gaps(truth, tracks):
    """Of each gap in an object's cover: how many frames, and whether the same track came back."""
    gaps = []
    for column in multi.cover(truth, tracks).tracks.T:
        covered = np.flatnonzero(column >= 0)
        gaps += [(b - a - 1, column[a] == column[b]) for a, b in pairwise(covered)]
    return [(length, same) for length, same in gaps if length > 0]


EDGES = (1, 3, 6, 11, 21, 41)
kept_number = {}
for name in ("none", "kalman", "gru", "lstm"):
    clips_of = zip(crowds, followed[name], strict=True)
    gaps = np.array([gap for one, said in clips_of for gap in after_gaps(one.truth, said)])
    place = np.digitize(gaps[:, 0], EDGES) - 1
    inside = place < len(EDGES) - 1
    kept_number[name] = [gaps[inside & (place == k), 1].mean() for k in range(len(EDGES) - 1)]
    print(f"{name:8}", *(f"{share:7.0%}" for share in kept_number[name]))
print("gaps of ", *(f"{a:3d}-{b - 1:<3d}" for a, b in pairwise(EDGES)), "frames")

# %% tags=["plot"]
middles = [(a + b - 1) / 2 for a, b in pairwise(EDGES)]
plots.curves(
    {name: (middles, 100 * np.array(shares)) for name, shares in kept_number.items()},
    title="Two frames forgive every model; a long gap asks what it knows about motion",
    xlabel="frames without a cover",
    ylabel="% that keep their number",
    ylim=(0, 103),
    alt="Lines that fall from left to right: after gaps of one or two frames nearly all objects keep their "
    "number with every model; after long gaps far fewer, and fewest without a motion model.",
)

# %% [markdown]
# **Explain.** This is lesson 05 seen from the other end. A network that bends where objects bend, and turns at
# the wall where they turn, is nearer when they come back, and knows better how far off it is. Both decide who
# keeps a number.

# %% tags=["plot"]
plots.hota_over_alpha(
    {name: results[name].combined for name in ("none", "kalman", "lstm")},
    title="Finding is much the same; putting together is where motion models differ",
)

# %% [markdown]
# ## 7. With a real detector
#
# In a crowd, detections are as bad as we make them. Now they come from lesson 04's network, on eight scenes
# like the one at the top. Its boxes are far better than those of the crowds: nearly right where an object is in
# full view, and odd where one covers another. **Predict.** Which of the models does that help most?
#
# The Kalman filter is told how noisy detections are, by one number. Ours was tuned for noisier ones. To be fair
# to it, we measure this detector's noise on training scenes, and search its numbers again for that.

# %%
offsets = []
for seed in range(3):
    practice = crossing.render(seed=scenes.TRAIN_SEED + seed)
    truth = practice.truth
    for t, each in enumerate(shipped.detect_all(practice.frames, score=0.5)):
        free = truth.boxes[t, truth.visibility[t] > 0.95]  # in full view
        if len(each) and len(free):
            overlap = boxes.iou(each.boxes, free)
            nearest = free[overlap.argmax(1)]
            step = (boxes.centers(each.boxes) - boxes.centers(nearest)) / boxes.sizes(nearest)
            offsets.append(step[overlap.max(1) > 0.5])
noise = 1.48 * np.median(np.abs(np.concatenate(offsets)))  # of a Gaussian, its deviation
like_it = motion.observe(
    200, noise=noise, speed=(2.0, 6.0), side=(16.0, 32.0), size=(height, width), gaps=0.5
)
grid = motion.tuned(
    like_it,
    noises=(0.01, 0.02, 0.04, 0.07),
    accelerations=(0.014, 0.03, 0.06, 0.12),
    dampings=(1.0, 0.95, 0.9),
)
best = grid.best("ahead")  # where they will be in the next frame: that is what association needs
print(
    f"This detector is off by {noise:.1%} of a box's side; crowds by {datasets.crowds.NOISE:.0%}."
)
print("the filter's numbers for it:", {name: round(value, 3) for name, value in best.items()})

# %%
clips = [crossing.render(seed=scenes.TEST_SEED + 300 + k) for k in range(8)]
began = time.process_time()
unsure = [shipped.detect_all(one.frames, score=0.1) for one in clips]
detecting = time.process_time() - began
sure = [[each.above(0.5) for each in found_in] for found_in in unsure]
on_scenes, following = {}, {}
for name in (*motion.NAMES[:3], "kalman, tuned", *motion.NAMES[3:]):
    pairs = []
    began = time.process_time()
    for one, each in zip(clips, sure, strict=True):
        if name == "kalman, tuned":
            tracker = SortTracker(motion.Kalman((height, width), **best))
        else:
            tracker = SortTracker(name, size=(height, width))
        pairs.append((one.truth, [tracker.update(now) for now in each]))
    following[name] = time.process_time() - began
    on_scenes[name] = multi.evaluate_all(pairs)

print(f"{'':18} MOTA   IDF1   HOTA  switches  tracks (objects: ", end="")
print(f"{on_scenes['none'].combined.objects})")
for name, each in on_scenes.items():
    r = each.combined
    print(f"{name:18} {r.mota:.3f}  {r.idf1:.3f}  {r.hota:.3f}  {r.switches:8d}  {r.tracks:6d}")
a_frame = 1000 / sum(map(len, clips))
print(f"CPU ms a frame: detecting {detecting * a_frame:.1f}, ", end="")
print(
    f"tracking {min(following.values()) * a_frame:.1f} to {max(following.values()) * a_frame:.1f}"
)

# %% tags=["plot"]
by_scene = {name: [r.idf1 for r in each.parts.values()] for name, each in on_scenes.items()}
more = np.subtract(by_scene["lstm"], by_scene["kalman, tuned"])
plots.paired(
    by_scene,
    "kalman, tuned",
    of="scene",
    xlabel="IDF1",
    title=f"Beside a filter tuned to this detector, the LSTM's IDF1 is {more.mean():+.3f}",
)

# %% [markdown]
# **Explain.** Good boxes turn the order round. The difference of two good boxes *is* the velocity, so constant
# velocity is good here. The filter that expects noisy boxes follows fast objects too slowly, and loses them;
# told the truth about the noise, it is among the best. The networks were trained on detections of many
# qualities, and nobody told them which one this is: they see it in how their own predictions fail. Look at the
# spread before you call one of the best the winner. And beside a detector, tracking costs next to
# nothing, whatever moves it.
#
# ### What a low score is good for
#
# A threshold on the score is one more birth rule in disguise. ByteTrack (Zhang and others, 2022) keeps the
# unsure detections: they may *continue* a track, which knows that something should be there, and may not
# *begin* one. Our tracker has its idea in one option, `birth`. **Predict.** All detections from a score of 0.1
# on: does that help?

# %%
for name, low, birth in (
    ("0.5 for everything", 0.5, None),
    ("0.1 for everything", 0.1, None),
    ("0.1 to continue, 0.5 to begin", 0.1, 0.5),
):
    pairs = []
    for one, each in zip(clips, unsure, strict=True):
        tracker = SortTracker("lstm", size=(height, width), birth=birth)
        pairs.append((one.truth, [tracker.update(now.above(low)) for now in each]))
    r = multi.evaluate_all(pairs).combined
    print(
        f"score {name:30} MOTA {r.mota:.3f}  IDF1 {r.idf1:.3f}  HOTA {r.hota:.3f}  "
        f"{r.clear.misses} misses, {r.clear.false_alarms} false alarms, {r.switches} switches"
    )

# %% [markdown]
# **Explain.** Unsure detections fill gaps and bring false alarms; not letting them begin a track keeps most of
# the false alarms out. Some of them lie on the wrong object, and lead its track astray. ByteTrack offers them
# in a round of their own, after the sure ones have chosen; ours has one round for all.
#
# ## 8. Real sequences (optional)
#
# MOTChallenge's folders hold images, the public detections of some detector (`det.txt`), and the truth. Name a
# folder that holds one or several, or put them where `TRACKLAB_SHARED` says. Only numbers are shown here; the
# images are other people's.

# %%
import os
from pathlib import Path

import tracklab
from tracklab.detections import Detections

folder = None  # "path/to/MOT15/train"

near = Path(tracklab.__file__).resolve().parents[2] / "shared" / "data"
folder = Path(folder or Path(os.environ.get("TRACKLAB_SHARED", near)) / "mot")
on_real = {}
for path in sorted(one.parent.parent for one in folder.glob("*/det/det.txt")):
    sequence = tracklab.read_clip(path)
    public = [Detections.from_rows(rows) for rows in sequence.detections]
    print(f"{path.name}: {len(sequence)} frames, {sum(map(len, public)):,} public detections")
    print(f"{'':18} MOTA   IDF1   HOTA  switches  misses  false alarms")
    for name in motion.NAMES:
        tracker = SortTracker(name, size=sequence.frames[0].shape[:2])
        r = multi.evaluate(sequence.truth, [tracker.update(each) for each in public])
        on_real[path.name, name] = r
        print(
            f"{name:18} {r.mota:.3f}  {r.idf1:.3f}  {r.hota:.3f}  {r.switches:8d}  "
            f"{r.clear.misses:6d}  {r.clear.false_alarms:12d}"
        )
if not on_real:
    print("No MOTChallenge sequences at hand: nothing to measure here.")

# %% [markdown]
# **Explain.** Where there are numbers above, look at the misses first: what the public detector does not find,
# no tracker can follow, and that alone keeps MOTA low for all of them. People on foot seen from a street do not
# move like our drawn paths, and the camera may move with them. The networks have never seen any of it. One or
# two short sequences say little about which model is better; they do say whether something broke on the way
# from drawn scenes to the street.
#
# ## 9. What tracks are for
#
# Numbers that hold make questions easy that detections cannot answer. **Predict.** In the clip at the top,
# detections come by the hundred. How many *different* objects does the detector see? How many does the tracker?

# %%
counted = counting.count_errors(clip.truth, tracks)
print(f"{sum(map(len, found))} detections, {counted.tracks} tracks, {counted.truth} objects")
print(f"in each frame {counted.bias:+.2f} on average; exact in {counted.exact:.0%} of the frames")
print("(hidden ones are there, and not reported)")

# %% [markdown]
# How fast was each one, and how long in the left half of the picture? A **journey** is one number's way through
# the clip. To compare, each track gets the object that it covers most:

# %%
left_half = [0, 0, width / 2, height]
owners = multi.cover(clip.truth, tracks)
own = {one.id: one for one in counting.journeys(clip.truth, clip.fps, region=left_half)}
print("track  object   px a second (true)   seconds at the left (true)")
speed_off, dwell_off = [], []
for one in counting.journeys(tracks, clip.fps, region=left_half):
    object_ = owners.objects[(owners.tracks == one.id).sum(0).argmax()]
    true = own[int(object_)]
    speed_off.append(one.speed_per_second / true.speed_per_second - 1)
    dwell_off.append(one.seconds - true.seconds)
    print(
        f"{one.id:5d} {object_:7d} {one.speed_per_second:10.1f} ({true.speed_per_second:.1f})"
        f"{one.seconds:18.2f} ({true.seconds:.2f})"
    )
print(
    f"off by {np.mean(np.abs(speed_off)):.0%} in speed and {np.mean(np.abs(dwell_off)):.2f} s in "
    "dwell time, on average"
)

# %% [markdown]
# (The speed is the length of the path by its time. A box that trembles lengthens its path, so noisy tracks look
# fast.)
#
# ### A file that others read
#
# MOTChallenge's text is what evaluators and annotation tools expect. A row is
# `frame, id, x, y, w, h, score, -1, -1, -1`, with frames and pixels counted **from 1**. Inside tracklab both
# count from 0; the conversion happens at this door, once.

# %%
import tempfile

from tracklab import video

with tempfile.TemporaryDirectory() as place:
    path = video.write_tracks(Path(place) / "crossing.txt", tracks)
    lines = path.read_text().splitlines()
    again = video.read_tracks(path, len(clip))
print(*lines[:3], "...", sep="\n")
same = all(
    np.array_equal(a.ids, b.ids) and np.allclose(a.boxes, b.boxes, atol=1e-4)
    for a, b in zip(tracks, again, strict=True)
)
print(f"{len(lines)} rows; read back, they are the same: {same}")
assert same

# %% [markdown]
# ## 10. The gate
#
# What you have measured, beside the baseline without a motion model. The cell stops with an error if the
# margins are not there.

# %% tags=["gate"]
from IPython.display import Markdown

rows = [
    "| motion model | MOTA | IDF1 | HOTA | switches | frames a CPU second | IDF1, detector's boxes |",
    "|---|---|---|---|---|---|---|",
]
for name, each in results.items():
    r = each.combined
    rows.append(
        f"| {name} | {r.mota:.3f} | {r.idf1:.3f} | {r.hota:.3f} | {r.switches} | {speeds[name]:.0f} "
        f"| {on_scenes[name].combined.idf1:.3f} |"
    )
perfect = multi.evaluate(clip.truth, from_truth(clip.truth))
assert perfect.mota == perfect.idf1 == 1
assert abs(perfect.hota - 1) < 1e-9
assert told["swapped halfway"].mota == told["swapped in the last frame"].mota
assert told["swapped halfway"].idf1 < told["swapped in the last frame"].idf1 - 0.4
assert min(lost_gain) >= -1e-6  # greedy is never better
assert by_dial[30, 3].idf1 > by_dial[0, 3].idf1 + 0.3
assert by_dial[30, 3].clear.false_alarms < by_dial[30, 1].clear.false_alarms
score = {name: each.combined.idf1 for name, each in results.items()}
assert score["kalman"] > score["none"] + 0.04
assert min(score[name] for name in motion.LEARNED) > score["none"] + 0.04
assert results["lstm"].combined.switches < results["none"].combined.switches
assert score["constant velocity"] < score["kalman"] - 0.04  # noisy boxes
on_good_boxes = {name: each.combined.idf1 for name, each in on_scenes.items()}
assert on_good_boxes["constant velocity"] > on_good_boxes["kalman"] + 0.04
assert on_good_boxes["kalman, tuned"] > on_good_boxes["kalman"] + 0.04
assert on_good_boxes["lstm"] > on_good_boxes["none"] + 0.08
Markdown("\n".join([*rows, "", "All margins are there."]))

# %% [markdown]
# ## Summary
#
# - Tracking by detection: **predict, associate, correct, births and deaths**. The motion model is a part that
#   can be swapped.
# - Association wants the largest sum of overlaps **within a gate**; the gate is shut before the assignment.
#   Greedy differs in the thick of a crowd only.
# - After a gap, overlap finds nothing. **Distance in standard deviations** does, if the model knows how far off
#   it may be.
# - **Proof** keeps false alarms out and costs the first frames; **patience** keeps numbers and risks confusion.
# - **MOTA** counts mistakes frame by frame, and is mostly about detection. **IDF1** decides once for the clip,
#   and is about numbers. **HOTA** balances finding and putting together, and asks how well boxes fit.
# - A velocity is worth what its estimate is worth. With noisy boxes, differences do harm, the Kalman filter
#   helps, and gains chosen by a network help more. With good boxes, the difference is good, and a filter must
#   be told so.
# - Compare **pair by pair** on the same clips, and show the spread.
# - Tracks count, measure speeds, and time. Their file counts from 1.
#
# ## Common misconceptions
#
# - *"The tracker finds what the detector misses."* It bridges gaps. What is never detected is never followed.
# - *"MOTA is the tracking score."* A tracker that loses every number at each occlusion can have a high one.
# - *"Few identity switches: it keeps identities well."* Or it covers little: who is not covered cannot switch.
#   Read IDSW beside recall.
# - *"IDF1 counts switches."* It counts boxes under the right number. One switch in the middle costs more than
#   ten that undo one another.
# - *"Assign first, gate afterwards: the same."* A pair that is thrown away has taken two places.
# - *"More patience is always better."* A track that waits for long takes a stranger for its own. And its gate
#   grows all the while.
# - *"A network beats a Kalman filter."* Beside a filter that was tuned to the detector, the gap is small. Tune
#   the baseline before you beat it.
# - *"The class tells who is who."* It helps where classes differ. In a street, they are all pedestrians.
#
# ## Quiz
#
# **1.** You buy a better detector: twice as precise boxes, the same recall. MOTA does not change. Is it useless?
#
# <details><summary>Answer</summary>
#
# No. MOTA asks for an overlap of half, which the old boxes had. HOTA will rise at once, for it asks for better
# boxes, too. And with less noise, velocities are better, so predictions are nearer after a gap: IDF1 may rise
# as well, if the motion model is told (or sees) that it may trust the boxes now.
#
# </details>
#
# **2.** A shop counts visitors by the number of different tracks in a day. It finds twice as many as the
# doorman. IDF1 is 0.6, and there are few false alarms. What happens, and which dials would you turn?
#
# <details><summary>Answer</summary>
#
# Each visitor has two numbers on average: tracks break behind shelves and other people. More patience, and a
# motion model that is nearer after a gap; a wider second gate; at last, appearance. Proof does not help, for
# the second tracks are of real people. Beware of the cure, too: a track that jumps to another visitor makes the
# count right and the identities wrong. Count switches beside tracks.
#
# </details>
#
# ## Further reading
#
# - A. Bewley, Z. Ge, L. Ott, F. Ramos, B. Upcroft. *Simple online and realtime tracking.* ICIP 2016. SORT.
# - N. Wojke, A. Bewley, D. Paulus. *Simple online and realtime tracking with a deep association metric.* ICIP
#   2017. The motion gate, and appearance.
# - Y. Zhang, P. Sun, Y. Jiang, D. Yu, F. Weng, Z. Yuan, P. Luo, W. Liu, X. Wang. *ByteTrack: multi-object
#   tracking by associating every detection box.* ECCV 2022. What unsure detections are good for.
# - H. W. Kuhn. *The Hungarian method for the assignment problem.* Naval Research Logistics Quarterly 2, 1955.
# - K. Bernardin, R. Stiefelhagen. *Evaluating multiple object tracking performance: the CLEAR MOT metrics.*
#   EURASIP Journal on Image and Video Processing, 2008. MOTA, MOTP.
# - E. Ristani, F. Solera, R. Zou, R. Cucchiara, C. Tomasi. *Performance measures and a data set for
#   multi-target, multi-camera tracking.* ECCV Workshops 2016. IDF1.
# - J. Luiten, A. Ošep, P. Dendorfer, P. Torr, A. Geiger, L. Leal-Taixé, B. Leibe. *HOTA: a higher order metric
#   for evaluating multi-object tracking.* International Journal of Computer Vision 129, 2021.
# - L. Leal-Taixé, A. Milan, I. Reid, S. Roth, K. Schindler. *MOTChallenge 2015: towards a benchmark for
#   multi-target tracking.* arXiv:1504.01942, 2015. The sequences, the public detections, the file.
