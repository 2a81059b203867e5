"""The instructions of docs/plug_in.md lead from one file and one row of config to Table 1."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from ..clone import REPOSITORY, TINY, Clone, job_counts

PAGE = (REPOSITORY / "docs/plug_in.md").read_text()
LAYER, NETWORK, LOSS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
MINE, MY_NETWORK, MY_LOSS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
RUN = "results/mine/variants/demucs_hann/seed-0"


@pytest.fixture
def plug_in_clone(copy_of_finished: Clone) -> Clone:
    """A finished clone with the files of the page, before its command runs."""
    assert "`my_upsampler.py`" in PAGE and "`config/mine.yaml`" in PAGE
    for name, text in {
        "my_upsampler.py": LAYER,
        "config/mine.yaml": MINE,
        "my_network.py": NETWORK,
        "config/network.yaml": MY_NETWORK,
        "my_loss.py": LOSS,
        "config/loss.yaml": MY_LOSS,
    }.items():
        (copy_of_finished.root / name).write_text(text)
    return copy_of_finished


def arguments(*configs: str, experiment: str = "mine") -> tuple[str, ...]:
    """The page's command at the tiny size, beside the finished tiny experiment."""
    assert "snakemake --cores 2 --configfile config/mine.yaml" in PAGE
    return ("--configfile", TINY, *configs, "--config", f"experiment={experiment}")


def made(clone: Clone) -> dict[str, int]:
    """When each file of the finished experiment was made."""
    root = clone.root / "results/tiny"
    return {str(path): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


def test_the_examples_are_short() -> None:
    for example in (LAYER, NETWORK, LOSS):
        assert example.count("\n") <= 30


def test_a_users_upsampler_and_network_are_trained_probed_and_scored(plug_in_clone: Clone) -> None:
    command = arguments("config/mine.yaml")
    plan = plug_in_clone.planned(*command)
    assert plan["train"] == plan["separate"] == plan["score"] == 1 and plan["probe"] == 2
    assert (
        not {"song", "cache", "probe_system", "probe_stacks", "baseline", "loading"} & plan.keys()
    )
    assert sum(plan.values()) < 40
    before = made(plug_in_clone)
    result = plug_in_clone.snakemake(*command)
    assert result.returncode == 0, result.stdout
    assert made(plug_in_clone) == before  # nothing of the other experiment is made again
    table = pd.read_csv(plug_in_clone.root / "results/mine/table_1.csv").set_index("system")
    assert table.loc["demucs_hann", ["sdr_db", "parameters", "parameters_full_size"]].notna().all()
    page = (plug_in_clone.root / "results/mine/report.html").read_text()
    assert ">hann<" in page
    probes = plug_in_clone.root / "results/mine/probes"
    assert "layer_demucs_hann" in set(pd.read_csv(probes / "layers.csv")["model"])
    variants = pd.read_csv(probes / "variants.csv").query("model == 'demucs_hann'")
    assert set(variants["stage"]) == {"initialization", "training", "trained"}
    assert plug_in_clone.planned(*command) == {}

    plug_in_clone.edit("my_upsampler.py", "length=9", "length=7")
    output = plug_in_clone.snakemake("--dry-run", *command).stdout
    plan = job_counts(output)
    assert plan["train"] == plan["separate"] == plan["probe_layers"] == 1
    assert f"output: {RUN}/model" in output
    assert "output: results/tiny/" not in output
    plug_in_clone.edit("my_upsampler.py", "length=7", "length=9")

    command = arguments("config/mine.yaml", "config/network.yaml")
    result = plug_in_clone.snakemake(*command, "--", "results/mine/table_1.csv")
    assert result.returncode == 0, result.stdout
    table = pd.read_csv(plug_in_clone.root / "results/mine/table_1.csv").set_index("system")
    assert table.loc["my_network", ["sdr_db", "parameters"]].notna().all()
    plan = plug_in_clone.snakemake(*command, "--", "plan").stdout
    (row,) = (line.split() for line in plan.splitlines() if line.startswith("my_network"))
    assert row[1] == f"{table.loc['my_network', 'parameters'] / 1e6:.1f}M"
    assert float(row[3]) > 0  # TFLOP per step


def test_a_users_loss_trains_its_variant_and_its_gradient_is_probed(plug_in_clone: Clone) -> None:
    files = [
        "results/mine/variants/demucs_emphasized/seed-0/training.csv",
        "results/mine/losses/gradients.csv",
    ]
    command = (*arguments("config/loss.yaml"), "--", *files)
    assert "`my_loss.py`" in PAGE
    result = plug_in_clone.snakemake(*command)
    assert result.returncode == 0, result.stdout
    losses, gradients = (pd.read_csv(plug_in_clone.root / file) for file in files)
    assert losses["train_loss"].iloc[-1] < losses["train_loss"].iloc[0]
    assert "my_loss:EmphasizedL1 weight=0.5" in set(gradients["loss"])
    assert plug_in_clone.planned(*command) == {}
    plug_in_clone.edit("my_loss.py", "self.weight *", "2 * self.weight *")
    assert plug_in_clone.planned(*command) == {"train": 1, "probe_loss_gradients": 1}
    plug_in_clone.edit("my_loss.py", "+ 2 * self.weight * treble", "+ [treble]")
    result = plug_in_clone.snakemake(*command)
    assert result.returncode != 0
    assert "loss 'my_loss:EmphasizedL1': given estimate and target of shape" in result.stdout


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (", self.stride // 2,", ", 0,", "the output is shifted by +"),
        (
            "* self.stride])",
            "* self.stride]).float()",
            "dtype torch.float32 for input torch.float64",
        ),
        ("class HannConvolution", "class HanConvolution", "did you mean 'HanConvolution'?"),
        ("import torch\n", "import torhc\n", "cannot be imported (ModuleNotFoundError"),
    ],
)
def test_a_layer_that_breaks_the_contract_is_refused_in_one_line(
    plug_in_clone: Clone, old: str, new: str, complaint: str
) -> None:
    plug_in_clone.edit("my_upsampler.py", old, new)
    command = (*arguments("config/mine.yaml"), "--", f"{RUN}/probe/initialization.csv")
    result = plug_in_clone.snakemake(*command)
    assert result.returncode != 0
    lines = [line for line in result.stdout.splitlines() if complaint in line]
    # A misspelt class is found in planning, the rest by the job.
    assert lines and re.search("error: |config: ", lines[0]), result.stdout
    assert "Traceback" not in result.stdout
    assert not (plug_in_clone.root / RUN / "probe/initialization.csv").exists()
