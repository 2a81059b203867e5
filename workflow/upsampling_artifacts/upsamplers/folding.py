"""A cache for a tensor that is computed from a weight, valid as long as the weight is unchanged."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook


class FilterCache:
    """Holds one tensor computed from a weight, for inference.

    The weight counts as changed if torch's version counter has increased, if its storage, dtype or
    device differs, and after every step of any optimizer, because fused optimizers do not increase
    the version counter. Changes through ``weight.data`` go unnoticed. Copies and pickles of a layer
    start with an empty cache.

    Example:
        >>> import torch
        >>> cache, weight = FilterCache(), torch.ones(2)
        >>> cache.get(weight, lambda weight: 2 * weight).tolist()
        [2.0, 2.0]
        >>> _ = weight.add_(1)
        >>> cache.get(weight, lambda weight: 2 * weight).tolist()
        [4.0, 4.0]
    """

    optimizer_steps = 0
    """Steps of all optimizers of the process."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Release the memory."""
        self._weight: Tensor | None = None
        self._computed: Tensor | None = None
        self._key: tuple[object, ...] | None = None

    def get(self, weight: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
        """``compute(weight)``, from the cache if the weight is unchanged.

        Args:
            weight: Any tensor.
            compute: The same function at every call.

        Returns:
            The result, without gradients if it comes from the cache.
        """
        if weight.is_inference():  # has no version counter
            return compute(weight)
        key = (
            weight.data_ptr(),
            weight._version,
            weight.dtype,
            weight.device,
            self.optimizer_steps,
        )
        if self._computed is None or key != self._key:
            self._key, self._computed = key, compute(weight)
            self._weight = weight.detach()  # keeps its storage from being reused by another tensor
        return self._computed

    def __reduce__(self) -> tuple[type[FilterCache], tuple[()]]:
        return FilterCache, ()

    @classmethod
    def record_optimizer_step(cls, *_: object) -> None:
        """Invalidate all caches."""
        cls.optimizer_steps += 1


register_optimizer_step_post_hook(FilterCache.record_optimizer_step)
