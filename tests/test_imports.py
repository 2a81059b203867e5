"""Jobs that do not need torch start without it."""

from __future__ import annotations

import ast
import subprocess
import sys

from .clone import REPOSITORY

# Scripts that build or run a network, count its FLOPs, or resample audio with torchaudio.
WITH_TORCH = {
    "checkpointing", "excerpt", "figure_arrays", "identities", "loading", "out_of_distribution",
    "probe", "probe_layers", "probe_loss_gradients", "probe_model", "probe_readings",
    "probe_snapshots", "probe_stacks", "probe_system", "remedies", "separate", "step_speed",
    "study_losses", "subtract_silence", "switch_speed", "table_1", "tone_seconds", "train",
    "upsampler_speed",
}  # fmt: skip


def test_scripts_without_a_network_do_not_import_torch() -> None:
    """Most jobs score, tabulate or draw; importing torch would delay each by seconds."""
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
