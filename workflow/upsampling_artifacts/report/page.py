"""The report as one html file, readable offline: everything it shows is inside it."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup

from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.probes.line_summary import (
    CHANCE_DB,
    UNHEARD_DB,
    read_lines,
    summarise_lines,
)
from upsampling_artifacts.report import findings
from upsampling_artifacts.report.audio import listening_grid
from upsampling_artifacts.report.comparison import parameter_rows, table_1_groups, trained_for
from upsampling_artifacts.report.costs import job_costs
from upsampling_artifacts.report.data_set import data_set
from upsampling_artifacts.report.numbers import duration, listed, number
from upsampling_artifacts.report.paper_figures import paper_figures
from upsampling_artifacts.report.provenance import provenance
from upsampling_artifacts.report.speed import speed
from upsampling_artifacts.report.verdicts import claim_rows

HERE = Path(__file__).parent
MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True)
class ReportFiles:
    """The files that the report is made of.

    Attributes:
        variants: Measures of the systems as trained here, before and after training.
        measures: Measures after random initialization (``measures.csv``).
        claims: ``claims.csv``.
        scores: ``scores.csv``.
        table_1: ``table_1.csv``.
        loading: ``loading.csv`` of the loading benchmark.
        steps: ``steps.csv`` of the benchmark of training steps.
        upsamplers: ``upsamplers.csv`` of the benchmark of layers.
        manifest: ``manifest.csv``.
        paper: ``config/paper_table_1.csv``.
        figures: Images by the name that the template knows them by: line_levels,
            spectrograms_noise, spectrograms_silence, training_curves, source_scores, trade_offs,
            step_speed, layer_speed, and figure_1 to figure_9 as far as they are drawn.
        models: Folders of the listed models' probes: ``summary.txt`` and ``spectrograms.svg``.
        song: The cached song to listen to.
        estimates: Folders that end in ``<system>/seed-<n>/estimates``, one per system.
        patterns: Where the many files lie that captions name: probes, training, estimates,
            benchmarks.
        benchmarks: For each rule, the benchmark files of its jobs.
    """

    variants: str
    measures: str
    claims: str
    scores: str
    table_1: str
    loading: str
    steps: str
    upsamplers: str
    manifest: str
    paper: str
    figures: dict[str, str]
    models: list[str]
    song: str
    estimates: list[str]
    patterns: dict[str, str]
    benchmarks: dict[str, list[str]] = field(default_factory=dict)


def write_report(
    html_path: str | Path,
    provenance_path: str | Path,
    files: ReportFiles,
    config: dict,
    looks: Mapping[str, Look],
    test_songs: list[str],
    excerpt: str | None,
    tone_hz: float,
    repository: str | Path,
) -> None:
    """Write the report and, beside it, where its results come from.

    Args:
        html_path: Where to write the page.
        provenance_path: Where to write the provenance (json).
        files: What the page is made of.
        config: The complete configuration of the experiment.
        looks: Names and references of all its systems.
        test_songs: The songs that count in the scores.
        excerpt: The real song that is listed apart; None if there is none.
        tone_hz: The frequency that the first picture shows.
        repository: Folder of the clone.
    """
    origin = {**provenance(repository), "costs": job_costs(files.benchmarks)}
    with atomic_write(provenance_path) as unfinished:
        unfinished.write_text(json.dumps(origin, indent=2), encoding="utf-8")
    context = page_values(files, config, looks, test_songs, excerpt, tone_hz)
    folder = Path(html_path).parent
    environment = _environment(folder)
    page = environment.get_template("template.html").render(
        **context, origin=origin, provenance_path=str(provenance_path)
    )
    with atomic_write(html_path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")


def page_values(
    files: ReportFiles,
    config: dict,
    looks: Mapping[str, Look],
    test_songs: list[str],
    excerpt: str | None,
    tone_hz: float,
) -> dict[str, object]:
    """All that the template shows of an experiment, read from its files.

    Args:
        files: What the page is made of.
        config: The complete configuration of the experiment.
        looks: Names and references of all its systems.
        test_songs: The songs that count in the scores.
        excerpt: The real song that is listed apart; None if there is none.
        tone_hz: The frequency that the first picture shows.
    """
    systems, sources = config["variants"], config["sources"]
    summary = summarise_lines(read_lines(files.variants), tone_hz)
    scores = pd.read_csv(files.scores)
    table_1, paper = pd.read_csv(files.table_1), pd.read_csv(files.paper)
    kinds = findings.kinds_of_systems(config)
    estimates = {looks[Path(path).parents[1].name]["label"]: path for path in files.estimates}
    return {
        "files": files,
        "config": config,
        "config_yaml": yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
        "tone_khz": f"{tone_hz / 1000:g}",
        "chance_db": CHANCE_DB,
        "unheard_db": UNHEARD_DB,
        "answers": {
            signal: findings.tones(summary, signal, systems, looks) for signal in findings.SIGNALS
        },
        "silence": {
            kind: findings.tones(summary, "silence", names, looks) for kind, names in kinds.items()
        },
        "claims": claim_rows(pd.read_csv(files.claims)),
        "models": [
            {
                "name": Path(folder).name,
                "folder": folder,
                "summary": Path(folder, "summary.txt").read_text(encoding="utf-8"),
                "figure": Path(folder, "spectrograms.svg"),
            }
            for folder in files.models
        ],
        "paper_figures": paper_figures(files.figures),
        "line_entries": findings.line_rows(summary, systems, looks),
        "sdr_range": findings.sdr_range(table_1, systems, looks),
        "table_1": table_1_groups(table_1, paper, looks),
        "data_set": data_set(pd.read_csv(files.manifest), config["sources"]),
        "speed": speed(pd.read_csv(files.steps), pd.read_csv(files.upsamplers), paper, looks),
        "loading": pd.read_csv(files.loading, index_col="reader").to_dict("index"),
        "trained_for": trained_for(
            table_1,
            [config["training"] | config["systems"][name]["training"] for name in systems],
        ),
        "parameters": parameter_rows(table_1, paper, looks),
        "score_rows": findings.score_rows(scores, test_songs, systems, sources, looks),
        "excerpt": excerpt,
        "excerpt_rows": (
            findings.score_rows(scores, [excerpt], systems, sources, looks) if excerpt else []
        ),
        "unscored": findings.unscored_frames(scores),
        "test_songs": test_songs,
        "grid": listening_grid(files.song, estimates, config["report"]["listen_seconds"]),
        "listen_seed": Path(files.estimates[0]).parent.name if files.estimates else "",
    }


def data_uri(path: str | Path) -> str:
    """An image file as a data URI."""
    path = Path(path)
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{MEDIA_TYPES[path.suffix]};base64,{content}"


def _environment(folder: Path) -> jinja2.Environment:
    """Jinja, with what the template needs; paths are shown relative to the page's folder."""

    def link(path: str) -> Markup:
        relative = Path(os.path.relpath(path, folder)).as_posix()
        if "*" in relative:  # many files: nothing to link to
            return Markup("<code>{0}</code>").format(relative)
        return Markup('<a class="file" href="{0}">{0}</a>').format(relative)

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "data_uri": data_uri,
        "duration": duration,
        "link": link,
        "listed": listed,
        "number": number,
    }
    environment.globals["Markup"] = Markup
    environment.globals["css"] = Markup((HERE / "style.css").read_text(encoding="utf-8"))
    return environment
