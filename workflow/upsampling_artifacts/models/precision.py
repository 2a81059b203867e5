"""The arithmetic of a GPU's tensor cores, emulated on any device.

TF32 is float32 with a significand of 10 bits after the point instead of 23. A GPU from Ampere on
rounds both factors of a product to it, multiplies them exactly and adds up in float32. PyTorch
allows it in convolutions and recurrent layers by default (``torch.backends.cudnn.allow_tf32``), in
matrix products only if a program asks for it (``torch.set_float32_matmul_precision``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from upsampling_artifacts.upsamplers.rounding import emulates_tf32

CONVOLUTIONS = {
    torch.conv1d,
    torch.conv2d,
    torch.conv3d,
    torch.conv_transpose1d,
    torch.conv_transpose2d,
    torch.conv_transpose3d,
}
RECURRENT = {torch.lstm, torch.gru}
FACTORS = {
    torch.ops.aten.mm.default: (0, 1),
    torch.ops.aten.bmm.default: (0, 1),
    torch.ops.aten.addmm.default: (1, 2),
    torch.ops.aten.baddbmm.default: (1, 2),
}
"""Matrix products, and which of their arguments are multiplied."""


@contextmanager
def emulated_tf32(matrix_products: bool = False) -> Iterator[None]:
    """Compute in TF32 as a recent GPU does, on any device and without gradients.

    Emulates the rounding of the factors, and exact products added up in float32. A tensor core also
    rounds its sums, in a way that NVIDIA does not document; that is not emulated. Only float32
    tensors are rounded, so there is no effect on what runs in half precision.

    Recurrent layers run without oneDNN, which would hide their products.

    Args:
        matrix_products: Whether matrix products are rounded too, such as those of linear layers.
            By default they are not, as in PyTorch.

    Example:
        In TF32, the largest number below 2 is 2 - 2 ** -10.

        >>> layer = torch.nn.Conv1d(1, 1, 1, bias=False)
        >>> _ = torch.nn.init.ones_(layer.weight)
        >>> x = torch.tensor([[[1.5, 2 - 2**-10, 2 - 2**-20]]])
        >>> with emulated_tf32():
        ...     layer(x).tolist()
        [[[1.5, 1.9990234375, 2.0]]]
    """
    rounded_products = _RoundedMatrixProducts() if matrix_products else nullcontext()
    token = emulates_tf32.set(True)
    try:
        with torch.no_grad(), _RoundedLayers(), rounded_products:
            yield
    finally:
        emulates_tf32.reset(token)


def round_to_tf32(x: Tensor) -> Tensor:
    """The nearest numbers in TF32; of two equally near ones, that of larger magnitude.

    This is the rounding of the instruction ``cvt.rna.tf32.f32``, which CUDA provides for this
    purpose. NVIDIA does not document which rounding cuDNN and cuBLAS apply.

    Args:
        x: float32, of any shape.

    Returns:
        float32, of the same shape.

    Example:
        >>> round_to_tf32(torch.tensor([1 + 2**-10, 1 + 2**-11, 1 + 2**-12])).tolist()
        [1.0009765625, 1.0009765625, 1.0]
    """
    half, dropped = 1 << 12, (1 << 13) - 1
    return ((x.view(torch.int32) + half) & ~dropped).view(torch.float32)


def _rounded(value: Any) -> Any:
    is_single = isinstance(value, Tensor) and value.dtype == torch.float32
    return round_to_tf32(value) if is_single else value


@contextmanager
def _without_onednn() -> Iterator[None]:
    onednn = cast(Any, torch.backends.mkldnn)  # torch's own type of `enabled` cannot be assigned
    before, onednn.enabled = onednn.enabled, False
    try:
        yield
    finally:
        onednn.enabled = before


class _RoundedLayers(TorchFunctionMode):
    """Rounds the factors of convolutions, and of the products inside recurrent layers."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in CONVOLUTIONS:
            factors = {name: _rounded(kwargs[name]) for name in ("input", "weight") & kwargs.keys()}
            return func(*map(_rounded, args[:2]), *args[2:], **{**kwargs, **factors})
        if func in RECURRENT:
            with _without_onednn(), _RoundedMatrixProducts():
                return func(*args, **kwargs)
        return func(*args, **kwargs)


class _RoundedMatrixProducts(TorchDispatchMode):
    """Rounds the factors of matrix products, also of those inside compiled operations."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in FACTORS:
            args = tuple(
                _rounded(value) if index in FACTORS[func] else value
                for index, value in enumerate(args)
            )
            return func(*args, **kwargs)
        with self:  # in inference mode, operations arrive here whole
            parts = func.decompose(*args, **kwargs)
        return func(*args, **kwargs) if parts is NotImplemented else parts
