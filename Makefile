# Everything that is needed lands in .venv; nothing is installed twice. Needs Python 3.11 to 3.13, git and make.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
# uv shows its progress in a terminal and is quiet elsewhere
INSTALL := $(UV) pip install $$([ -t 1 ] || echo --quiet) --python $(BIN)/python --constraint constraints.txt

# Two processes share the files of tests, in the order of folders: the long ones of e2e come first
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder

# mypy uses one core for a minute or two, so it runs beside what else there is to do, and tells at the end. Meanwhile
# Python compiles what the tests import, once in a .venv (both of pytest's processes would do it at the same time), and
# the tests begin: some of them wait
define beside-mypy
$(BIN)/mypy >.venv/mypy.log 2>&1 & mypy=$$!; \
if [ ! .venv/compiled -nt .venv/ready-dev ]; then \
	$(BIN)/python -m pytest --collect-only -qq >/dev/null 2>&1; touch .venv/compiled; fi; \
$(BIN)/python -m pytest $(1); tests=$$?; \
wait $$mypy; types=$$?; cat .venv/mypy.log; [ $$tests = 0 ] && [ $$types = 0 ]
endef

# Python keeps what it has compiled: otherwise each of the many processes compiles torch, Ray and MLflow anew (20 s)
unexport PYTHONDONTWRITEBYTECODE

.PHONY: sweep test check lint style format constraints audit bench clean

sweep: .venv/ready
	@$(BIN)/orchestrate sweep experiments/stability.yaml

# Everything
test: .venv/ready-dev style
	@$(call beside-mypy,$(WORKERS))

# For whoever works here: all but the tests of whole commands on a real Ray (`e2e`)
check: .venv/ready-dev style
	@$(call beside-mypy,$(WORKERS) -m 'not e2e')

lint: .venv/ready-dev style
	@$(BIN)/mypy

style: .venv/ready-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: .venv/ready-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# The exact versions of everything, for every platform, without the address of any index
constraints: .venv/ready
	@$(UV) pip compile --quiet --universal --upgrade --python-version 3.11 --extra dev --no-emit-index-url \
		--no-header pyproject.toml -o constraints.txt

$(UV):
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 13); sys.exit(not ok and "Python 3.11 to 3.13 is needed, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	@echo "installing into .venv (torch is large: from half a minute to a few minutes) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

.venv/ready: pyproject.toml constraints.txt | $(UV)
	@$(INSTALL) --editable .
	@touch $@

.venv/ready-dev: .venv/ready
	@$(INSTALL) --editable '.[dev]'
	@touch $@

# Known weaknesses of the pinned versions. Asks a service on the network
audit: .venv/ready-dev
	@$(BIN)/python tools/audit.py

# Every goal of docs/performance.md with what it is on this machine, which should do nothing else meanwhile.
# make bench DATA=FOLDER: also against Ray's own example, on the MNIST in that folder
bench: .venv/ready-dev
	@$(BIN)/python benchmarks/one_trial.py
	@$(BIN)/python benchmarks/one_trial.py --families sngan sngan_projection r3gan wgan_gp_resnet
	@if nvidia-smi >/dev/null 2>&1; then \
		$(BIN)/python benchmarks/one_trial.py --device cuda && $(BIN)/python benchmarks/one_gpu.py; fi
	@$(BIN)/python benchmarks/whole_job.py
	@$(BIN)/python benchmarks/stock_tune_mlflow.py
	@if [ -n "$(DATA)" ]; then $(BIN)/python benchmarks/ray_example.py --data "$(DATA)"; fi

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
