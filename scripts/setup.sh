#!/bin/sh
# Make the virtual environment in .venv and install the locked dependencies into it.
# Called by `make`; safe to call again: what was interrupted starts over, what is there stays.
set -eu
cd "$(dirname "$0")/.."

# TensorFlow has wheels for these versions of Python.
supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
python=
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
    if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c "$supported" 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "tracklab needs Python 3.11, 3.12 or 3.13, and found none of them on the PATH." >&2
    echo "Install one (python.org, your package manager, conda), or name it: make PYTHON=/path/to/python3.12 lab" >&2
    exit 1
fi

if ! [ -x .venv/bin/python ] || ! .venv/bin/python -c "$supported"; then
    rm -rf .venv
    if ! "$python" -m venv .venv; then
        rm -rf .venv
        echo "Python could not make a virtual environment. On Debian and Ubuntu: sudo apt install python3-venv" >&2
        exit 1
    fi
fi

echo "Installing the locked dependencies (about 3 GB on disk, a minute or two) ..."
export PIP_DISABLE_PIP_VERSION_CHECK=1
.venv/bin/python -m pip install --quiet --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .

opencv_loads() { .venv/bin/python -c 'import cv2' 2>.venv/opencv.log; }
if ! opencv_loads; then
    # Servers and containers often lack two libraries that every desktop has.
    needed="libgl1 libglib2.0-0"
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" -eq 0 ]; then
        echo "OpenCV needs system libraries: installing $needed ..."
        DEBIAN_FRONTEND=noninteractive
        export DEBIAN_FRONTEND
        apt-get update -qq && apt-get install -y -qq --no-install-recommends $needed >/dev/null
    fi
    if ! opencv_loads; then
        cat .venv/opencv.log >&2
        echo "OpenCV needs two system libraries. On Debian and Ubuntu: sudo apt install $needed" >&2
        exit 1
    fi
fi
