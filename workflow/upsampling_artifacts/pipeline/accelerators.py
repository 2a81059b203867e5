"""Whether this machine has the accelerator that config asks for; without loading PyTorch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

GPU_DEVICES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")
"""Files that the drivers of NVIDIA, AMD and Windows (WSL) make."""


def may_have_gpu(devices: Sequence[str | Path] = GPU_DEVICES) -> bool:
    """Whether this machine may have a GPU that PyTorch calls cuda.

    Args:
        devices: Files of drivers, of which one exists if there is a GPU.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in ("", "-1"):
        return False
    return any(Path(device).exists() for device in devices)


def missing_gpu(
    accelerators: Mapping[str, str], devices: Sequence[str | Path] = GPU_DEVICES
) -> str | None:
    """Say which key asks for a GPU that this machine does not have.

    Args:
        accelerators: ``training.accelerator`` of each system to be trained.
        devices: As for :func:`may_have_gpu`.

    Returns:
        One line, or None.

    Example:
        >>> missing_gpu({"demucs_nearest": "auto"})
        >>> missing_gpu({"demucs_nearest": "cuda"}, devices=[])
        'config: training.accelerator: cuda (of demucs_nearest), but this machine has no GPU; set \
it to auto or cpu, or run on a machine or cluster that has one'
    """
    systems = [name for name, accelerator in accelerators.items() if accelerator == "cuda"]
    if not systems or may_have_gpu(devices):
        return None
    return (
        f"config: training.accelerator: cuda (of {systems[0]}), but this machine has no GPU; set "
        "it to auto or cpu, or run on a machine or cluster that has one"
    )
