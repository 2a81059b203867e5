"""Training steps and validation: loss, gradients and Adam, on one device or several."""

from __future__ import annotations

from dataclasses import replace

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision, Precision
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor, nn
from torch.optim import Optimizer

from upsampling_artifacts.data.segments import Batch, ValidationBatches
from upsampling_artifacts.models.build import build_loss
from upsampling_artifacts.models.loss import loss_function
from upsampling_artifacts.training.activation_checkpointing import checkpoint_blocks
from upsampling_artifacts.training.distributed import mean_over_devices
from upsampling_artifacts.training.options import AUTO, TrainingOptions

AMPERE = (8, 0)
"""The first GPUs whose tensor cores compute in bfloat16 and TF32, by compute capability."""


def choose_precision(options: TrainingOptions) -> TrainingOptions:
    """Decide what ``precision: auto`` means on this machine.

    Args:
        options: Training options.

    Returns:
        The options with ``bf16-mixed`` if training runs on GPUs that compute in bfloat16, and with
        ``32-true`` otherwise. Any other precision stays as it is.
    """
    if options.precision != AUTO:
        return options
    on_gpu = options.accelerator != "cpu" and torch.cuda.is_available()
    gpus = range(torch.cuda.device_count() if on_gpu else 0)
    oldest = min(map(torch.cuda.get_device_capability, gpus), default=(0, 0))
    return replace(options, precision="bf16-mixed" if oldest >= AMPERE else "32-true")


def computed_in(precision: str, device: torch.device) -> str:
    """The arithmetic of a precision on a device: ``tf32``, or the precision itself.

    Recent GPUs round the factors of float32 convolutions to 10 bits of mantissa, unless torch is
    told otherwise.

    Args:
        precision: As Lightning Fabric names it.
        device: The device.
    """
    if precision != "32-true" or device.type != "cuda" or not torch.backends.cudnn.allow_tf32:
        return precision
    return "tf32" if torch.cuda.get_device_capability(device) >= AMPERE else precision


class Trainer:
    """Takes training steps with a model and its optimizer on a device, and validates.

    Args:
        fabric: The device and the precision.
        model: The model to train.
        options: Training options.

    Attributes:
        model: The model, wrapped by Fabric; ``model.module`` is the bare one.
        optimizer: Adam, wrapped by Fabric.
        loss: What it minimizes, on the device. If it is a network, it belongs neither to the model
            nor to the optimizer, so it is not trained and not in a checkpoint.

    Raises:
        InputError: Activation checkpointing is on, and the model has no blocks; or the loss is
            unknown or breaks the contract.
    """

    def __init__(self, fabric: Fabric, model: nn.Module, options: TrainingOptions):
        self.fabric = fabric
        self.gradient_accumulation = options.gradient_accumulation
        if options.activation_checkpointing:
            checkpoint_blocks(model)
        if isinstance(self.precision, MixedPrecision):
            # Autocast rounds the factors of products. The mixture itself must not be rounded: in
            # bfloat16, the rounding noise is 55 dB below it, louder than music at high frequencies.
            setattr(self.precision, "convert_input", _unchanged)  # noqa: B010
        # Fused Adam updates all weights at once. On one thread, it shortens a step of the
        # demonstration's network to 0.94 of the time (benchmarks/switches.csv); weights differ by
        # rounding.
        adam = torch.optim.Adam(
            model.parameters(),
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
            fused=True,
        )
        self.model: _FabricModule
        self.optimizer: Optimizer
        self.model, self.optimizer = fabric.setup(model, adam)
        self.loss = fabric.to_device(build_loss(options.loss))

    @property
    def computed_in(self) -> str:
        """The arithmetic of training (:func:`computed_in`)."""
        return computed_in(str(self.precision.precision), self.fabric.device)

    @property
    def precision(self) -> Precision:
        """Fabric's precision plugin, which holds the loss scaler of mixed precision."""
        return self.fabric.strategy.precision

    def step(self, batch: Batch) -> Tensor:
        """Take one training step.

        The batch goes through the model in ``gradient_accumulation`` equal parts, one after the
        other. Gradients are means over segments, so those of the parts add up to those of the
        batch.

        Args:
            batch: All segments of the step, or this device's.

        Returns:
            The loss of the batch, a scalar on the device.
        """
        self.optimizer.zero_grad()
        loss = torch.zeros((), device=batch[0].device)
        n_parts = self.gradient_accumulation
        parts = zip(*(tensor.chunk(n_parts) for tensor in batch), strict=True)
        for number, part in enumerate(parts, start=1):
            # Devices exchange gradients once, after the last part.
            with self.fabric.no_backward_sync(self.model, enabled=number < n_parts):
                part_loss = loss_function(self.model, part, self.loss) / n_parts
                self.fabric.backward(part_loss)
            loss += part_loss.detach()
        self.optimizer.step()
        return loss

    @torch.no_grad()
    def validate(self, valid: ValidationBatches) -> float:
        """Mean L1 distance over all validation segments, which the devices share.

        It does not depend on the training loss, so that systems remain comparable.
        """
        self.model.eval()
        total, count = 0.0, 0
        for index in range(self.fabric.global_rank, len(valid), self.fabric.world_size):
            batch = self.fabric.to_device(valid[index])
            total += loss_function(self.model, batch).item() * len(batch[0])
            count += len(batch[0])
        self.model.train()
        return mean_over_devices(self.fabric, total, count)


def _unchanged(data: Tensor) -> Tensor:
    return data
