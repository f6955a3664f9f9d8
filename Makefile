# tracklab: every target says what it does; `make help` lists them.

BIN := .venv/bin
READY := .venv/ready
LESSONS ?=
PYTEST := $(BIN)/python -m pytest
# JupyterLab asks root, as one is in a container, to say that it is meant.
ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help lab test check lint unit lessons browser build times bench contrib albumentations lock format clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

$(READY): requirements.lock pyproject.toml scripts/setup.sh
	@PYTHON="$(PYTHON)" sh scripts/setup.sh
	@touch $(READY)

lab: $(READY) ## set up if needed, then open the first lesson in JupyterLab
	$(BIN)/jupyter lab $(ROOT) notebooks/00_follow_that_object.ipynb

test: lint unit lessons browser ## set up if needed, then hold everything: style, types, tests, lessons, browser

check: lint ## the fast part of the tests, in a few minutes
	$(PYTEST) -q -n 2 -m "not slow and not browser" tests

lint: $(READY) ## style and types of package, scripts, tests and lessons
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

unit: $(READY) ## the package's tests
	$(PYTEST) -n 2 -m "not browser" tests

lessons: $(READY) ## run every lesson from the top and compare what is exact (nbval)
	$(PYTEST) -q --nbval-lax --nbval-current-env --nbval-cell-timeout=120 notebooks

browser: $(READY) ## move the widgets in a real browser
	@sh scripts/install_chromium.sh
	$(PYTEST) -m browser tests

build: $(READY) ## make notebooks from their scripts, run and save them; some: make build LESSONS="01 02"
	$(BIN)/python scripts/lessons.py build $(LESSONS)
	$(BIN)/python scripts/faq.py

times: $(READY) ## print the measured seconds of every lesson
	$(BIN)/python scripts/lessons.py times

bench: $(READY) ## run every benchmark, one after the other (long: see benchmarks/)
	@for name in scenes video boxes trackers explorers classifier proposals detector blood_cells multi first_order second_order single motion tracking track augment explain augment_ablations compress visual; do \
	    echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

contrib: $(READY) ## an environment with OpenCV's contrib package, to measure its trackers; they are tested
	@sh scripts/contrib_env.sh $(BIN)/python
	.venv-contrib/bin/python -m pytest -q tests/test_trackers.py tests/test_opencv_trackers.py tests/test_mosse.py

albumentations: $(READY) ## an environment with albumentations, to measure our augmentation beside it
	@sh scripts/albumentations_env.sh $(BIN)/python

lock: $(READY) ## write requirements.lock anew from pyproject.toml, and those of the environments apart
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --all-extras --no-emit-index-url \
	    --no-header pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	    --python-version 3.11 --constraints requirements.lock benchmarks/contrib-requirements.txt \
	    --output-file benchmarks/contrib-requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	    --python-version 3.11 --constraints requirements.lock \
	    benchmarks/albumentations-requirements.txt \
	    --output-file benchmarks/albumentations-requirements.lock

format: $(READY) ## format package, scripts, tests and lessons
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove the environment, caches and downloaded data
	rm -rf .venv .venv-contrib .venv-albumentations data/cache .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
