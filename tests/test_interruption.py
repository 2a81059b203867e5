"""Interruption of training: signals are recorded, time limits anticipated."""

import os
import signal
import threading
import time
from types import SimpleNamespace

import psutil
import pytest
from upsampling_artifacts import interruption
from upsampling_artifacts.interruption import FIXED_SECONDS, SIGNALS, Interruption, process_seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock whose ``now`` can be set, in a process that has just started, outside SLURM."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(interruption.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(interruption.time, "time", lambda: 5e8 + clock.now)
    monkeypatch.setattr(interruption, "process_seconds", lambda: 0.0)
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    return clock


def test_without_a_signal_or_a_limit_there_is_no_reason_to_stop(clock: SimpleNamespace) -> None:
    with Interruption() as job:
        clock.now += 1e9
        assert job.reason(saving_seconds=1e6) is None


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_is_recorded_and_stays(clock: SimpleNamespace, number: int) -> None:
    with Interruption() as job:
        os.kill(os.getpid(), number)
        assert job.reason(0) == job.reason(0) == number.name


def test_time_is_up_when_saving_would_no_longer_fit(clock: SimpleNamespace) -> None:
    job = Interruption(runtime_minutes=10)
    clock.now += 600 - FIXED_SECONDS - 2 * 20 - 0.1
    assert job.reason(saving_seconds=20) is None
    assert job.reason(saving_seconds=21) == "its time limit"


def test_the_time_since_the_process_started_counts(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruption, "process_seconds", lambda: 500.0)
    job = Interruption(runtime_minutes=10)
    assert job.reason(0) is None
    clock.now += 100 - FIXED_SECONDS + 0.1
    assert Interruption(runtime_minutes=10).reason(0) is None  # process_seconds() is still 500
    assert job.deadline == 1100


def test_the_longest_step_so_far_must_still_fit(clock: SimpleNamespace) -> None:
    job = Interruption(runtime_minutes=10)
    for seconds in (0, 1, 100, 1):  # one of them with a validation
        clock.now += seconds
        assert job.reason(0) is None
    clock.now += 600 - 102 - FIXED_SECONDS - 100 - 1
    assert job.longest_seconds == 100
    clock.now += 2
    assert job.reason(0) == "its time limit"


def test_the_time_before_the_first_step_does_not_count_as_a_step(clock: SimpleNamespace) -> None:
    job = Interruption(runtime_minutes=10)
    clock.now += 400
    assert job.reason(0) is None
    assert job.longest_seconds == 0


@pytest.mark.parametrize(("runtime_minutes", "left"), [(None, 300), (10, 300), (2, 120)])
def test_the_earlier_of_slurms_end_time_and_the_limit_applies(
    clock: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    runtime_minutes: float | None,
    left: float,
) -> None:
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(round(5e8 + clock.now + 300)))
    assert Interruption(runtime_minutes).deadline == clock.now + left


def test_the_age_of_this_process_agrees_with_psutil() -> None:
    assert process_seconds() == pytest.approx(time.time() - psutil.Process().create_time(), abs=1.5)


def test_in_a_thread_the_deadline_works_and_signal_handlers_stay(clock: SimpleNamespace) -> None:
    before, reasons = signal.getsignal(signal.SIGTERM), []

    def work() -> None:
        with Interruption(runtime_minutes=0) as job:
            reasons.append((job.reason(0), signal.getsignal(signal.SIGTERM) == before))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert reasons == [("its time limit", True)]
