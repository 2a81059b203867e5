"""Change the measures at random places, and see a test fail each time.

`python -m tests.mutation_campaign N [SEED [MODULE ...]]` draws N places in the code of `artifacts`
and `evaluation`, or of the named modules (`evaluation/sdr.py`), from each module its share, and one
of cosmic-ray's changes at each. First, all tests
of these rooms and of the probes run once, to learn which of them run which line. Each mutant then
meets those that run its statement, in a process of its own: those named after its module first, the
quickest first, until one fails. Prints a line for each mutant, the change of each that
survives, and how many were caught per module; the exit status tells whether it was 90 %.

Needs two packages that are not in the lock: `pip install cosmic-ray coverage`.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import gc
import importlib
import multiprocessing
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec
from itertools import accumulate
from pathlib import Path

import pytest
from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import use_db
from cosmic_ray.work_item import MutationSpec
from coverage import Coverage

from .clone import REPOSITORY

LIBRARY = REPOSITORY / "workflow/upsampling_artifacts"
ROOMS = ("artifacts", "evaluation")
TESTS = (
    "test_doctests.py", "evaluation", "artifacts", "oracles", "figures/test_trade_offs.py",
    "probes/test_single_layers.py",
)  # fmt: skip
"""Those of the two rooms; no others test :mod:`trade_offs` and :mod:`theory`."""
OPTIONS = ("--exitfirst", "--quiet", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist")
RUNS = {"clone", "copy_of_finished", "finished"}
"""Fixtures that run Snakemake: their tests take too long, and its jobs would not be mutants."""
LOADED = (
    "hypothesis.strategies", "matplotlib.pyplot", "mosqito", "museval", "pandas", "scipy.ndimage",
    "scipy.signal", "scipy.stats", "soundfile", "torch",
)  # fmt: skip
"""Packages that mutants share, because they take seconds to import."""
TEST_SECONDS = 20.0
"""How long the tests of one mutant take, all together."""
MEMORY_BYTES = 8 << 30
UNLIKELY = re.compile(
    r"_(Add|Sub|Mul|Div|FloorDiv|Mod|Pow)_(.Shift|Bit\w+)$"
    r"|_(.Shift|Bit[A-Za-z]+)_(Add|Sub|Mul|Div|FloorDiv|Mod|Pow)$"
    r"|_(Eq|NotEq|[LG]tE?)_Is"
    r"|ExceptionReplacer"
)
"""Changes that would flatter the tests: arithmetic to operations on bits and back, which fail
wherever they run, and equality to identity, which often changes nothing. And those of exceptions,
which cosmic-ray cannot make if the name has a dot."""
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Mutant:
    """A change of one module.

    Attributes:
        path: The module's file.
        line: Where it is changed.
        operator: What is changed, in cosmic-ray's words.
        source: The changed code.
    """

    path: Path
    line: int
    operator: str
    source: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.operator}"

    @property
    def module(self) -> str:
        return str(self.path.relative_to(LIBRARY))

    @property
    def change(self) -> str:
        """The lines that differ."""
        lines = (text.splitlines() for text in (self.path.read_text(), self.source))
        return "\n".join(list(difflib.unified_diff(*lines, n=0, lineterm=""))[3:])


@dataclass(frozen=True)
class Survey:
    """What the tests run.

    Attributes:
        seconds: How long each test takes.
        tests: The tests that run a line, by file and line.
    """

    seconds: dict[str, float]
    tests: dict[str, dict[int, list[str]]]

    def tests_of(self, mutant: Mutant) -> list[str]:
        """The tests of a mutant, in the order in which they may catch it soonest.

        Those that run its statement, or its module if it runs on import; and the others of the same
        files, because a fixture that runs it counts for its first test only.
        """
        lines = self.tests.get(str(mutant.path), {})
        statement = [lines.get(line, []) for line in statement_at(mutant.path, mutant.line)]
        found = set().union(*statement) - {""} or set().union(*lines.values()) - {""}
        files = {test.partition("::")[0] for test in found}
        name = mutant.path.stem
        own = re.compile(rf"/test_{name}\.py::|\.{name}\]$")  # the last: the examples
        ordered = sorted(
            (test for test in self.seconds if test.partition("::")[0] in files),
            key=lambda test: (not own.search(test), test not in found, self.seconds[test]),
        )
        totals = accumulate(self.seconds[test] for test in ordered)
        return [t for t, total in zip(ordered, totals, strict=True) if total < TEST_SECONDS]


class Recorder:
    """A plugin of pytest: notes what each test runs, and for how long."""

    def __init__(self, coverage: Coverage) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not RUNS & {*getattr(item, "fixturenames", ())}]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        start = time.process_time()
        result = yield
        self.seconds[item.nodeid] = time.process_time() - start
        return result


class Alarm:
    """A plugin of pytest: ends a process that stays in one test for too long."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        signal.alarm(int(20 + 5 * self.seconds[item.nodeid]))
        return (yield)


def survey() -> Survey:
    """Run all tests once."""
    rooms = [str(LIBRARY / room / "*") for room in ROOMS]
    coverage = Coverage(data_file=None, config_file=False, include=rooms)
    recorder = Recorder(coverage)
    coverage.start()
    paths = [str(REPOSITORY / "tests" / name) for name in TESTS]
    assert pytest.main([*OPTIONS, *paths], [recorder]) == 0, "the tests fail as they are"
    coverage.stop()
    data = coverage.get_data()
    tests = {path: data.contexts_by_lineno(path) for path in data.measured_files()}
    return Survey(recorder.seconds, tests)


def statement_at(path: Path, line: int) -> range:
    """The lines of the innermost statement at a line, without its body."""
    statements = [
        range(node.lineno, node.body[0].lineno if hasattr(node, "body") else node.end_lineno + 1)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.stmt)
    ]
    around = [lines for lines in statements if line in lines]
    return min(around, key=len, default=range(line, line + 1))


def all_places(modules: Iterable[str]) -> dict[Path, list[list[MutationSpec]]]:
    """What cosmic-ray can change, by module and place."""
    places: dict[Path, dict[tuple[int, int], list[MutationSpec]]] = {}
    with tempfile.TemporaryDirectory() as folder, use_db(f"{folder}/session.sqlite") as session:
        init([LIBRARY / module for module in modules], session, {})
        for item in session.work_items:
            (change,) = item.mutations
            if not UNLIKELY.search(change.operator_name):
                module = places.setdefault(change.module_path, {})
                module.setdefault(change.start_pos, []).append(change)
    return {path: [module[place] for place in sorted(module)] for path, module in places.items()}


def all_modules() -> list[str]:
    """The modules of the rooms, by their paths in the library."""
    paths = (path for room in ROOMS for path in sorted((LIBRARY / room).glob("*.py")))
    return [str(path.relative_to(LIBRARY)) for path in paths]


def draw(n_mutants: int, seed: int, modules: Iterable[str]) -> Iterator[Mutant]:
    """Draw mutants: from each module its share of all places, and one change at a place."""
    chance = random.Random(seed)
    places_of = all_places(modules)
    n_places = sum(map(len, places_of.values()))
    for path, places in sorted(places_of.items()):
        n_left = max(1, round(n_mutants * len(places) / n_places))
        for changes in chance.sample(places, len(places)):
            mutant = make(chance.choice(sorted(changes, key=lambda c: c.operator_name)))
            if n_left and meaning(mutant.source) not in (None, meaning(path.read_text())):
                n_left -= 1
                yield mutant


def make(change: MutationSpec) -> Mutant:
    source = mutate_code(
        change.module_path.read_text(), get_operator(change.operator_name)(), change.occurrence
    )
    operator = change.operator_name.removeprefix("core/")
    return Mutant(change.module_path, change.start_pos[0], operator, source)


def meaning(source: str) -> str | None:
    """The syntax tree without types, which change nothing; None for what is no Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        for types in {"annotation", "returns"} & {*node._fields}:
            setattr(node, types, None)
    return ast.dump(tree)


def survives(mutant: Mutant, found: Survey) -> bool:
    """Whether all tests of a mutant pass."""
    tests = found.tests_of(mutant)
    process = FORK.Process(target=run_tests, args=(mutant, tests, found.seconds))
    process.start()
    process.join()
    with contextlib.suppress(ProcessLookupError):  # what the tests may have started
        os.killpg(process.pid, signal.SIGKILL)
    return process.exitcode == 0


def run_tests(mutant: Mutant, tests: list[str], seconds: dict[str, float]) -> None:
    """Run tests with a mutant in the place of its module; exit with pytest's status."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    signal.alarm(20)
    import_mutant(mutant)
    sys.exit(pytest.main([*OPTIONS, *tests], [Alarm(seconds)]) if tests else 0)


def import_mutant(mutant: Mutant) -> None:
    package, _, name = mutant.module.removesuffix(".py").replace("/", ".").rpartition(".")
    package = f"{LIBRARY.name}.{package}"
    spec = find_spec(f"{package}.{name}")
    assert spec
    module = sys.modules[spec.name] = module_from_spec(spec)
    exec(compile(mutant.source, mutant.path, "exec"), module.__dict__)
    setattr(sys.modules[package], name, module)


def main(n_mutants: str = "330", seed: str = "0", *modules: str) -> int:
    if unknown := sorted({*modules} - {*all_modules()}):
        sys.exit(f"no module of {' or '.join(ROOMS)}: {', '.join(unknown)}")
    os.chdir(REPOSITORY)
    with ProcessPoolExecutor(1, FORK) as pool:
        found = pool.submit(survey).result()
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()
    drawn, caught = Counter[str](), Counter[str]()
    for mutant in draw(int(n_mutants), int(seed), modules or all_modules()):
        drawn[mutant.module] += 1
        if survives(mutant, found):
            print(f"{mutant} survives\n{mutant.change}", flush=True)
        else:
            caught[mutant.module] += 1
            print(f"{mutant} caught", flush=True)
    for module, n_drawn in drawn.items():
        print(f"{caught[module]} of {n_drawn} in {module}")
    share = caught.total() / drawn.total()
    print(f"{caught.total()} of {drawn.total()} mutants caught: {share:.1%}")
    return int(share < 0.9)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
