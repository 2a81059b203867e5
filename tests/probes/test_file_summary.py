"""Summaries of audio files: one screen, the verdict first."""

from upsampling_artifacts.probes.file_summary import summarize_file
from upsampling_artifacts.probes.findings import Finding


def test_the_findings_follow_the_file_in_their_order_and_are_wrapped() -> None:
    findings = [Finding("tones", "No line.", {}), Finding("line", "word " * 30 + "end", {})]
    lines = summarize_file("a.wav", 8000.0, 2, 3.0, findings).split("\n")
    assert lines[:2] == ["a.wav: 8000 Hz, 2 channels, 3.0 s", "No line."]
    assert max(map(len, lines)) <= 100
    assert lines[-1].startswith("  word") and lines[-1].endswith("end")
