"""Which arithmetic a network is probed in, and that it computes so."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from upsampling_artifacts.models.overlap_add import CHUNKS_AT_ONCE
from upsampling_artifacts.probes.arithmetic import Arithmetic, arithmetics, computing
from upsampling_artifacts.upsamplers.nearest import NearestConvolution
from upsampling_artifacts.upsamplers.transposed import TransposedConvolution

CHUNK = (2, 64)


def network(implementation: str = "auto") -> nn.Module:
    torch.manual_seed(0)
    layers = [
        NearestConvolution(2, 4, 2, length=9, implementation=implementation),
        TransposedConvolution(4, 4, 2, length=4),
        NearestConvolution(4, 1, 4, length=9, implementation=implementation),
    ]
    return nn.Sequential(*layers).eval()


def test_a_network_without_a_choice_has_one_arithmetic() -> None:
    model = nn.Sequential(TransposedConvolution(2, 1, 2, length=4)).eval()
    (only,) = arithmetics(model, CHUNK, {"precision": "32-true", "batch_size": 4})
    assert (only.name, only.implementation, only.precision) == ("separation", "-", "32-true")


def test_a_fused_network_trained_in_bfloat16_has_three() -> None:
    found = arithmetics(network("fused"), CHUNK, {"precision": "bf16-mixed", "batch_size": 4})
    assert [(a.name, a.implementation, a.precision) for a in found] == [
        ("separation", "fused", "32-true"),
        ("training", "fused", "bf16-mixed"),
        ("reference", "plain", "32-true"),
    ]


def test_an_untrained_network_has_not_trained() -> None:
    found = arithmetics(network("fused"), CHUNK, {})
    assert [arithmetic.name for arithmetic in found] == ["separation", "reference"]


def test_a_layer_is_probed_as_it_runs_on_batches_of_chunks() -> None:
    """Whether a layer is fused depends on the size of its input, which differs in a probe."""
    model = network()
    separation, *_ = arithmetics(model, CHUNK, {})
    fused = []
    for layer in (model[0], model[2]):
        layer.register_forward_pre_hook(lambda layer, args: fused.append(layer.is_fused(*args)))
    with torch.no_grad():
        model(torch.zeros(CHUNKS_AT_ONCE, *CHUNK))
    assert separation.implementations == tuple("fused" if f else "plain" for f in fused)


@pytest.mark.parametrize("precision, dtype", [("bf16-mixed", torch.bfloat16),
                                              ("16-mixed", torch.float16)])  # fmt: skip
def test_mixed_precision_computes_in_it(precision: str, dtype: torch.dtype) -> None:
    model = network("fused")
    x = torch.randn(1, *CHUNK)
    with torch.inference_mode(), computing(model, Arithmetic("a", ("plain", "plain"), precision)):
        assert model(x).dtype == dtype


def test_tf32_is_emulated() -> None:
    model = network()
    x = torch.randn(1, *CHUNK)
    plain = ("plain", "plain")
    with torch.inference_mode():
        exact = model(x)
        with computing(model, Arithmetic("a", plain, "tf32")):
            rounded = model(x)
    error = float((rounded - exact).abs().max() / exact.abs().max())
    assert 1e-6 < error < 2**-8


def test_the_implementation_is_restored_even_after_an_error() -> None:
    model = network()
    with pytest.raises(RuntimeError), computing(model, Arithmetic("a", ("fused", "plain"))):
        assert [model[0].implementation, model[2].implementation] == ["fused", "plain"]
        raise RuntimeError
    assert model[0].implementation == model[2].implementation == "auto"
