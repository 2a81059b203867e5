"""Large layers run without oneDNN's copy of their weights; small layers are not affected."""

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn
from upsampling_artifacts.models import memory
from upsampling_artifacts.models.memory import low_memory

MEASURED = """
import torch
from upsampling_artifacts.models.memory import low_memory

def peak_megabytes():  # of this process only: ru_maxrss includes the parent's peak
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) // 1000 for line in lines if line.startswith("VmHWM"))

def growth_megabytes(run):
    before = peak_megabytes()
    run()
    return peak_megabytes() - before

torch.set_num_threads(1)
lstm, x = torch.nn.LSTM(1800, 1800).eval(), torch.zeros(2, 1, 1800)
with torch.inference_mode():
    torch.nn.LSTM(8, 8)(x[..., :8])
    with low_memory(lstm):
        low = growth_megabytes(lambda: lstm(x))
    print(low, growth_megabytes(lambda: lstm(x)))
"""


class Watched(nn.Linear):
    """Records whether oneDNN is enabled while it runs."""

    def forward(self, x: Tensor) -> Tensor:
        self.onednn = torch.backends.mkldnn.enabled
        return super().forward(x)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> nn.Sequential:
    """A small, a large and a small layer."""
    monkeypatch.setattr(memory, "LARGE", 200)
    return nn.Sequential(Watched(4, 20), Watched(20, 20), nn.Sequential(Watched(20, 4)))


def test_a_layer_of_104_megabytes_runs_without_a_copy() -> None:
    """Without ``low_memory``, the measurement sees the copy."""
    run = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    low, plain = map(int, run.stdout.split())
    assert low < 30 < 90 < plain


def test_only_large_layers_run_without_onednn(model: nn.Sequential) -> None:
    x = torch.randn(3, 4)
    expected = model(x)
    with low_memory(model):
        torch.testing.assert_close(model(x), expected)
    assert [layer.onednn for layer in (model[0], model[1], model[2][0])] == [True, False, True]
    model(x)
    assert model[1].onednn
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_after_an_error_in_a_large_layer_onednn_is_enabled(model: nn.Sequential) -> None:
    with pytest.raises(RuntimeError, match="mat1"), low_memory(model):
        model[1](torch.randn(3, 4))
    assert torch.backends.mkldnn.enabled


def test_if_onednn_was_disabled_it_stays_disabled(model: nn.Sequential) -> None:
    torch.backends.mkldnn.enabled = False
    try:
        with low_memory(model):
            model(torch.randn(3, 4))
        assert not model[2][0].onednn
        assert not torch.backends.mkldnn.enabled
    finally:
        torch.backends.mkldnn.enabled = True
