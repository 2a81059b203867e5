"""What was changed after its job had written it becomes no number."""

from __future__ import annotations

import csv
from pathlib import Path

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


def test_the_same_command_notices_a_changed_result_that_no_job_reads(
    copy_of_finished: Clone,
) -> None:
    results = Path("results/tiny")
    report, provenance = (
        copy_of_finished.root / results / name for name in ("report.html", "provenance.json")
    )
    before = report.read_bytes()
    report.write_bytes(before[: len(before) // 2])
    refused = copy_of_finished.snakemake(*RUN)
    assert refused.returncode == 1
    line = f"error: {results / 'report.html'}: not as its job has written it: its checksum is"
    assert refused.stdout.splitlines()[-1].startswith(line)
    # What executes nothing takes it as it is.
    assert copy_of_finished.snakemake(*RUN, "--summary").returncode == 0
    report.write_bytes(before)
    copy_of_finished.edit(f"{results}/provenance.json", "1", "2")
    copy_of_finished.refused(f"error: {results / 'provenance.json'}: not as its", *RUN, "--dry-run")
    provenance.unlink()
    assert copy_of_finished.planned(*RUN) == {"report": 1, "all": 1}


def test_what_no_job_reads_is_made_again_once_it_is_deleted(copy_of_finished: Clone) -> None:
    """As the line that refuses a changed file says."""
    summary = copy_of_finished.snakemake(*RUN, "--detailed-summary").stdout
    table = summary[summary.index("output_file\t") :].splitlines()
    rows = list(csv.DictReader(table, delimiter="\t"))
    read = {path for row in rows for path in row["input-file(s)"].split(",")}
    unread = {row["output_file"]: row["rule"] for row in rows if row["output_file"] not in read}
    assert "results/tiny/figures/figure_1.png" in unread
    for path in unread:
        (copy_of_finished.root / path).unlink()
    assert set(unread.values()) <= copy_of_finished.planned(*RUN).keys()
