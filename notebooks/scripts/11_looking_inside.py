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
#     title: Looking inside
#     objectives:
#     - text: say which pixels an answer would change with
#       exercise: 11-saliency
#     - text: share an answer out among the pixels, so that nothing is left over
#       exercise: 11-shares
#     - text: find where a layer speaks for an answer
#       exercise: 11-grad-cam
#     - text: ask the network itself whether a map is right
#       exercise: 11-deletion
#     - text: say what a recurrent state holds, and what it would hold anyway
#       exercise: 11-r-squared
#     builds_on: ['02', '04', '05', '07']
#     minutes: 120
#     seconds: 80
#     measures:
#     - how often each of six methods points at the object, beside an edge detector, the image's middle and chance
#     - how fast the answer falls when a map's highest pixels go
#     - how alike a map is to itself when the network has forgotten everything
#     - by how much integrated gradients miss adding up
#     - the same for a detector's two heads and for a tracker's map
#     - what can be read out of the motion networks' states, and what from their inputs
# ---

# %% [markdown]
# # 11 Looking inside
#
# A network says *star*. **Why?** There are many methods that answer with a picture: a map of the image, bright where
# the answer is said to come from. The pictures look convincing. That is the trouble with them: a picture that looks
# right convinces whether it is right or not. In this lesson you build the methods, and then you do to them what you do
# to every tracker in this course: **measure them against the truth**.
#
# **Objectives.** After this lesson you can
#
# - say which pixels an answer would change with (`11-saliency`)
# - share an answer out among the pixels, so that nothing is left over (`11-shares`)
# - find where a layer speaks for an answer (`11-grad-cam`)
# - ask the network itself whether a map is right (`11-deletion`)
# - say what a recurrent state holds, and what it would hold anyway (`11-r-squared`)
#
# **Builds on** lessons 02 (convolutional networks), 04 (a detector's heads), 05 (recurrent states) and 07 (a tracker's
# map).
#
# **Time.** 120 minutes to read and work; runs in under 80 seconds on two cores.
#
# **You will have measured**
#
# - how often each of six methods points at the object, beside an edge detector, the image's middle and chance
# - how fast the answer falls when a map's highest pixels go
# - how alike a map is to itself when the network has forgotten everything
# - by how much integrated gradients miss adding up
# - the same for a detector's two heads and for a tracker's map
# - what can be read out of the motion networks' states, and what from their inputs

# %% tags=["hook", "setup"]
import json
from pathlib import Path

import cv2
import numpy as np
from IPython.display import Markdown

import tracklab
from tracklab import boxes, datasets, explain, motion, plots, scenes, trackers
from tracklab.exercises import check, hint
from tracklab.explain import readout
from tracklab.explorers import attribution_subjects as subjects
from tracklab.explorers import explore
from tracklab.models import detector, shapes
from tracklab.plots import explain as figures
from tracklab.show import show

model, card = shapes.shipped()
# of each scene one picture: those of one scene are alike
pictures = datasets.masked_scenes(480, part="test", seed=40)[::8]
images = pictures.images
ask = explain.Classes(model, pictures.class_names, (64, 64))
# of each picture one of its two shapes, the first and the second in turn
labels = [int(row[k % 2]) for k, row in enumerate(pictures.labels)]
masks = [both[k % 2] for k, both in enumerate(pictures.masks)]
names = [pictures.class_names[label] for label in labels]


def about(k):
    """What is asked of picture `k`: the logit of its shape."""
    return ask.about(labels[k])


maps = [
    {name: explain.explain(name, about(k), images[k]) for name in explain.METHODS} for k in range(3)
]
pointed = [
    explain.hit(heat, masks[k], tolerance=3) for k, row in enumerate(maps) for heat in row.values()
]
figures.attributions(
    images[:3],
    maps,
    masks=masks[:3],
    names=[f"why {name}?" for name in names[:3]],
    title=f"Six methods asked why: {sum(pointed):.0f} of {len(pointed)} maps are highest on the right shape or "
    "within three pixels of it",
)

# %% [markdown]
# Each row is one picture with two shapes among pieces of no class; the network is asked about the shape with the green
# outline. Each column is a method. The cross is the highest place of its map.
#
# **Predict.** Which of the six would you trust? They disagree with each other about *where in the shape* the answer
# comes from. Could you tell from the pictures alone which of them is right?
#
# ## 1. A patient with known reasons
#
# For photographs nobody knows where an answer *should* come from. Here we do. The pictures are made by the scenes'
# generator, which knows of each pixel whose it is. The network is lesson 02's, thinner, and says for each of ten shapes
# whether it is in the picture: ten logits, each with a sigmoid of its own.

# %%
# NBVAL_CHECK_OUTPUT
print("images", pictures.images.shape, "classes in each", pictures.labels.shape)
print("masks ", pictures.masks.shape, "one for each shape: picture, shape, row, column")
print(f"weights of the network: {card.weights:,}; trained again by: {card.command}")

# %%
found = shapes.evaluate(model, pictures)
share = pictures.masks.mean()
print(
    f"right in all ten answers: {found['pictures right']:.0%} of {len(pictures)} held-out pictures"
)
print(f"a shape has {share:.1%} of its picture: that is how often chance points at it")

# %% [markdown]
# ### Filters and feature maps
#
# The plainest way to look inside is to look at the weights. Of the first layer that works: its filters have three input
# channels, as pixels have. (It is the frozen layer of lesson 02 that whitens patches of 2 x 2 pixels.) Of the next
# layer it does not: 24 channels are no colours. There one looks at what a channel *answers to*: its feature map. Lesson
# 02's explorer shows them for any network, and so for this one: `explore("feature-maps", model=model, images=images[:12])`.

# %% tags=["plot"]
first = next(layer for layer in model.layers if layer.name == "whitening")
tiles = figures.kernel_tiles(first.kernel.numpy())
plots.images(
    tiles[: len(tiles) // 2],
    title="The first layer compares neighbours: brightness, edges and colours (the other half are the negatives)",
    alt="Twelve tiles of two by two pixels, the filters of the first layer: plain grey, light to dark from left to right "
    "or from top to bottom, and colours against each other.",
    columns=12,
)

# %% [markdown]
# ### What a network would like to see
#
# A filter of a deep layer cannot be looked at, but it can be *asked*: which image would you like most? Begin with a
# grey one and climb the gradient (Erhan and others, 2009). Without restraint that gives noise: there are many images
# that a network likes, and few that look like anything. So pixels are drawn back to grey (Simonyan and others, 2013,
# equation 1), and between the steps the image is moved a little and blurred.

# %%
from tracklab.explain import activation_maximisation

show(activation_maximisation.maximise, docstring=False)

# %% [markdown]
# **Predict.** It has learned shapes in eight colours and six patterns, turned anyhow. What will its favourite *star*
# look like?

# %% tags=["plot"]
wished = [explain.maximise(ask.about(k)) for k in range(10)]
real = max(float(about(k).values(images[k][None])[0]) for k in range(20))
GREY, CONTRAST = 118, 2.5  # shown with more contrast than they have, for the eye
plots.images(
    [(GREY + CONTRAST * (one.image - GREY)).clip(0, 255).astype(np.uint8) for one in wished],
    [f"{name}: {one.last:.0f}" for name, one in zip(pictures.class_names, wished, strict=True)],
    title=f"What it would like to see: logits up to {max(one.last for one in wished):.0f}; the surest of twenty real "
    f"answers has {real:.0f}",
    alt="Ten grey images, each with a small coloured thing in it that recalls a shape: a triangle, a star, a cross, and "
    "some that recall nothing.",
    columns=5,
)

# %% [markdown]
# **Explain.** Beside each name stands the logit: at 0 the network is undecided, at 5 it is as good as sure. Some can be
# recognised, and some are not what anybody would draw, and yet it is as good as sure of most of them. (Where the number
# is low the climb got stuck: real pictures have more.) Such an image says what is *enough* for the network, not what it
# has seen.
#
# ## 2. Which pixels would change the answer?
#
# The gradient of the logit with respect to the pixels says how the answer changes when a pixel does, and it costs one
# pass back through the network. It has three numbers a pixel, one for each channel. A map has one.
#
# ### Exercise `11-saliency`


# %% tags=["exercise"]
def saliency_map(gradient):
    """How much each pixel matters: (h, w).

    `gradient` (h, w, 3) says how the answer changes with each number of an image: three a pixel,
    up or down. A pixel matters as much as the one of its three numbers that the answer changes
    with most, whichever way.
    """
    return ...


check("11-saliency", saliency_map)

# %%
hint("11-saliency")

# %% [markdown]
# In the package, with the gradient before it:

# %%
from tracklab.explain import saliency

show(saliency.vanilla, docstring=False)

# %% [markdown]
# A gradient is a statement about *tiny* changes, and networks with ReLU are rough: a little to the side it may point
# elsewhere. SmoothGrad (Smilkov and others, 2017) takes the mean of the gradients at noisy copies of the image. How
# noisy is up to you. Below it is counted how often the highest place is on the object or at most three pixels beside it:
# answers change with edges, and an edge has two sides.
#
# **Predict.** The paper recommends 10 to 20 % of the range of the pixels, for photographs. What will 30 % do here?

# %%
NOISES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3)
by_noise = {
    noise: np.mean(
        [
            explain.hit(
                explain.smooth(about(k), images[k], noise=noise),
                masks[k],
                tolerance=3,
            )
            for k in range(24)
        ]
    )
    for noise in NOISES
}
print("highest place within 3 pixels of the object, of 24 pictures, by SmoothGrad's noise")
for noise, hits in by_noise.items():
    print(f"  noise {noise:4.0%}   {hits:5.0%}")

# %% [markdown]
# **Explain.** A little noise does no harm here; what is recommended for photographs does. The method asks the network
# about images that it has never seen. Where the noise is more than its training had, it answers, but what it answers is
# about noise. A setting that was right for one network and its data need not be right for yours.
#
# ## 3. An answer, shared out
#
# A gradient says what *would* change. It does not say where the answer *comes from*. Take a network that has enough at
# 1: $f(x) = 1 - \mathrm{ReLU}(1 - x)$. From $x = 0$ to $x = 2$ its answer rises from 0 to 1, and at 2 its gradient is 0,
# as if $x$ did not matter. Integrated gradients (Sundararajan and others, 2017) ask for shares that add up. Take a
# **baseline** $x'$, an image in which there is nothing, and go straight from it to the image $x$. All along the way, add
# up what each pixel contributes to the answer $F$:
#
# $$\mathrm{IG}_i(x) = (x_i - x'_i) \int_0^1 \frac{\partial F(x' + \alpha (x - x'))}{\partial x_i}\, d\alpha$$
#
# Their sum is $F(x) - F(x')$, for every network that has a gradient almost everywhere: that is **completeness**, and it
# can be checked.
#
# ### Exercise `11-shares`


# %% tags=["exercise"]
def shares_of(image, baseline, gradients):
    """What each number of an image adds to the answer: (h, w).

    `image` and `baseline` are (h, w), of one channel. `gradients` (m, h, w) holds the answer's
    gradient at m places of the straight way from the baseline to the image, evenly spread. The
    integral over the way is approximated by the mean over the m places. For a network that is
    linear the shares add up to its answer for the image less that for the baseline.
    """
    return ...


check("11-shares", shares_of)

# %% [markdown]
# Where the gradients come from, at the middles of equal steps on the way:

# %%
from tracklab.explain import integrated_gradients

show(integrated_gradients._mean_gradient, docstring=False)

# %% [markdown]
# **Predict.** How many gradients does it take until the shares add up to within 2 %? One? Ten? A hundred?

# %%
STEPS = (1, 2, 4, 8, 16, 32, 64)
misses = {
    steps: [
        explain.integrated(about(k), images[k], steps=steps, most=steps).error for k in range(8)
    ]
    for steps in STEPS
}
for steps, values in misses.items():
    print(f"{steps:3d} gradients: the sum is off by {np.median(values):6.1%} (median of 8)")
whole = [explain.integrated(about(k), images[k]) for k in range(8)]
print(
    f"until complete to 2 %: {min(one.steps for one in whole)} to {max(one.steps for one in whole)} "
    f"gradients; the sums are off by {max(one.error for one in whole):.1%} at most"
)

# %% [markdown]
# **Explain.** With one gradient, in the middle of the way, this is hardly more than the gradient times the image. The
# network bends on the way, and each bend has to be met. A method that promises something measurable can be held to it:
# `explain.integrated` doubles its steps until the sum is right, and says by how much it is off.
#
# What is the baseline here? A picture of one colour everywhere, the image's mean. That was a choice: shares are shares
# of a *difference*.
#
# **Predict.** Many take black. These pictures are grey with coloured shapes. What will the map do from black, and what
# from white?

# %%
by_base = {}
for name, level in (("its mean colour", None), ("black", 0), ("white", 255)):
    on_shape = []
    for k in range(8):
        base = None if level is None else np.full_like(images[k], level)
        shares = explain.integrated(about(k), images[k], baseline=base).shares
        on_shape.append(explain.energy(np.maximum(shares, 0), masks[k]))
    by_base[name] = np.mean(on_shape)
print("how much of what speaks for the answer lies on the shape, mean of 8 pictures, by baseline")
for name, value in by_base.items():
    print(f"  {name:16} {value:4.0%}")

# %% [markdown]
# **Explain.** From black, all that is not black has come a way, the background too, and gets its share. Each of the
# three adds up; they answer different questions. Ask of such a map: *compared with what?*
#
# ## 4. Where does a layer speak for it?
#
# Pixels are many, and a network forgets about them layer by layer. Grad-CAM (Selvaraju and others, 2017) looks at the
# last layer that still has places: each channel's map, weighted by how much the answer wants of it.
#
# $$\alpha_k = \frac1Z \sum_{ij} \frac{\partial y}{\partial A_{ijk}}, \qquad L = \mathrm{ReLU}\Big(\sum_k \alpha_k A_k\Big)$$
#
# Here $A_{ijk}$ is what channel $k$ says in place $ij$, $y$ the answer, and $Z$ the number of places.
#
# ### Exercise `11-grad-cam`


# %% tags=["exercise"]
def grad_cam(maps, slopes):
    """Where a layer speaks for the answer: (h, w).

    `maps` (h, w, C) is what the C channels of a layer say in each place; `slopes` (h, w, C), how
    the answer changes with each of these numbers. A channel's weight is the mean of its slopes over
    all places. Add up the maps, each times its weight; where that speaks against the answer, put 0.
    """
    return ...


check("11-grad-cam", grad_cam)

# %% [markdown]
# In the package there is a second way, `local`; you will need it in section 8. The small map is then enlarged to the
# image's size.

# %%
from tracklab.explain import gradcam

show(gradcam.coarse, docstring=False)

# %% [markdown]
# **Predict.** The last layer has 7 x 7 places for 64 x 64 pixels, an earlier one 15 x 15. Which of them points better?

# %% tags=["plot"]
by_layer = [
    {layer: explain.grad_cam(about(k), images[k], layer=layer) for layer in ask.about(0).layers}
    for k in range(24)
]
on_it = {
    layer: np.mean([explain.energy(row[layer], masks[k]) for k, row in enumerate(by_layer)])
    for layer in by_layer[0]
}
best = max(on_it, key=on_it.get)
figures.attributions(
    images[1:2],
    by_layer[1:2],
    masks=masks[1:2],
    names=[f"why {names[1]}?"],
    width=6.2,
    title=f"How much of Grad-CAM's map is on the shape (24 answers): at {best}, {on_it[best]:.0%}; "
    f"at 7 x 7, {on_it['7 x 7']:.0%}; at 63 x 63, {on_it['63 x 63']:.0%}",
)

# %% [markdown]
# **Explain.** An early layer has places but no shapes yet: what speaks for a star there is edges, anywhere. The last
# one has shapes and few places. Where to look is a choice, and Grad-CAM is always as coarse as the layer. (In the tables
# below it looks at the last one, as in the paper.)
#
# ## 5. Cover it and see
#
# No gradient, no layer: put a plain square before a part of the image, and see what is left of the answer (Zeiler and
# Fergus, 2014, section 4.2). It is slow, and the easiest of all to explain to anybody.

# %%
from tracklab.explain import occlusion_sensitivity

show(occlusion_sensitivity.occlusion, docstring=False)

# %% [markdown]
# ## 6. Do they point at the object?
#
# Now the measures. **Pointing game** (Zhang and others, 2016): is the highest place on the object? *Near* counts it, as
# above, up to three pixels beside it. **Energy** (Wang and others, 2020): which share of the map lies on it? All these
# ask whether the map agrees with *us*. **Deletion** (Petsiuk and others, 2018) asks the *network*: paint over the
# pixels that the map calls most important, with the image's mean colour. If they are, the answer falls fast.
# **Insertion** goes the other way: begin with the image blurred, and put its pixels back, the most important first. Of
# both curves one takes the area below: for deletion little is good, for insertion much.

# %%
from tracklab.explain import pointing, removal

show(pointing.energy, removal._curve, docstring=False)

# %% [markdown]
# ### Exercise `11-deletion`


# %% tags=["exercise"]
def deletion_curve(heat, adds):
    """The answers while pixels are deleted, the most important first: (N + 1,).

    `heat` (N,) is a map: how important it calls each of N pixels, all different. `adds` (N,) is
    what each pixel adds to the answer of a network that is a plain sum; a deleted pixel adds 0.
    Entry k is the answer without the k pixels that the map calls most important: entry 0 is that of
    the whole image, entry N is 0.
    """
    return ...


check("11-deletion", deletion_curve)

# %% tags=["plot"]
TRUTH = "the mask itself"  # as if somebody had drawn it as a map
gone = {}
for name in ("occlusion", "grad-cam", "integrated gradients", "saliency", "chance", TRUTH):
    curves = []
    for k in range(16):
        heat = masks[k] if name == TRUTH else explain.explain(name, about(k), images[k])
        curves.append(explain.deletion(about(k), images[k], heat))
    gone[name] = explain.Removal(
        curves[0].shares, np.mean([curve.probabilities for curve in curves], axis=0)
    )
figures.removals(
    gone,
    title=f"Pixels go, the map's highest first (means of 16 answers): by occlusion the area is "
    f"{gone['occlusion'].area:.2f}, by chance {gone['chance'].area:.2f}",
)

# %% [markdown]
# **Explain.** All lines end at the same answer, that of a picture of one plain colour. It is not 0: the network has
# never seen such a picture, and what it says of it means little. Look at the beginning: how few pixels have to go?
#
# **Predict.** The area counts the whole line. Will the maps come in the same order if only the first tenth counts?


# %%
def first_tenth(curve):
    """The mean of the answer until a tenth of the pixels are gone."""
    early = curve.shares <= 0.1
    share, said = curve.shares[early], curve.probabilities[early]
    return np.trapezoid(said, share) / share[-1]


begins = {name: first_tenth(curve) for name, curve in gone.items()}
print(f"{'mean of the answer while pixels go':36}{'all':>8}{'the first tenth':>18}")
for name, curve in gone.items():
    print(f"  {name:34}{curve.area:8.2f}{begins[name]:18.2f}")

# %% [markdown]
# **Explain.** They do not. Look at the mask: it is right by definition, and in the first tenth no map is much faster.
# By the area occlusion is well ahead of it: when the shape is gone, the line goes on, over pictures full of holes such
# as nobody has ever seen, and most of the area is there. Grad-CAM is the other way round: a small area, and a slow
# beginning, as it takes one spot and then all around it, shape or not. A measure can mislead as a method can. Look at
# the curve before you believe the area.
#
# **Predict.** An edge detector knows nothing of the network. How often will it point at the right one of two shapes?
# And the image's middle?
#
# In the table below stand the six methods, three that know nothing, and the mask itself. *Deletion* and *insertion* are
# the areas.

# %%
# every third answer: no two of one picture
cases = explain.pictures(model, pictures[:36])[::3]
table = explain.compare(cases)
print(f"{len(cases)} answers; means ± standard errors")
print(explain.summary(table, ("pointing", "near", "other", "energy", "insertion", "deletion")))

# %% [markdown]
# **Explain.** Read the rows of the baselines first. *Edges* find shapes, and cannot know which of them is meant: the
# column *other* says how often its highest place is on the wrong one. (Its map is the same whichever of the two is
# asked: if both were, the two columns would be equal. Here one of the two was, so they differ by chance.) *Middle* and
# *chance* say what can be had for nothing. A method is worth what it does **beyond** these.
#
# Then compare energy with insertion. Integrated gradients lie well on the shape, and do worst of the six when their
# pixels are put in. Do they not know what the network needs?
#
# **Predict.** Blur their map by a single pixel: nothing that the network said goes in. What will insertion say?

# %%
as_they_are, blurred = [], []
for case in cases:
    heat = explain.explain("integrated gradients", case.target, case.image)
    for areas, one in ((as_they_are, heat), (blurred, cv2.GaussianBlur(heat, (0, 0), 1))):
        areas.append(explain.insertion(case.target, case.image, one).area)
print("insertion of integrated gradients, mean over the same answers")
print(f"  as they are         {np.mean(as_they_are):.2f}")
print(f"  blurred by a pixel  {np.mean(blurred):.2f}")

# %% [markdown]
# **Explain.** On a shape, pixels that speak for the answer stand beside pixels that speak against it. The map holds the
# first only, and put in alone they make a shape full of holes. With the blur the holes are filled, and the same map is
# as good as any. So the number was about holes. *Agreeing with us* and *agreeing with the network* are two things, and
# the second is asked with pictures that are no pictures. That is why no measure stands alone here.
#
# Twenty-four answers are few. The same was measured once with many more, each of a scene of its own: answers of one
# scene are alike, and whiskers that count them all are too short. Here a whisker is two standard errors long.

# %% tags=["plot"]
stored = json.loads((Path(tracklab.__file__).parents[1] / "data/results/explain.json").read_text())
LOGIT, SCORE, OBJECTNESS, TRACKER = (
    "a shape's logit",
    "a detector's score",
    "objectness",
    "a tracker's map",
)
rows = stored[LOGIT]["methods"]
points = {name: rows[name]["pointing"][0] for name in explain.METHODS}
surest = max(points, key=points.get)
figures.methods_judged(
    rows,
    title=f"{stored[LOGIT]['cases']} answers, measured once: best at pointing, {surest}; edges point at the right "
    f"shape in {rows['edges']['pointing'][0]:.0%}, at the wrong in {rows['edges']['other'][0]:.0%}",
    measures=("pointing", "other", "energy", "insertion", "deletion", "similarity"),
)

# %%
print(f"measured once, with: {stored['command']}")
print(f"on {stored['machine']}; {sum(stored['cpu_seconds'].values()):.0f} CPU-seconds in all")

# %% [markdown]
# ## 7. Do they look at the network at all?
#
# The last column of the figure above is the most important one. Take the network, and make its weights random, from the
# answer down, layer by layer (Adebayo and others, 2018): it forgets. (Here each layer's own weights are put in another
# order.) Then ask the method again. If the map is **still the same**, it was never about the network. How alike two
# maps are is said by Spearman's rank correlation of their pixels: 1 if they have the same order, 0 if the one says
# nothing of the other.
#
# **Predict.** Which of the nine maps will not change at all? And can a map that points well fail this check?

# %%
from tracklab.explain import sanity

show(sanity.cascade, sanity.similarity, docstring=False)

# %% tags=["plot"]
copy = explain.copied(model)
forgetful = explain.Classes(copy, pictures.class_names, (64, 64))
few = list(zip(labels[:4], images[:4], strict=True))
watched = ("saliency", "integrated gradients", "grad-cam", "occlusion", "edges")
before = {n: [explain.explain(n, ask.about(c), x) for c, x in few] for n in watched}
left = {name: [1.0] for name in watched}
for _ in explain.cascade(copy, seed=1):
    for name in watched:
        now = [explain.explain(name, forgetful.about(c), x) for c, x in few]
        left[name].append(
            np.mean([explain.similarity(a, b) for a, b in zip(before[name], now, strict=True)])
        )
figures.forgetting(
    left,
    title=f"When all is forgotten, edges are {left['edges'][-1]:.2f} like before, saliency "
    f"{left['saliency'][-1]:.2f}, grad-cam {left['grad-cam'][-1]:.2f}",
)

# %% [markdown]
# **Explain.** The edge detector stays what it was, however beautiful its picture is: it **must** fail, and a check that
# it passes would be no check. That is what baselines are for. (And it does point at shapes, more often than chance: to
# point well is not to pass.) Then look at *how fast* the others change. The layer that forgets first is the one that
# holds the answers. A map that goes with it is about the answer; one that stays for long is mostly about what lies
# below, which answers to edges and corners whatever is asked. (Two maps that are 0 in most places and have nothing in
# common come out below 0: where one of them speaks, the other is silent.)
#
# ## 8. A detector's heads, and a tracker's map
#
# All this asks for is *one number and its gradient*. So the same methods explain a detector (lesson 04) and a visual
# tracker (lesson 07): the log-odds of a class for a region that stays fixed; the objectness at one anchor; the logit of
# the tracker's map in the cell where it found the object.

# %%
from tracklab.explain import target

show(target.Target.values, target.Target.gradients, target.Target.maps, docstring=False)

# %% tags=["plot"]
clip, exact = scenes.render_with_masks(
    scenes.TEST_SEED + 21, frames=4, objects=4, strangers=True, distractors=0.3, clutter=0.1
)
frame = clip.frames[0]
heads = explain.Heads(detector.shipped()[0], clip.size)
seen = heads.detector.detect(frame)
truth = clip.truth.boxes[0]
best = [int(np.nan_to_num(boxes.iou(box[None], truth)[0]).argmax()) for box in seen.boxes]
number = int(np.argmax([clip.truth.visibility[0, one] for one in best]))
box, label = seen.boxes[number], int(seen.labels[number])
mask = exact.visible(0)[best[number]]
asked = {
    "its score": heads.score(box, label),
    "objectness": heads.objectness(heads.best_anchor(box)),
}
# a tracker that is shown an object, and looks for it in the window around where it believes it
followed = int(np.argmax(clip.truth.visibility[0]))
tracker = trackers.create("recurrent")
tracker.init(clip.frames[0], clip.truth.boxes[0, followed])
tracker.update(clip.frames[1])
response, window = explain.Responses(tracker.network.siamese).step(tracker, clip.frames[2])
in_window = subjects.in_window(exact.visible(2)[followed], tracker.sight)

LOOKED = ("saliency", "integrated gradients", "grad-cam", "grad-cam, local", "occlusion")
questions = [*((one, frame, mask) for one in asked.values()), (response, window, in_window)]
heads_maps = [{m: explain.explain(m, one, image) for m in LOOKED} for one, image, _ in questions]
on_object = {
    name: [explain.energy(row[name], mask) for row in heads_maps[: len(asked)]]
    for name in ("grad-cam", "grad-cam, local")
}
figures.attributions(
    [image for _, image, _ in questions],
    heads_maps,
    masks=[there for *_, there in questions],
    names=[*asked, "tracker"],
    width=6.2,
    title=f"Why a {heads.detector.class_names[label]}? Of Grad-CAM {on_object['grad-cam'][0]:.0%} and "
    f"{on_object['grad-cam'][1]:.0%} are on it, of the local one "
    f"{on_object['grad-cam, local'][0]:.0%} and {on_object['grad-cam, local'][1]:.0%}",
)

# %% [markdown]
# **Explain.** In the first two rows the detector is asked, in the last one the tracker, of the window that it searched.
# Grad-CAM gives each channel *one* weight for the whole map. That is fair to a classifier that takes the largest answer
# anywhere. The question here is about one region, or one anchor: what a channel does elsewhere has no part in it. So
# weigh in each place by itself (HiResCAM; Draelos and Carin, 2020). A method carries assumptions about the network;
# moved to another one, it may fail without a warning.
#
# **Predict.** One case proves nothing; below are many. The tracker searches in a window with the object in its middle.
# Which of the baselines will be hard to beat there, and by which of the measures?

# %%
MEASURES = ("pointing", "energy", "deletion", "similarity", "on object")
for kind in (SCORE, OBJECTNESS, TRACKER):
    print(f"{kind}: {stored[kind]['cases']} cases, each of another scene (measured once)")
    print(" " * 24 + "".join(f"{name:>12}" for name in MEASURES))
    for name, row in stored[kind]["methods"].items():
        cells = "".join(
            f"{'-' if row[one][0] is None else format(row[one][0], '.2f'):>12}" for one in MEASURES
        )
        print(f"{name:24}" + cells)
    print()

# %% [markdown]
# **Explain.** Three things.
#
# - **The middle.** In the tracker's window it is a fierce baseline: the window is *made* so that the object is in its
#   middle. Pointing is not enough there, and neither is deletion: the middle goes first, and the object with it. Look
#   at the energy.
# - **Gradients after forgetting.** The maps of saliency and SmoothGrad are much like before, though the network has
#   forgotten everything. Do they fail? A question about one region or one cell cannot see far: its gradient is large
#   where it can see and small elsewhere, *whatever the weights are*. In the last column only the object's own pixels
#   are compared, and there next to nothing of them is left. So the coarse outline of such a map is the network's
#   architecture, and only what is inside it is what was learned.
# - **Grad-CAM**, with one weight for a whole channel, speaks of the whole frame where the question is about one place.
#   Its energy says so.
#
# A single number can pass or fail for the wrong reason. Ask where it comes from before you believe it.
#
# ## 9. What does a state hold?
#
# Lesson 05's networks put out 32 numbers of a state in each frame and carry them to the next. (The LSTM has its carry
# beside them.) What do they hold? A usual way to find out is to *read out*: fit a straight line from the state to what
# it might hold, the velocity say, and see on other objects how much of it the line explains (Alain and Bengio, 2016).
#
# ### Exercise `11-r-squared`


# %% tags=["exercise"]
def explained(said, true):
    """How much of what varies in `true` (N,) is explained by `said` (N,).

    1 where they are the same, 0 for whoever says the mean of `true` every time: 1 minus a quotient
    of two sums over all N. Above the line stands what is left, the squares of truth less what was
    said; below it how the truth varies, the squares of truth less its mean. `true` varies.
    """
    return ...


check("11-r-squared", explained)

# %%
fitted = motion.observe(300, seed=70, gaps=0.5)
others = motion.observe(200, seed=70, part="test", gaps=0.5)
lstm = motion.shipped("lstm")
_, held = readout.states(lstm, fitted)
_, held_by_others = readout.states(lstm, others)
line = readout.fit(held.reshape(-1, 32), readout.velocity(fitted).reshape(-1, 2))
wrong_line = readout.fit(
    held.reshape(-1, 32), readout.shuffled(readout.velocity(fitted)).reshape(-1, 2)
)
true_velocity = readout.velocity(others).reshape(-1, 2)
scores = [
    readout.r_squared(one(held_by_others.reshape(-1, 32)), true_velocity)
    for one in (line, wrong_line)
]
print(f"velocity, read out of the LSTM's state: R squared {scores[0]:.2f}")
print(f"control, fitted to the velocities of other objects: {scores[1]:.2f}")

# %% [markdown]
# **Explain?** Velocity can be read out by a straight line, and the shuffled control finds nothing. Many a paper stops
# here: *the network has learned to represent velocity*.
#
# **Predict.** What would a line explain that reads from the network's *inputs* of that frame? And from the state of a
# network that has **learned nothing**?

# %% tags=["plot"]
read = readout.compare(lstm, fitted, others)
figures.read_out(
    read,
    title=f"Velocity: state {read['velocity']['state']:.2f}, its inputs {read['velocity']['inputs']:.2f}, "
    f"untrained {read['velocity']['untrained']:.2f}. Coming change: state "
    f"{read['coming change']['state']:.2f}, inputs {read['coming change']['inputs']:.2f}",
)

# %% [markdown]
# **Explain.** The network works in a closed loop: among its inputs is the velocity that it believed a frame ago. So the
# velocity is in its state as an echo, and any network would have it there. The finding was true, and it said nothing
# about learning.
#
# Ask for something that is **not** in the inputs: how the velocity *will have changed* in three frames. Little of that
# can be read from what comes in, or from a network that has learned nothing. From the trained state, a good deal more
# can. **That** is what it has learned to hold: a part of what the object is about to do.
#
# Is it so in every network of lesson 05?

# %%
print("R squared of a line, means of three draws of trajectories (measured once, as above)")
places = ("state", "inputs", "untrained", "shuffled")
for what in ("velocity", "coming change"):
    print(f"{what:16}" + "".join(f"{place:>12}" for place in places))
    for kind, row in stored["states"].items():
        print(f"  {kind:14}" + "".join(f"{np.mean(row[what][place]):12.2f}" for place in places))

# %% [markdown]
# **Explain.** GRU and LSTM hold much more of the coming change than comes in; the simple recurrent network hardly more.
# And nowhere is the velocity easier to read from the state than from the inputs.
#
# ## 10. Explore
#
# Any method, on any network of the course. Then:
#
# - Go down the ranks: ask *why a circle?* of a picture without one. What does a method show where there is nothing to
#   show?
# - Ask for a detector's score by *grad-cam, local*. Which parts of a square does it need?
# - Let the network forget, and go through the methods.

# %% tags=["explorer"]
explore("attribution")

# %% [markdown]
# ## 11. The gate
#
# What you have measured in this run, beside the baselines. The cell stops with an error if the margins are not there.

# %% tags=["gate"]
mean = {
    name: {one: explain.spread(values)[0] for one, values in row.items()}
    for name, row in table.items()
}
columns = ("pointing", "near", "energy", "insertion", "deletion", "similarity")
lines = ["| method | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
for name, row in mean.items():
    cells = ["-" if np.isnan(row[one]) else f"{row[one]:.2f}" for one in columns]
    lines.append(f"| {name} | " + " | ".join(cells) + " |")

blind = [mean[name] for name in explain.BASELINES]
for name in explain.METHODS:
    # every method beats every baseline that knows nothing, by a margin
    assert mean[name]["near"] > max(row["near"] for row in blind) + 0.1, name
    assert mean[name]["energy"] > max(row["energy"] for row in blind) + 0.05, name
    # and changes when the network forgets
    assert mean[name]["similarity"] < sanity.FAILS, name
for name in explain.BASELINES:
    assert mean[name]["similarity"] > 0.99, name  # they must fail
# the network itself agrees: what occlusion calls important, it needs
assert mean["occlusion"]["deletion"] < min(row["deletion"] for row in blind) - 0.1
# the mask is as fast as any at first, and by the area it is not: the measure has its flaw
assert begins[TRUTH] < min(begins.values()) + 0.05
assert gone[TRUTH].area > gone["occlusion"].area + 0.03
assert begins["grad-cam"] > begins["occlusion"] + 0.05
# what lies best on the shape need not be what the network wants to see first
rest = [mean[name]["insertion"] for name in explain.METHODS if name != "integrated gradients"]
assert mean["integrated gradients"]["insertion"] < min(rest) - 0.05
assert np.mean(blurred) > np.mean(as_they_are) + 0.1
# nothing is left over
assert max(one.error for one in whole) < 0.05
assert np.median(misses[1]) > 2 * np.median(misses[64])
# compared with what?
assert by_base["its mean colour"] > max(by_base["black"], by_base["white"]) + 0.1
# noise that the network has never seen
assert by_noise[0.05] > by_noise[0.3] + 0.2
# a question about one place needs a weight in each place
assert min(on_object["grad-cam, local"]) > max(on_object["grad-cam"]) + 0.1
# what the state holds, and what it would hold anyway
assert read["velocity"]["state"] > read["velocity"]["shuffled"] + 0.2
assert read["velocity"]["inputs"] > read["velocity"]["state"]
assert read["coming change"]["state"] > read["coming change"]["inputs"] + 0.1
assert read["coming change"]["state"] > read["coming change"]["untrained"] + 0.1
Markdown("\n".join([*lines, "", f"Means over {len(cases)} answers. All margins are there."]))

# %% [markdown]
# ## Summary
#
# - An explanation is a claim, and can be tested. On scenes with exact masks it can be right or wrong.
# - A gradient says what would change the answer; integrated gradients share the answer out, and add up to it; Grad-CAM
#   says where a layer speaks for it; occlusion covers and looks.
# - Judge by more than one measure: whether a map agrees with the truth (pointing game, energy), and whether it agrees
#   with the network (deletion, insertion). They are not the same, and each can mislead: look where a number comes from.
# - Beside each method stand baselines that know nothing: edges, the middle, chance.
# - A map that stays the same when the network forgets everything is not about the network.
# - Methods have settings and assumptions: the noise, the baseline, the layer, one weight for a whole channel. Moved to
#   another network, they may fail without a warning.
# - What can be read out of a state need not have been learned. Read it from the inputs and from an untrained state, too.
#
# ## Common misconceptions
#
# - *"The map shows what the network sees."* It shows one number for each pixel, by a rule that somebody chose. Another
#   rule gives another map.
# - *"It lies on the object, so it is a good explanation."* An edge detector's often does. And a true map of a network
#   that looks at the background would lie on the background.
# - *"A small gradient means that a pixel does not matter."* Of what the network has enough of, more changes nothing.
#   Integrated gradients were made for that.
# - *"The shares add up, so they are the right ones."* They add up from every baseline, each time to another map.
# - *"The smaller the area under deletion, the better the map."* Most of it is about pictures that nobody has ever seen.
# - *"A sharp map is better than a coarse one."* Sharpness is what edges have.
# - *"The network represents velocity: it can be decoded."* From its inputs, too. Decoding needs a control that could
#   have worked.
#
# ## Quiz
#
# **1.** A colleague shows maps of a method for medical images. They look precise: every contour is there. Which single
# experiment do you ask for?
#
# <details><summary>Answer</summary>
#
# Make the network's weights random and compute the maps again. If the contours are still there, they come from the
# image. (And then: an edge detector beside the method, in every table.)
#
# </details>
#
# **2.** In your tracker's window the image's middle points at the object most of the time. Is the pointing game useless
# there?
#
# <details><summary>Answer</summary>
#
# By itself, yes: the window is made so that the object is in the middle. Ask for more than the middle can give: the
# energy on the exact mask, windows in which the object is off the middle, and whether the map changes when the network
# forgets.
#
# </details>
#
# **3.** From the state of your motion network a straight line reads how near the next wall is, with an R squared of 0.9
# on held-out objects; with shuffled objects it is 0. Has the network learned where the walls are?
#
# <details><summary>Answer</summary>
#
# Nobody knows yet. Shuffling only shows that the line did not make it up. How near the walls are is among the network's
# inputs (lesson 05): read it from these, and from the state of a network that has learned nothing. If they give 0.9,
# too, it came in and was passed on. Then ask for what did not come in.
#
# </details>
#
# ## Further reading
#
# - D. Erhan, Y. Bengio, A. Courville, P. Vincent. *Visualizing higher-layer features of a deep network.* Technical
#   report 1341, University of Montreal, 2009.
# - K. Simonyan, A. Vedaldi, A. Zisserman. *Deep inside convolutional networks: visualising image classification models
#   and saliency maps.* arXiv:1312.6034, 2013; ICLR workshop 2014.
# - M. D. Zeiler, R. Fergus. *Visualizing and understanding convolutional networks.* ECCV 2014. Occlusion.
# - G. Alain, Y. Bengio. *Understanding intermediate layers using linear classifier probes.* arXiv:1610.01644, 2016.
# - J. Zhang, Z. Lin, J. Brandt, X. Shen, S. Sclaroff. *Top-down neural attention by excitation backprop.* ECCV 2016.
#   The pointing game.
# - J. Yosinski, J. Clune, A. Nguyen, T. Fuchs, H. Lipson. *Understanding neural networks through deep visualization.*
#   ICML deep learning workshop 2015. The blur; the shift is from A. Mordvintsev, C. Olah, M. Tyka, *Inceptionism: going
#   deeper into neural networks*, Google research blog, 2015.
# - D. Smilkov, N. Thorat, B. Kim, F. Viégas, M. Wattenberg. *SmoothGrad: removing noise by adding noise.*
#   arXiv:1706.03825, 2017.
# - M. Sundararajan, A. Taly, Q. Yan. *Axiomatic attribution for deep networks.* ICML 2017. Integrated gradients.
# - R. R. Selvaraju, M. Cogswell, A. Das, R. Vedantam, D. Parikh, D. Batra. *Grad-CAM: visual explanations from deep
#   networks via gradient-based localization.* ICCV 2017.
# - V. Petsiuk, A. Das, K. Saenko. *RISE: randomized input sampling for explanation of black-box models.* BMVC 2018.
#   Insertion and deletion.
# - J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt, B. Kim. *Sanity checks for saliency maps.* NeurIPS 2018.
# - R. L. Draelos, L. Carin. *Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural
#   networks.* arXiv:2011.08891, 2020.
# - H. Wang, Z. Wang, M. Du, F. Yang, Z. Zhang, S. Ding, P. Mardziel, X. Hu. *Score-CAM: score-weighted visual
#   explanations for convolutional neural networks.* CVPR workshops 2020. Energy.
