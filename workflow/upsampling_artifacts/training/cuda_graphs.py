"""CUDA graphs: the kernels of a training step are recorded once, and replayed in every later step.

A step of a small network is thousands of short kernels. Launching them one by one takes the CPU
longer than the GPU takes to run them. A replay launches all of them at once; they are the same
kernels, so the losses are the same up to rounding.

A replay repeats what was recorded: shapes, addresses, and whatever Python decided. Recording runs
nothing, so it changes neither weights nor the optimizer; the steps before it are ordinary ones.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import Optimizer

from upsampling_artifacts.data.segments import Batch
from upsampling_artifacts.training.options import AUTO, TrainingOptions
from upsampling_artifacts.training.step import Trainer

logger = logging.getLogger(__name__)

WARM_UP_STEPS = 3
"""Ordinary steps before the recording. They allocate the moments of Adam and the workspaces of
libraries, and let these choose their algorithms."""

KNOWN_PACKAGES = {"torch", "upsampling_artifacts", "openunmix"}
"""Packages in whose forward passes Python decides nothing that differs between steps."""

TakeStep = Callable[[Batch], Tensor]


def step_function(trainer: Trainer, options: TrainingOptions) -> TakeStep:
    """Choose how training steps are taken: one by one, or replayed.

    Args:
        trainer: Takes the steps.
        options: Training options. With ``cuda_graphs: auto``, steps are replayed where that is
            safe; with ``true``, user-supplied networks and losses are replayed, too.

    Returns:
        A function from the batch of a step to its loss, a scalar on the device.
    """
    if options.cuda_graphs is False:
        return trainer.step
    reason = find_obstacle(trainer, options)
    if reason is None:
        return ReplayedStep(trainer)
    # On a CPU, there is nothing to say, unless CUDA graphs were asked for.
    if options.cuda_graphs != AUTO or trainer.fabric.device.type == "cuda":
        logger.info(f"training without CUDA graphs: {reason}")
    return trainer.step


def find_obstacle(trainer: Trainer, options: TrainingOptions) -> str | None:
    """Find a reason why steps cannot be replayed, or why that would not be safe.

    Args:
        trainer: Takes the steps.
        options: Training options.

    Returns:
        The reason; None if there is none.
    """
    modules = [*trainer.model.module.modules(), *trainer.loss.modules()]
    packages = {type(module).__module__.partition(".")[0] for module in modules}
    unknown = set() if options.cuda_graphs is True else packages - KNOWN_PACKAGES
    obstacles = {
        "they need a GPU": trainer.fabric.device.type != "cuda",
        "several devices share a batch": options.devices > 1,
        "with gradient_accumulation, memory is short": options.gradient_accumulation > 1,
        "activation_checkpointing reads random states": options.activation_checkpointing,
        "16-mixed adapts its loss scale in every step": options.precision == "16-mixed",
        "the network draws random numbers (dropout)": any(map(_draws_random_numbers, modules)),
        f"code of {', '.join(sorted(unknown))} may decide something in every step; "
        "training.cuda_graphs: true uses them all the same": bool(unknown),
    }
    return next((reason for reason, applies in obstacles.items() if applies), None)


class ReplayedStep:
    """Takes training steps: the first ones as usual, the others by replaying one.

    If the step cannot be recorded, training goes on as usual, with one message.

    Args:
        trainer: Takes the usual steps, on a GPU.
    """

    def __init__(self, trainer: Trainer):
        self.trainer = trainer
        self.stream = torch.cuda.Stream()
        self.usual_steps_left = WARM_UP_STEPS
        self.take: TakeStep = self._step_aside

    def __call__(self, batch: Batch) -> Tensor:
        """Take one training step, and return its loss, a scalar on the device.

        Args:
            batch: All segments of the step, in the shape of every other step.
        """
        if self.usual_steps_left == 0:
            self.take = self._recorded(batch)
        self.usual_steps_left -= 1
        return self.take(batch)

    def _step_aside(self, batch: Batch) -> Tensor:
        with _aside(self.stream):
            return self.trainer.step(batch)

    def _recorded(self, batch: Batch) -> TakeStep:
        """The replay of a step, or the usual step if it cannot be recorded."""
        if _lacks_memory():
            # Validation needs memory besides.
            logger.info("training without CUDA graphs: they would fill the memory of the GPU")
            return self.trainer.step
        try:
            replay = record(self.trainer, batch, self.stream)
        except RuntimeError as error:
            # The first error; the second says that recording has ended.
            cause = str(error.__context__ or error).partition("\n")[0]
            logger.warning(
                f"training without CUDA graphs: a step cannot be recorded ({cause}); "
                "training.cuda_graphs: false avoids this message"
            )
            self.trainer.optimizer.zero_grad()  # recorded, but never computed
            return self.trainer.step
        logger.info("training steps are replayed as a CUDA graph")
        return replay


def record(trainer: Trainer, batch: Batch, stream: torch.cuda.Stream) -> TakeStep:
    """Record the kernels of a training step, without running them.

    Args:
        trainer: Takes the step.
        batch: A batch in the shape of all batches.
        stream: On which steps were taken before, so that libraries have their workspaces.

    Returns:
        A function from the batch of a step to its loss. It takes the step by a replay.

    Raises:
        RuntimeError: The step does what a graph cannot repeat, e.g. waits for the GPU.
    """
    inputs: Batch = batch[0].clone(), batch[1].clone()
    trainer.optimizer.zero_grad()  # so that gradients lie in the memory of the graph
    graph = torch.cuda.CUDAGraph()
    with (
        _capturable(trainer.optimizer),
        torch.cuda.stream(stream),  # restores the current stream even if the recording fails
        # Other threads may use the GPU meanwhile: one copies batches to pinned memory.
        torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"),
    ):
        loss = trainer.step(inputs)

    def replay(batch: Batch) -> Tensor:
        for held, new in zip(inputs, batch, strict=True):
            held.copy_(new, non_blocking=True)
        graph.replay()
        return loss.clone()  # the next replay overwrites it

    return replay


@contextmanager
def _capturable(optimizer: Optimizer) -> Iterator[None]:
    """Let an optimizer be recorded. Not for longer: checkpoints would keep the setting."""
    for group in optimizer.param_groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group in optimizer.param_groups:
            group["capturable"] = False


@contextmanager
def _aside(stream: torch.cuda.Stream) -> Iterator[None]:
    """Use another stream, after all work so far, and before all later work."""
    current = torch.cuda.current_stream()
    stream.wait_stream(current)
    with torch.cuda.stream(stream):
        yield
    current.wait_stream(stream)


def _lacks_memory() -> bool:
    """Whether a graph, which keeps the memory of a step, leaves too little for a second step.

    Validation takes less than a step, but cannot use the memory of the graph.
    """
    free, _ = torch.cuda.mem_get_info()
    return 2 * torch.cuda.max_memory_allocated() > free + torch.cuda.memory_reserved()


def _draws_random_numbers(module: nn.Module) -> bool:
    """Whether a layer draws random numbers in training.

    A graph can repeat that. But if its recording fails, torch refuses random numbers afterward.
    """
    share = module.p if isinstance(module, _DropoutNd) else getattr(module, "dropout", 0)
    return isinstance(module, nn.RReLU) or (isinstance(share, float | int) and share > 0)
