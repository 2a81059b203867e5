"""What was changed after its job had written it becomes no number."""

from __future__ import annotations

from ..clone import TINY, Clone


def test_a_table_with_a_changed_digit_is_refused_and_made_again_once_deleted(
    copy_of_finished: Clone,
) -> None:
    command = ("snakemake", "--cores", "2", "--configfile", TINY, "--quiet", "rules", "--")
    results = copy_of_finished.root / "results/tiny"
    scores, differences = results / "scores.csv", results / "sdr_differences.csv"
    before = scores.read_text(), differences.read_text()
    row = before[0].splitlines()[1]
    copy_of_finished.edit("results/tiny/scores.csv", row, row.replace(".", "1.", 1))
    refused = copy_of_finished.run(*command, "sdr_differences")
    assert refused.returncode == 1 and "Traceback" not in refused.stdout
    line = "error: results/tiny/scores.csv: not as its job has written it: its checksum is"
    assert line in refused.stdout
    assert not differences.exists()
    scores.unlink()
    again = copy_of_finished.run(*command, "sdr_differences")
    assert again.returncode == 0, again.stdout
    assert (scores.read_text(), differences.read_text()) == before
