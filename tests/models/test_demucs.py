"""The Demucs-like network: the paper's parameter counts, the modified form, the options."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.demucs import RELUS, Demucs
from upsampling_artifacts.models.flops import build_on_meta, parameter_count

SMALL = {"channels": 4, "depth": 2}
MODIFIED = {"bias": False, "omit_relu": ["first_encoder"]}
LENGTHS = {"transposed": 8, "nearest": 9, "linear": 9, "subpixel": 3, "wavelet": 3}

every_upsampler = pytest.mark.parametrize("upsampler", registry.UPSAMPLERS)


def build(
    upsampler: str = "transposed",
    n_sources: int = 4,
    audio_channels: int = 2,
    seed: int | None = 0,
    **options: object,
) -> Demucs:
    layer = {"name": upsampler, "length": LENGTHS.get(upsampler, 9)}
    return build_model(
        "demucs",
        SMALL | options,
        layer,
        n_sources=n_sources,
        audio_channels=audio_channels,
        seed=seed,
    )


@pytest.mark.parametrize(
    ("upsampler", "length", "options", "count"),
    [
        ("transposed", 8, {}, 703_148_208),
        ("transposed", 8, MODIFIED, 703_008_000),
        ("nearest", 9, {}, 709_969_008),
        ("nearest", 10, {}, 716_789_808),
        ("linear", 9, {}, 709_969_008),
        ("linear", 10, {}, 716_789_808),
        ("subpixel", 3, {}, 730_440_732),
        ("subpixel", 3, MODIFIED, 730_291_200),
        ("transposed", 8, {"encoder_context": 1, "decoder_context": 3}, 648_548_208),
    ],
)
def test_parameter_counts_are_those_of_table_1(upsampler, length, options, count) -> None:
    system = {
        "architecture": "demucs",
        "options": {"channels": 100, "depth": 6} | options,
        "upsampler": {"name": upsampler, "length": length},
    }
    assert parameter_count(build_on_meta(system, n_sources=4, audio_channels=2)) == count


@every_upsampler
@pytest.mark.parametrize("glu", [True, False])
@pytest.mark.parametrize("lstm_layers", [0, 2])
def test_the_modified_form_keeps_silence_exactly(upsampler, glu, lstm_layers) -> None:
    silence = torch.zeros(1, 2, 50)
    modified = build(upsampler, **MODIFIED, glu=glu, lstm_layers=lstm_layers)
    assert not [name for name, _ in modified.named_parameters() if "bias" in name]
    assert not modified(silence).any()
    usual = build(upsampler, glu=glu, lstm_layers=lstm_layers)
    assert usual(silence).any()


def relus(model: nn.Module) -> list[str]:
    return [name for name, module in model.named_modules() if isinstance(module, nn.ReLU)]


@pytest.mark.parametrize(
    ("omit_relu", "omitted"),
    [
        ([], []),
        (["first_encoder"], ["encoder.0.1"]),
        (["first_decoder"], ["decoder.0.3"]),
        (["last_decoder"], ["decoder.2.3"]),
        (["last_decoder", "first_encoder"], ["encoder.0.1", "decoder.2.3"]),
        (
            ["first_encoder", "first_decoder", "last_decoder"],
            ["encoder.0.1", "decoder.0.3", "decoder.2.3"],
        ),
    ],
)
def test_each_reading_of_the_first_layer_omits_its_relu_only(omit_relu, omitted) -> None:
    usual = relus(build(depth=4))
    assert usual == [*(f"encoder.{i}.1" for i in range(4)), *(f"decoder.{i}.3" for i in range(3))]
    model = build(depth=4, omit_relu=omit_relu)
    assert relus(model) == [name for name in usual if name not in omitted]
    same = build(depth=4).parameters()
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), same, strict=True))


def test_in_shallow_models_the_readings_coincide_or_omit_nothing() -> None:
    assert relus(build(omit_relu=["first_decoder"])) == ["encoder.0.1", "encoder.1.1"]
    assert relus(build(omit_relu=["last_decoder"])) == ["encoder.0.1", "encoder.1.1"]
    in_decoder = list(RELUS[1:])
    assert relus(build(depth=1, omit_relu=in_decoder)) == ["encoder.0.1"]


@pytest.mark.parametrize("omit_relu", ["first_encoder", ["first_layer"], ["last_decoder", "1"]])
def test_an_unknown_relu_is_an_input_error_that_lists_the_known_ones(omit_relu) -> None:
    known = "first_encoder, first_decoder, last_decoder"
    with pytest.raises(InputError, match=rf"^omit_relu: .* is not a list of {known}$"):
        build(omit_relu=omit_relu)


@pytest.mark.parametrize("options", [{}, MODIFIED])
def test_the_output_has_both_signs(options: dict) -> None:
    y = build(**options)(torch.randn(1, 2, 64))
    assert y.min() < 0 < y.max()


def test_constant_filters_are_not_rescaled() -> None:
    layer = {"name": "transposed", "initialization": "constant"}
    model = build_model(
        "demucs", SMALL | {"channels": 3}, layer, n_sources=4, audio_channels=2, seed=0
    )
    weights = model.decoder[-1][2].convolution.weight
    assert torch.equal(weights, torch.full_like(weights, 1 / 3))
    assert model(torch.randn(1, 2, 64)).isfinite().all()


@every_upsampler
@pytest.mark.parametrize("time", [1, 2, 15, 16, 17, 100])
@pytest.mark.parametrize(("n_sources", "audio_channels"), [(4, 2), (2, 1)])
def test_mono_and_stereo_of_any_length_are_separated(
    upsampler, time, n_sources, audio_channels
) -> None:
    model = build(upsampler, n_sources, audio_channels)
    y = model(torch.randn(3, audio_channels, time))
    assert y.shape == (3, n_sources, audio_channels, time)
    assert y.isfinite().all()


@pytest.mark.parametrize("options", [{"glu": False}, {"lstm_layers": 0}, {"depth": 1}])
def test_without_optional_parts_all_parameters_learn(options: dict) -> None:
    model = build(**options)
    model(torch.randn(2, 2, 64)).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_zero_lstm_layers_build_no_lstm() -> None:
    names = {type(module) for module in build(lstm_layers=0).modules()}
    assert not names & {nn.LSTM, nn.Linear}


def test_examples_of_a_batch_do_not_affect_each_other() -> None:
    model, x = build().eval(), torch.randn(3, 2, 64)
    together = model(x)
    alone = torch.cat([model(song[None]) for song in x])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-6)


def test_the_output_is_aligned_with_the_input() -> None:
    """A delay or a wrong trim would move the response away from the impulse."""
    model = build(lstm_layers=0, **MODIFIED).double()
    for n in (64, 128, 192):
        x = torch.zeros(1, 2, 256, dtype=torch.float64)
        x[..., n : n + 16] = 1
        energy = model(x).square().sum(dim=(0, 1, 2))
        center = (energy * torch.arange(256)).sum() / energy.sum()
        assert abs(center - (n + 7.5)) < 16


@pytest.mark.parametrize("time", [1, 15, 50, 63])
def test_lengths_that_do_not_divide_are_zero_padded_at_the_end(time: int) -> None:
    model, x = build(), torch.randn(1, 2, time)
    padded = torch.nn.functional.pad(x, (0, 64 - time))
    expected = build()(padded[..., : -(-time // 16) * 16])[..., :time]
    torch.testing.assert_close(model(x), expected)


def test_weights_depend_on_the_seed_and_the_global_state_stays() -> None:
    before = torch.get_rng_state()
    first, again, other = build(seed=3), build(seed=3), build(seed=4)
    assert torch.equal(torch.get_rng_state(), before)
    weights = [model.state_dict() for model in (first, again, other)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert not any(torch.equal(weights[0][key], weights[2][key]) for key in weights[0])


def test_without_a_seed_weights_come_from_the_global_state() -> None:
    weights = []
    for _ in range(2):
        torch.manual_seed(5)
        weights.append(build(seed=None).state_dict())
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    following = build(seed=None).state_dict()
    assert not torch.equal(following["linear.weight"], weights[0]["linear.weight"])


@every_upsampler
def test_convolutions_are_rescaled_by_the_root_of_deviation_over_reference(
    upsampler: str,
) -> None:
    raw = build(upsampler, rescale=0).state_dict()
    rescaled = build(upsampler, rescale=0.05).state_dict()
    n_convolutions = 0
    for key, weight in raw.items():
        if key.startswith(("lstm", "linear")):
            assert torch.equal(rescaled[key], weight)
        elif key.endswith("weight"):
            scale = (weight.std() / 0.05) ** 0.5
            torch.testing.assert_close(rescaled[key], weight / scale)
            bias = key.replace("weight", "bias")
            torch.testing.assert_close(rescaled[bias], raw[bias] / scale)
            n_convolutions += 1
    assert n_convolutions == 2 * (2 + 2)


def test_the_error_for_an_unknown_name_lists_the_known_ones() -> None:
    sizes = {"n_sources": 2, "audio_channels": 1}
    with pytest.raises(InputError, match=r"^unknown architecture 'demux'; known: demucs, melgan, "):
        build_model("demux", {}, {"name": "nearest", "length": 9}, **sizes)
    known = "linear, nearest, sinc, subpixel, transposed"
    with pytest.raises(InputError, match=rf"^unknown upsampler 'bilinear'; known: .*{known}"):
        build_model("demucs", {}, {"name": "bilinear"}, **sizes)


@pytest.mark.parametrize(
    ("options", "upsampler", "message"),
    [
        ({}, {"name": "nearest"}, "upsampler 'nearest': .*'length'"),
        ({}, {"name": "nearest", "lenght": 9}, "upsampler 'nearest': .*'lenght'; known: length"),
        ({}, {"name": "linear", "length": 9, "taps": 2}, "upsampler 'linear': .*'taps'"),
        ({"chanels": 3}, {"name": "nearest", "length": 9}, "architecture 'demucs': .*'chanels'"),
    ],
)
def test_an_option_that_is_missing_or_unknown_is_an_input_error(
    options, upsampler, message
) -> None:
    with pytest.raises(InputError, match=message) as error:
        build_model("demucs", options, upsampler, n_sources=2, audio_channels=1)
    assert "\n" not in str(error.value)


def test_every_name_in_the_registries_is_a_class_in_its_module() -> None:
    known = {"upsampler": registry.UPSAMPLERS, "architecture": registry.ARCHITECTURES}
    for kind, names in known.items():
        for name in names:
            layer = registry.load(kind, name, names)
            assert isinstance(layer, type)
            assert issubclass(layer, nn.Module)
            assert layer.__module__ == registry.module_of(kind, name, names)


def test_building_without_weights_does_not_load_torchs_compiler() -> None:
    """That would take a second of the first dry run."""
    code = """if True:
        import sys
        from upsampling_artifacts.models.flops import build_on_meta
        upsampler = {"name": "transposed", "length": 8}
        system = {"architecture": "demucs", "options": {"rescale": 0.1}, "upsampler": upsampler}
        build_on_meta(system, 4, 2)
        print("torch._dynamo" in sys.modules)
    """
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "False\n"
