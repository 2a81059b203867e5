"""What jobs load before they begin."""

from __future__ import annotations

import ast
import subprocess
import sys

from .clone import REPOSITORY

# A job of these builds, runs or counts a network, or resamples audio with torchaudio.
WITH_TORCH = {
    "checkpointing", "excerpt", "figure_arrays", "identities", "loading", "out_of_distribution",
    "probe", "probe_layers", "probe_model", "probe_readings", "probe_stacks", "probe_system",
    "separate", "step_speed", "switch_speed", "table_1", "train", "upsampler_speed",
}  # fmt: skip


def test_no_job_imports_torch_that_does_not_need_it() -> None:
    """Most jobs score, tabulate and draw; to each of them it would be seconds of waiting."""
    scripts = (REPOSITORY / "workflow/scripts").glob("*.py")
    without = [path for path in scripts if path.stem not in WITH_TORCH]
    assert len(without) > 15
    imports = "\n".join(
        ast.unparse(node)
        for path in without
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ImportFrom)
    )
    code = f"{imports}\nimport sys\nsys.exit('torch' in sys.modules)"
    assert "score_songs" in code and "write_report" in code
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
