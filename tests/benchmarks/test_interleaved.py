"""Interleaved timing: order and number of the runs, and the times returned."""

import time

import numpy as np
import pytest
import torch
from upsampling_artifacts.benchmarks.interleaved import (
    machine_columns,
    quartiles,
    time_call,
    time_interleaved,
)


def test_runs_are_interleaved_after_a_round_of_warm_up() -> None:
    calls = []
    runs = {name: lambda name=name: calls.append(name) for name in "ab"}
    seconds = time_interleaved(runs, seconds=0, min_rounds=3)
    assert calls == ["a", "b"] * 4
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_rounds_start_until_the_time_is_up_or_the_maximum_is_reached() -> None:
    pause = {"a": lambda: time.sleep(0.01)}
    assert len(time_interleaved(pause, seconds=60, min_rounds=1, max_rounds=4)["a"]) == 4
    assert 1 < len(time_interleaved(pause, seconds=0.05, min_rounds=1, max_rounds=50)["a"]) <= 5


def test_each_run_gets_its_own_times() -> None:
    pauses = {0.001: None, 0.02: None}
    seconds = time_interleaved(
        {pause: lambda pause=pause: time.sleep(pause) for pause in pauses}, 0, min_rounds=5
    )
    assert (seconds[0.02] > 0.02).all() and np.median(seconds[0.001]) < 0.01
    assert time_call(lambda: "result")[1] == "result"


def test_quartiles_include_the_median() -> None:
    assert quartiles(np.arange(1.0, 6)) == (2, 3, 4)


def test_the_machine_columns_describe_this_process() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    assert machine_columns("cpu")["threads"] == 2
    torch.set_num_threads(threads)
    assert machine_columns("cpu")["device"] == "cpu"
    assert machine_columns("cpu")["load_average"] == pytest.approx(0, abs=10_000)
