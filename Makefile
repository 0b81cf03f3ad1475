# make app | demo | test | lint | env       (see README.md)
# The environment lives in .venv and is made once; PYTHON picks the interpreter: make env PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from-lock
PORT ?= 7860
DEMO_RUN ?= runs/demo
DEMO_SYSTEMS ?= copy-synthesis,full,naive,causal,cosyvoice,streamflow-sr,streamflow-lr

.PHONY: help env app demo test lint
help:
	@echo "make app    open the application on a fresh machine, with a demo run and study: http://127.0.0.1:$(PORT)"
	@echo "make demo   compare the decoders on the shipped corpus and write $(DEMO_RUN)/report/index.html"
	@echo "make test   run the tests"
	@echo "make lint   run ruff"
	@echo "make env    only make the environment in $(VENV)"

env: $(STAMP)

# Made again when a pin or a dependency changes; an interrupted installation leaves no stamp and is taken up again.
$(STAMP): requirements.lock requirements-oracles.lock pyproject.toml tools/make-environment
	@PYTHON="$(PYTHON)" tools/make-environment $(VENV)
	@touch $@

# Serves at once and makes the demo in the background; the environment comes first where there is none.
app: $(STAMP)
	@$(BIN)/python app.py --demo --port $(PORT)

demo: $(STAMP)
	@$(BIN)/streamflow compare --corpus corpora/shipped/manifest.csv --systems $(DEMO_SYSTEMS) --out $(DEMO_RUN)

test: $(STAMP)
	@$(BIN)/python -m pytest -n 3 --dist loadfile

lint: $(STAMP)
	@$(BIN)/ruff check .
