"""The contract: our layers keep it, and each violation ends in one line."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.contract import check_architecture, check_upsampler
from upsampling_artifacts.upsamplers.base import Upsampler
from upsampling_artifacts.upsamplers.nearest import NearestConvolution

from ..configs import read_config

CONFIG = read_config()
# Not checked, because an interpolation alone cannot change the number of channels.
ALONE = {"name": "linear", "length": None}
LAYERS = {
    name: row["upsampler"]
    for name, row in CONFIG["systems"].items()
    if row.get("upsampler") not in (None, ALONE)
}


@pytest.mark.parametrize("system", LAYERS)
def test_every_layer_in_config_keeps_the_contract(system: str) -> None:
    options = dict(LAYERS[system])
    name = options.pop("name")
    before = torch.get_rng_state()
    check_upsampler(name, registry.load("upsampler", name, registry.UPSAMPLERS), options)
    assert torch.equal(torch.get_rng_state(), before)


class Good(NearestConvolution):
    def __init__(self, *args, bias=True):
        super().__init__(*args, length=9, bias=bias)


class Untrimmed(nn.ConvTranspose1d):
    def __init__(self, inputs, outputs, stride, *, bias=True):
        super().__init__(inputs, outputs, 2 * stride, stride, bias=bias)


class Shifted(Untrimmed):
    def forward(self, x):
        return super().forward(x)[..., : x.shape[-1] * self.stride[0]]


class SinglePrecision(Good):
    def forward(self, x):
        return super().forward(x).float()


class Detached(Good):
    def forward(self, x):
        return super().forward(x.detach())


class Unused(Good):
    def __init__(self, *args, bias=True):
        super().__init__(*args, bias=bias)
        self.gain = nn.Parameter(torch.ones(1))


class Biased(Good):
    def __init__(self, *args, bias=True):
        super().__init__(*args, bias=True)


class WithoutBiasOption(Good):
    def __init__(self, inputs, outputs, stride):
        super().__init__(inputs, outputs, stride)


class OnlyStrideFour(Good):
    def __init__(self, inputs, outputs, stride, *, bias=True):
        if stride != 4:
            raise InputError(f"stride: {stride} is not 4")
        super().__init__(inputs, outputs, stride, bias=bias)


class NoStride(Good):
    def __init__(self, inputs, outputs, stride, *, bias=True):
        raise InputError(f"stride: {stride} will not do")


class Broken(Good):
    def forward(self, x):
        return super().forward(x)[:, :, 3:].squeeze(7)


class Infinite(Good):
    def forward(self, x):
        return super().forward(x) / 0


def function(inputs, outputs, stride, *, bias=True):
    return lambda x: F.interpolate(x, scale_factor=stride)


@pytest.mark.parametrize("layer", [Good, OnlyStrideFour])
def test_a_layer_may_refuse_some_strides(layer: type) -> None:
    check_upsampler("mine:Layer", layer, {})


@pytest.mark.parametrize(
    ("layer", "complaint"),
    [
        (
            Untrimmed,
            r"stride 2, bias=True: output shape \(2, 4, 4\) for input \(2, 8, 1\); "
            r"return \(2, 4, 2\), that is \(batch, out_channels, time \* stride\)$",
        ),
        (
            Shifted,
            r"stride 2: the output is shifted by \+[01]\.\d samples; trim both ends .* t // stride",
        ),
        (SinglePrecision, r"output dtype torch.float32 for input torch.float64; keep the dtype"),
        (Detached, r"no gradient reaches its input; let it affect"),
        (Unused, r"no gradient reaches its parameter 'gain'; let it affect"),
        (Biased, r"stride 2, bias=False: zeros do not stay zeros; do not add a bias"),
        (WithoutBiasOption, r"it raised TypeError: .*'bias'"),
        (NoStride, r"stride 2: stride: 2 will not do"),
        (Broken, r"stride 2, bias=True: given \(2, 8, 1\) torch.float32, it raised IndexError: .*"),
        (Infinite, r"returned values that are not finite"),
        (function, r"is a function; return a torch.nn.Module"),
    ],
)
def test_the_violation_is_named_in_one_line(layer, complaint: str) -> None:
    with pytest.raises(InputError, match=rf"^upsampler 'mine:Layer': .*{complaint}") as error:
        check_upsampler("mine:Layer", layer, {})
    assert "\n" not in str(error.value)


class Network(nn.Module):
    def __init__(self, make_upsampler, *, n_sources, audio_channels, short=0):
        super().__init__()
        self.shape, self.short = (n_sources, audio_channels), short
        self.up = make_upsampler(audio_channels, n_sources * audio_channels, 2, True)

    def forward(self, mixture):
        time = mixture.shape[-1] - self.short
        return self.up(mixture[..., ::2])[..., :time].unflatten(1, self.shape)


def build(architecture="demucs", upsampler="nearest", **options):
    size = {"channels": 4, "depth": 2} if architecture == "demucs" else {}
    layer = {"name": upsampler} | ({"length": 9} if upsampler == "nearest" else {})
    shape = {"n_sources": 4, "audio_channels": 2}
    return build_model(architecture, size | options, layer, **shape, seed=0)


def test_classes_are_built_from_their_import_paths() -> None:
    mine = build(upsampler=f"{__name__}:Good")
    assert isinstance(mine.decoder[0][2], Good)
    known = build()
    for ours, theirs in zip(mine.parameters(), known.parameters(), strict=True):
        assert torch.equal(ours, theirs)  # the check does not draw from the seed
    assert build(f"{__name__}:Network")(torch.randn(3, 2, 77)).shape == (3, 4, 2, 77)


def test_a_class_that_breaks_the_contract_is_not_built() -> None:
    with pytest.raises(InputError, match=r"Shifted': stride 2: the output is shifted"):
        build(upsampler=f"{__name__}:Shifted")
    with pytest.raises(
        InputError, match=r"Network': output shape \(1, 4, 2, 4094\) .*; return \(1, 4, 2, 4097"
    ):
        build(f"{__name__}:Network", short=3)
    with pytest.raises(InputError, match=r"has no 'Goood'; did you mean 'Good'\?$"):
        build(upsampler=f"{__name__}:Goood")


def test_the_check_keeps_the_mode_and_skips_networks_on_meta() -> None:
    model = build()
    check_architecture("mine", model.train(), 4, 2)
    assert model.training
    with torch.device("meta"):
        check_architecture("mine", build(f"{__name__}:Network", short=3), 4, 2)


def test_a_layer_need_not_derive_from_the_base_class() -> None:
    class Plain(nn.Module):
        def __init__(self, inputs, outputs, stride, *, bias=True):
            super().__init__()
            self.stride = stride
            self.mix = nn.Conv1d(inputs, outputs, 1, bias=bias)

        def forward(self, x):
            return F.interpolate(self.mix(x), scale_factor=self.stride)

    assert not issubclass(Plain, Upsampler)
    check_upsampler("mine:Plain", Plain, {})
