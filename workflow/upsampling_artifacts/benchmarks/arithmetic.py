"""How much arithmetic a training step takes, and how much of it a device could do meanwhile."""

from __future__ import annotations

import logging
from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from upsampling_artifacts.benchmarks.turns import timed
from upsampling_artifacts.data.segments import Batch
from upsampling_artifacts.devices import launch
from upsampling_artifacts.stepping import loss_function

logger = logging.getLogger(__name__)

# Matrices so large that a product is all arithmetic, and so many products that one is undisturbed.
PEAK_SIZE = {"cpu": 1024, "cuda": 8192}
PEAK_REPEATS = 12


def tflop_per_step(model: nn.Module, batch: Batch, name: str) -> float:
    """Arithmetic of a step, forward and backward, as PyTorch's counter knows it.

    It knows matrix products and convolutions; what it leaves out is said at
    :func:`planning.tflop_per_second_of_audio`. The optimizer, which does a few operations per
    weight and is bound by memory, is left out, too.

    Args:
        model: On the "meta" device, where nothing is allocated or computed. It is good for
            nothing else afterwards.
        batch: There as well.
        name: For the log.

    Returns:
        In TFLOP; NaN for a model of anyone's that does not run without values.
    """
    for layer in model.modules():
        if isinstance(layer, nn.LSTM | nn.GRU) and not layer.proj_size:
            layer.forward = partial(all_steps_at_once, layer)
    try:
        with FlopCounterMode(display=False) as counter:
            loss_function(model, batch).backward()
    except Exception as error:
        logger.warning(f"{name}: the arithmetic of a step is not counted, on meta: {error}")
        return float("nan")
    return counter.get_total_flops() / 1e12


def all_steps_at_once(layer: nn.RNNBase, x: Tensor, _state: object = None) -> tuple[Tensor, None]:
    """What takes the place of a recurrent layer while products are counted.

    It has the same weights, and as many products with them: those of all time steps at once, for
    on the meta device each call takes as long, and a layer makes thousands of them.

    Shape:
        - x: ``(time, batch, features)`` or ``(batch, time, features)``
        - Output: the same, with as many features as the layer's.
    """
    directions = 2 if layer.bidirectional else 1
    for first in range(0, len(layer.all_weights), directions):
        hidden = []
        for input_weight, hidden_weight, *_ in layer.all_weights[first : first + directions]:
            gates = F.linear(x, input_weight)
            gates = gates + F.linear(gates[..., : layer.hidden_size], hidden_weight)
            hidden.append(gates[..., : layer.hidden_size])
        x = torch.cat(hidden, dim=-1)
    return x, None


@cache
def peak_tflop_per_second(accelerator: str, precision: str, threads: int) -> float:
    """What a device reaches in a product of large matrices, at a training's precision.

    The best of a dozen: what it can do, whatever else runs. In full float32, a GPU rounds the
    factors of convolutions (TF32), not those of matrix products, and may so exceed it.

    Args:
        accelerator: As lightning-fabric names it.
        precision: As lightning-fabric names it.
        threads: On a CPU.
    """
    fabric = launch(accelerator, 1, precision, threads)
    size = PEAK_SIZE[fabric.device.type]
    a, b = (torch.randn(size, size, device=fabric.device) for _ in range(2))
    with torch.no_grad(), fabric.autocast():
        dtype = (a[:1] @ b).dtype  # the one that this precision computes in
        a, b = a.to(dtype), b.to(dtype)
        seconds = min(timed(lambda: a @ b)[0] for _ in range(PEAK_REPEATS))
    return 2 * size**3 / seconds / 1e12
