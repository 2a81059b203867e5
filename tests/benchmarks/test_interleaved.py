"""Turns: who runs when, how often, and what is told of it."""

import time

import numpy as np
import pytest
import torch
from upsampling_artifacts.benchmarks.interleaved import (
    quartiles,
    surroundings,
    time_interleaved,
    timed,
)


def test_all_take_turns_and_the_first_turn_is_not_counted() -> None:
    called = []
    runs = {name: lambda name=name: called.append(name) for name in "ab"}
    seconds = time_interleaved(runs, seconds=0, fewest=3)
    assert called == ["a", "b"] * 4
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_turns_begin_until_the_time_is_over_or_there_are_enough() -> None:
    pause = {"a": lambda: time.sleep(0.01)}
    assert len(time_interleaved(pause, seconds=60, fewest=1, most=4)["a"]) == 4
    assert 1 < len(time_interleaved(pause, seconds=0.05, fewest=1, most=50)["a"]) <= 5


def test_each_run_has_its_own_time() -> None:
    pauses = {0.001: None, 0.02: None}
    seconds = time_interleaved(
        {pause: lambda pause=pause: time.sleep(pause) for pause in pauses}, 0, fewest=5
    )
    assert (seconds[0.02] > 0.02).all() and np.median(seconds[0.001]) < 0.01
    assert timed(lambda: "result")[1] == "result"


def test_quartiles() -> None:
    assert quartiles(np.arange(1.0, 6)) == (2, 3, 4)


def test_the_surroundings_are_those_of_this_process() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    assert surroundings("cpu")["threads"] == 2
    torch.set_num_threads(threads)
    assert surroundings("cpu")["device"] == "cpu"
    assert surroundings("cpu")["load_average"] == pytest.approx(0, abs=10_000)
