"""What may make a full-size training step faster on a GPU, timed in turns with the library's step.

Nothing here is used elsewhere. On an idle GPU,

    python -m upsampling_artifacts.benchmarks.gpu_full_size FOLDER

writes ``full_size_candidates.csv`` there. Keep what wins. A full-size step spends a quarter of its
time in an LSTM with two directions, and some of the rest in passes over memory between
convolutions.

**Directions side by side.** The two directions of a layer wait for nothing from each other, so they
run in two streams.

**Compiled blocks.** Each block of the encoder and the decoder is compiled by itself: what is
between two convolutions becomes one pass over memory, and the LSTM stays cuDNN's.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from upsampling_artifacts.benchmarks.step_comparison import (
    Candidate,
    Setting,
    compare_steps,
    start,
)
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.training.options import TrainingOptions

FULL_SIZE = TrainingOptions(
    epochs=1, batch_size=32, segment_seconds=10.0, stride_seconds=1.0, shift_seconds=0.0,
    remix_group=1, learning_rate=3e-4, validate_every_epochs=1, accelerator="cuda",
    precision="bf16-mixed",
)  # fmt: skip
SYSTEM: dict[str, Any] = {
    "architecture": "demucs",
    "options": {"channels": 100, "depth": 6},
    "upsampler": {"name": "transposed", "length": 8},
}
RECOMPILE_LIMIT = 64
"""More than a network has blocks: torch's own limit, 8, leaves the rest uncompiled."""


class SideBySide(nn.Module):
    """A bidirectional LSTM whose directions run in two streams.

    Args:
        lstm: The layer, without dropout between its layers. Its weights are used where they are.
    """

    def __init__(self, lstm: nn.LSTM):
        super().__init__()
        self.lstm = lstm
        self.stream = torch.cuda.Stream() if torch.cuda.is_available() else None

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Run the layer.

        Args:
            x: ``(time, batch, features)``.

        Returns:
            ``(time, batch, 2 * hidden)``; and no state.
        """
        device = x.device.type
        if torch.is_autocast_enabled(device):
            x = x.to(torch.get_autocast_dtype(device))
        with torch.autocast(device, enabled=False):
            for layer in range(self.lstm.num_layers):
                x = self._layer(x, layer)
        return x, None

    def _layer(self, x: Tensor, layer: int) -> Tensor:
        reverse_stream: AbstractContextManager[object] = nullcontext()
        if self.stream is not None and x.is_cuda:
            self.stream.wait_stream(torch.cuda.current_stream())
            x.record_stream(self.stream)
            reverse_stream = torch.cuda.stream(self.stream)
        forward = self._direction(x, f"_l{layer}")
        with reverse_stream:
            reverse = self._direction(x.flip(0), f"_l{layer}_reverse").flip(0)
        if self.stream is not None and x.is_cuda:
            torch.cuda.current_stream().wait_stream(self.stream)
            reverse.record_stream(torch.cuda.current_stream())
        return torch.cat([forward, reverse], dim=-1)

    def _direction(self, x: Tensor, suffix: str) -> Tensor:
        lstm = self.lstm
        kinds = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if lstm.bias else [])]
        weights = [getattr(lstm, kind + suffix).to(x.dtype) for kind in kinds]
        state = x.new_zeros(1, x.shape[1], lstm.hidden_size)
        y, *_ = torch.lstm(
            x, (state, state), weights, lstm.bias, 1, 0.0, lstm.training, False, False
        )
        return y


def run_directions_side_by_side(network: nn.Module) -> None:
    """Let the directions of the LSTM of a Demucs-like network run side by side, in place."""
    network.lstm = SideBySide(network.lstm)  # type: ignore[arg-type]


def compile_blocks(network: nn.Module, backend: str = "inductor") -> None:
    """Compile each block of a Demucs-like network, in place.

    Args:
        network: With the lists ``encoder`` and ``decoder``.
        backend: Of ``torch.compile``.
    """
    torch._dynamo.config.recompile_limit = RECOMPILE_LIMIT
    for blocks in (network.encoder, network.decoder):
        for block in blocks:  # type: ignore[union-attr]
            block.compile(backend=backend, dynamic=False)


CANDIDATES = ("library", "side by side", "compiled", "side by side, compiled")
"""What is changed in the library's network."""


def measure_candidates(
    csv_path: str | Path,
    options: TrainingOptions = FULL_SIZE,
    system: dict[str, Any] = SYSTEM,
    rate_hz: int = 44100,
    seconds: float = 10.0,
    backend: str = "inductor",
) -> None:
    """Time training steps of each candidate re those of the library.

    Args:
        csv_path: Where to write one row per candidate. ``ratio_to_library``: within rounds.
        options: Training options; by default the paper's, on one GPU.
        system: Architecture, options and upsampler.
        rate_hz: Sampling rate.
        seconds: For each candidate.
        backend: Of ``torch.compile``.
    """
    setting = Setting(system, options, n_sources=4, rate_hz=rate_hz)
    measured = compare_steps(
        dict.fromkeys(CANDIDATES, setting),
        partial(_begin, backend=backend),
        {},
        "ratio_to_library",
        seconds,
        unit="candidates",
    )
    rows = [
        {"candidate": name, **columns}
        for name, by_implementation in measured.items()
        for columns in by_implementation.values()
    ]
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(rows).to_csv(unfinished, index=False, float_format="%.4g")


def _begin(name: str, setting: Setting, backend: str) -> Candidate:
    """Start a model, change it, and take the step in which blocks are compiled."""
    candidate = start(setting)
    network = candidate.trainer.model.module
    if "side by side" in name:
        run_directions_side_by_side(network)
    if "compiled" in name:
        compile_blocks(network, backend)
    candidate.step()
    return candidate


if __name__ == "__main__":
    measure_candidates(Path(sys.argv[1]) / "full_size_candidates.csv")
