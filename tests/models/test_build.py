"""The builder of layers and models: mistakes in config end in one line that names them."""

from pathlib import Path

import pytest
import torch
from torch import nn
from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_layer, build_model, seeded
from upsampling_artifacts.probes.single_layers import probe_layers
from upsampling_artifacts.probes.systems import probe_system

from ..clone import REPOSITORY

LIBRARY = REPOSITORY / "workflow/upsampling_artifacts"
SHAPE = {"n_sources": 2, "audio_channels": 1}


@pytest.mark.parametrize(
    ("upsampler", "message"),
    [
        (
            {"name": "nearest", "lenght": 9},
            "upsampler 'nearest': unknown option 'lenght'; known: length, implementation",
        ),
        (
            {"name": "linear", "length": 9, "taps": 2},
            "upsampler 'linear': unknown option 'taps'; known: length, implementation",
        ),
        (
            {"name": "nearest", "length": 9, "bias": "no"},
            "upsampler 'nearest': bias: 'no' is not true or false",
        ),
        (
            {"name": "nearest", "length": 9, "stride": 2},
            "upsampler 'nearest': unknown option 'stride'; known: length, implementation",
        ),
        (
            {"name": "subpixel"},
            "upsampler 'subpixel': missing a required argument: 'length'; "
            "add it to its options in config",
        ),
    ],
)
def test_a_wrong_option_of_an_upsampler_is_named(upsampler: dict, message: str) -> None:
    with pytest.raises(InputError) as error:
        build_layer(upsampler, 1, 1, 2)
    assert str(error.value) == message
    with pytest.raises(InputError) as error:
        build_model("demucs", {}, upsampler, **SHAPE)
    assert str(error.value) == message


@pytest.mark.parametrize("upsampler", registry.UPSAMPLERS)
def test_bias_is_an_option_of_every_upsampler(upsampler: str) -> None:
    row = {"name": upsampler, "length": 9, "bias": False}
    layer = build_layer(row, 2, 2, 4, bias=True)
    assert not layer(torch.zeros(1, 2, 10)).any()
    assert not [name for name, _ in layer.named_parameters() if "bias" in name]
    model = build_model("demucs", {"channels": 4, "depth": 1}, row, **SHAPE)
    assert [name for name, _ in model.named_parameters() if "bias" in name]  # of other layers
    assert build_layer({**row, "bias": True}, 2, 2, 4, bias=False)(torch.zeros(1, 2, 9)).sum() == 0


def test_whatever_a_class_raises_is_one_line() -> None:
    with pytest.raises(
        InputError, match=r"^architecture 'demucs': its class raised TypeError: "
    ) as error:
        build_model("demucs", {"channels": "a"}, {"name": "transposed"}, **SHAPE)
    assert str(error.value).endswith("; change its options")
    with pytest.raises(InputError, match=r"^upsampler 'linear': its class raised TypeError: "):
        build_layer({"name": "linear", "length": 2.5}, 1, 1, 2)
    for name, options, message in (
        ("demucs", {"rescale": -1}, "^rescale: -1 is no standard deviation"),
        (
            "wave_unet",
            {"filters": 2.5},
            "^architecture 'wave_unet': its class raised ValueError: out_channels .*; change its",
        ),
    ):
        with pytest.raises(InputError, match=message):
            build_model(name, options, {"name": "transposed"}, **SHAPE)
    for beta in (101, 1e4, float("nan")):
        with pytest.raises(InputError, match=r"^beta: .* is no shape of a Kaiser window"):
            build_layer({"name": "sinc", "length": 3, "beta": beta}, 1, 1, 2)
    with pytest.raises(InputError, match=r"^length: 0 is not a filter length"):
        build_layer({"name": "linear", "length": 0}, 1, 1, 2)


@pytest.mark.parametrize("option", ["chanels", "n_sources", "make_upsampler"])
def test_a_wrong_option_of_an_architecture_is_named(option: str) -> None:
    with pytest.raises(InputError) as error:
        build_model("demucs", {option: 3}, {"name": "nearest", "length": 9}, **SHAPE)
    assert str(error.value) == (
        f"architecture 'demucs': unknown option '{option}'; known: channels, depth, lstm_layers, "
        "glu, encoder_context, decoder_context, rescale, bias, omit_relu"
    )


class AnyOptions(nn.Module):
    def __init__(self, inputs, outputs, stride, *, bias=True, **options):
        super().__init__()
        self.stride, self.mix = stride, nn.Conv1d(inputs, outputs, 1, bias=bias)

    def forward(self, x):
        return self.mix(x).repeat_interleave(self.stride, dim=-1)


class NoBias(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()


def test_a_user_supplied_class_must_take_the_arguments_of_the_builder() -> None:
    with pytest.raises(InputError) as error:
        build_layer({"name": f"{__name__}:NoBias"}, 2, 3, 4)
    assert str(error.value) == (
        f"upsampler '{__name__}:NoBias': got an unexpected keyword argument 'bias'; "
        "take the arguments in docs/plug_in.md"
    )


def test_a_user_supplied_class_may_take_any_options() -> None:
    upsampler = {"name": f"{__name__}:AnyOptions", "mine": 3}
    assert build_layer(upsampler, 2, 3, 4)(torch.zeros(1, 2, 5)).shape == (1, 3, 20)


def test_a_wrong_option_of_a_row_is_named_with_the_row(tmp_path: Path) -> None:
    """Rows that only ``probes.layers`` uses are not built by any other job."""
    rows = {"good": {"name": "nearest", "length": 9}, "row_7": {"name": "nearest", "lenght": 9}}
    message = "'row_7': upsampler 'nearest': unknown option 'lenght'; known: length, implementation"
    with pytest.raises(InputError) as error:
        probe_layers(rows, [0], tmp_path / "layers.csv")
    assert str(error.value) == f"layer {message}"
    system = {"architecture": "demucs", "options": {}, "upsampler": rows["row_7"]}
    shape = {"rate_hz": 8000, **SHAPE}
    paths = tmp_path / "system.csv", tmp_path / "system.npz"
    with pytest.raises(InputError) as error:
        probe_system(system, "row_7", [0], shape, 1.5, 0.5, *paths)
    assert str(error.value) == f"system {message}"
    assert not list(tmp_path.iterdir())


def test_weights_depend_on_the_seed_alone_and_the_global_state_stays() -> None:
    upsampler = {"name": "subpixel", "length": 3}
    before = torch.get_rng_state()
    first, again, other = (build_layer(upsampler, 2, 2, 2, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    weights = [layer.convolution.weight for layer in (first, again, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_without_a_seed_numbers_come_from_the_global_state() -> None:
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    with seeded(None):
        assert torch.equal(torch.randn(3), expected)
    assert not torch.equal(torch.randn(3), expected)


def test_only_the_builder_resolves_names_of_layers_and_models() -> None:
    users = {path for path in LIBRARY.rglob("*.py") if "registry.load(" in path.read_text()}
    assert users == {LIBRARY / "models/build.py"}
