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
#     title: Follow that object
#     objectives:
#     - text: say what a tracker gives, and turn its boxes into a speed in pixels a second
#       exercise: 00-speed
#     - text: measure the path of an object, also where it went unseen for a while
#       exercise: 00-path
#     - text: say what tracking adds to detection, and continue a track among several detections
#       exercise: 00-follow
#     builds_on: []
#     minutes: 45
#     seconds: 60
#     measures:
#     - how far a simple tracker's velocity is from the truth, in pixels a frame and pixels a second
#     - mean overlap of finding the object anew in every frame, and of tracking it, on the same clips
#     - mean overlap of the simple tracker for each difficulty, and which one breaks it
#     - mean overlap of the simple tracker against a box that stays where it is
# ---

# %% [markdown]
# # 00 Follow that object
#
# Run the next cell (`Shift + Enter`). A few lines follow an object through a clip: behind pillars,
# past a look-alike, through stops and starts. By the end of this lesson you know what those lines
# do, how to say *how well* they do it, and what makes them fail. The rest of the course is about
# doing better.
#
# **Objectives.** After this lesson you can
#
# - say what a tracker gives, and turn its boxes into a speed in pixels a second (`00-speed`)
# - measure the path of an object, also where it went unseen for a while (`00-path`)
# - say what tracking adds to detection, and continue a track among several detections
#   (`00-follow`)
#
# **Builds on** nothing but a little Python and NumPy.
#
# **Time.** 45 minutes to read and work; runs in under 60 seconds on two cores.
#
# **You will have measured**
#
# - how far a simple tracker's velocity is from the truth, in pixels a frame and pixels a second
# - mean overlap of finding the object anew in every frame, and of tracking it, on the same clips
# - mean overlap of the simple tracker for each difficulty, and which one breaks it
# - mean overlap of the simple tracker against a box that stays where it is

# %% tags=["setup", "hook"]
from tracklab import scenes, trackers
from tracklab.show import play

scene = {"motion": "stop-and-go", "speed": (3, 5), "occlusion": 0.3, "distractors": 0.2}
clip = scenes.render(seed=21, frames=75, size=(180, 320), objects=1, clutter=0.3, **scene)

tracker = trackers.create("template")
track = trackers.run(tracker, clip, box=clip.truth.boxes[0, 0])  # told the first box, no more

play(clip, track.boxes, trails=40, labels="tracker", title="A box, a path, and no network")

# %% [markdown]
# ## 1. What is tracking?
#
# **Tracking** is to find an object's **path and speed** in a video. You point at an object once, in
# the first frame. From then on the tracker answers, frame after frame, three questions:
#
# - **Where is it?** A *box* around it: `x1, y1, x2, y2`, the upper left corner and the lower right
#   one, in pixels. x goes to the right, y goes **down**.
# - **How fast does it move, and in which direction?** A *velocity*: how many pixels the middle of
#   the box moves from one frame to the next, to the right and down.
# - **How sure is the tracker?** A *score*, from 0 (not seen) to 1.
#
# All the boxes together are the object's *track*.
#
# **Predict.** The clip has 75 frames. What are the shapes of the clip's frames, of the track's boxes,
# and of its velocities?

# %%
# NBVAL_CHECK_OUTPUT
print("frames    ", clip.frames.shape, clip.frames.dtype)
print("boxes     ", track.boxes.shape, track.boxes.dtype)
print("velocities", track.velocities.shape)
print("scores    ", track.scores.shape)
print("frames a second:", clip.fps)

# %% [markdown]
# **Explain.** A clip is `(T, H, W, 3)`: frames, rows, columns, and red, green, blue, each a byte from
# 0 to 255. Each frame has one box of four numbers, one velocity of two, and one score.
#
# The clip is *rendered*: tracklab drew it, so it knows exactly where everything is. This knowledge
# is called the **truth**, `clip.truth`. The tracker never sees it. We use it to judge.
#
# ### The path
#
# The *path* is the line through the middles of the boxes.
#
# **Predict.** Behind the pillars the object is partly hidden. Will the tracker's path break off
# there?

# %%
from tracklab import boxes, plots

plots.paths(
    clip.frames[0],
    {"truth": clip.truth.boxes[:, 0], "tracker": track.boxes},
    title="The tracker's path lies on the true one, behind the pillars too",
    alt="The first frame of the clip with two paths over it, the truth and the tracker's, which "
    "lie on each other from the start to the end.",
    width=6.0,
)

# %% [markdown]
# **Explain.** A part of the object still shows, and it still looks like the object. Where too little
# shows, this tracker lets the box go on with its last velocity. That is already the idea behind
# lesson 05: *what moves, keeps moving*.
#
# ### How good is a box?
#
# Lay the tracker's box on the true one. The area that both cover, divided by the area that at least
# one of them covers, is their **overlap**, or **IoU** (intersection over union): 1 for the same
# box, 0 for boxes that do not touch.
#
# $$\mathrm{IoU}(a, b) = \frac{|a \cap b|}{|a \cup b|}$$
#
# **Predict.** A box of 40 x 40 pixels is 5 pixels too far to the right. Nearly right? What is its
# IoU?

# %%
# NBVAL_CHECK_OUTPUT
true_box = [[100, 100, 140, 140]]
for shift in (0, 5, 10, 20, 40):
    shifted = [[100 + shift, 100, 140 + shift, 140]]
    print(f"{shift:2} pixels off: IoU {boxes.iou(true_box, shifted)[0, 0]:.2f}")

# %% [markdown]
# **Explain.** Overlap falls fast: a box that is an eighth of its width off shares 35 columns of the
# 45 that the two cover together. An IoU above 0.5 is commonly called a hit.
#
# Here is the overlap in each frame, and how much of the object was to be seen.

# %%
import numpy as np


def overlaps(predicted, clip):
    """IoU `(T,)` of predicted boxes `(T, 4)` with the clip's object; NaN where it is absent."""
    inside = boxes.clip(predicted, *clip.size)  # the truth ends at the edge of the frame, too
    values = np.diag(boxes.iou(inside, clip.truth.boxes[:, 0]))
    return np.where(clip.truth.present[:, 0], values, np.nan)


found = overlaps(track.boxes, clip)
seconds = np.arange(len(clip)) / clip.fps
plots.curves(
    {
        "overlap (IoU)": (seconds, found),
        "tracker's score": (seconds, track.scores),
        "visible share": (seconds, clip.truth.visibility[:, 0]),
    },
    title=f"Half hidden is not lost: mean overlap {np.nanmean(found):.2f}, "
    f"least {np.nanmin(found):.2f}",
    xlabel="time (seconds)",
    ylabel="share, 0 to 1",
    ylim=(0, 1.05),
    alt="Three curves over three seconds: the overlap stays high throughout, while the visible "
    "share of the object and with it the tracker's score dip at each pillar.",
)

# %% [markdown]
# ### The speed
#
# Velocity in the truth and from the tracker is in **pixels a frame**. A frame lasts `1 / fps`
# seconds, so
#
# $$\text{pixels a second} = \text{pixels a frame} \times \text{frames a second}.$$
#
# **Predict.** Take only every second frame of the clip. What happens to the speed in pixels a frame?
# And in pixels a second?

# %%
half = clip[::2]  # every second frame, with its truth


def mean_speed(clip):
    """Mean length of the velocity in pixels a frame, without the first frame."""
    return np.nanmean(np.hypot(*clip.truth.velocities[1:, 0].T))


for name, one in (("every frame", clip), ("every second frame", half)):
    speed_a_frame = mean_speed(one)
    print(
        f"{name:18}  {one.fps:4.1f} frames/s  {speed_a_frame:.2f} px/frame"
        f"  {speed_a_frame * one.fps:5.1f} px/s"
    )

# %% [markdown]
# **Explain.** Pixels a *frame* is how far the tracker must look. Film with more frames a second, and
# it gets easier. Pixels a *second* belongs to the object and its camera, however often you look.
# Neither is metres a second: that also takes the distance and the lens.
#
# Speed is the length of the velocity, $|v| = \sqrt{v_x^2 + v_y^2}$. The simplest estimate takes the
# difference of two neighbouring boxes. Our tracker averages: in each frame its velocity goes half of
# the way to the new difference.
#
# **Predict.** Our object drives, stops, and drives on. Which of the two estimates is nearer to the
# truth? What happens to each where the box is off by a few pixels for a moment?

# %%
true_speed = np.hypot(*clip.truth.velocities[:, 0].T) * clip.fps
steps = np.diff(boxes.centers(track.boxes), axis=0)
raw_speed = np.r_[np.nan, np.hypot(*steps.T)] * clip.fps
smooth_speed = np.hypot(*track.velocities.T) * clip.fps

plots.curves(
    {
        "tracker's velocity": (seconds, smooth_speed),
        "difference of two boxes": (seconds, raw_speed),
        "truth": (seconds, true_speed),  # last, and so on top
    },
    title="An average is late at every stop; a difference jumps where the box does",
    xlabel="time (seconds)",
    ylabel="speed (pixels a second)",
    alt="Three curves of speed over time. The true one switches between standing "
    "still and its top speed; the difference of boxes follows it at once, with a few high peaks; "
    "the tracker's own velocity has lower peaks and comes later at each start and stop.",
)

# %% [markdown]
# **Explain.** Where the true speed dips for a single frame, the object bounces off an edge: between two
# frames it goes there and back, so it gets less far.

# %% [markdown]
# In numbers: how far the estimated velocity is from the true one. A rendered clip is kind, though:
# the tracker's boxes are mostly good to a fraction of a pixel. A detector's boxes are off by pixels,
# each in its own way. So the second half adds such an error to each box.
#
# **Predict.** Each coordinate is off by about 2 pixels, at random. How far off is the difference of
# two boxes?


# %%
def rmse(values, truth):
    """Root of the mean squared length of the error, of vectors `(T, 2)`."""
    return np.sqrt(np.nanmean(((values - truth) ** 2).sum(-1)))


def average(steps, rate=0.5):
    """What the tracker does: v goes `rate` of the way to each new step."""
    v, found = np.zeros(2), []
    for step in steps:
        v = v + rate * (step - v)
        found.append(v)
    return np.array(found)


true_velocity = clip.truth.velocities[1:, 0]
jitter = np.random.default_rng(0).normal(0, 2, (len(clip), 2))  # pixels
noisy_steps = np.diff(boxes.centers(track.boxes) + jitter, axis=0)
errors = {
    "it stands still": rmse(np.zeros_like(steps), true_velocity),
    "difference, the tracker's boxes": rmse(steps, true_velocity),
    "average, the tracker's boxes": rmse(average(steps), true_velocity),
    "difference, boxes 2 px off": rmse(noisy_steps, true_velocity),
    "average, boxes 2 px off": rmse(average(noisy_steps), true_velocity),
}
for name, error in errors.items():
    print(f"{name:32} {error:.2f} px/frame = {error * clip.fps:5.1f} px/s off (RMSE)")

# %% [markdown]
# **Explain.** With good boxes the plain difference wins: the average is late at every start and stop.
# With boxes that shake, the average wins. Independent errors add up by their squares: x and y are
# each 2 pixels off, in each of two boxes, so the difference is off by $\sqrt{4 \cdot 2^2} = 4$ pixels
# *a frame*, near what you see. An average takes about half of that out. How to be calm **and** quick
# is what Kalman filters and recurrent networks are for (lesson 05).
#
# ### How exercises work
#
# You write a function, `check` looks at what it *does*. Below is an answer that is wrong on purpose.
#
# **Predict.** What does it forget?


# %% tags=["wrong-answer"]
from tracklab.exercises import check, hint


def first_try(box, later_box, frame, later_frame, fps):
    """How fast the object moves, in pixels a second."""
    dx, dy = boxes.centers(later_box) - boxes.centers(box)
    return np.hypot(dx, dy) * fps


check("00-speed", first_try)

# %% [markdown]
# `check` looked for the smallest example on which the answer is wrong, and drew it. When you are
# stuck, ask for a hint; each one says a little more.

# %%
hint("00-speed", 1)

# %% [markdown]
# When you have tried, or given up, `from tracklab.exercises import solution` and
# `solution("00-speed")` show the reference. Any function that does the same is right.
#
# ### Exercise `00-speed`
#
# Now yours. The two frames need not be neighbours.


# %% tags=["exercise"]
def speed(box, later_box, frame, later_frame, fps):
    """How fast the object moves, in pixels a second.

    `box` is where it is in frame number `frame`, `later_box` where it is in `later_frame`, each as
    x1, y1, x2, y2. The clip has `fps` frames a second.
    """
    return ...


check("00-speed", speed)

# %% [markdown]
# ### Exercise `00-path`
#
# How *long* is a path? Where the object was not seen, its box is four NaNs ("not a number"), and the
# path goes straight across the gap.


# %% tags=["exercise"]
def path(track):
    """How long the object's path is, in pixels.

    `track` has one box a frame, shape (T, 4). In a frame where the object was not seen, the box
    is four NaNs: the path goes straight from where it was last seen to where it is seen again.
    """
    return ...


check("00-path", path)

# %% [markdown]
# ## 2. Detection is not tracking
#
# **Detection** looks at one picture and says: *there is such a thing, here*. **Tracking** says: *this
# is the same one as before*. The difference is **identity**, and it takes memory.
#
# To see it, here is a search without memory. It cuts a small picture of the object out of the first
# frame, the *template*, and in every frame takes the place that looks most like it, wherever it is.

# %%
from tracklab.trackers.template import correlation


def best_match_in_each_frame(clip, box):
    """The most similar place in each frame, on its own: a detector that remembers nothing."""
    x1, y1, x2, y2 = np.rint(box).astype(int)
    template = clip.frames[0][y1:y2, x1:x2]
    found = []
    for frame in clip.frames:
        response = correlation(frame, template)  # how alike, at every place; 1 is equal
        row, column = np.unravel_index(response.argmax(), response.shape)
        found.append([column, row, column + x2 - x1, row + y2 - y1])
    return np.array(found, np.float32)


# %% [markdown]
# Likeness is measured by **normalised cross-correlation**. Take the mean off the template $t$ and off
# the piece of picture $f$ under it, multiply pixel by pixel, add up, divide by both lengths:

# %%
from tracklab.show import show
from tracklab.trackers import template as matching

show(matching.written_out_correlation, docstring=False)

# %% [markdown]
# That is the definition, and slow. The tracker uses OpenCV's fast version; they agree:

# %%
# NBVAL_CHECK_OUTPUT
window, piece = clip.frames[0][:60, :80], clip.frames[0][20:40, 30:55]
slow = matching.written_out_correlation(window, piece)
fast = matching.correlation(window, piece)
print("one answer for every place:", slow.shape)
print("largest difference below 0.0001:", bool(np.abs(slow - fast).max() < 1e-4))
print("best place (row, column):", tuple(map(int, np.unravel_index(fast.argmax(), fast.shape))))

# %% [markdown]
# **The tracker** uses the same likeness, but it has a memory: it looks only around the place to which
# the last velocity leads, and a place farther off must look better to win.
#
# The next clip has one object, and others that look just like it.
#
# **Predict.** What will the box of the search without memory do?

# %%
alike = scenes.render(seed=11, frames=60, size=(128, 160), objects=1, distractors=0.3)
first_box = alike.truth.boxes[0, 0]
matched = best_match_in_each_frame(alike, first_box)
tracked = trackers.run("template", alike, first_box).boxes

play(
    alike,
    {"tracker": tracked, "best match": matched},
    width=480,
    title="One remembers, one does not",
    alt="A clip with several objects that look alike. The tracker's box stays on one of them; the "
    "best match of each frame jumps from one look-alike to another.",
)

# %% [markdown]
# One clip can be luck. Here are twenty, with seeds 0 to 19. A *jump* is a step of more than 20 pixels
# from one frame to the next.

# %%
sums = {"best match of each frame": [], "tracker": [], "the box stays": []}
jumps = dict.fromkeys(sums, 0)
for seed in range(20):
    one = scenes.render(seed=seed, frames=60, size=(128, 160), objects=1, distractors=0.3)
    start = one.truth.boxes[0, 0]
    answers = {
        "best match of each frame": best_match_in_each_frame(one, start),
        "tracker": trackers.run("template", one, start).boxes,
        "the box stays": trackers.run("still", one, start).boxes,
    }
    for name, predicted in answers.items():
        sums[name].append(np.nanmean(overlaps(predicted, one)))
        moved = np.hypot(*np.diff(boxes.centers(predicted), axis=0).T)
        jumps[name] += int((moved > 20).sum())
with_look_alikes = {name: float(np.mean(values)) for name, values in sums.items()}
for name, mean in with_look_alikes.items():
    print(f"{name:26} mean overlap {mean:.2f}   jumps in 20 clips: {jumps[name]}")

# %% [markdown]
# **Explain.** The search without memory is not wrong about any single picture: what it finds *does*
# look like the object. It cannot know which of the two it was following. The tracker can, because
# an object cannot be here now and over there a twenty-fifth of a second later. It can be fooled,
# too: let a look-alike pass close by.
#
# Detection and tracking need each other. In lesson 06 a detector finds *all* objects in each frame,
# and the tracker decides which detection continues which track.
#
# ### Exercise `00-follow`
#
# Make that decision, for one object: of all detections in the new frame, which is the one that was
# in `box` a frame ago? None, if all are too far off.


# %% tags=["exercise"]
def follow(box, detections, reach):
    """Say which of the detections is the object that was in `box` one frame ago.

    `detections` are the boxes of the new frame, shape (N, 4); N may be 0. Answer with the number
    of the one whose centre is nearest to the centre of `box`, or -1 if none is within `reach`
    pixels: then the object is lost.
    """
    return ...


check("00-follow", follow)

# %% [markdown]
# ## 3. Look over its shoulder
#
# Explorers let you try things out. This one shows the tracker at work: at the left the frame, with
# the part that is searched in white; at the right how much each place looks like the template; below,
# the overlap over time. Move the sliders, or press Tab and use the arrow keys.
#
# 1. Play it. In which frame does the overlap fall? Go there: what does the response look like, and
#    what brings the tracker back?
# 2. Set the strength to 0, then to 1.
# 3. Choose *distractors*. When the box is on the wrong object, what does the score say?
# 4. Choose *noise* at 0.7, then at 1. Hard for you; for the tracker?

# %% tags=["explorer"]
from tracklab import explore

explore("follow")

# %% [markdown]
# **Explain.** Where too little of the object shows, nothing in the response stands out, the score falls,
# and the box goes on with its last velocity. When the object shows again inside the searched part,
# the response has its peak again. The more is hidden, the longer the guess has to be good.
#
# A high score does not mean that the tracker is right. It means that what is in the box looks like the
# template, and a look-alike does, too. And noise averages out over the many pixels of a template, until
# there is so much of it that the template itself is little but noise.
#
# ### Your own box
#
# Drag the box to something else in the picture, or draw a new one (by keyboard: Tab, then the
# arrows). Then run the cell below it. What can be followed, and what cannot?

# %% tags=["explorer"]
from tracklab.explorers import BoxCanvas

many = scenes.render(seed=5, frames=60, size=(160, 240), objects=4)
canvas = BoxCanvas(
    many.frames[0],
    many.truth.boxes[0, :1].tolist(),
    labels=["follow this"],
    draw_new=True,
    alt="The first frame of a clip with four objects, and a box around one of them.",
)
canvas

# %%
chosen = canvas.as_array()[-1]
followed = trackers.run("template", many, chosen).boxes
play(many, followed, trails=30, width=480, title="What you pointed at")

# %% [markdown]
# ## 4. Where tracking fails
#
# Whoever compares trackers wants to know *what* makes them fail. The OTB benchmark (Wu, Lim, Yang,
# 2015) names the difficulties of real videos: occlusion, changes of size and light, blur, and so
# on. In tracklab's scenes most of them are a **dial** from 0 to 1, with a few more of our own. Turn
# them and look:

# %% tags=["explorer"]
explore("scene", objects=3)

# %% [markdown]
# **Predict.** Which three dials hurt our tracker most? Which do not matter to it? Write your guess
# down before you run the next cell. It takes the tracker through three clips for each dial, turned
# to 0.7, and nothing else.

# %%
difficulties = ["plain", *scenes.DIALS]
by_dial = {}
for name in difficulties:
    by_dial[name] = []
    for variant in scenes.STANDARD[name].variants(3):
        one = variant.render()
        by_dial[name].append(float(np.nanmean(overlaps(trackers.run("template", one).boxes, one))))

ranked = dict(sorted(by_dial.items(), key=lambda item: np.mean(item[1])))
worst, *others = ranked
plots.bars(
    {name.replace("_", " "): values for name, values in ranked.items()},
    title=f"Most harm: {worst.replace('_', ' ')}, then {others[0].replace('_', ' ')} "
    f"and {others[1].replace('_', ' ')}",
    xlabel="mean overlap with the truth (IoU); dots: three clips",
    form="{:.2f}",
    alt="Mean overlap of the tracker by difficulty, the lowest first: "
    + ", ".join(f"{name.replace('_', ' ')} {np.mean(v):.2f}" for name, v in ranked.items()),
)

# %%
from IPython.display import Markdown

meaning = {name: dial.description for name, dial in scenes.DIALS.items()}
rows = [
    f"| {name.replace('_', ' ')} | {meaning.get(name, 'no dial turned')} | {np.mean(v):.2f} "
    f"| {min(v):.2f} |"
    for name, v in ranked.items()
]
header = "| difficulty | what it is | mean overlap | worst clip |\n|---|---|---|---|\n"
Markdown(header + "\n".join(rows))

# %% [markdown]
# **Explain.** Light and contrast do not matter: normalised correlation takes the mean off and divides
# by the contrast, so it does not see them. Noise, blur and low resolution hardly matter at this
# strength: they average out over the many pixels of a template. A camera that moves does not matter:
# seen from the picture, it is only one more motion. An object out of view costs little *in this
# number*, because frames without it are not counted. What breaks this tracker is what its idea has
# no answer to:
#
# - **hiding**: it knows the last velocity, and nothing else about motion;
# - **turning and changing size**: a template is a picture, and pictures do not turn;
# - **look-alikes**, moving ones (distractors) or still ones (clutter): it knows how the object looks,
#   not what makes it different from others. Look at the dots: one clip in which it is fooled, and
#   others that it does not even notice.
#
# Each of these has a lesson.

# %%
from pathlib import Path

course = [
    ("00", "Follow that object", "What is tracking, and when does it fail?"),
    ("01", "Images and convolutions", "What is the response map made of?"),
    ("02", "A CNN classifier", "How does a network learn what objects look like?"),
    ("03", "Boxes, anchors, suppression", "How good is a box, and which of many to keep?"),
    ("04", "A detector", "Where are all the objects, without being told?"),
    ("05", "Motion: path and speed", "Where will it be when it is *hidden*?"),
    ("06", "Tracking many", "Which one is which, among *look-alikes* that cross?"),
    ("07", "Tracking one", "What if it *turns* and *changes size*?"),
    ("08", "Augmentation", "How to learn more from the same pictures?"),
    ("09", "First-order optimizers", "How does learning go downhill?"),
    ("10", "Second-order optimizers", "And when does the curvature help?"),
    ("11", "Looking inside", "What does a network look at?"),
    ("12", "Small and fast", "How to run it on less?"),
    ("13", "Your own video", "Does it work on yours?"),
]
rows = []
for number, title, question in course:
    (file,) = Path.cwd().glob(f"{number}_*.ipynb")
    rows.append(f"| {number} | [{title}]({file.name}) | {question} |")
Markdown("| | lesson | its question |\n|---|---|---|\n" + "\n".join(rows))

# %% [markdown]
# Every lesson stands alone: take them in any order. [Questions and answers](FAQ.md) says what they measured about what
# learners ask.
#
# ## 5. Is your machine ready?
#
# The doctor looks at what the lessons need: versions, cores, memory, TensorFlow, the video codec, data.
# What it says about each finding, do. It runs in a terminal, too: `python -m tracklab doctor`.

# %%
from tracklab import doctor

doctor.report()

# %% [markdown]
# ## 6. What you measured
#
# Every lesson ends with a table of what it measured, beside a baseline, and fails if the margin is
# gone: a library that quietly stops working is found here. The baseline of all trackers is the box
# that stays where it was.

# %% tags=["gate"]
easy = ["plain", "constant velocity", "turning", "bouncing", "stop-and-go", "sinusoidal"]
means = {"template": [], "still": []}
for name in easy:
    for variant in scenes.STANDARD[name].variants(2):
        one = variant.render()
        for kind, values in means.items():
            values.append(float(np.nanmean(overlaps(trackers.run(kind, one).boxes, one))))
follows, stays = (float(np.mean(means[kind])) for kind in ("template", "still"))

anew, kept = with_look_alikes["best match of each frame"], with_look_alikes["tracker"]
easiest, hardest = np.mean(by_dial["plain"]), np.mean(by_dial[worst])
moving, standing = errors["average, the tracker's boxes"], errors["it stands still"]
rows = [
    (f"overlap, {len(means['still'])} easy clips", follows, "the box stays", stays),
    ("overlap, twenty clips with look-alikes", kept, "best match of each frame", anew),
    ("overlap, no difficulty", easiest, f"with {worst.replace('_', ' ')}", hardest),
    ("velocity error (px/frame)", moving, "it stands still", standing),
    ("velocity error (px/s)", moving * clip.fps, "it stands still", standing * clip.fps),
]
assert follows > 0.85
assert follows > stays + 0.5
assert kept > anew + 0.1
assert easiest > hardest + 0.2
assert moving < 0.5 * standing
assert errors["average, boxes 2 px off"] < errors["difference, boxes 2 px off"]
Markdown(
    "| measured | tracker | baseline | |\n|---|---|---|---|\n"
    + "\n".join(f"| {what} | {a:.2f} | {name} | {b:.2f} |" for what, a, name, b in rows)
)

# %% [markdown]
# ## Summary
#
# - Tracking finds an object's **path and speed** in a video. A tracker gets a frame and a box to start,
#   and gives a box, a velocity and a score for every frame that follows.
# - A velocity in pixels a frame says how far to look; times frames a second it is pixels a second.
# - **Detection** says what is where in one picture. **Tracking** says which is the same one as before,
#   and for that it remembers.
# - **IoU** says how good a box is. It falls fast.
# - Template matching is fast and needs no training. It does not mind light, contrast and some noise; it
#   fails at hiding, look-alikes, turning and changes of size.
#
# ## Common misconceptions
#
# - *"A good detector in each frame is a tracker."* It has no identities: with two of a kind, it cannot
#   say which is which.
# - *"A high score means that the tracker is right."* It means that what it found is like what it looks
#   for.
# - *"Overlap 0.8 means 80 % of the object is in the box."* It is the shared part of both boxes' union.
#   Two boxes of the same size with an IoU of 0.8 share 89 % of their areas.
# - *"Good positions give good velocities."* A box that shakes by 2 pixels stays on its object; its
#   velocity is useless until it is averaged.
# - *"Twice the frames a second, twice the speed."* Half the pixels a frame, and the same pixels a second.
# - *"The tracker failed in frame 40, so it is bad at what happened in frame 40."* It may have drifted
#   off long before. Look at the overlap over time.
#
# ## Quiz
#
# **1.** A camera with 30 frames a second sees a car move 12 pixels from one frame to the next. The
# recording keeps every third frame. How many pixels a frame, and a second, does a tracker of the
# recording see?
#
# <details><summary>Answer</summary>
#
# 36 pixels a frame, at 10 frames a second: 360 pixels a second, as in the original (12 · 30). The
# search window that was large enough before may not be now.
#
# </details>
#
# **2.** Two identical twins cross the picture in opposite directions and pass each other. Which of these
# can help to keep them apart: a larger template, a better detector, the velocity? Why?
#
# <details><summary>Answer</summary>
#
# The velocity. A larger template or a better detector knows how a twin looks, and both look the same.
# Before they meet, one moves to the left and one to the right; a tracker that expects each to go on
# as it did will not swap them. (If they stop and turn back, no one can tell.)
#
# </details>
#
# ## Further reading
#
# - A. Yilmaz, O. Javed, M. Shah. *Object tracking: a survey.* ACM Computing Surveys 38 (4), 2006. What
#   tracking was before deep learning.
# - Y. Wu, J. Lim, M.-H. Yang. *Object tracking benchmark.* IEEE Transactions on Pattern Analysis and
#   Machine Intelligence 37 (9), 2015, pages 1834 to 1848. The difficulties that the dials are named
#   after.
# - J. P. Lewis. *Fast normalized cross-correlation.* Industrial Light & Magic, 1995. The likeness in
#   section 2, and how to compute it fast.
# - B. Babenko, M.-H. Yang, S. Belongie. *Visual tracking with online multiple instance learning.* CVPR
#   2009. A tracker that learns what makes its object different; try
#   `trackers.create("opencv-mil")` in the first cell.
