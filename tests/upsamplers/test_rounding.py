"""When a convolution rounds the factors of its products."""

import torch
from upsampling_artifacts.models.precision import emulated_tf32
from upsampling_artifacts.upsamplers.rounding import rounds_factors


def test_half_precision_autocast_and_tf32_round_factors() -> None:
    single, double = torch.zeros(1), torch.zeros(1, dtype=torch.float64)
    for x in (single, double, single.to("meta")):
        assert not rounds_factors(x)
    for dtype in (torch.float16, torch.bfloat16):
        assert rounds_factors(single.to(dtype))
        with torch.autocast("cpu", dtype):
            assert rounds_factors(single)
    with emulated_tf32():
        assert rounds_factors(single)
    assert not rounds_factors(single)
