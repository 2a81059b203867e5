"""Scripts that start from a process with imported packages behave as if started afresh."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from upsampling_artifacts.pipeline import preloading

from ..clone import REPOSITORY

DRIVER = """
import os, sys
from upsampling_artifacts.pipeline import preloading
preloading.PACKAGES = ("colorsys", "no_such_package")
if __name__ == "__main__":
    before = dict(os.environ)
    preloading.preload({})
    assert os.environ == before
    process = preloading.start_script(sys.argv[1], {**os.environ, "JOB": "its own"})
    if sys.argv[2:]:
        os.kill(process.pid, int(sys.argv[2]))
    process.join()
    sys.exit(process.exitcode)
"""

MANY = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from upsampling_artifacts.pipeline import preloading
preloading.PACKAGES = ("colorsys",)
def status(number):
    process = preloading.start_script(sys.argv[1], {**os.environ, "NUMBER": str(number % 7)})
    process.join()
    return process.exitcode
if __name__ == "__main__":
    preloading.preload({})
    with ThreadPoolExecutor(8) as pool:
        print(list(pool.map(status, range(32))))
"""


def run(
    tmp_path: Path, script: str, *number: str, driver: str = DRIVER
) -> subprocess.CompletedProcess[str]:
    """Run a script from a preloaded process, in an interpreter of its own; send it a signal."""
    (tmp_path / "driver.py").write_text(driver)
    (tmp_path / "script.py").write_text(script)
    return subprocess.run(
        [sys.executable, tmp_path / "driver.py", tmp_path / "script.py", *number],
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'workflow'}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_script_finds_the_packages_and_an_environment_of_its_own(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        "import os, sys; print('colorsys' in sys.modules, __name__, os.environ['JOB'], sys.argv)",
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"True __main__ its own ['{tmp_path / 'script.py'}']\n"


@pytest.mark.parametrize(
    ("script", "status"),
    [("import sys; sys.exit(75)", 75), ("1 / 0", 1), ("import os; os.kill(os.getpid(), 9)", -9)],
)
def test_the_exit_status_is_that_of_the_script(tmp_path: Path, script: str, status: int) -> None:
    assert run(tmp_path, script).returncode == status % 256


def test_threads_that_start_many_scripts_at_once_learn_how_each_ended(tmp_path: Path) -> None:
    result = run(tmp_path, "import os, sys; sys.exit(int(os.environ['NUMBER']))", driver=MANY)
    assert result.stdout == f"{[number % 7 for number in range(32)]}\n", result.stderr


def test_a_script_that_gets_sigterm_before_it_begins_ends_by_it(tmp_path: Path) -> None:
    result = run(tmp_path, "import time; time.sleep(20)", str(signal.SIGTERM.value))
    assert result.returncode == -signal.SIGTERM % 256, result.stderr


def test_the_server_ends_at_once_with_its_process(tmp_path: Path) -> None:
    """To free what it has imported takes seconds."""
    (tmp_path / "slow_to_end.py").write_text(
        "import atexit, time; atexit.register(time.sleep, 400)"
    )
    script = "import sys; print('slow_to_end' in sys.modules)"
    result = run(tmp_path, script, driver=DRIVER.replace("colorsys", "slow_to_end"))
    assert result.stdout == "True\n", result.stderr


def test_scripts_run_on_one_thread(tmp_path: Path) -> None:
    script = "import torch; print(torch.get_num_threads())"
    result = run(tmp_path, script)
    assert result.stdout == "1\n", result.stderr


def test_the_packages_can_be_imported() -> None:
    for name in preloading.PACKAGES:
        __import__(name)
