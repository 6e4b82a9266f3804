# One folder, .venv, holds everything; every target makes it first if it is not there.
# Another interpreter: make test PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python
# glibc then asks for large pages for large arrays, which are thousands of page faults otherwise.
export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1

.DEFAULT_GOAL := help
.PHONY: help demo test soak record report book bookcheck links instructor bench lab lint format glossary live livecheck repoint clean

help:  ## Show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# Said in one line, and before anything is made: pip would say it at length, in a folder half done.
define checked_python
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
  echo "$(PYTHON) is not there or too old: Python 3.11 or newer is needed. Say which one it is:" \
    "make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
endef

$(BIN)/.student: requirements.txt pyproject.toml
	$(checked_python)
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(BIN)/.developer: $(BIN)/.student requirements-dev.txt pyproject.toml
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: $(BIN)/.student  ## Turn a bundled photograph into a painting: output/demo.png
	$(RUN) -m nsthelpers demo

# Two files at a time, with a thread each; a notebook's cells stay together. Without a browser its
# tests are left out, aloud.
test: export TF_NUM_INTRAOP_THREADS ?= 1
test: $(BIN)/.developer  ## Run the whole test suite, notebooks included
	@if { command -v chromium || command -v chromium-browser || command -v google-chrome; } \
	  >/dev/null; then \
	  $(RUN) -m pytest -n 2 --dist loadfile; \
	else \
	  echo "No Chromium here: the tests in a real browser are left out (apt-get install chromium)."; \
	  $(RUN) -m pytest -n 2 --dist loadfile -m "not browser"; \
	fi
	NST_PROFILE=fast $(RUN) -m pytest notebooks --nbval-lax --nbval-current-env \
	  --nbval-cell-timeout=300 -p no:cacheprovider -n 2 --dist loadfile

soak: $(BIN)/.developer  ## Kill a run twenty times, instead of three times, and see that nothing is lost
	$(RUN) -m pytest tests/test_checkpoints.py -k killed --kills 20

# Hours on two cores. It resumes: what is there is kept. ALL=1: what other code has made is made anew.
# Three painters are trained on photographs of scikit-learn: .venv/bin/pip install scikit-learn
record: $(BIN)/.student  ## Make the experiments that come with the package (about 6 hours)
	$(RUN) -m nsthelpers record $(if $(ALL),--all) --report studies/REPORT.md

report: $(BIN)/.student  ## Write studies/REPORT.md from the record and the studies' files
	$(RUN) -m nsthelpers report studies/REPORT.md

$(BIN)/.book: $(BIN)/.student
	$(RUN) -m pip install --quiet --disable-pip-version-check -e '.[book]'
	@touch $@

# From the notebooks as they are committed: nothing is computed anew. Warnings are errors. Formulas
# need Node.js 20.19 or newer.
book: $(BIN)/.book  ## Make the pages of the book: book/build/html (a minute)
	$(RUN) book/assemble.py book/build/source
	$(BIN)/sphinx-build -q -W --keep-going -d book/build/doctrees -c book \
	  book/build/source book/build/html
	$(RUN) book/lighten.py book/build/html
	$(RUN) book/mend.py book/build/html

# Links, weight, formulas, and what axe-core finds, in a real browser; with the live pages if built.
# With `.venv/bin/pip install otter-grader` its commands are tried as well.
bookcheck: book $(BIN)/.developer  ## Check the pages of the book (4 minutes)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(RUN) -m pytest tests/test_book_site.py tests/test_grading.py -m live

# Asks every address that a page names; what is not published yet is left out.
links: $(BIN)/.book  ## Check the book's links to elsewhere; needs the network
	$(RUN) book/assemble.py book/build/source
	$(BIN)/sphinx-build -q -b linkcheck -d book/build/doctrees -c book \
	  book/build/source book/build/links

instructor: $(BIN)/.developer  ## Make what an instructor needs: book/build/instructor
	$(RUN) book/instructor.py book/build/instructor
	$(BIN)/jupyter nbconvert --log-level ERROR --to slides --no-input \
	  book/build/instructor/slides/*.ipynb

$(BIN)/.bench: $(BIN)/.student
	$(RUN) -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

# One after another on a machine that does nothing else. BENCH=--quick: smaller, a few minutes.
BENCH ?=
bench: $(BIN)/.bench  ## Measure speed and memory beside other programs (35 minutes)
	$(RUN) benchmarks/compare_features.py
	$(RUN) benchmarks/optimizer_check.py $(if $(BENCH),,--style)
	$(RUN) benchmarks/optimizer_cost.py $(BENCH)
	$(RUN) benchmarks/start_up.py $(BENCH)
	$(RUN) benchmarks/growth.py $(BENCH)
	$(RUN) benchmarks/regions.py $(BENCH)
	$(RUN) benchmarks/evaluation.py $(BENCH)
	$(RUN) benchmarks/time_to_loss.py $(BENCH)
	$(RUN) benchmarks/estimate_check.py $(BENCH)
	$(RUN) benchmarks/painter.py $(BENCH)
	$(RUN) benchmarks/report.py $(BENCH)

lab: $(BIN)/.student  ## Open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

lint: $(BIN)/.developer  ## Check style, types, and the workflow of CI
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/stubtest nsthelpers --mypy-config-file pyproject.toml --concise \
	  --allowlist tests/typing/no_stub.txt --ignore-unused-allowlist
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --quiet .github

format: $(BIN)/.developer  ## Bring code and notebooks into that style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

glossary: $(BIN)/.student  ## Write notebooks/glossary.md anew from the words of the package
	PYTHONPATH=. $(RUN) tests/glossary.py

# Needs Node.js 20.19 or newer: npm brings the runtime; runtime.json has the hashes of its files.
live: $(BIN)/.student  ## Build the pages that paint in the browser: book/live/build
	$(RUN) book/live/build_live.py

book/node_modules/.package-lock.json: book/package-lock.json
	cd book && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

livecheck: live book/node_modules/.package-lock.json $(BIN)/.developer  ## Check it: types, style, units, visitors
	cd book && npm run --silent types && npm run --silent lint && npm run --silent unit
	$(RUN) -m pytest tests/test_live_page.py tests/test_camera_page.py \
	  tests/test_live_frame.py -m browser

# A version is part of it: v1.2.0 sets 1.2.0. Nothing is installed for this.
repoint:  ## Point badges, links and set-up cells elsewhere: REPO=owner/name TAG=v1.2.0
	$(checked_python)
	@$(PYTHON) tests/repoint.py "$(REPO)" "$(TAG)"

clean:  ## Remove the environment and what was made
	rm -rf .venv .venv-oldest output build dist book/node_modules book/live/build .pytest_cache .mypy_cache .ruff_cache .hypothesis
