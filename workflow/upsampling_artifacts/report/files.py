"""The files from which the report is made."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ReportFiles:
    """The files from which the report is made.

    Attributes:
        variants: Measures of the trained systems, before and after training (``variants.csv``).
        measures: Measures of randomly initialized models (``measures.csv``).
        over_training: ``over_training.csv``.
        tones: ``tone_seconds.csv``.
        tone_arrays: ``tone_seconds.npz``.
        claims: ``claims.csv``.
        after_training: ``after_training.csv``.
        gradients: ``losses/gradients.csv``.
        scores: ``scores.csv``.
        table_1: ``table_1.csv``.
        sdr_differences: ``sdr_differences.csv``.
        unscored_frames: ``unscored_frames.csv``.
        loading: ``loading.csv``, the benchmark of data loading.
        steps: ``steps.csv``, the benchmark of training steps.
        upsamplers: ``upsamplers.csv``, the benchmark of single layers.
        manifest: ``manifest.csv``.
        paper: ``config/paper_table_1.csv``.
        figures: ``.svg`` files by the name that the templates use: tone_margins, layers,
            loss_gradients, line_levels, over_training, after_training, spectrograms_noise,
            spectrograms_silence, training_curves, source_scores, sdr_differences, trade_offs,
            step_speed, layer_speed, remedies (if there are any), and those of figure_1 to figure_9
            that have been drawn.
        models: Probe folders of the user-supplied models; each holds ``summary.txt`` and
            ``spectrograms.svg``.
        song: The cached song of the listening section.
        estimates: Folders ``.../<system>/seed-<n>/estimates``, one per system.
        spectra: Probe arrays ``.../<system>/seed-<n>/probe/<stage>.npz`` of each system, before and
            after training.
        patterns: Path patterns for the captions that cite many files: probes, training,
            estimates, benchmarks.
        remedies: ``remedies_summary.csv``; None without remedies.
        loss_outputs: ``losses/outputs.csv``; None without a study of losses.
        benchmarks: For each rule, the benchmark files of its jobs.
        dependencies: For each benchmark file, those of the jobs that its job waits for.
        reference: Folder of tables that another machine measured; None without it.
        full_size: Folder of the training steps at full size that another machine timed, likewise.
        reference_remedies: Folder of an experiment that compared all remedies, likewise.
    """

    variants: str
    measures: str
    over_training: str
    tones: str
    tone_arrays: str
    claims: str
    after_training: str
    gradients: str
    scores: str
    table_1: str
    sdr_differences: str
    unscored_frames: str
    loading: str
    steps: str
    upsamplers: str
    manifest: str
    paper: str
    figures: dict[str, str]
    models: list[str]
    song: str
    estimates: list[str]
    spectra: list[str]
    patterns: dict[str, str]
    remedies: str | None = None
    loss_outputs: str | None = None
    benchmarks: dict[str, list[str]] = field(default_factory=dict)
    dependencies: dict[str, list[str]] = field(default_factory=dict)
    reference: str | None = None
    full_size: str | None = None
    reference_remedies: str | None = None
