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
#     title: Your own video
#     objectives:
#     - text: write down what a tracker said so that other people's programs read it
#       exercise: 13-mot-row
#     - text: tell a speed from boxes that tremble, at times that are not even
#       exercise: 13-speed
#     - text: count who crosses a line, and say what is being counted
#       exercise: 13-crossings
#     - text: say where on the ground somebody stands, and why a street has no one scale
#       exercise: 13-ground
#     builds_on: ['04', '06', '07']
#     minutes: 90
#     seconds: 150
#     measures:
#     - how loose a first box may be until the tracker follows the ground instead
#     - how far a speed trembles, from two boxes and from half a second of them
#     - whether files read back as what was written, to the last bit
#     - frames a second from file to file, and where the time goes
#     - what is left of a video with damaged frames, and of a run that is stopped with Ctrl-C
#     - how far a traffic counter is off, with two detectors
#     - whom a detector of faces misses, and for how long a tracker can stand in
# ---

# %% [markdown]
# # 13 Your own video
#
# Everything so far ran on clips that came with the course. Now it is your video: a file from your phone, a webcam, a folder
# of images. Draw a box around something, or let a detector begin, and out come a video with path and speed, and numbers that a
# spreadsheet or another program reads. Between a tracker that works and a tool that can be used lie
# things that no paper mentions: frames that are broken, times that are not even, files that another program reads one pixel
# off, a disk that is full. And one question that comes before all of them: *may* you?
#
# **Objectives.** After this lesson you can
#
# - write down what a tracker said so that other people's programs read it (`13-mot-row`)
# - tell a speed from boxes that tremble, at times that are not even (`13-speed`)
# - count who crosses a line, and say what is being counted (`13-crossings`)
# - say where on the ground somebody stands, and why a street has no one scale (`13-ground`)
#
# **Builds on** lesson 04 (detectors), lesson 06 (tracking many) and lesson 07 (tracking one).
#
# **Time.** 90 minutes to read and work; runs in under 150 seconds on two cores.
#
# **You will have measured**
#
# - how loose a first box may be until the tracker follows the ground instead
# - how far a speed trembles, from two boxes and from half a second of them
# - whether files read back as what was written, to the last bit
# - frames a second from file to file, and where the time goes
# - what is left of a video with damaged frames, and of a run that is stopped with Ctrl-C
# - how far a traffic counter is off, with two detectors
# - whom a detector of faces misses, and for how long a tracker can stand in
#
# ## A video in, a video out

# %% tags=["hook", "plot"]
import os

os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")  # a core for the network, one for the video
import tempfile
from pathlib import Path

import tracklab
from tracklab import scenes, video
from tracklab.show import play, show

place = tempfile.TemporaryDirectory()  # gone when the notebook is closed
folder = Path(place.name)
clip = scenes.render(seed=3, frames=80, size=(180, 320), objects=1, occlusion=0.4, distractors=0.5)
mine = video.write(folder / "mine.mp4", clip)  # put the path of a video of your own here, ...
box = clip.truth.boxes[0, 0]  # ... and a box around something in its first frame

done = tracklab.track(mine, "recurrent", box=box, out=[folder / "out.mp4", folder / "out.csv"])
play(
    video.read_clip(folder / "out.mp4"),
    width=480,
    title=f"{len(done)} frames followed, drawn and written, {done.frames_per_second:.0f} a second",
    alt="A drawn shape moves over a texture among look-alikes and pillars. It has a box with its speed in pixels "
    "a second, and a trail behind it.",
)

# %% [markdown]
# That is the whole of `tracklab.track`, which is the same as
#
# ```
# python -m tracklab track mine.mp4 --box 46,116,25,24 --out out.mp4 out.csv
# ```
#
# in a terminal. (Much of the time went into the start of TensorFlow, which happens once; section 4 measures the rest.) Everything that
# follows looks at what lies between the two ends. It uses these imports:

# %% tags=["setup"]
import signal
import time
import warnings

import numpy as np

from tracklab import boxes, explore, finders, following, overlay, plots, trackers
from tracklab.exercises import check, hint
from tracklab.explorers import DrawBox
from tracklab.metrics import crossing
from tracklab.tracks import from_truth

# %% [markdown]
# ## 1. Where to begin
#
# A tracker of one object is told a single thing, ever: the box in the first frame. Here you can draw it with the mouse, a
# finger, the keyboard (Tab to the box, then arrows), or type it into the fields below. On the command line a window opens where there is
# a display, and `--box X,Y,W,H` works everywhere.

# %% tags=["plot"]
chosen = DrawBox(clip.frames[0], box)
chosen

# %%
# NBVAL_CHECK_OUTPUT
x, y, w, h = chosen.xywh
print(f"as the command line takes it: --box {x:g},{y:g},{w:g},{h:g}")
print("as a tracker takes it, corners:", chosen.box.tolist())

# %% [markdown]
# ### How good must it be?
#
# **Predict.** An annotator draws a box that fits. You, in a hurry, draw one that is half as wide again on each side: four times the
# area. Does the tracker mind? And a box that holds only the middle of the object?

# %% tags=["explorer", "plot"]
explore("first-box")

# %% [markdown]
# The same as a measurement: boxes from far too tight to far too loose, on eight scenes, for two trackers without a network.
# (The object counts as followed if the tracker's middle is on it in the last frame.)

# %%
GROW = (-0.3, -0.15, 0.0, 0.15, 0.3, 0.5)  # of the object's size, on each side
kept = {name: np.zeros(len(GROW)) for name in ("template", "mosse")}
SCENES = 8
for seed in range(SCENES):
    one = scenes.render(seed=seed, frames=40, size=(120, 160), objects=1, clutter=0.4)
    x1, y1, x2, y2 = one.truth.boxes[0, 0]
    w, h = x2 - x1, y2 - y1
    last = one.truth.boxes[-1, 0]
    for name, counts in kept.items():
        for k, grow in enumerate(GROW):
            loose = [x1 - grow * w, y1 - grow * h, x2 + grow * w, y2 + grow * h]
            middle = boxes.centers(trackers.run(name, one, loose).boxes[-1])
            counts[k] += bool((last[:2] <= middle).all() and (middle <= last[2:]).all())
print("box grown on each side by" + "".join(f"{grow:8.0%}" for grow in GROW))
for name, counts in kept.items():
    print(f"{name:12} followed to the end" + "".join(f"{n:4.0f} of {SCENES}" for n in counts))

# %% [markdown]
# **Explain.** Whatever is in the box is what is followed. In a loose box most pixels are ground, and ground stays where it is. A far too
# tight one holds too little to tell the object from the clutter around it. On these scenes a little too tight did no more harm than a little too
# loose: where you are not sure, rather leave the rim out than take ground in.
#
# ### Or a detector begins
#
# With `detect="faces"` (or `"people"`, `"moving"`, `"shapes"`) the first thing that is found is followed, or, with a tracker of
# many, all of it in every frame. Nothing is downloaded. The first three come with OpenCV and are older than deep learning; `shapes`
# (and `thumbnails`) are lesson 04's networks. Here is the one that looks for what moves: each pixel beside what it usually shows.

# %%
from tracklab.finders.moving import Moving

print(", ".join(finders.NAMES))
show(Moving._find, docstring=False)

# %% [markdown]
# ## 2. Path and speed
#
# The boxes of a tracker tremble by a pixel or so. A path hardly minds. A speed does: it is a difference, and differences amplify
# noise. **Predict.** An object goes at a steady 60 pixels a second, its box trembles by one pixel, the video has 25 frames a
# second. How far is a speed off that is taken from two boxes that follow each other?

# %%
rng = np.random.default_rng(0)
FPS, TRUE, TREMBLE = 25, 60.0, 1.0
seconds = np.arange(10 * FPS) / FPS
shaken = np.stack([TRUE * seconds, 0 * seconds], 1) + rng.normal(0, TREMBLE, (len(seconds), 2))


def by_differences(places, times):
    """Speeds from each place and the one before."""
    return np.hypot(*np.diff(places, axis=0).T) / np.diff(times)


def by_slopes(places, times, window=0.5):
    """Speeds from a line through the places of the last half second."""
    found = []
    for k in range(2, len(times)):
        near = (times >= times[k] - window - 1e-6) & (times <= times[k])
        t = times[near] - times[near].mean()
        found.append(np.hypot(*(t @ places[near])) / (t @ t))
    return np.array(found)


spread = {}
for name, way in {"two boxes": by_differences, "half a second": by_slopes}.items():
    found = way(shaken, seconds)[FPS:]
    spread[name] = float(np.sqrt(np.mean((found - TRUE) ** 2)))
    print(f"{name:14} mean {found.mean():5.1f} px/s, off by {spread[name]:4.1f} (root mean square)")

# %% [markdown]
# **Explain.** One pixel is 25 pixels a second, at 25 frames a second, and two boxes tremble: the root of two times as much. And the mean is
# too high: trembling along the way adds as often as it takes away, but trembling across it makes the step longer whichever side it
# goes to. The line through half a second has a dozen boxes to average over. (It pays with a delay: it tells the speed of a
# quarter of a second ago.)
#
# ### Exercise `13-speed`
#
# A phone writes a frame when it is ready, not every 40 milliseconds. So a speed needs the *times* that the file states.


# %% tags=["exercise"]
def speed(centers, seconds, metres_per_pixel):
    """The speed in km/h of what went through `centers` (K, 2), in pixels, at `seconds` (K,).

    Times need not be evenly spaced. Fit a straight line to x over time and one to y over time, by
    least squares: v = sum of (t - mean of t) c / sum of (t - mean of t)^2, for each coordinate. The
    speed is the length of that vector; `metres_per_pixel` and 3.6 make km/h of it.
    """
    return ...


check("13-speed", speed)

# %%
hint("13-speed", 1)

# %% [markdown]
# ### A street has no one scale
#
# `metres_per_pixel` is one number. Seen from straight above, as from a drone, it is right everywhere. Seen along a street it is right
# in one row of the picture. Stand a level camera on a bridge, five metres above a flat road:

# %% tags=["plot"]
HORIZON, HEIGHT, FOCAL = 100, 5.0, 500.0
rows = np.arange(HORIZON + 8, 361)
metres = HEIGHT / (rows - HORIZON)  # a pixel's width on the road
ahead = FOCAL * metres
near, far = (float(np.interp(d, ahead[::-1], metres[::-1])) for d in (10, 50))
fig, (left, right) = plots.figure(
    1,
    2,
    title=f"A pixel is {far / near:.0f} times as wide 50 m away as 10 m away",
    height=3.2,
    alt="Two curves over the picture's rows, from just below the horizon to the lower edge. The width of a pixel on "
    "the road and the distance ahead both shoot up towards the horizon.",
)
with plots.style():
    left.plot(100 * metres, rows, color=plots.COLORS[0])
    left.set(
        xlabel="width of a pixel on the road (cm)", ylabel="row of the picture", ylim=(360, HORIZON)
    )
    right.plot(ahead, rows, color=plots.COLORS[1])
    right.set(xlabel="distance ahead (m)", ylim=(360, HORIZON))
fig

# %% [markdown]
# That is across the road. Along it things are worse: the road is seen ever flatter, and the length of road that a pixel's height covers grows
# with the *square* of the distance. So a car that keeps its speed seems to slow down as it drives away, and a tool with one
# scale says so, in km/h. Whoever knows the camera can do better.
#
# ### Exercise `13-ground`


# %% tags=["exercise"]
def ground(foot, horizon, height, focal, middle):
    """Where on flat ground somebody stands: metres to the right, and metres ahead.

    `foot` (2,) is the point x, y of the picture where they touch the ground (the middle of the
    lower edge of their box). The camera looks level, `height` metres above the ground; `horizon` is
    the row of the picture where ground and sky meet, `middle` the column straight ahead, `focal`
    its focal length in pixels. A point of the ground `d` metres ahead and `r` to the right is seen
    at y = horizon + focal * height / d, x = middle + focal * r / d. Turn that around. At the
    horizon and above it there is no ground: two NaNs.
    """
    return ...


check("13-ground", ground)

# %%
hint("13-ground", 1)

# %% [markdown]
# ## 3. Files that others read
#
# Three endings, three readers: `.mp4` for eyes, `.csv` for spreadsheets, `.txt` for evaluators and annotation tools.

# %%
lines = (folder / "out.csv").read_text().splitlines()
print(*lines[:4], "...", sep="\n")

# %% [markdown]
# An empty cell is a number that is not known yet, and the label -1 is a class that nobody told. `vx` and `vy` are the tracker's own
# velocity, in pixels a *frame*; `speed_px_s` is the slope of the last half second, in pixels a *second*.
#
# The table counts frames and pixels from 0, as all of tracklab and OpenCV do. MOTChallenge's text counts both **from 1**, because MATLAB
# did. A program that forgets that is off by one pixel and one frame, and nobody notices, for the boxes still look right.
#
# ### Exercise `13-mot-row`


# %% tags=["exercise"]
def mot_row(frame, identity, box):
    """One row of MOTChallenge's text: frame, id, x, y, width, height.

    `frame` is a number that counts from 0, as everywhere in tracklab. `box` (4,) holds the corners
    x1, y1, x2, y2 in pixels, and the first pixel covers 0 to 1. The file counts frames from 1, and
    calls the place of the first pixel 1. A width is a width, however one counts.
    """
    return ...


check("13-mot-row", mot_row)

# %%
hint("13-mot-row", 1)

# %% [markdown]
# The only proof is to read back what was written, and compare it bit by bit:

# %%
video.write_tracks(folder / "out.txt", done.tracks)
table = video.read_table(folder / "out.csv")
text = video.read_tracks(folder / "out.txt", len(done))
same = {
    "table": all(
        np.array_equal(a.boxes, b.boxes)
        and np.array_equal(a.velocities, b.velocities, equal_nan=True)
        and np.array_equal(a.scores, b.scores)
        for a, b in zip(table.tracks, done.tracks, strict=True)
    )
    and np.array_equal(table.seconds, done.seconds),
    "text": all(
        np.array_equal(a.boxes, b.boxes) and np.array_equal(a.scores, b.scores)
        for a, b in zip(text, done.tracks, strict=True)
    ),
}
print("reads back the same, to the last bit:", same)

# %% [markdown]
# For the video that cannot be: H.264 throws away what eyes do not see. What must hold there: every frame is there, at its
# time, and a browser plays it. That wants H.264, colours at half resolution (`yuv420p`), even sides, and the index in
# front of the pictures.
#
# ## 4. From file to file
#
# A video of an hour at 30 frames a second has 108,000 frames; as arrays, 75 GB at 640 x 360. So frames pass through one by one:
# decoded, followed, drawn, encoded, forgotten. While the tracker looks at one, a thread decodes those to come, and another
# draws and encodes those that are done. Between them are queues of a few frames: whoever is too fast waits (in `_put`), or the fast
# decoder would fill the memory after all.

# %%
show(following.threads.Ahead._run, following.threads.Behind._run, docstring=False)

# %% [markdown]
# **Predict.** Decoding, following, drawing, encoding: which takes longest? What can threads gain on two cores?

# %%
wide = scenes.render(seed=3, frames=200, size=(360, 640), objects=1)
source = video.write(folder / "wide.mp4", wide)
start = wide.truth.boxes[0, 0]
spent = {}


def timed(name, work):
    """What `work` gives; its milliseconds a frame are noted."""
    begin = time.perf_counter()
    result = work()
    spent[name] = 1000 * (time.perf_counter() - begin) / len(wide)
    return result


frames = timed("decode", lambda: list(video.read_clip(source)))
tracker = trackers.create("recurrent")
track = timed("follow", lambda: trackers.run(tracker, frames, start))
timed(
    "draw",
    lambda: [
        overlay.draw(f, b, labels="60 px/s") for f, b in zip(frames, track.boxes, strict=True)
    ],
)
timed("encode", lambda: video.write(folder / "alone.mp4", frames))
together = tracklab.track(source, "recurrent", box=start, out=folder / "wide-out.mp4")
print(", ".join(f"{name} {value:.1f} ms" for name, value in spent.items()))
print(
    f"one after the other: {1000 / sum(spent.values()):.0f} frames a second; side by side: {together.frames_per_second:.0f}"
)

# %% [markdown]
# **Explain.** Side by side, a frame can take no less than its longest part, and on two cores no less than half of all the work. What is gained
# is often less than that: FFmpeg's decoder and encoder already use both cores when they are alone, so "one after the other" is
# not one core.
#
# Whether it stays so for long videos was measured once, in fresh processes, with `python -m benchmarks.track --write`:

# %%
import json

from tracklab.models import weights

stored = json.loads((weights.FOLDER.parent / "results" / "track.json").read_text())
print(
    f"{stored['machine']}, {stored['size'][1]} x {stored['size'][0]} pixels, decoding and encoding included"
)
print(f"{'':46} {'frames/s':>9} {'CPU ms':>8} {'peak MB':>8}")
for name, run in stored["runs"].items():
    print(
        f"{name:46} {run['frames a second']:9.0f} {run['CPU ms a frame']:8.1f} {run['peak MiB'] * 1.048576:8.0f}"
    )
short, long = (stored["runs"][f"recurrent, {count} frames"] for count in (500, 5000))

# %% [markdown]
# **Explain.** Ten times the frames, and hardly more memory: most of it is TensorFlow itself, as the rows of trackers without a network show.
# What must grow is little: the record of boxes, some seventy bytes a frame, and the list of when each frame is shown.
#
# ## 5. What goes wrong
#
# ### A damaged frame
#
# A cable that was pulled, a memory card with a bad spot: some frames of a file are nonsense. A tracker that is shown nonsense
# follows nonsense. A program that stops there loses the rest. And one that leaves the frame out without a trace makes everything after it
# early. Here two images of a folder are damaged:

# %%
sick = folder / "sick"
sick.mkdir()
for number, frame in enumerate(clip.frames):
    (sick / f"{number:03d}.png").write_bytes(plots.encode_png(frame))
for number in (30, 31):
    (sick / f"{number:03d}.png").write_bytes(b"no picture")
told = []
# the file's name in the message is this machine's
hurt = tracklab.track(
    sick, "recurrent", box=box, shown=False, say=lambda line: told.append(line.split(":")[0])
)
print(*told, sep="\n")
print(f"{len(hurt)} frames; no box in {np.flatnonzero(np.isnan(hurt.boxes[:, 0])).tolist()}")
print(f"frame 32 is shown at {hurt.seconds[32]:.2f} s, as it should be: {32 / clip.fps:.2f} s")


# %% [markdown]
# ### Ctrl-C
#
# You see that the box was wrong, or you have to catch a train. What was followed until then should be there, and whole: a half-written
# MP4 has no index and plays nowhere. This tracker presses Ctrl-C itself, in frame 40:


# %%
class Impatient(trackers.Tracker):
    """Says that the object stays, and interrupts the program in frame 40."""

    name = "impatient"

    def _start(self, frame, box):
        self.box, self.frame = box, 0

    def _step(self, frame):
        self.frame += 1
        if self.frame == 40:
            signal.raise_signal(signal.SIGINT)
        return trackers.State(self.box, np.zeros(2, np.float32), 1.0)


out = [folder / "stopped.mp4", folder / "stopped.csv"]
stopped = tracklab.track(mine, Impatient(), box=box, out=out, shown=False)
print(f"stopped: {stopped.stopped}, after {len(stopped)} of {len(clip)} frames")
print(
    f"in the video {len(video.read_clip(out[0]))}, in the table {len(video.read_table(out[1]).tracks)}"
)

# %% [markdown]
# Files are written under another name and renamed when they are whole, so a file of the right name is never half a file. The video grows
# in parts of a second, each of which can be played: where the disk fills up, the parts that are there are kept, and table and text go on.
#
# ## 6. Traffic: counting at a line
#
# The oldest use of all: how many go by, and which way? A detector, lesson 06's tracker, and a line. First the counting itself.
#
# ### Exercise `13-crossings`


# %% tags=["exercise"]
def crossings(places, x, low, high):
    """How often something crosses an upright line to the right, and how often to the left.

    The line stands at `x`, and reaches from y = `low` to y = `high`. `places` (T, 2) holds x, y in
    each frame, NaN where it was not seen; nobody is ever exactly at `x`. Between two frames in
    which it was seen, it went straight, also over a gap. Whoever goes by above or below the line
    does not cross it.
    """
    return ...


check("13-crossings", crossings)

# %%
hint("13-crossings", 1)

# %% [markdown]
# Now the whole chain, on scenes, where the truth is known. One detector was trained on just these shapes. The other knows nothing of them:
# it takes for an object whatever moves before a camera that stands still.
#
# **Predict.** Which of the two counts better? Which errors does each make?

# %%
LINE = [160, 0, 160, 180]
counted = {"truth": [0, 0], "moving": [0, 0], "shapes": [0, 0]}
off_by = {"moving": 0, "shapes": 0}
for seed in range(4):
    street = scenes.render(seed=seed, frames=100, size=(180, 320), objects=5, speed=(1.5, 4.0))
    path = video.write(folder / "street.mp4", street)
    right = crossing.crossings(from_truth(street.truth), LINE)
    true = [sum(c.way == way for c in right) for way in ("right", "left")]
    counted["truth"] = np.add(counted["truth"], true)
    for name in off_by:
        found = tracklab.track(path, "rnn-sort", detect=name, line=LINE, shown=False)
        ways = [sum(c.way == way for c in found.crossings) for way in ("right", "left")]
        counted[name] = np.add(counted[name], ways)
        off_by[name] += int(np.abs(np.subtract(ways, true)).sum())
print("          to the right  to the left  wrong, scene by scene")
for name, (a, b) in counted.items():
    print(f"{name:9} {a:12d} {b:12d}  {off_by.get(name, ''):>8}")

# %% [markdown]
# **Explain.** A sum can be right although its parts are wrong: one missed and one counted twice cancel. That is why the last column
# counts errors scene by scene and way by way; where it is larger than the sums are off, errors have cancelled. Two that touch are
# one patch that moves, and what is counted as one is missed; an object that is found twice may be counted twice. And with so few
# crossings, an error more or less says nothing about which detector counts better. What a tracker loses behind another object and
# finds again under a new number is still counted once if it crosses once; what is lost *at* the line is not.
#
# On a real road, seen from above (only where such a video lies beside the course; it is measured, not shown):

# %%
near = Path(tracklab.__file__).resolve().parents[2] / "shared" / "data"
data = Path(os.environ.get("TRACKLAB_SHARED", near))
road = data / "video" / "intel" / "car-detection.mp4"
if road.is_file():
    cars = tracklab.track(road, "rnn-sort", detect="moving", line=[0, 216, 768, 216], shown=False)
    lasting = [k for k, v in cars.speeds.items() if np.isfinite(v).sum() > 20]
    print(f"{len(cars)} frames, {cars.frames_per_second:.0f} a second")
    print(f"{len(lasting)} tracks of more than 20 frames; four cars drive by")
    for one in cars.crossings:
        kind = "a car" if one.id in lasting else "nothing: the picture grew darker"
        print(f"  frame {one.frame:3d}: number {one.id:2d} goes {one.way:4} ({kind})")
else:
    print("No video of a road at hand: nothing to measure here.")

# %% [markdown]
# Where there are numbers above, they list more crossings than cars. A camera that adapts its exposure makes everything brighter or darker at
# once, and what changes, "moves": patches of road are counted, and the box of a real car that is just leaving grows into them, so its
# middle jumps back over the line. (A number that crosses down and, a moment later, up again did not turn around.) The counter cannot
# know. Someone has to look at a part of the video and count by hand, *before* anybody relies on the number.
#
# ## 7. Faces: to find is not to know
#
# OpenCV brings a detector of faces of 2001: a cascade of a few thousand comparisons of light and dark areas. It finds faces that
# look into the camera. A tracker that starts on one follows it while it turns away. On real sequences, where they lie beside the course:

# %%
rates = {}
for name in ("David", "Girl"):
    path = data / "sequences" / name
    if not path.is_dir():
        continue
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sequence = tracklab.read_clip(path)
    first = int(np.flatnonzero(sequence.truth.present[:, 0])[0])
    part = sequence[first : first + 200]
    finder, hits = finders.create("faces"), []
    for frame, face in zip(part.frames, part.truth.boxes, strict=True):
        found = finder.find(frame)
        hits.append(bool(len(found) and boxes.iou(found.boxes, face).max() > 0.3))
    hits = np.array(hits)
    begin = int(np.argmax(hits))
    seen = finders.create("faces").find(part.frames[begin])
    run = trackers.run("recurrent", part[begin:], seen.boxes[0])
    pairs = zip(run.boxes, part.truth.boxes[begin:, 0], strict=True)
    stays = np.array([boxes.iou(a[None], b[None])[0, 0] > 0.3 for a, b in pairs])
    rates[name] = float(hits.mean()), float(stays.mean())
    gaps = np.diff(np.flatnonzero(np.concatenate([[True], hits, [True]]))) - 1
    print(
        f"{name}: {len(part)} frames; the detector finds the face in {hits.mean():.0%} (longest gap {gaps.max()} "
        f"frames), the tracker that it started is on it in {stays.mean():.0%}"
    )
if not rates:
    print("No real sequences at hand: nothing to measure here.")

# %% [markdown]
# **Explain.** Detector and tracker fail differently: the one forgets at once and never drifts, the other remembers and may drift for good. Tools
# that last let each correct the other.
#
# ### Whom does it miss?
#
# A mean hides who pays for it. Here the "faces" are drawn shapes, and the detector is lesson 04's. Half of the scenes show their
# objects near, half far away, some ten pixels wide. Nothing else differs.
#
# **Predict.** The detector finds nearly all that are near. How many of the far ones?

# %%
finder = finders.create("shapes")
recall = {}
for group, sides in {"near": (20, 30), "far": (9, 12)}.items():
    hits, there = 0, 0
    for seed in range(4):
        one = scenes.render(seed=seed + 40, frames=12, objects=4, object_size=sides)
        for frame, truth in zip(one.frames, one.truth.boxes, strict=True):
            real = truth[np.isfinite(truth).all(-1)]
            seen = finder.find(frame)
            there += len(real)
            if len(seen) and len(real):
                hits += int((boxes.iou(real, seen.boxes).max(1) > 0.5).sum())
    recall[group] = hits / there
print(f"found, all in all: {np.mean(list(recall.values())):.0%}")
for group, value in recall.items():
    print(f"  {group:5} {value:.0%}")

# %% [markdown]
# **Explain.** "Finds so many percent" was true, and true of nobody. Programs for real faces have been measured in this way: commercial ones
# that tell women from men had error rates that differed by skin and sex by more than an order of magnitude (Buolamwini and Gebru,
# 2018). The remedy begins with measuring by group; the mean never tells.
#
# ## 8. May you?
#
# This tool knows boxes, not people. It must not be used
#
# - **to find out who somebody is**, or to follow one person from camera to camera. That is identification; it needs other networks, which
#   this course does not build, and a reason in law, which almost nobody has;
# - **to watch people who have not agreed**, or who cannot refuse: staff, pupils, tenants, passers-by. "It is only for counting" does not
#   help where the pictures are kept. Count, then delete them, or never store them;
# - **to decide about a person**: a fine, a job, a grade, a suspicion. You have measured how often it is wrong, and that it is not
#   wrong equally often for everybody;
# - **as evidence of a speed.** The scale is a guess until it was measured at that place, and the tool states no error.
#
# What it is good for: your own sport, animals, traffic *counts*, machines, experiments, films of people who know about it and may say no. In
# many countries filming in public for such an analysis needs a notice, a legal ground, and somebody who answers for it; in the European Union the
# General Data Protection Regulation says so, and its AI Act forbids some uses altogether. Ask before you film.
#
# ## 9. The gate
#
# What you have measured. The cell stops with an error if a margin is not there.

# %% tags=["gate"]
from IPython.display import Markdown

follows = {name: dict(zip(GROW, counts / SCENES, strict=True)) for name, counts in kept.items()}
table_ = [
    "| what | measured | beside |",
    "|---|---|---|",
    f"| a box that fits, followed to the end (template) | {follows['template'][0.0]:.0%} | {follows['template'][0.5]:.0%} "
    "if half as large again on each side |",
    f"| speed from half a second of boxes, off by | {spread['half a second']:.1f} px/s | {spread['two boxes']:.1f} from two boxes |",
    f"| table and text read back to the bit | {all(same.values())} | |",
    f"| frames a second, side by side | {together.frames_per_second:.0f} | {1000 / sum(spent.values()):.0f} one after the other |",
    f"| peak of memory, 5,000 frames (stored) | {long['peak MiB'] * 1.048576:.0f} MB | {short['peak MiB'] * 1.048576:.0f} MB with 500 |",
    f"| frames kept after Ctrl-C | {len(stopped)} | of {len(clip)} |",
    f"| errors of the counter, shapes | {off_by['shapes']} | {off_by['moving']} with what moves |",
    f"| far objects that are found | {recall['far']:.0%} | {recall['near']:.0%} of the near ones |",
]
assert follows["template"][0.0] >= follows["template"][0.5] + 0.2
assert spread["half a second"] < spread["two boxes"] / 3
assert all(same.values())
assert long["peak MiB"] < 1.05 * short["peak MiB"]
assert long["frames a second"] > 60
assert hurt.damaged == (30, 31)
assert np.isfinite(hurt.boxes[32:, 0]).all()
assert stopped.stopped
assert 40 <= len(stopped) < len(clip)
overlaps = [boxes.iou(done.boxes[[t]], clip.truth.boxes[t])[0, 0] for t in range(len(done))]
assert np.nanmean(overlaps) > 0.6
assert recall["far"] < recall["near"] - 0.05
Markdown("\n".join([*table_, "", "All margins are there."]))

# %% [markdown]
# ## Summary
#
# - A tracker follows **what is in the box**. A loose box is mostly ground.
# - A speed is a slope over **stated times**, not a difference of two boxes; and a scale in metres holds at one distance only.
# - Convert **at the door**: files count from 1, sizes are differences, and only reading back proves it.
# - Long videos pass through **one frame at a time**; decoding ahead and encoding behind fill the second core.
# - A damaged frame is said, has no box, and **keeps its time**. Whatever stops a run, what was followed is kept, **whole**.
# - A counter counts **what the tracker says**. Count a part by hand before you rely on it.
# - A mean hides **whom** a detector misses. Measure by group.
# - May you? comes before can you.
#
# ## Common misconceptions
#
# - *"The tracker knows what I mean by the box."* It knows pixels. Ground in the box is followed, too.
# - *"More frames a second give better speeds."* From two boxes they give worse ones: the same tremble in less time.
# - *"25 frames a second, so frame n is at n / 25 s."* Not of a phone, and not after frames were dropped. Read the times.
# - *"The totals agree, so the counter works."* Errors cancel in totals.
# - *"Tracking is anonymous."* The video is not, and a path can tell who it was.
# - *"It works on my video, so it works."* It works on your video.
#
# ## Quiz
#
# **1.** A tool reports that cars on a straight road slow down from 60 to 30 km/h, every one of them, always at the same place. What do
# you suspect?
#
# <details><summary>Answer</summary>
#
# One scale for all distances. Driving away at a steady speed, a car covers fewer and fewer pixels a second. Check with the length of
# the cars along the road, in pixels: if it shrinks in step with the speed, it is the perspective. (Or there is a speed camera.)
#
# </details>
#
# **2.** A shop wants to know how long people look at a shelf. Nobody is to be identified. Name two things to measure before the numbers are
# used, and one to settle before the camera is switched on.
#
# <details><summary>Answer</summary>
#
# Measure: how many of the people the detector finds, by group (children, wheelchairs, dark clothes), and how often one person
# becomes two tracks, which makes visits look shorter. Settle: whether it is lawful there, who is told, and that pictures are
# not kept.
#
# </details>
#
# ## Further reading
#
# - P. Viola, M. Jones. *Rapid object detection using a boosted cascade of simple features.* CVPR 2001. The faces.
# - N. Dalal, B. Triggs. *Histograms of oriented gradients for human detection.* CVPR 2005. The people.
# - Z. Zivkovic. *Improved adaptive Gaussian mixture model for background subtraction.* ICPR 2004. What moves.
# - J. Buolamwini, T. Gebru. *Gender shades: intersectional accuracy disparities in commercial gender classification.* Conference on Fairness,
#   Accountability and Transparency, 2018. Error rates by group.
# - R. Hartley, A. Zisserman. *Multiple view geometry in computer vision.* Cambridge University Press, second edition 2004. From pixels to the
#   ground.
# - L. Leal-Taixé, A. Milan, I. Reid, S. Roth, K. Schindler. *MOTChallenge 2015: towards a benchmark for multi-target tracking.* arXiv:1504.01942,
#   2015. The file that counts from 1.
