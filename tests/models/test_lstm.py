"""Recurrent layers run in the type of autocast, and are unchanged without it."""

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.overrides import TorchFunctionMode
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.lstm import follow_autocast


class Recorder(TorchFunctionMode):
    """Records the types in which ``torch.lstm`` is called, and whether autocast is on."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[set[torch.dtype], bool]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.lstm:
            x, state, weights = args[:3]
            dtypes = {tensor.dtype for tensor in (x, *state, *weights)}
            self.calls.append((dtypes, torch.is_autocast_enabled(x.device.type)))
        return func(*args, **(kwargs or {}))


def pair(**options: object) -> tuple[nn.LSTM, nn.LSTM]:
    """The same LSTM, as torch's own and following autocast."""
    torch.manual_seed(0)
    lstm = nn.LSTM(6, 5, 2, **{"bidirectional": True, **options})
    return lstm, follow_autocast(copy.deepcopy(lstm))


def output_and_gradients(lstm: nn.LSTM, x: Tensor) -> list[Tensor]:
    x = x.clone().requires_grad_()
    y, _ = lstm(x)
    return [y, *torch.autograd.grad(y.float().square().sum(), [x, *lstm.parameters()])]


NETWORKS = {
    "demucs": ({"channels": 4, "depth": 2}, {"name": "transposed"}),
    "open_unmix": ({"n_fft": 256, "hop": 64, "hidden": 16, "max_bin": None}, None),
}


@pytest.mark.parametrize("architecture", NETWORKS)
def test_every_lstm_of_a_network_runs_in_bfloat16_outside_autocast(architecture: str) -> None:
    """Inside, a GPU would run it in float16."""
    options, upsampler = NETWORKS[architecture]
    model = build_model(architecture, options, upsampler, n_sources=2, audio_channels=1, seed=0)
    n_lstms = sum(isinstance(layer, nn.LSTM) for layer in model.modules())
    x = torch.randn(2, 1, 2048)
    with Recorder() as recorder, torch.autocast("cpu", torch.bfloat16):
        model(x)
    assert recorder.calls == [({torch.bfloat16}, False)] * n_lstms
    with Recorder() as recorder:
        model(x)
    assert recorder.calls == [({torch.float32}, False)] * n_lstms


class Recurrent(nn.Module):
    """A user-supplied network with recurrent layers, called in different ways."""

    def __init__(self, *, n_sources: int, audio_channels: int):
        super().__init__()
        self.gru = nn.GRU(audio_channels, 3, batch_first=True)
        self.rnn = nn.RNN(3, n_sources * audio_channels)
        self.shape = n_sources, audio_channels

    def forward(self, mixture: Tensor) -> Tensor:
        state = torch.zeros(1, len(mixture), 3)
        packed = pack_padded_sequence(
            mixture.transpose(1, 2), [mixture.shape[-1]] * len(mixture), batch_first=True
        )
        x, _ = pad_packed_sequence(self.gru(packed, state)[0])
        x, _ = self.rnn(input=x)
        self.types = {x.dtype}
        return x.permute(1, 2, 0).unflatten(1, self.shape)


def test_recurrent_layers_of_a_user_supplied_network_follow_autocast() -> None:
    model: Any = build_model(
        f"{__name__}:Recurrent", {}, None, n_sources=2, audio_channels=1, seed=0
    )
    x = torch.randn(2, 1, 8)
    expected = model(x)
    assert model.types == {torch.float32}
    with torch.autocast("cpu", torch.bfloat16):
        y = model(x)
    assert model.types == {torch.bfloat16} and 0 < (y - expected).abs().max() < 0.03


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"batch_first": True}])
def test_without_autocast_the_lstm_is_unchanged(options: dict) -> None:
    plain, following = pair(**options)
    x = torch.randn(7, 3, 6)
    expected, actual = output_and_gradients(plain, x), output_and_gradients(following, x)
    assert all(one.equal(other) for one, other in zip(actual, expected, strict=True))
    assert list(following.state_dict()) == list(plain.state_dict())


def test_gradients_reach_the_weights_in_their_own_type() -> None:
    plain, following = pair()
    x = torch.randn(7, 3, 6)
    expected = output_and_gradients(plain, x)
    with torch.autocast("cpu", torch.bfloat16):
        output, *gradients = output_and_gradients(following, x)
    assert output.dtype == torch.bfloat16
    for gradient, exact in zip(gradients, expected[1:], strict=True):
        assert gradient.dtype == torch.float32
        assert 0 < (gradient - exact).abs().max() < 0.03 * exact.abs().max()


def test_an_initial_state_is_passed_on() -> None:
    plain, following = pair()
    x, state = torch.randn(7, 3, 6), tuple(torch.randn(2, 4, 3, 5))
    expected, (_, last) = plain(x, state)
    with torch.autocast("cpu", torch.bfloat16):
        y, (_, cell) = following(x, state)
    assert (y - expected).abs().max() < 0.03 and (cell - last).abs().max() < 0.03


def test_new_weights_and_copies_are_used_under_autocast() -> None:
    _, following = pair()
    x = torch.randn(7, 3, 6)
    loaded = {name: torch.randn_like(w) for name, w in following.state_dict().items()}
    with torch.autocast("cpu", torch.bfloat16):
        before, _ = following(x)
        twins = [copy.deepcopy(following), pickle.loads(pickle.dumps(following))]
        following.load_state_dict(loaded, assign=True)
        after, _ = following(x)
        following.double().float()
        converted, _ = following(x)
        assert not after.equal(before) and converted.equal(after)
        assert all(twin(x)[0].equal(before) for twin in twins)


def test_it_runs_on_the_meta_device_in_the_type_of_autocast_elsewhere() -> None:
    _, following = pair()
    y, _ = following.to("meta")(torch.zeros(7, 3, 6, device="meta"))
    assert y.shape == (7, 3, 10)
