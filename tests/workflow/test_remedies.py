"""Remedies and the study of losses: which jobs they add, and what they leave alone."""

from __future__ import annotations

import pytest

from ..clone import TINY, Clone

REPORT = {"report": 1, "all": 1}
REMEDIES = "remedies=[demucs_transposed_silent_segments,demucs_transposed_minus_silence]"


def test_remedies_are_trained_probed_and_scored_and_nothing_else_changes(finished: Clone) -> None:
    """One is trained, one derived. Table 1, its figures and the speed of steps stay as they are."""
    plan = finished.planned("--configfile", TINY, "--config", REMEDIES)
    assert plan == {
        "train": 1, "subtract_silence": 1, "probe": 2, "separate": 2, "score": 2, "remedies": 1,
        "figure_remedies": 1, "table_pages": 1, **REPORT,
    }  # fmt: skip


def test_the_study_of_losses_is_one_job_per_seed(finished: Clone) -> None:
    study = "loss_study={systems: [demucs_nearest]}"
    plan = finished.planned("--configfile", TINY, "--config", study)
    assert plan == {"study_losses": 1, "loss_outputs": 1, **REPORT}


@pytest.mark.parametrize("setting", ["remedies=[]", "remedies=[demucs_subpixel_icnr]"])
def test_without_remedies_of_a_variant_there_is_no_comparison(clone: Clone, setting: str) -> None:
    plan = clone.planned("--configfile", TINY, "--config", setting)
    assert plan["train"] == 2
    assert not {"remedies", "figure_remedies"} & plan.keys()


def test_training_includes_remedies(finished: Clone) -> None:
    plan = finished.planned("train", "--configfile", TINY, "--config", REMEDIES)
    assert plan == {"train": 1, "subtract_silence": 1}
