"""Build and run what config asks for on torch's meta device, to find options that do not work.

Weights on the meta device take no memory, and nothing is computed. :mod:`pipeline.dry_builds` runs
this module as a program of its own, because planning a run must not load torch.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from upsampling_artifacts import import_paths, registry
from upsampling_artifacts.errors import InputError, one_line
from upsampling_artifacts.models.build import build_layer, build_model
from upsampling_artifacts.models.flops import batch_time_steps, network_size
from upsampling_artifacts.models.network_size import NetworkSize

MAX_CPU_SECONDS = 30
"""CPU time in which any network of a sensible size is built: the paper's take a second."""

MAX_BYTES = 4 * 2**30
"""Memory that building takes at most: some layers compute a filter."""

MAX_WEIGHTS = 4 * 10**9
"""Weights of a network at most: 16 GB. Demucs has less than a fifth at the paper's size."""

LAYER_SIZE = 64, 64, 4
"""Channels and stride of a single layer, as :mod:`probes.single_layers` probes it."""

TIME = 4097
"""Samples of the input: no multiple of a network's strides."""


class Outcome(NamedTuple):
    """What became of building and running a network or a layer.

    Attributes:
        fault: What is wrong with its options, one line; None if it works.
        size: What a network takes, if that was asked for and can be told.
    """

    fault: str | None
    size: NetworkSize | None = None


def try_out(row: dict) -> Outcome:
    """Build and run a network or a layer.

    A user-supplied network, which may need values, is not run.

    Args:
        row: ``{"architecture", "options", "upsampler", "n_sources", "audio_channels"}``, and
            ``"rate_hz"`` if its size is asked for; or ``{"upsampler"}`` for a single layer.

    Example:
        >>> try_out({"upsampler": {"name": "nearest", "length": 0}}).fault
        'length: 0 is not a filter length; use 1, 2, ...'
    """
    try:
        with _time_limit(), _memory_limit(), torch.no_grad():
            if "architecture" in row:
                return Outcome(None, _try_network(**row))
            with torch.device("meta"):
                layer = build_layer(row["upsampler"], *LAYER_SIZE, bias=False)
            _run(layer, LAYER_SIZE[0])
    except InputError as error:
        return Outcome(str(error))
    return Outcome(None)


def _try_network(
    architecture: str,
    options: dict,
    upsampler: dict | None,
    n_sources: int,
    audio_channels: int,
    rate_hz: int | None = None,
) -> NetworkSize | None:
    shape = {"n_sources": n_sources, "audio_channels": audio_channels}
    if registry.is_import_path(architecture):
        import_paths.import_object(architecture)
        return None
    model = build_model(architecture, options, upsampler, device="meta", **shape)
    batch_time_steps(model)
    y = _run(model, audio_channels)
    expected = (1, n_sources, audio_channels, TIME)
    if tuple(y.shape) != expected:
        raise InputError(f"its output has the shape {tuple(y.shape)} instead of {expected}")
    return None if rate_hz is None else network_size(model, rate_hz, audio_channels)


def _run(module: nn.Module, channels: int) -> torch.Tensor:
    sizes = {name: weight.numel() for name, weight in module.named_parameters()}
    if empty := [name for name, size in sizes.items() if not size]:
        raise InputError(f"has no weights in {empty[0]} with these options; choose larger ones")
    if (n_weights := sum(sizes.values())) > MAX_WEIGHTS:
        raise InputError(f"has {n_weights:,} weights with these options; choose smaller ones")
    try:
        # Some layers compute a filter when they are built, on the CPU.
        return module.to("meta")(torch.zeros(1, channels, TIME, device="meta"))
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"cannot run with these options ({one_line(error)}); change them"
        ) from error


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise InputError(
            f"takes more than {MAX_CPU_SECONDS} s to build with these options; choose smaller ones"
        )

    before = signal.signal(signal.SIGVTALRM, stop)
    # Again each second: Python passes over what is raised while it collects garbage.
    signal.setitimer(signal.ITIMER_VIRTUAL, MAX_CPU_SECONDS, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def _memory_limit() -> Iterator[None]:
    """Let what takes too much memory raise an error, where the kernel would kill the process."""
    statistics = Path("/proc/self/statm")
    if not statistics.exists():  # not Linux
        yield
        return
    size_bytes = int(statistics.read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limits = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([size_bytes + MAX_BYTES, *limits]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def main() -> None:
    """Read rows by key as JSON, and print the outcome of each in the last line."""
    rows = json.load(sys.stdin)
    print("\n" + json.dumps({where: try_out(row) for where, row in rows.items()}))


if __name__ == "__main__":
    main()
