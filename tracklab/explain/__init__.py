"""Looking inside: where an answer comes from, what a channel wants to see, what a state holds.

`Classes`, `Heads` and `Responses` ask three kinds of networks: a classifier, a detector's two
heads, a visual tracker's response map. What they are asked is a `Target`, and `explain` gives the
map of any of `METHODS`, or of one of `BASELINES` that know nothing of the network.

    ask = explain.Classes(model, names, (64, 64))
    heat = explain.explain("grad-cam", ask.about("star"), image)

The methods one by one: `vanilla` and `smooth` (saliency), `integrated`, `grad_cam`, `occlusion`;
`maximise` is the image that a target likes most. A map is judged by `hit` and `energy` against an
exact mask, by `insertion` and `deletion` against the network itself, and by what is left of it when
the network forgets (`cascade`, `similarity`); `compare` does all of that. `readout` reads a
recurrent network's state.
"""

from tracklab.explain import readout
from tracklab.explain.activation_maximisation import Wished, maximise
from tracklab.explain.gradcam import grad_cam
from tracklab.explain.integrated_gradients import Integrated, integrated, nothing
from tracklab.explain.judging import Case, compare, judge, pictures, spread, summary
from tracklab.explain.methods import ALL, BASELINES, METHODS, explain, positive
from tracklab.explain.occlusion_sensitivity import occlusion
from tracklab.explain.pointing import energy, hit
from tracklab.explain.removal import Removal, deletion, insertion
from tracklab.explain.saliency import smooth, vanilla
from tracklab.explain.sanity import cascade, copied, similarity
from tracklab.explain.target import Asked, Target
from tracklab.explain.targets import Classes, Heads, Responses

__all__ = [
    "ALL",
    "BASELINES",
    "METHODS",
    "Asked",
    "Case",
    "Classes",
    "Heads",
    "Integrated",
    "Removal",
    "Responses",
    "Target",
    "Wished",
    "cascade",
    "compare",
    "copied",
    "deletion",
    "energy",
    "explain",
    "grad_cam",
    "hit",
    "insertion",
    "integrated",
    "judge",
    "maximise",
    "nothing",
    "occlusion",
    "pictures",
    "positive",
    "readout",
    "similarity",
    "smooth",
    "spread",
    "summary",
    "vanilla",
]
