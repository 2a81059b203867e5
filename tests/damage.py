"""Damaged files, and how they are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from upsampling_artifacts.errors import InputError


def assert_damage_is_refused(
    file: Path, read: Callable[[Path], object], path: Path, n_flips: int = 100
) -> None:
    """Cut a file and flip its bits: each time, one line names ``path`` and says to delete it.

    Args:
        file: The file to damage; it is restored.
        read: Reads it.
        path: What ``read`` reads: the file, or one that belongs to it.
        n_flips: How many bits to flip, one at a time.
    """
    content = file.read_bytes()
    chance = np.random.default_rng(0)
    damaged = [content[:length] for length in (0, 4, 60, 100, 200, len(content) - 2)]
    for place in chance.integers(len(content), size=n_flips):
        flipped = bytearray(content)
        flipped[place] ^= 1 << chance.integers(8)
        damaged.append(bytes(flipped))
    for damage in damaged:
        file.write_bytes(damage)
        with pytest.raises(InputError, match=r"damaged.*; delete it") as error:
            read(path)
        assert str(error.value).startswith(f"{path}: ")
        assert "\n" not in str(error.value)
    file.write_bytes(content)
    read(path)
