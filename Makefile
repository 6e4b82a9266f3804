# One folder, .venv, holds everything; every target makes it first if it is not there.
# Another interpreter: make test PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help demo test lab lint format notebooks bench clean

help:  ## Show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/.student: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(BIN)/.developer: $(BIN)/.student requirements-dev.txt
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: $(BIN)/.student  ## Turn a bundled photograph into a painting: output/demo.png
	$(RUN) -m nsthelpers demo

test: $(BIN)/.developer  ## Run the whole test suite
	$(RUN) -m pytest

lab: $(BIN)/.student  ## Open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

lint: $(BIN)/.developer  ## Check the style of code and notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(BIN)/.developer  ## Bring code and notebooks into that style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove the environment and what was made
	rm -rf .venv output build dist .pytest_cache .ruff_cache .hypothesis
