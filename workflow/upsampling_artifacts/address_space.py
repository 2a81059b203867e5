"""Whether a process may take the address space that PyTorch needs.

Some clusters limit it (``ulimit -v``) to the memory that a job asks for. PyTorch maps gigabytes of
libraries that it mostly never reads; where they do not fit, its import ends in an ImportError that
says nothing of a limit.
"""

from __future__ import annotations

import resource
from importlib.util import find_spec
from pathlib import Path

from upsampling_artifacts.errors import InputError

CUDA_BYTES, CPU_BYTES = 3.5e9, 1e9
"""To import PyTorch built for CUDA (3.1 GB) and the other packages of a job; and built without."""


def check_address_space() -> None:
    """Check the limit of this process.

    Raises:
        InputError: The limit is too low to import PyTorch.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < (needed := needed_bytes()):
        raise InputError(
            f"address space: limited to {limit / 1e9:.1f} GB (ulimit -v), but PyTorch takes "
            f"{needed / 1e9:.1f} GB of it to load, most of which is not memory; raise the limit, "
            "or ask the cluster that sets it for more"
        )


def needed_bytes() -> float:
    """The address space that the installed PyTorch needs; it is not imported."""
    torch = find_spec("torch")
    assert torch and torch.origin
    libraries = Path(torch.origin).with_name("lib")
    return CUDA_BYTES if (libraries / "libtorch_cuda.so").exists() else CPU_BYTES
