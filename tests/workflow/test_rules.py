"""How the rules are laid out, which of them are local, and which jobs wait for which."""

from __future__ import annotations

import json
import re

from ..clone import REPOSITORY, TINY, Clone
from .parsing import parsed_rules

RULES = REPOSITORY / "workflow/rules"

LOCAL_RULES = {
    "after_training", "all", "benchmark", "claims", "excerpt", "fetch", "figure_after_training",
    "figure_layer_speed", "figure_layers",
    "figure_line_levels", "figure_loss_gradients", "figure_model_probe", "figure_models",
    "figure_ones", "figure_over_training", "figure_overlap", "figure_remedies",
    "figure_sdr_differences", "figure_source_scores", "figure_spectrograms", "figure_stacks",
    "figure_step_speed", "figure_trade_offs", "figure_training_curves", "loss_outputs", "manifest",
    "measures", "out_of_distribution", "over_training", "plan", "probes", "reference",
    "remedies", "scores", "sdr_differences", "song_list", "songs_setup", "subtract_silence",
    "table_1", "table_pages", "trained_measures", "untrained_claims",
}  # fmt: skip


def rules_in(name: str) -> list[str]:
    return re.findall(r"^(?:rule|checkpoint) (\w+):", (RULES / name).read_text(), re.MULTILINE)


def test_short_rules_run_on_the_login_node(clone: Clone) -> None:
    local = {name for name, rule in parsed_rules(clone).items() if rule.is_local}
    assert local == LOCAL_RULES


def test_rules_are_made_local_in_one_list() -> None:
    for path in RULES.glob("*.smk"):
        text = path.read_text()
        assert not re.search(r"^ +localrule:", text, re.MULTILINE), path
        assert ("\nlocalrules:" in text) == (path.name == "cluster.smk"), path


def test_figures_benchmarks_and_the_report_have_a_file_each() -> None:
    files = {path.name: rules_in(path.name) for path in RULES.glob("*.smk")}
    for name, rules in files.items():
        assert any(rule.startswith("figure_") for rule in rules) == (name == "figures.smk")
    assert files["report.smk"] == ["table_pages", "report", "reference"]
    *benchmarks, target = files["benchmarks.smk"]
    assert target == "benchmark"
    inputs = (RULES / "benchmarks.smk").read_text().partition("rule benchmark:")[2]
    assert set(re.findall(r"rules\.(\w+)\.output", inputs)) == set(benchmarks)


def job_graph(clone: Clone, **environment: str) -> dict[str, dict[str, list[str]]]:
    """The report's parameters `benchmarks` and `dependencies`, as a dry run computes them."""
    params = "dependencies=lambda w, threads: benchmark_dependencies()"
    dump = (
        "dependencies=lambda w, threads: __import__('json').dump("
        "[benchmark_files(), benchmark_dependencies()], open('graph.json', 'w'))"
    )
    clone.edit("workflow/rules/report.smk", params, dump)
    result = clone.snakemake("--dry-run", "--configfile", TINY, **environment)
    assert result.returncode == 0, result.stdout
    clone.edit("workflow/rules/report.smk", dump, params)
    benchmarks, dependencies = json.loads((clone.root / "graph.json").read_text())
    return {"benchmarks": benchmarks, "dependencies": dependencies}


def test_the_dependencies_of_measured_jobs_are_those_of_the_workflow(clone: Clone) -> None:
    graph = job_graph(clone)
    assert {rule: len(files) for rule, files in graph["benchmarks"].items()} == {
        "song": 4, "cache": 5, "train": 2, "probe": 4, "probe_snapshots": 2,
        "probe_system": 7, "probe_stacks": 1,
        "probe_layers": 1, "probe_readings": 1, "probe_loss_gradients": 1, "probe_model": 1,
        "step_speed": 1, "upsampler_speed": 1, "loading": 1, "separate": 2, "baseline": 2,
        "score": 4, "remedies": 1, "table_1": 1, "unscored_frames": 1, "tone_seconds": 1,
    }  # fmt: skip
    rule_of = {path: rule for rule, files in graph["benchmarks"].items() for path in files}

    def dependencies(path: str) -> dict[str, int]:
        rules = [rule_of[earlier] for earlier in graph["dependencies"][f"results/tiny/{path}.tsv"]]
        return {rule: rules.count(rule) for rule in rules}

    run = "variants/demucs_nearest/seed-0/benchmarks"
    # Jobs without a benchmark file, as song_list and scores, are passed through.
    assert dependencies(f"{run}/train") == {"cache": 3}
    assert dependencies(f"{run}/probe_initialization") == {"cache": 1}
    # The test song and the real one.
    assert dependencies(f"{run}/probe_trained") == {"cache": 2, "train": 1}
    assert dependencies(f"{run}/probe_snapshots") == {"train": 1}
    assert dependencies(f"{run}/separate") == {"cache": 2, "train": 1}
    # Of all songs: the manifest refuses those that are there twice.
    assert dependencies(f"{run}/score") == {"cache": 5, "separate": 1}
    assert dependencies("variants/mixture/seed-0/benchmarks/score") == {"cache": 5, "baseline": 1}
    assert dependencies("benchmarks/table_1") == {"score": 4, "step_speed": 1, "train": 2}
    assert dependencies("benchmarks/step_speed") == {}


def test_the_dependencies_are_the_same_however_much_is_finished(
    clone: Clone, copy_of_finished: Clone
) -> None:
    first = job_graph(clone, PYTHONHASHSEED="1")
    assert job_graph(copy_of_finished, PYTHONHASHSEED="2") == first


def test_the_report_of_a_finished_experiment_names_a_chain_of_dependent_jobs(
    finished: Clone,
) -> None:
    provenance = json.loads((finished.root / "results/tiny/provenance.json").read_text())
    assert {"song", "cache", "train", "probe", "score", "table_1"} <= {
        row["rule"] for row in provenance["costs"]["rules"]
    }
    assert provenance["costs"]["critical_path"]["jobs"]
