"""Weights are loaded from safetensors files and checkpoints, and only if all are there."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.probes.user_model_weights import load_weights

from ..toy_models import Filter, Upsampler

State = dict[str, Tensor]


def prefixed(prefix: str, state: State) -> State:
    return {f"{prefix}{key}": value for key, value in state.items()}


@pytest.fixture
def trained() -> Upsampler:
    torch.manual_seed(1)
    return Upsampler()


@pytest.mark.parametrize(
    "nest",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": {"generator": prefixed("module.", state)}, "optimizer": {}},
        lambda state: prefixed("generator.module.", state) | {"d.up.bias": torch.ones(1)},
        lambda state: prefixed("_orig_mod.", state),
        lambda state: {"discriminator": Filter().state_dict(), "generator": state},
        lambda state: {"ema": {**state, "steps": torch.tensor(3)}},
    ],
)  # fmt: skip
def test_a_checkpoint_may_nest_and_prefix_the_weights(
    nest: Callable[[State], dict], trained: Upsampler, tmp_path: Path
) -> None:
    torch.save(nest(trained.state_dict()), tmp_path / "checkpoint.pt")
    torch.manual_seed(0)
    model = Upsampler()
    load_weights(model, tmp_path / "checkpoint.pt")
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value)


def test_safetensors(trained: Upsampler, tmp_path: Path) -> None:
    save_file(prefixed("net.", trained.state_dict()), tmp_path / "weights.safetensors")
    model = Upsampler()
    load_weights(model, tmp_path / "weights.safetensors")
    torch.testing.assert_close(model.up.weight, trained.up.weight)


def test_weight_normalization_of_old_checkpoints(tmp_path: Path) -> None:
    """``weight_g`` and ``weight_v`` have other names in torch's parametrizations."""
    old = nn.utils.weight_norm(nn.Conv1d(1, 1, 9))
    torch.save({"generator": prefixed("module.", old.state_dict())}, tmp_path / "old.pt")
    model = weight_norm(nn.Conv1d(1, 1, 9))
    load_weights(model, tmp_path / "old.pt")
    torch.testing.assert_close(model.weight, old.weight)


def test_what_did_not_match_is_said(tmp_path: Path, trained: Upsampler, caplog) -> None:
    state = {**trained.state_dict(), "head.weight": torch.ones(1), "head.bias": torch.ones(1)}
    torch.save(state, tmp_path / "more.pt")
    caplog.set_level("INFO")
    load_weights(Upsampler(), tmp_path / "more.pt")
    path = tmp_path / "more.pt"
    assert caplog.messages == [f"{path}: 2 tensors not in the model, e.g. 'head.weight'; ignored"]


@pytest.mark.parametrize("lacking", ["up.bias", "down.weight"])
def test_all_parameters_must_be_there(lacking: str, trained: Upsampler, tmp_path: Path) -> None:
    state = {key: value for key, value in trained.state_dict().items() if key != lacking}
    torch.save(state, tmp_path / "part.pt")
    with pytest.raises(InputError, match=rf"lacks 1 of .* 4 parameters, e\.g\. '{lacking}'; is "):
        load_weights(Upsampler(), tmp_path / "part.pt")
