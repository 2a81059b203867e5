"""What was changed after its job had written it becomes no number."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..clone import TINY, Clone

RUN = ("--configfile", TINY, "--quiet", "rules")


def test_a_table_with_a_changed_digit_is_refused_and_made_again_once_deleted(
    copy_of_finished: Clone,
) -> None:
    results = copy_of_finished.root / "results/tiny"
    scores, differences = results / "scores.csv", results / "sdr_differences.csv"
    before = scores.read_text(), differences.read_text()
    row = before[0].splitlines()[1]
    copy_of_finished.edit("results/tiny/scores.csv", row, row.replace(".", "1.", 1))
    refused = copy_of_finished.snakemake(*RUN, "--", "sdr_differences")
    assert refused.returncode == 1 and "Traceback" not in refused.stdout
    line = "error: results/tiny/scores.csv: not as its job has written it: its checksum is"
    assert line in refused.stdout
    assert not differences.exists()
    scores.unlink()
    again = copy_of_finished.snakemake(*RUN, "--", "sdr_differences")
    assert again.returncode == 0, again.stdout
    assert (scores.read_text(), differences.read_text()) == before


@pytest.mark.parametrize("name", ["report.html", "tables/claims.html", "provenance.json"])
def test_the_same_command_notices_that_what_no_job_reads_was_cut_in_half(
    copy_of_finished: Clone, name: str
) -> None:
    path = Path("results/tiny", name)
    result = copy_of_finished.root / path
    before = result.read_bytes()
    assert "Nothing to be done" in copy_of_finished.snakemake(*RUN).stdout
    result.write_bytes(before[: len(before) // 2])
    line = f"error: {path}: not as its job has written it: its checksum is"
    for options in (RUN, (*RUN, "--dry-run")):
        refused = copy_of_finished.snakemake(*options)
        assert refused.returncode == 1
        assert refused.stdout.splitlines()[-1].startswith(line)
    result.unlink()
    assert copy_of_finished.snakemake(*RUN).returncode == 0
    assert result.stat().st_size == len(before)


def test_settings_that_execute_nothing_or_judge_nothing_take_changed_results(
    copy_of_finished: Clone,
) -> None:
    report = copy_of_finished.root / "results/tiny/report.html"
    report.write_text("changed")
    for option in ("--summary", "--touch", "--delete-all-output"):
        result = copy_of_finished.snakemake(*RUN, option)
        assert result.returncode == 0, result.stdout
    assert not report.exists()
