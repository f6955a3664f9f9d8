#!/bin/sh
# Make an environment with OpenCV's contrib package in .venv-contrib: its trackers are what the
# course's own are compared with. Two OpenCV packages overwrite each other, so it stands apart.
# Called by `make contrib`; safe to call again: what is there stays.
set -eu
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
place=.venv-contrib
if ! [ -x "$place/bin/python" ]; then
    rm -rf "$place"
    "$python" -m venv "$place"
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
"$place/bin/python" -m pip install --quiet --require-hashes -r benchmarks/contrib-requirements.lock
"$place/bin/python" -c 'from tracklab.trackers import opencv; print("OpenCV trackers here:", ", ".join(opencv.opencv_available()))'
