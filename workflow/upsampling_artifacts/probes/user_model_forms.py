"""In which form a user-supplied model runs: layout, channels and lengths of its input.

Nothing is known of the model but that it runs, so forms are tried, the usual ones first. A form
runs if the output is audio for two lengths of the input, and grows with it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from upsampling_artifacts.errors import InputError, argument, first_line
from upsampling_artifacts.probes.findings import counted
from upsampling_artifacts.probes.user_model import (
    LAYOUTS,
    TIME_AXES,
    CheckedModel,
    Layout,
    OutputError,
)

logger = logging.getLogger(__name__)

# The power of two comes first. The others are multiples of nearly any hop in use: of 240, 320, 441,
# 480, 500, 640, 735, 882, 960, 1,792 ... The long ones are for models with a minimum length.
TRIAL_LENGTHS = {
    "audio": (2**14, 15_360, 16_128, 17_640, 16_000, 19_200, 24_000, 2**16, 88_200, 96_000),
    "features": (32, 60, 84, 50, 128, 240, 300),
}
"""Lengths of the input that are tried, in samples or frames; a form must also run at their
doubles."""

MIN_RATIO = {"audio": 0.1, "features": 2.0}
"""Output samples per input sample or frame. At a lower ratio, the output is codes, scores or
features."""

INTEGER_TOLERANCE = 0.05
"""Trimming to frames of up to 800 samples changes the ratio by no more than this."""

USUAL_CHANNELS = {"audio": (1, 2), "features": (80, 100, 128, 64, 40, 513)}
MAX_AUDIO_CHANNELS = 16
MAX_COUNTS = 32
"""At most this many numbers of channels are tried."""


@dataclass(frozen=True)
class Form:
    """A form in which a model runs.

    Attributes:
        layout: The axes of its input.
        time_axis: The time axis of its output, as in :class:`CheckedModel`.
        channels: Channels or bins of the input.
        length: A length of the input with which it runs, in samples or frames.
        multiple: The input must be as long as a multiple of this.
        ratio: Output samples per input sample or frame.
        is_fixed: Whether ``length`` is the only length of its input.
    """

    layout: Layout
    time_axis: int
    channels: int
    length: int
    multiple: int
    ratio: float
    is_fixed: bool = False

    def whole(self, length: float) -> int:
        """The length, rounded up to what the model takes."""
        if self.is_fixed:
            return self.length
        return math.ceil(round(length) / self.multiple) * self.multiple

    def __str__(self) -> str:
        noun = "bin" if "bins" in self.layout.axes else "channel"
        count = f" with {counted(self.channels, noun)}" if self.layout.has_channels else ""
        if self.is_fixed:
            length = f", always {self.length} long"
        else:
            length = f", its length a multiple of {self.multiple}" if self.multiple > 1 else ""
        output = ", output (batch, time, channels)" if self.time_axis != TIME_AXES[0] else ""
        return f"input {self.layout.axes}{count}{length}{output}"


def find_form(
    model: CheckedModel, channels: int | None = None, example_length: int | None = None
) -> Form:
    """Find a form in which a model runs, and set the model's ``layout`` and ``time_axis``.

    Args:
        model: The model, in evaluation mode.
        channels: Channels or bins of its input, if they are known. Otherwise, the usual numbers
            and the sizes of its weights are tried.
        example_length: A length at which it is known to run; an exported program may have no other.

    Returns:
        The form. One that is not the obvious one is logged.

    Raises:
        InputError: It runs in no form. The message names the number of channels or the kind of
            input with which it would run, then the error of the first form.
    """
    try:
        form = _search(model, channels, example_length)
    except InputError as error:
        hint = _hint(model, channels)
        if not hint:
            raise
        said = str(error).removeprefix(f"{model.name}: ")
        reason = first_line(error.__cause__) if error.__cause__ else said
        raise type(error)(f"{model.name}: {hint} ({reason})") from error.__cause__
    is_usual = form.layout is LAYOUTS[model.input_kind][0] and form.multiple == 1
    if not is_usual or form.channels != (channels or 1) or form.time_axis != TIME_AXES[0]:
        logger.info(f"{model.name}: {form}")
    return form


def whole_lengths(form: Form, factor: int = 1) -> tuple[int, int]:
    """Two lengths of the input at which a model runs, the second twice the first.

    Args:
        form: From :func:`find_form`.
        factor: Both lengths are multiples of this, too: of the product of the downsampling
            strides, so that whole frames go in.

    Returns:
        The lengths, in samples or frames; equal for a model with a single length.
    """
    if form.is_fixed:
        return form.length, form.length
    grid = math.lcm(form.multiple, factor)
    first = math.ceil(form.length / grid) * grid
    return first, 2 * first


def trial_noise(channels: int, length: int, seed: int = 0) -> Tensor:
    """White noise ``(1, channels, length)`` for a trial run."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.standard_normal((1, channels, length), np.float32))


def input_share_db(model: CheckedModel, form: Form) -> float:
    """How much of a model's output depends on its input.

    Two different noises go in; the random numbers that the model may draw are the same. Both
    outputs are a common part and a part of their own, whose energy is half that of their
    difference.

    Returns:
        Energy of the part of its own re that of the output, both without their means, in dB; -inf
        if the outputs are equal, 0 if they have nothing in common.
    """
    outputs = []
    for seed in (0, 1):
        torch.manual_seed(0)
        outputs.append(model(trial_noise(form.channels, form.length, seed)).double())
    first, second = outputs
    if first.shape != second.shape:
        return 0.0
    difference = first - second
    energy = sum(float(output.var(-1, correction=0).mean()) for output in outputs)
    own = float(difference.var(-1, correction=0).mean())
    return 10 * math.log10(own / energy) if own else -math.inf


def _search(model: CheckedModel, channels: int | None, example_length: int | None) -> Form:
    ran: list[OutputError] = []
    raised: list[InputError] = []
    for layout in LAYOUTS[model.input_kind]:
        if ran and layout.is_transposed:
            continue  # with time in place of channels, a score per sample looks like audio
        model.layout = layout
        for count in [channels] if channels else _counts(model, layout):
            if count > 1 and not layout.has_channels:
                continue
            try:
                return _fit(model, count, example_length)
            except OutputError as error:
                ran.append(error)
                break
            except InputError as error:
                raised.append(error)
    model.layout, model.time_axis = LAYOUTS[model.input_kind][0], TIME_AXES[0]
    raise (ran or raised)[0]


def _fit(model: CheckedModel, channels: int, example_length: int | None) -> Form:
    """Find a length at which the model runs with this layout and number of channels."""
    failures: list[InputError] = []
    lengths = TRIAL_LENGTHS[model.input_kind]
    for length in [example_length, *lengths] if example_length else lengths:
        outputs: list[OutputError] = []
        for time_axis in TIME_AXES:
            model.time_axis = time_axis
            form = Form(model.layout, time_axis, channels, length, length, 1.0)
            try:
                ratio = _output_ratio(model, form)
                form = replace(form, ratio=ratio)
                return replace(form, multiple=_multiple(model, form))
            except OutputError as error:
                outputs.append(error)
            except InputError as error:
                failures.append(error)
                if length == example_length and _runs(model, form, length):
                    output = model(trial_noise(channels, length))
                    return replace(form, ratio=_rounded(output.shape[-1] / length), is_fixed=True)
                break
        if outputs:
            raise outputs[0]
    raise failures[0]


def _output_ratio(model: CheckedModel, form: Form) -> float:
    """Measure the output samples per input sample or frame.

    Two trial runs differ in length, because a model may trim or pad the ends. A ratio near an
    integer (1 for most models, the hop for a vocoder) is rounded.
    """
    lengths = form.length, 2 * form.length
    sizes = [model(trial_noise(form.channels, length)).shape[-1] for length in lengths]
    ratio = (sizes[1] - sizes[0]) / (lengths[1] - lengths[0])
    if ratio < MIN_RATIO[model.input_kind]:
        axis = "samples" if model.input_kind == "audio" else "frames"
        raise OutputError(
            f"{model.name}: its output is not audio: its last axis has {sizes[0]} and "
            f"{sizes[1]} values for inputs of {lengths[0]} and {lengths[1]} {axis}; "
            "(batch, ..., time) is needed"
        )
    return _rounded(ratio)


def _rounded(ratio: float) -> float:
    integer = round(ratio)
    return float(integer) if integer and abs(ratio / integer - 1) < INTEGER_TOLERANCE else ratio


def _multiple(model: CheckedModel, form: Form) -> int:
    """The smallest divisor of a form's length by which the input may be longer or shorter."""
    if _may_differ(model, form, 1):
        return 1
    multiple = form.length
    for prime in _prime_factors(form.length):
        if _may_differ(model, form, multiple // prime):
            multiple //= prime
    return multiple


def _may_differ(model: CheckedModel, form: Form, samples: int) -> bool:
    lengths = form.length + samples, form.length - samples
    return all(_runs(model, form, length) for length in lengths)


def _runs(model: CheckedModel, form: Form, length: int) -> bool:
    try:
        model(trial_noise(form.channels, length))
    except InputError:
        return False
    return True


def _prime_factors(number: int) -> Iterator[int]:
    prime = 2
    while number > 1:
        while number % prime:
            prime += 1
        yield prime
        number //= prime


def _counts(model: CheckedModel, layout: Layout) -> Iterable[int]:
    """Numbers of channels or bins that the model may take: usual ones, and sizes of its weights.

    The second axis of a weight is the number of input channels in convolutions, linear layers and
    recurrent layers; the first, in transposed convolutions.
    """
    if not layout.has_channels:
        return [1]
    weights = [w for w in model.model.parameters() if not is_lazy(w) and w.ndim >= 2]
    sizes = [weight.shape[axis] for axis in (1, 0) for weight in weights]
    usual = USUAL_CHANNELS[model.input_kind]
    if model.input_kind == "features":
        counts = [*(size for size in sizes if size > 1), *usual]
    else:
        counts = [*usual, *(size for size in sizes if size <= MAX_AUDIO_CHANNELS)]
    return list(dict.fromkeys(counts))[:MAX_COUNTS]


def _hint(model: CheckedModel, channels: int | None) -> str:
    """What to change so that a model would run; empty if that is not known."""
    if channels is not None:
        try:
            found = _search(model, None, None)
        except InputError:
            return ""
        noun = "bin" if "bins" in found.layout.axes else "channel"
        taken = counted(found.channels, noun)
        return f"takes {taken}, not {channels}; use {argument('channels', found.channels)}"
    other_kind = "features" if model.input_kind == "audio" else "audio"
    try:
        _search(CheckedModel(model.model, model.name, other_kind), None, None)
    except InputError:
        return ""
    return f"takes {other_kind}; use {argument('input_kind', other_kind)}"
