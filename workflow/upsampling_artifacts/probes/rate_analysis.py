"""The rates of the signals in two runs of a model, and the calls that change them.

The rate of a call's output is the rate of its input times a ratio: the stride, if the function has
one, else the growth of the output over the growth of the input. So periods are exact even if the
input does not consist of whole frames, and they hold for chunks, which do not grow:

- Chunks in a loop: more calls in the longer run, each of the same shape, at the rate of the signal
  from which they were cut.
- Chunks folded into another axis: the axis of the chunks grows, and time within a chunk has the
  rate of the signal. If a layer mixes the samples of a chunk as if they were channels (the squeeze
  of a normalizing flow), they are channels from then on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

from torch import Tensor

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.probes.call_recorder import KINDS, Call, Recorder
from upsampling_artifacts.probes.growths import growth_of, is_close, simple_ratio
from upsampling_artifacts.probes.layer_tracer import RESAMPLING, STRIDED

# Functions that cut, join, pad or transform a signal without changing its rate, although they
# change its length.
KEEP_RATE = {
    "cat", "concat", "concatenate", "pad", "split", "chunk", "tensor_split", "split_with_sizes",
    "narrow", "repeat", "tile", "roll", "flip", "select", "unbind",
}  # fmt: skip

TRANSFORMS = {"fft_rfft", "fft_ihfft"}
"""Transforms whose output has another length than their input."""

INVERSE_TRANSFORMS = {"fft_irfft", "fft_ifft", "fft_hfft"}

MIXES_CHANNELS = {"linear", "matmul", "__matmul__", "einsum", "bmm", "lstm", "gru", "rnn_tanh",
                  "rnn_relu"}  # fmt: skip
"""Functions without a stride that mix channels."""


@dataclass
class State:
    """What is known of a call's output.

    Attributes:
        rate: Samples per sample of the model's input, along the axis that grows.
        axis: The axis that grows, counted from the end; None for a chunk, which does not.
        growth: How many samples longer it is in the longer run.
        inner: Rate of the samples within the chunks that are folded into another axis.
        inner_size: Length of the chunks.
        folded: The call that folded them.
        transformed: In a spectrum along time, how much its signal grew.
    """

    rate: Fraction
    axis: int | None
    growth: int
    inner: Fraction | None = None
    inner_size: int = 0
    folded: int = -1
    transformed: int = 0


@dataclass
class Change:
    """A change of rate by one call."""

    call: int
    kind: str
    stride: int
    direction: str
    mode: str
    rate_in: Fraction


class RateAnalysis:
    """Compares two runs. Indices are those of the calls in the shorter run.

    Args:
        recorder: Of the shorter run.
        other: Of the longer one.
        output: Of the shorter run.
        other_output: Of the longer one.

    Raises:
        InputError: The inputs are equally long.

    Attributes:
        calls: The calls of the shorter run.
        states: What is known of the outputs of those that have time.
        changes: The changes of rate.
        unseen: Changes of rate that no call explains: the call whose rate is known again, and the
            ratio.
        is_opaque: Calls whose arguments come from unknown functions.
        output_call: The call that made the model's output.
        output_rate: Samples of the output per sample of the input.
    """

    def __init__(self, recorder: Recorder, other: Recorder, output: Tensor, other_output: Tensor):
        self.calls = recorder.calls
        self.matches = {call.key: call for call in other.calls}
        self.counts, self.other_counts = recorder.counts, other.counts
        self.input_growth = growth_of(self.calls[0].shape, other.calls[0].shape)[1]
        self.output_call = recorder.made.get(output)
        self.output_growth = growth_of(tuple(output.shape), tuple(other_output.shape))[1]
        self.states: dict[int, State] = {}
        self.changes: list[Change] = []
        self.is_opaque: set[int] = set()
        self.unseen: list[tuple[int, Fraction]] = []

        if not self.input_growth:
            raise InputError("longer: is as long as shorter; give an input with more samples")
        for index, call in enumerate(self.calls):
            self._visit(index, call)
        self.output_rate = self._output_rate()

    def _match(self, call: Call) -> tuple[int | None, int]:
        """The axis of a call's output that grows and its growth; None if there is no such axis."""
        other = self.matches.get(call.key)
        if self._is_repeated(call) or other is None:
            return None, 0
        return growth_of(call.shape, other.shape)

    def _is_repeated(self, call: Call) -> bool:
        """Whether the number of calls grows, as of a loop over chunks, or that of their outputs."""
        key = (call.place.module, call.place.function)
        other = self.matches.get(call.key)
        return self.counts[key] != self.other_counts[key] or (
            other is not None and call.n_outputs != other.n_outputs
        )

    def _visit(self, index: int, call: Call) -> None:
        axis, growth = self._match(call)
        other = self.matches.get(call.key)
        if other and any(
            growth_of(*shapes)[0] is not None
            for shapes in zip(call.foreign, other.foreign, strict=False)
        ):
            self.is_opaque.add(index)
        source = self.source(call)
        if source is None:
            if growth:
                rate = self._absolute(growth)
                if index in self.is_opaque and (before := self._before(index)):
                    self._note_unseen(index, rate / before)
                self.states[index] = State(rate, axis, growth)
        elif axis is not None or self._is_repeated(call) or self._grows_in_two_axes(call):
            self.states[index] = self._changed(index, call, self.states[source], axis, growth)

    def _before(self, index: int) -> Fraction | None:
        """The rate of the latest signal before a call."""
        return next(
            (self.states[i].rate for i in range(index - 1, -1, -1) if i in self.states), None
        )

    def _note_unseen(self, index: int, ratio: Fraction) -> None:
        if ratio != 1:
            self.unseen.append((index, ratio))

    def source(self, call: Call) -> int | None:
        """The call whose output is the signal that goes in."""
        if call.place.function.startswith("new_") or call.place.function.endswith("_like"):
            return None
        if call.written is not None:
            return call.written if call.written in self.states else None
        known = [parent for parent in call.parents if parent in self.states]
        growing = [parent for parent in known if self.states[parent].axis is not None]
        return next(iter([*growing, *known]), None)

    def _grows_in_two_axes(self, call: Call) -> bool:
        other = self.matches.get(call.key)
        return other is not None and call.shape != other.shape

    def _absolute(self, growth: int) -> Fraction:
        """A rate from its growth alone: one that is known already, if it is close."""
        rate = Fraction(growth, self.input_growth)
        known = {state.rate for state in self.states.values()}
        return min(
            (other for other in known if is_close(rate, other, growth)),
            key=lambda other: abs(rate - other),
            default=simple_ratio(rate, growth),
        )

    def _changed(
        self, index: int, call: Call, source: State, axis: int | None, growth: int
    ) -> State:
        """The state after a call."""
        if call.stride or call.mode:
            return self._after_layer(index, call, source, axis, growth)
        state = replace(source, axis=axis, growth=growth)
        if axis is None:
            return self._stepped(index, call.step or Fraction(1), source, state)
        if source.axis is None:  # chunks are joined, or stacked along a new axis
            if call.place.function not in KEEP_RATE and call.written is None:
                state.rate, state.inner = self._absolute(growth), source.rate
                state.inner_size, state.folded = round(source.rate / state.rate), -1
            return state
        if call.step is not None:
            return self._stepped(index, call.step, source, state)
        if call.place.function in KEEP_RATE:
            return state
        if call.place.function in TRANSFORMS and growth != source.growth:
            state.transformed = source.growth
            return state
        if call.place.function in INVERSE_TRANSFORMS and source.transformed:
            source = replace(source, growth=source.transformed)
            state.transformed = 0
        ratio = self._ratio(call, source, axis, growth)
        if ratio == 1:
            if source.inner and self._mixes(call, source):
                self._mix(source, state)
            return state
        state.rate = source.rate * ratio
        if source.inner and is_close(state.rate, source.inner, growth):
            state.rate, state.inner = source.inner, None
            return state
        if ratio < 1 and KINDS.get(call.place.function) in ("reshape", "unfold"):
            # A fold: if chunks are processed as such and joined again, the rate has not changed.
            state.inner, state.folded = source.rate, index
            state.inner_size = (
                call.shape[-1] if call.place.function == "unfold" else round(1 / ratio)
            )
            return state
        kind, mode = KINDS.get(call.place.function, "other"), ""
        if call.is_expanded:
            kind, mode = "interpolation", "nearest"
        self._note(index, kind, ratio, mode, source.rate)
        return state

    def _ratio(self, call: Call, source: State, axis: int, growth: int) -> Fraction:
        """The ratio of the rates of output and input, of a function without a stride."""
        if KINDS.get(call.place.function) != "reshape":
            return simple_ratio(Fraction(growth, source.growth), growth)
        # Samples are interleaved with the axes behind time: (time, 2) becomes (2 time). Signals are
        # put one after the other if axes before time are merged with it.
        assert source.axis is not None
        shape = self.calls[self._parent(call, source)].shape
        return Fraction(prod(shape[source.axis :][1:]), prod(call.shape[axis:][1:]))

    def _parent(self, call: Call, source: State) -> int:
        """Index of the call that has a state."""
        return next(p for p in call.parents if self.states.get(p) is source)

    def _stepped(self, index: int, step: Fraction, source: State, state: State) -> State:
        state.rate = source.rate * step
        if step != 1:
            self._note(index, "indexing", step, "", source.rate)
        return state

    def _mixes(self, call: Call, source: State) -> bool:
        """Whether a product or a convolution uses the samples of a chunk as channels."""
        shape, size = self.calls[self._parent(call, source)].shape, source.inner_size
        if call.stride:
            spatial = shape[-len(call.stride) :]
            return size not in spatial and shape[-len(call.stride) - 1] % size == 0
        if call.place.function not in MIXES_CHANNELS or call.key[-1]:  # not the state of an LSTM
            return False
        channels = -2 if source.axis == -1 else -1
        return size not in call.shape or shape[channels] == size

    def _mix(self, source: State, state: State) -> None:
        """From here on, the samples of a chunk are channels: the fold was a change of rate."""
        self._note_folded(source)
        state.inner = None

    def _note_folded(self, source: State) -> None:
        """Note the fold, or the cut, from which a signal's chunks come; once."""
        if source.folded < 0 or source.inner is None:
            return
        if all(change.call != source.folded for change in self.changes):
            folded = self.states[source.folded]
            kind = KINDS.get(self.calls[source.folded].place.function, "reshape")
            self._note(source.folded, kind, folded.rate / source.inner, "", source.inner)

    def _after_layer(
        self, index: int, call: Call, source: State, axis: int | None, growth: int
    ) -> State:
        """The state after a function with a stride, or an interpolation."""
        state = replace(source, axis=axis, growth=growth)
        kind, direction = _kind(call)
        along = source.axis if source.axis is not None else -1
        n_axes = len(call.stride) or max(1, len(call.shape) - 2)
        spectral = kind in ("stft", "istft")
        is_time = along >= -n_axes or spectral
        in_chunks = source.axis is None or (not is_time and source.inner is not None)
        if not is_time and not in_chunks:
            return state
        position = -1 if in_chunks or spectral else along
        if kind == "fold" and axis is not None:
            position = axis
        if call.mode:
            ratio = self._resampling_ratio(index, call, source, growth, in_chunks)
        else:
            stride = call.stride[position] if -position <= len(call.stride) else 1
            ratio = Fraction(stride) if direction == "up" else Fraction(1, stride)
        folds_chunks = in_chunks and source.inner is not None
        rate = source.inner if folds_chunks else source.rate
        assert rate is not None
        if kind == "unfold" and ratio < 1 and not in_chunks:
            state.inner, state.folded = source.rate, index
            state.inner_size = call.kernel
        elif (
            kind == "fold" and source.inner and is_close(source.rate * ratio, source.inner, growth)
        ):
            # An overlap-add: its hop shows in what it makes of the frames.
            self._note_folded(source)
            self._note(index, kind, ratio, "", source.rate)
            state.rate, state.inner = source.inner, None
            return state
        elif ratio != 1:
            self._note(index, kind, ratio, call.mode, rate)
        if folds_chunks:
            state.inner, state.inner_size = rate * ratio, call.shape[-1]
        else:
            if source.inner and self._mixes(call, source):
                self._mix(source, state)
            state.rate = source.rate * ratio
        return state

    def _resampling_ratio(
        self, index: int, call: Call, source: State, growth: int, in_chunks: bool
    ) -> Fraction:
        if growth and source.growth and not in_chunks:
            return simple_ratio(Fraction(growth, source.growth), growth)
        length = self.calls[self._parent(call, source)].shape[-1]
        return simple_ratio(Fraction(call.shape[-1], length), length)

    def _note(self, index: int, kind: str, ratio: Fraction, mode: str, rate_in: Fraction) -> None:
        """Note a change of rate by an integer factor."""
        if ratio.denominator == 1:
            self.changes.append(Change(index, kind, int(ratio), "up", mode, rate_in))
        elif ratio.numerator == 1:
            self.changes.append(Change(index, kind, ratio.denominator, "down", mode, rate_in))

    def _output_rate(self) -> Fraction | None:
        """The rate of the output; notes what in it the calls do not explain."""
        if not self.output_growth:
            return None
        state = self.states.get(self.output_call) if self.output_call is not None else None
        measured = Fraction(self.output_growth, self.input_growth)
        if state is None:
            return self._absolute(self.output_growth)
        if is_close(measured, state.rate, self.output_growth):
            return state.rate
        rate = simple_ratio(measured, self.output_growth)
        assert self.output_call is not None
        self._note_unseen(self.output_call, rate / state.rate)
        return rate


def _kind(call: Call) -> tuple[str, str]:
    """Kind and direction of a strided function or an interpolation."""
    if call.function in STRIDED:
        kind, direction, *_ = STRIDED[call.function]
        return kind, direction
    assert call.function in RESAMPLING
    return RESAMPLING[call.function], ""
