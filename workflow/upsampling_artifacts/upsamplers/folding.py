"""What is made of a weight, kept as long as the weight is the same."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook


class Folded:
    """A tensor made of a weight, for inference.

    A weight counts as changed when torch counts a change in place, when it lies elsewhere (another
    device, dtype, or tensor), and after every step of any optimizer, for torch does not count what
    a fused one does. What is written through ``weight.data`` is not noticed. Copies of a layer,
    and layers in a file, hold nothing.
    """

    steps = 0
    """Of all optimizers."""

    def __init__(self) -> None:
        self.drop()

    def drop(self) -> None:
        """Free the memory."""
        self._weight = self._made = self._key = None

    def of(self, weight: Tensor, make: Callable[[Tensor], Tensor]) -> Tensor:
        """``make(weight)``, without gradients; always of the same ``make``."""
        if weight.is_inference():  # its changes are not counted
            return make(weight)
        key = (weight.data_ptr(), weight._version, weight.dtype, weight.device, self.steps)
        if key != self._key:
            self._key, self._made = key, make(weight)
            self._weight = weight.detach()  # held, so that no other comes to lie there
        return self._made

    def __reduce__(self) -> tuple:
        return Folded, ()

    @classmethod
    def count_step(cls, *_: object) -> None:
        cls.steps += 1


register_optimizer_step_post_hook(Folded.count_step)
