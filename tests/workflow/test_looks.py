"""Labels, colors and references of systems: what runs again when a row changes."""

from __future__ import annotations

from ..clone import TINY, Clone


def test_a_new_label_redraws_figures_and_retrains_nothing(finished: Clone) -> None:
    look = "{label: my label, prose_name: my name, color: '#123456'}"
    changed = ("--config", f"systems={{demucs_nearest: {look}}}")
    plan = finished.planned("--configfile", TINY, *changed)
    assert {"figure_line_levels", "figure_training_curves", "figure_layers", "report"} <= set(plan)
    assert all(rule.startswith("figure_") or rule in ("report", "all") for rule in plan)


def test_another_reference_repeats_the_step_benchmark_and_retrains_nothing(finished: Clone) -> None:
    changed = ("--config", "systems={demucs_nearest: {reference: demucs_nearest}}")
    plan = finished.planned("--configfile", TINY, *changed)
    assert {"step_speed", "table_1", "report"} <= set(plan)
    assert not {"train", "probe", "probe_system", "separate", "score", "cache"} & set(plan)
