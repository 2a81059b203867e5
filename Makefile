# `make` runs the demonstration, `make preview` reports what it has finished so far, `make test` runs
# the tests, `make lint` checks style, types and structure. Each installs into .venv first, once.
# Apart from `make test`: `make test-pythons` runs the library's tests on every supported Python, `make
# coverage` measures which of its lines they run, and `make test-models` probes published models, whose
# packages need an environment of their own.

PYTHON ?= python3
CORES ?= all
MEMORY_MB ?= $(shell awk '/MemAvailable/ {print int($$2 / 1024)}' /proc/meminfo)
VENV = .venv
ACTIVATE = . $(VENV)/bin/activate
PIP = python -m pip install --quiet --no-deps
LOCKED = --require-hashes --requirement envs/lock.txt
# uv installs in a third of pip's time. But it does not read pip's settings, the address of a mirror,
# say: where it fails, pip installs the same. `make UV=` does not try it.
UV ?= uv
WITH_UV = [ "$(UV)" ] && $(PIP) --require-hashes --requirement envs/uv.txt && { \
  $(UV) pip install --quiet --no-deps $(LOCKED) || \
  { echo "uv failed; pip installs instead ..."; false; }; }
# Else each process would compile the sources of PyTorch, which uv leaves as they are.
export PYTHONDONTWRITEBYTECODE =
PAGE = workflow/upsampling_artifacts/report
# The Pythons that the project supports.
PYTHONS = 3.11 3.12 3.13
PYTEST = OMP_NUM_THREADS=1 python -m pytest --numprocesses auto
LIBRARY_TESTS = --ignore tests/workflow --ignore tests/slurm --ignore tests/real_models

.PHONY: demo preview install test test-slurm test-library test-pythons test-models coverage lint lock \
  clean
.DELETE_ON_ERROR:

# Probes of full-size networks wait for memory, not only for a core.
demo: install
	@$(ACTIVATE) && snakemake --cores $(CORES) --resources mem_mb=$(MEMORY_MB) --quiet rules
	@echo "The report: $(CURDIR)/results/demo/report.html"

# While `make` runs: the report of what it has finished so far. It reads what the running experiment
# has made, and writes a folder of its own, so it may disregard the lock.
preview: install
	@$(ACTIVATE) && snakemake --nolock --cores 1 --quiet rules --config preview=true -- report
	@echo "The preview: $(CURDIR)/results/demo_preview/report.html"

install: $(VENV)/installed

$(VENV)/installed: envs/lock.txt envs/uv.txt envs/link_ffmpeg.py pyproject.toml $(PAGE)/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12"; exit 1; }
	@echo "Installing into $(VENV): about 6 GB, a minute or two, most of it PyTorch ..."
	@$(PYTHON) -m venv $(VENV)
	@$(ACTIVATE) && { $(WITH_UV) || $(PIP) $(LOCKED); }
	@$(ACTIVATE) && $(PIP) --no-build-isolation --editable .
	@$(ACTIVATE) && python envs/link_ffmpeg.py
	@$(ACTIVATE) && npm ci --prefix $(PAGE) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

test: install
	@sh tests/install_browser.sh
	@$(ACTIVATE) && $(PYTEST) --ignore tests/slurm --ignore tests/real_models
	@$(MAKE) --no-print-directory test-slurm

# `--profile slurm` on a real, temporary SLURM cluster. Runs on its own, because some of these tests
# are timed; most wait for the cluster, so there are more processes than cores. Skipped where SLURM is
# missing and only root could install it; REQUIRE_SLURM=1 makes that an error.
test-slurm: install
	@sh tests/install_slurm.sh
	@$(ACTIVATE) && OMP_NUM_THREADS=1 python -m pytest --numprocesses 4 --dist worksteal tests/slurm

# The library's tests, without those of the workflow.
test-library: install
	@sh tests/install_browser.sh
	@$(ACTIVATE) && $(PYTEST) $(LIBRARY_TESTS)

# The same on every supported Python that this machine has, in .venv-3.11, .venv-3.12, ...
test-pythons:
	@for version in $(PYTHONS); do \
	  if python$$version -c '' 2> /dev/null; then \
	    echo "Python $$version:"; \
	    $(MAKE) --no-print-directory VENV=.venv-$$version PYTHON=python$$version test-library || exit; \
	  else echo "Python $$version: skipped, there is no python$$version"; fi; \
	done

# Fails below the share in pyproject.toml.
coverage: install
	@$(ACTIVATE) && $(PYTEST) $(LIBRARY_TESTS) --cov

# Published models with random weights, offline. Not part of `make test`, because the packages take
# 0.5 GB. They are installed on top of .venv, which stays as it is.
test-models: .venv-models/installed
	@. .venv-models/bin/activate && $(PYTEST) --dist loadgroup tests/real_models

.venv-models/installed: .venv/installed envs/models.txt
	@echo "Installing into .venv-models: about 0.5 GB ..."
	@.venv/bin/python -m venv --clear --without-pip .venv-models
	@below=$$(.venv/bin/python -c 'import site; print(*site.getsitepackages())') && \
	  above=$$(.venv-models/bin/python -c 'import site; print(*site.getsitepackages())') && \
	  echo "import site; site.addsitedir('$$below')" > "$$above/below.pth"
	@. .venv-models/bin/activate && python -m pip install --quiet --no-deps --no-build-isolation \
	  --require-hashes --requirement envs/models.txt
	@touch $@

# Cheapest first. `snakemake --lint` exits with 1 if it finds anything.
lint: install
	@$(ACTIVATE) && ruff check .
	@$(ACTIVATE) && ruff format --check .
	@$(ACTIVATE) && snakefmt --check Snakefile workflow
	@$(ACTIVATE) && lint-imports
	@$(ACTIVATE) && snakemake --lint
	@$(ACTIVATE) && snakemake --lint --configfile config/paper.yaml
	@$(ACTIVATE) && mypy

# Run this after editing envs/requirements.in or envs/models.in.
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header \
  --no-annotate --generate-hashes
lock: install
	@$(ACTIVATE) && echo uv | $(COMPILE) --no-deps - --output-file envs/uv.txt
	@$(ACTIVATE) && $(COMPILE) envs/requirements.in --output-file envs/lock.txt
	@$(ACTIVATE) && $(COMPILE) --no-deps envs/models.in --output-file envs/models.txt
	@$(ACTIVATE) && npm install --prefix $(PAGE) --package-lock-only --omit-lockfile-registry-resolved

clean:
	rm -rf .venv .venv-* .snakemake results/demo logs
