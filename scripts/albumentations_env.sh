#!/bin/sh
# Make an environment with albumentations in .venv-albumentations: benchmarks/augment.py measures the
# course's own augmentation beside it. It brings an OpenCV of its own, so it stands apart.
# Called by `make albumentations`; safe to call again: what is there stays.
set -eu
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
place=.venv-albumentations
if ! [ -x "$place/bin/python" ]; then
    rm -rf "$place"
    "$python" -m venv "$place"
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 NO_ALBUMENTATIONS_UPDATE=1
"$place/bin/python" -m pip install --quiet --require-hashes \
    -r benchmarks/albumentations-requirements.lock
"$place/bin/python" -c 'import albumentations as a; print("albumentations", a.__version__)'
