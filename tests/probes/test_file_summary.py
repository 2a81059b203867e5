"""Summaries of audio files: one screen, the verdict first."""

from upsampling_artifacts.probes.file_lines import FULL_SCALE_DB_SPL
from upsampling_artifacts.probes.file_summary import summarize_file
from upsampling_artifacts.probes.findings import Finding


def test_the_findings_follow_the_file_in_their_order_and_are_wrapped() -> None:
    findings = [Finding("tones", "No line.", {}), Finding("line", "word " * 30 + "end", {})]
    lines = summarize_file("a.wav", 8000.0, 2, 3.0, findings).split("\n")
    assert lines[0] == "a.wav: 8000 Hz, 2 channels, 3.0 s"
    assert lines[lines.index("") + 1] == "No line."
    assert max(map(len, lines)) <= 100
    assert lines[-1].startswith("  word") and lines[-1].endswith("end")


def test_units_the_playback_level_and_what_stands_out_are_said_once() -> None:
    text = " ".join(summarize_file("a.wav", 8000.0, 2, 3.0, []).split())
    assert text.count("Levels are RMS, in dB re full scale") == 1
    assert text.count(f"played at {FULL_SCALE_DB_SPL:g} dB SPL") == 1
    assert text.count("A line stands out if") == 1
