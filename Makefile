# Two commands: `make` runs the demonstration, `make test` passes the tests.
# Both install into .venv first; a second call finds nothing to install.

PYTHON ?= python3
CORES ?= all
ACTIVATE = . .venv/bin/activate

.PHONY: demo install test test-slurm lint lock clean
.DELETE_ON_ERROR:

# Snakemake 9.27 looks for jobs to start once per timespan for each job that has finished: with its
# default of 1 s it takes a sixth of a core in the end. 3 s cost as much when it exits.
demo: install
	@$(ACTIVATE) && snakemake --cores $(CORES) --quiet rules --max-jobs-per-timespan 300/3s
	@echo "The report: $(CURDIR)/results/demo/report.html"

install: .venv/installed

.venv/installed: envs/lock.txt envs/link_ffmpeg.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12"; exit 1; }
	@echo "Installing into .venv: about 6 GB, a few minutes, most of it PyTorch ..."
	@$(PYTHON) -m venv .venv
	@$(ACTIVATE) && python -m pip install --quiet --no-deps --require-hashes --requirement envs/lock.txt
	@$(ACTIVATE) && python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@$(ACTIVATE) && python envs/link_ffmpeg.py
	@touch $@

test: install
	@sh tests/install_browser.sh
	@$(ACTIVATE) && OMP_NUM_THREADS=1 python -m pytest --numprocesses auto --ignore tests/slurm
	@$(MAKE) --no-print-directory test-slurm

# `--profile slurm` on a real, throw-away SLURM, with the machine to itself: some of it has to happen
# in time. Skipped where there is none and only root could install it; with REQUIRE_SLURM=1 an error.
test-slurm: install
	@sh tests/install_slurm.sh
	@$(ACTIVATE) && OMP_NUM_THREADS=1 python -m pytest --numprocesses 2 tests/slurm

lint: install
	@$(ACTIVATE) && ruff check . && ruff format --check . && snakefmt --check Snakefile workflow

# After a change to envs/requirements.in.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header \
	  --no-annotate --generate-hashes envs/requirements.in --output-file envs/lock.txt

clean:
	rm -rf .venv .snakemake results/demo logs
