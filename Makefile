# make demo: dream the sample clip.   make test: run every check.   make samples, make bench: see README.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test samples bench clean

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(INSTALL) .
	touch $@

.venv/test-tools: .venv/installed
	$(INSTALL) '.[test]'
	touch $@

.venv/bench-tools: .venv/installed
	$(INSTALL) '.[music,plots]'
	touch $@

demo: .venv/installed
	mkdir -p demo
	$(BIN)/dreamvideo render samples/inputs/bunny.mp4 --output demo/dream.mp4 --overwrite

test: .venv/test-tools
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/pytest --numprocesses 2 --dist loadfile

samples: .venv/installed
	$(BIN)/python samples/make_samples.py

bench: .venv/bench-tools
	$(BIN)/python bench/run.py

clean:
	rm -rf .venv demo
