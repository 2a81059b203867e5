"""The report: one HTML page that contains everything it shows and works offline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from upsampling_artifacts.artifacts.chance import BY_CHANCE
from upsampling_artifacts.data.signals import NEAR_SILENCE_DB
from upsampling_artifacts.evaluation.reference_tables import summarize_tones
from upsampling_artifacts.evaluation.remedy_summary import read_summary
from upsampling_artifacts.evaluation.sdr import read_scores
from upsampling_artifacts.figures.signal_names import signal_name
from upsampling_artifacts.figures.style import BASELINES, SYMBOLS, Look
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.probes.line_summary import (
    INAUDIBLE_DB,
    read_lines,
    summarize_arithmetics,
    summarize_lines,
)
from upsampling_artifacts.probes.measures_table import PLAYBACK_DB_SPL
from upsampling_artifacts.report import findings
from upsampling_artifacts.report.after_training import after_training_values
from upsampling_artifacts.report.audio import listening_grid
from upsampling_artifacts.report.comparison import (
    parameter_rows,
    table_1_groups,
    training_length,
)
from upsampling_artifacts.report.costs import job_costs
from upsampling_artifacts.report.data_set import data_set
from upsampling_artifacts.report.differences import difference_groups, sdr_statement
from upsampling_artifacts.report.files import ReportFiles
from upsampling_artifacts.report.hear_it import hear_it
from upsampling_artifacts.report.losses import gradient_values, output_values
from upsampling_artifacts.report.over_training import over_training_values
from upsampling_artifacts.report.overview import overview, treble_kept
from upsampling_artifacts.report.paper_figures import paper_figures
from upsampling_artifacts.report.provenance import provenance
from upsampling_artifacts.report.recommendation import recommendation
from upsampling_artifacts.report.reference import (
    Tables,
    reference_remedies,
    reference_values,
    step_values,
)
from upsampling_artifacts.report.remedies import SIGNALS as REMEDY_SIGNALS
from upsampling_artifacts.report.remedies import remedy_groups
from upsampling_artifacts.report.rendering import make_environment
from upsampling_artifacts.report.spectra import spectra_values
from upsampling_artifacts.report.speed import speed
from upsampling_artifacts.report.verdicts import claim_values


def write_report(
    html_path: str | Path,
    provenance_path: str | Path,
    files: ReportFiles,
    config: dict[str, Any],
    looks: Mapping[str, Look],
    test_songs: list[str],
    excerpt: str | None,
    tone_hz: float,
    repository: str | Path,
) -> None:
    """Write the report, and its provenance beside it.

    Args:
        html_path: Where to write the page.
        provenance_path: Where to write the provenance (JSON).
        files: The files from which the page is made.
        config: The complete configuration of the experiment.
        looks: Names and references of all its systems.
        test_songs: The songs over which the scores are taken.
        excerpt: The real song that is scored separately; None without one.
        tone_hz: Frequency of the line that the page examines.
        repository: Folder of the clone.
    """
    origin = {**provenance(repository), "costs": job_costs(files.benchmarks, files.dependencies)}
    with atomic_write(provenance_path) as unfinished:
        unfinished.write_text(json.dumps(origin, indent=2), encoding="utf-8")
    template = make_environment(Path(html_path).parent).get_template("template.html")
    page = template.render(
        page_values(files, config, looks, test_songs, excerpt, tone_hz),
        origin=origin,
        provenance_path=str(provenance_path),
    )
    with atomic_write(html_path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")


def page_values(
    files: ReportFiles,
    config: dict[str, Any],
    looks: Mapping[str, Look],
    test_songs: list[str],
    excerpt: str | None,
    tone_hz: float,
) -> dict[str, Any]:
    """Read everything that the templates show of an experiment from its files.

    Args:
        files: The files from which the page is made.
        config: The complete configuration of the experiment.
        looks: Names and references of all its systems.
        test_songs: The songs over which the scores are taken.
        excerpt: The real song that is scored separately; None without one.
        tone_hz: Frequency of the line that the page examines.

    Returns:
        The templates' variables, without the provenance.
    """
    paper = pd.read_csv(files.paper)
    return {
        "files": files,
        "config": config,
        "systems": [
            {
                "name": name,
                "label": looks[name]["label"],
                "color": looks[name]["color"],
                "symbol": SYMBOLS[looks[name]["marker"]],
            }
            for name in config["variants"]
        ],
        "config_yaml": yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
        **_tone_values(files, config, looks, tone_hz),
        "over_training": over_training_values(
            pd.read_csv(files.over_training), config["variants"], looks
        ),
        "after": after_training_values(
            pd.read_csv(files.after_training),
            findings.group_by_network(config)["same"],
            looks,
        ),
        "spectra": spectra_values(files.spectra, tone_hz),
        "hear": hear_it(files.tones, files.tone_arrays, looks, tone_hz),
        "claims": claim_values(pd.read_csv(files.claims), files.figures),
        "gradients": gradient_values(pd.read_csv(files.gradients)),
        **_optional_values(files, config, looks),
        "paper_figures": paper_figures(files.figures),
        "models": [_model_values(Path(folder)) for folder in files.models],
        **_overview_values(files, config, looks, tone_hz),
        **_table_1_values(files, config, looks, paper),
        **_difference_values(files, looks),
        **_score_values(files, config, looks, test_songs, excerpt, tone_hz),
        "speed": speed(pd.read_csv(files.steps), pd.read_csv(files.upsamplers), paper, looks),
        **_reference_values(files, looks, test_songs, tone_hz, paper),
        **_listening_values(files, config, looks),
        "data_set": data_set(pd.read_csv(files.manifest), config["sources"]),
        "loading": pd.read_csv(files.loading, index_col="reader").to_dict("index"),
    }


def _tone_values(
    files: ReportFiles, config: dict[str, Any], looks: Mapping[str, Look], tone_hz: float
) -> dict[str, Any]:
    """The line at ``tone_hz``: which systems respond to which signal with a tone."""
    systems = config["variants"]
    lines = read_lines(files.variants)
    summary = summarize_lines(lines, tone_hz)
    return {
        "tone_khz": f"{tone_hz / 1000:g}",
        "by_chance": BY_CHANCE,
        "stands_out_by_chance": findings.STANDS_OUT_BY_CHANCE,
        "unheard_db": INAUDIBLE_DB,
        "near_silence_db": NEAR_SILENCE_DB,
        "playback_db_spl": PLAYBACK_DB_SPL,
        "n_music_songs": lines.loc[lines["signal"] == "music", "song"].nunique(),
        "tones": {
            signal: findings.tones(summary, signal, systems, looks) for signal in findings.SIGNALS
        },
        "quiet": {
            group: findings.tones(summary, "near_silence", names, looks)
            for group, names in findings.group_by_network(config).items()
        },
        "line_entries": findings.line_rows(summary, systems, looks),
        "arithmetic_rows": findings.arithmetic_rows(
            summarize_arithmetics(files.variants, tone_hz), systems, looks
        ),
        "arithmetic_signals": [signal_name(signal) for signal in findings.SIGNALS],
    }


def _overview_values(
    files: ReportFiles, config: dict[str, Any], looks: Mapping[str, Look], tone_hz: float
) -> dict[str, Any]:
    """A row per system, and which of them to use."""
    lines = summarize_lines(read_lines(files.variants), tone_hz)
    differences, steps = pd.read_csv(files.sdr_differences), pd.read_csv(files.steps)
    variants = pd.read_csv(files.variants, dtype={"song": str})
    network = findings.group_by_network(config)["same"]
    return {
        "overview": overview(
            variants,
            lines,
            pd.read_csv(files.table_1),
            differences,
            steps,
            looks,
            config["variants"],
            tone_hz,
        ),
        "recommended": recommendation(
            findings.responses(lines, "near_silence", network),
            differences,
            steps,
            treble_kept(variants),
            looks,
        ),
    }


def _optional_values(
    files: ReportFiles, config: dict[str, Any], looks: Mapping[str, Look]
) -> dict[str, Any]:
    """Remedies, and what reaches the output from losses, if the experiment has them."""
    return {
        "remedies": remedy_groups(read_summary(files.remedies), looks) if files.remedies else [],
        "reference_remedies": reference_remedies(files.reference_remedies, looks)
        if files.reference_remedies
        else None,
        "remedy_signals": [signal_name(signal) for signal in REMEDY_SIGNALS],
        "loss_outputs": (
            output_values(
                pd.read_csv(files.loss_outputs),
                config["loss_study"]["losses"],
                config["rate_hz"],
                looks,
            )
            if files.loss_outputs
            else None
        ),
    }


def _model_values(folder: Path) -> dict[str, Any]:
    """A user-supplied model: the summary and the figure of its probe."""
    return {
        "name": folder.name,
        "folder": str(folder),
        "summary": (folder / "summary.txt").read_text(encoding="utf-8"),
        "figure": folder / "spectrograms.svg",
    }


def _table_1_values(
    files: ReportFiles, config: dict[str, Any], looks: Mapping[str, Look], paper: pd.DataFrame
) -> dict[str, Any]:
    systems = config["variants"]
    table_1 = pd.read_csv(files.table_1)
    # Not the rows of the paper that this experiment lacks.
    table_1 = table_1[table_1["system"].isin([*systems, *BASELINES])]
    trainings = [config["training"] | config["systems"][name]["training"] for name in systems]
    return {
        "table_1": table_1_groups(table_1, paper, looks),
        "parameters": parameter_rows(table_1, paper, looks),
        "training_length": training_length(table_1, trainings),
    }


def _difference_values(files: ReportFiles, looks: Mapping[str, Look]) -> dict[str, Any]:
    table = pd.read_csv(files.sdr_differences)
    return {
        "sdr": sdr_statement(table, looks),
        "sdr_differences": difference_groups(table, looks),
    }


def _score_values(
    files: ReportFiles,
    config: dict[str, Any],
    looks: Mapping[str, Look],
    test_songs: list[str],
    excerpt: str | None,
    tone_hz: float,
) -> dict[str, Any]:
    scores = read_scores(files.scores)
    systems, sources = config["variants"], config["sources"]
    excerpt_songs = [excerpt] if excerpt else []
    return {
        "test_songs": test_songs,
        "score_rows": findings.score_rows(scores, test_songs, systems, sources, looks),
        "excerpt": excerpt,
        "excerpt_rows": findings.score_rows(scores, excerpt_songs, systems, sources, looks),
        "unscored": findings.unscored_frames(scores),
        "unscored_tones": findings.unscored_tones(
            pd.read_csv(files.unscored_frames), tone_hz, looks
        ),
    }


def _reference_values(
    files: ReportFiles,
    looks: Mapping[str, Look],
    test_songs: list[str],
    tone_hz: float,
    paper: pd.DataFrame,
) -> dict[str, Any]:
    """Other machines' tables beside those of this experiment; None where there are none."""
    trained = pd.read_csv(files.table_1).dropna(subset="steps_most").set_index("system")
    steps = zip(trained["steps_least"], trained["steps_most"], strict=True)
    here = Tables(
        tones=summarize_tones(pd.read_csv(files.variants), tone_hz),
        scores=read_scores(files.scores),
        songs=test_songs,
        sdr_differences=pd.read_csv(files.sdr_differences),
        claims=pd.read_csv(files.claims),
        steps=dict(zip(trained.index, steps, strict=True)),
    )
    timed = pd.read_csv(files.steps)
    return {
        "reference": reference_values(files.reference, here, looks) if files.reference else None,
        "full_size": step_values(files.full_size, timed, paper, looks) if files.full_size else None,
    }


def _listening_values(
    files: ReportFiles, config: dict[str, Any], looks: Mapping[str, Look]
) -> dict[str, Any]:
    runs = [Path(folder).parent for folder in files.estimates]  # .../<system>/seed-<n>
    estimates = {run.parent.name: folder for run, folder in zip(runs, files.estimates, strict=True)}
    return {
        "grid": listening_grid(files.song, estimates, config["report"]["listen_seconds"]),
        "listening_seed": runs[0].name.removeprefix("seed-") if runs else "",
    }
