"""What runs only on a GPU is listed with what a GPU has run."""

import re
from pathlib import Path

LIBRARY = Path(__file__).parents[1] / "workflow/upsampling_artifacts"
README = Path(__file__).parents[1] / "results/reference/README.md"
ON_A_GPU = r'torch\.cuda|"cuda"|is_cuda|backends\.cu|CUDA_VISIBLE'


def test_every_module_with_code_for_a_gpu_is_listed() -> None:
    section = README.read_text().partition("## What runs only on a GPU")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| ([^|]*) \|", section, re.MULTILINE)
    listed = set(re.findall(r"`([a-z_/0-9]+\.py)`", " ".join(first_cells)))
    assert all((LIBRARY / name).is_file() for name in listed)
    found = {
        path.relative_to(LIBRARY).as_posix()
        for path in LIBRARY.rglob("*.py")
        if re.search(ON_A_GPU, path.read_text())
    }
    assert len(found) > 10 and found <= listed, found - listed
