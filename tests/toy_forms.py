"""Small models with any form of input and output, for ``tests.toy_forms:NAME``.

Those that ought to be answered, first; then those that ought to be refused in one line.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections import namedtuple
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .toy_models import Filter, Returns, Upsampler, Vocoder


class BatchTime(nn.Module):
    """``(batch, time)`` to ``(batch, time)``."""

    def __init__(self):
        super().__init__()
        self.inner = Upsampler()

    def forward(self, x: Tensor) -> Tensor:
        batch, _ = x.shape
        return self.inner(x.reshape(batch, 1, -1))[:, 0]


class TimeLast(nn.Module):
    """``(batch, time, channels)`` to the same."""

    def __init__(self, channels: int = 2):
        super().__init__()
        self.mix = nn.Linear(channels, 8)
        self.inner = Upsampler(8)
        self.out = nn.Linear(8, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.inner(self.mix(x).mT).mT)


class OneDimension(nn.Module):
    """``(time,)`` to ``(time,)``."""

    def __init__(self):
        super().__init__()
        self.inner = Upsampler()

    def forward(self, x: Tensor) -> Tensor:
        (time,) = x.shape
        return self.inner(x.reshape(1, 1, time)).reshape(-1)


class FramesBins(nn.Module):
    """A vocoder of ``(batch, frames, bins)`` with one-dimensional output, as in transformers."""

    def __init__(self, bins: int = 20):
        super().__init__()
        self.mix = nn.Linear(bins, bins)
        self.inner = Vocoder(bins)

    def forward(self, spectrogram: Tensor) -> Tensor:
        return self.inner(self.mix(spectrogram).mT).reshape(-1)


class Frames(nn.Module):
    """Takes whole frames: the length must be a multiple of ``size``."""

    def __init__(self, size: int = 1024):
        super().__init__()
        self.size = size
        self.inner = Upsampler()

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] % self.size:
            raise ValueError(f"length {x.shape[-1]} is not a multiple of {self.size}")
        return self.inner(x)


class NoThird(nn.Module):
    """Refuses inputs shorter than 10,000 samples, and so the middle third of the test signals."""

    def __init__(self):
        super().__init__()
        self.inner = Upsampler()

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-1] >= 10_000, f"{x.shape[-1]} samples are too short"
        return self.inner(x)


@dataclass
class Audio:
    """An output as in transformers."""

    audio_values: Tensor
    audio_codes: Tensor | None = None


Pair = namedtuple("Pair", "audio lengths")


class Outputs(nn.Module):
    """Returns its audio within something else."""

    def __init__(self, kind: str = "dict"):
        super().__init__()
        self.kind = kind
        self.inner = Upsampler()

    def forward(self, x: Tensor):
        y = self.inner(x)
        lengths = torch.tensor([y.shape[-1]])
        return {
            "dict": {"audio": y, "loss": y.mean()},
            "nested": {"output": {"stems": [y, y]}, "codes": None},
            "tuple": (y, lengths),
            "named": Pair(y, lengths),
            "dataclass": Audio(y),
            "mask": (y, torch.ones_like(y, dtype=torch.bool)),
            "arrays": [y.detach().numpy()],
            "flat": y.reshape(-1),
            "last": y.mT,
            "double": y.double(),
        }[self.kind]


@dataclass
class ToyConfig:
    """Settings of :class:`Configured`."""

    stride: int = 4
    sizes: list[int] = field(default_factory=lambda: [8])


class Configured(Upsampler):
    """Needs a config object."""

    def __init__(self, config: ToyConfig):
        super().__init__(1, config.stride, config.sizes[0])


class UnannotatedConfig:
    """The config class of :class:`Unannotated`, by its name only."""

    def __init__(self, stride=4):
        self.stride = stride


class Unannotated(Upsampler):
    """Needs a config object and does not say of which class."""

    def __init__(self, config):
        super().__init__(1, config.stride)


class StrictConfig:
    """Has no default values."""

    def __init__(self, stride):
        self.stride = stride


class NeedsStrict(Upsampler):
    """Its config has no default values."""

    def __init__(self, config: StrictConfig):
        super().__init__(1, config.stride)


def scripted() -> nn.Module:
    return torch.jit.script(Upsampler())


def traced() -> nn.Module:
    return torch.jit.trace(Upsampler().eval(), torch.zeros(1, 1, 4096))


def partly_scripted() -> nn.Module:
    return nn.Sequential(Upsampler(), torch.jit.script(Upsampler()))


def compiled() -> nn.Module:
    return torch.compile(Upsampler())


def compiled_in_place() -> nn.Module:
    model = Upsampler()
    model.compile()
    return model


def exported_program(dynamic: bool = True, length: int = 16_000) -> torch.export.ExportedProgram:
    size = torch.export.Dim("size", min=4, max=100_000)
    shapes = ({2: 4 * size},) if dynamic else None
    example = (torch.zeros(1, 1, length),)
    return torch.export.export(Upsampler().eval(), example, dynamic_shapes=shapes)


def exported() -> nn.Module:
    return exported_program().module()


def half() -> nn.Module:
    return Upsampler().half()


def bfloat16() -> nn.Module:
    return Upsampler().bfloat16()


def double() -> nn.Module:
    return Upsampler().double()


class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.filter = nn.LazyConv1d(1, 9, padding=4)

    def forward(self, x):
        return self.filter(x)


class Talks(Upsampler):
    """Prints, logs and warns in every call."""

    def forward(self, x):
        print("hello from the model")
        os.system("echo hello from a program")
        logging.getLogger("toy").warning("a message")
        warnings.warn("a warning", stacklevel=1)
        return super().forward(x)


class InPlace(Upsampler):
    def forward(self, x):
        x.mul_(0).add_(1)
        return super().forward(x)


class Gradients(Upsampler):
    """Returns a tensor that requires a gradient."""

    def forward(self, x):
        with torch.inference_mode(mode=False), torch.enable_grad():
            return super().forward(x.clone())


class Moves(Upsampler):
    """Changes the current folder."""

    def forward(self, x):
        os.chdir("/")
        return super().forward(x)


class Variadic(Upsampler):
    def forward(self, *args, **kwargs):
        return super().forward(*args, **kwargs)


class Random(nn.Module):
    def forward(self, x):
        return torch.randn_like(x)


class Collapsed(Upsampler):
    """Its output does not depend on its input."""

    def forward(self, x):
        return super().forward(torch.zeros_like(x)) + 0.01


class Normalized(nn.Module):
    """Divides by the standard deviation: NaN for silence."""

    def forward(self, x):
        return x / x.std()


class Shorter(nn.Module):
    def forward(self, x):
        return x[..., 300:-300]


class Decimated(nn.Module):
    """Half the rate."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv1d(1, 1, 4, 2, 1)

    def forward(self, x):
        return self.down(x)


def wide(channels: int = 6) -> nn.Module:
    return Upsampler(channels)


# refused


RETURNS = {
    "none": lambda x: None,
    "string": lambda x: "sound",
    "number": lambda x: 3.0,
    "integers": lambda x: x.long(),
    "booleans": lambda x: x > 0,
    "complex": lambda x: torch.fft.fft(x),
    "empty": lambda x: x[..., :0],
    "nan": lambda x: x * torch.nan,
    "infinite": lambda x: x / 0,
    "scalar": lambda x: x.mean(),
    "scores": lambda x: x[..., :10],
    "frames": lambda x: x[..., ::320],
    "wrong batch": lambda x: torch.cat([x, x]),
    "empty dict": lambda x: {},
    "empty list": lambda x: [],
    "no tensors": lambda x: {"audio": "sound"},
    "generator": lambda x: (part for part in x),
    "object": lambda x: SimpleNamespace(audio=x),
    "object array": lambda x: np.array([None]),
    "meta": lambda x: x.to("meta"),
    "class": lambda x: Audio,
    "sparse": lambda x: x.to_sparse(),
}


def returns(what: str) -> nn.Module:
    return Returns(RETURNS[what])


class Raises(nn.Module):
    """Raises an exception, by its name."""

    def __init__(self, name: str = "RuntimeError"):
        super().__init__()
        self.name = name

    def forward(self, x):
        raise getattr(__import__("builtins"), self.name)("many\nlines\n" * 100)


class Exits(nn.Module):
    def forward(self, x):
        sys.exit(0)


class TwoInputs(Upsampler):
    def forward(self, x, f0):
        return super().forward(x + f0)


class NoForward(nn.Module):
    pass


class NeedsTraining(Upsampler):
    def forward(self, x):
        assert self.training, "call train() first"
        return super().forward(x)


class NoEval(Upsampler):
    def train(self, mode=True):
        raise ValueError("no modes")


class Recursive(nn.Module):
    def forward(self, x):
        return self(x)


def on_meta() -> nn.Module:
    with torch.device("meta"):
        return nn.Conv1d(100_000, 1_000_000, 9)


def too_large() -> nn.Module:
    return nn.Conv1d(1_000_000, 10_000_000, 9)


def too_large_inside() -> nn.Module:
    return Returns(lambda x: torch.zeros(10**14))


def exits() -> nn.Module:
    sys.exit("goodbye")


def needs_arguments(stride, width) -> nn.Module:
    return Upsampler(1, stride, width)


def raises() -> nn.Module:
    raise KeyError("stride")


def returns_class() -> type:
    return Filter


class NotAModule:
    """A wrapper, as many packages have."""

    def __init__(self):
        self.model = Filter()


class Integers(nn.Module):
    """Takes tokens."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 8)

    def forward(self, x):
        return self.embedding(x)


A_DICT = {"model": Filter()}
NOTHING = None
F_INTERPOLATE = F.interpolate
