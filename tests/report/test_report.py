"""The page: its sections, tables, numbers and players, and that it fetches nothing."""

import base64
import io
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
import soundfile
from upsampling_artifacts.report.after_training import after_training_values
from upsampling_artifacts.report.page import write_report
from upsampling_artifacts.report.rendering import TEMPLATES

from ..looks import make_looks
from .conftest import ALL_LOOKS, EXCERPT, LISTEN_SECONDS, RATE_HZ, SONG, SOURCES, SYSTEMS, Report

HEARD = ("silence", "music")
VOID = {"meta", "link", "img", "br", "hr", "input", "source", "col"}


class Page(HTMLParser):
    """A parsed page: checks that tags nest, and collects tags, text and table cells."""

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.table: list[list[str]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.table = self.tables.setdefault(dict(attributes).get("id", "?"), [])
        elif tag == "tr":
            self.table.append([])
        elif tag in ("td", "th"):
            self.table[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and "script" not in self.open:
            self.text.append(data)
        if self.open and {"td", "th"} & set(self.open):
            self.table[-1][-1] += data

    def rows(self, table: str, first_cell: str) -> list[list[str]]:
        cells = [[" ".join(cell.split()) for cell in row] for row in self.tables[table]]
        return [row for row in cells if row[0].startswith(first_cell)]


@pytest.fixture(scope="session")
def page(report: Report) -> Page:
    return Page(report.html)


def page_text(page: Page) -> str:
    return " ".join(" ".join(page.text).split())


def test_the_answer_comes_first_and_links_lead_to_what_is_there(page: Page) -> None:
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert sections == [
        "recommendation", "overview", "hear", "remedies", "models", "tones", "before-after",
        "spectra", "over-training", "after-training", "claims", "figures", "layers", "losses",
        "training", "listen", "speed", "parameters", "reference", "dataset", "provenance",
        "reading",
    ]  # fmt: skip
    places = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    for target in [a["href"][1:] for t, a in page.tags if t == "a" and a["href"][0] == "#"]:
        assert target in places, target


N_HEARD = 4 + len(HEARD) * len(SYSTEMS)  # four on the first screen


def test_every_system_has_a_button_that_holds_the_second_of_a_signal(page: Page) -> None:
    buttons = [a for tag, a in page.tags if tag == "button" and a.get("value", "")[:5] == "data:"]
    assert len(buttons) == N_HEARD
    # Those of the first screen: a system with a tone and one without, before and after training.
    assert [button["data-system"] for button in buttons] == [
        *(SYSTEMS[0],) * 2, *(SYSTEMS[1],) * 2, *SYSTEMS * len(HEARD)
    ]  # fmt: skip
    for button in buttons:
        assert button["aria-pressed"] == "false"
        audio, rate_hz = decode(button["value"])
        assert (rate_hz, len(audio)) == (RATE_HZ, RATE_HZ)
    text = page_text(page)
    assert "Hear it. Input: silence. All four outputs are amplified by 46 dB." in text
    assert (
        "silence: audible with transposed convolution Bass, right channel, from 0.5 s on. "
        "Most audible: transposed. Gain: +58 dB."
    ) in text
    assert f"right channel, from 0.5 s on, {SONG}. Most audible" in text
    assert "nearest no audible tone: more than 40 dB below threshold" in text
    assert "my upsampler not above chance: other frequencies stand out as much" in text
    assert "modified transposed exactly silent" in text


def test_the_gradients_of_losses_have_a_row_each(page: Page) -> None:
    assert page.rows("loss-table", "") [-2:] == [
        ["L1", "−45.0 ± 2.5", "5.0 ± 2.5", "50 %", "none", "-", "-"],
        ["my_losses:Mine", "−20.0 ± 2.5", "30.0 ± 2.5", "0.5 %", "−20.0 ± 2.5", "30.0 ± 2.5",
         "0.5 %"],
    ]  # fmt: skip


def test_the_tone_over_training_is_described_in_sentences(page: Page) -> None:
    text = page_text(page)
    assert (
        "In near-silence, the tone of transposed convolution is audible from initialization to the "
        "end: its level goes from −30 dB re the music to −50 dB."
    ) in text
    assert (
        "With nearest-neighbor interpolation and modified transposed convolution, no tone is "
        "audible in the end. For my upsampler, the intervals over seeds do not decide whether the "
        "tone is audible."
    ) in text
    assert "(step 0), in 2 snapshots of the weights and after training." in text


def test_the_page_fetches_nothing(report: Report, page: Page) -> None:
    for tag, attributes in page.tags:
        for name in ("src", "srcset", "poster", "data", "action"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, name)
        if tag == "link":
            assert attributes["href"].startswith("data:")
    # Libraries name their homes in comments; that the page requests nothing is tested in a browser.
    for folder in ("styles", "scripts", "sections"):
        for file in (TEMPLATES / folder).iterdir():
            assert not re.search(r"@import|url\(|https?://", file.read_text()), file


def test_files_are_linked_relative_to_the_page(report: Report, page: Page) -> None:
    links = [a["href"] for tag, a in page.tags if tag == "a" and not a["href"].startswith("#")]
    assert {"probes/variants.csv", "over_training.csv", "probes/measures.csv", "claims.csv"} <= set(
        links
    )
    for link in links:
        assert (report.path.parent / unquote(link)).exists(), link


def test_every_picture_has_a_description(page: Page) -> None:
    alternatives = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
    # The text beside the small spectrograms says what they show.
    assert alternatives.count("") == N_HEARD
    described = [a["aria-label"] for tag, a in page.tags if tag == "svg"]
    assert len(described) == 17
    assert all(len(text) > 40 for text in described)
    assert all(a.get("scope") for t, a in page.tags if t == "th" and a)


def test_the_summary_quotes_the_tables(page: Page) -> None:
    text = page_text(page)
    half_width = 4.3027 * 1 / np.sqrt(3)
    assert "Yes, when the input is quiet. Train the same network" in text
    tone = "a tone at 2 kHz stays audible after training: its level is −50 dB re the music"
    assert f"With transposed convolution {tone}, 30.0 ± {half_width:.1f} dB over" in text
    assert "With nearest-neighbor interpolation, no audible tone remains" in text
    assert (
        "Of the modified systems (same upsamplers, changed network), modified transposed "
        "convolution keeps none. So the upsampler is not the only cause"
    ) in text
    assert "All this assumes music played at 70 dB SPL" in text
    assert re.search(r"Possibly audible [^.]*my upsampler −50 dB , margin 5.0 ± 24.8 dB", text)
    assert "While music plays (2 test songs), the tone is audible in no system." in text


def test_without_an_upsampler_that_leaves_no_tone_the_cause_stays_open(
    report: Report, tmp_path: Path
) -> None:
    """A modified network without a tone does not tell upsamplers apart."""
    variants = ["demucs_transposed", "modified_transposed"]
    write_report(
        tmp_path / "report.html", tmp_path / "provenance.json", report.files,
        report.config | {"variants": variants}, ALL_LOOKS,
        test_songs=[SONG], excerpt=None, tone_hz=2000.0, repository=tmp_path,
    )  # fmt: skip
    text = page_text(Page((tmp_path / "report.html").read_text(encoding="utf-8")))
    assert "After training, transposed convolution makes an audible tone at 2 kHz in near" in text
    assert "This cannot be attributed to the upsampler" in text
    assert "Yes, when" not in text


def test_the_lead_compares_upsamplers_in_the_same_network(page: Page) -> None:
    text = page_text(page)
    assert (
        "In the same network, the SDR is higher by 0.30 dB [+0.15, +0.45] with my upsampler than "
        "with transposed convolution. For nearest-neighbor interpolation, no difference is "
        "resolved, and the intervals allow for up to 0.79 dB in either direction. The paper’s "
        "difference of −0.18 dB (nearest-neighbor interpolation) is neither seen nor excluded."
    ) in text
    assert (
        "mean over 3 seeds and 1 test song; 95 % intervals, simultaneous for 2 comparisons; with "
        "one song, they allow for other seeds only."
    ) in text


def test_differences_stand_beside_the_papers(page: Page) -> None:
    assert page.rows("difference-table", "nearest")[0][1:] == [
        "transposed", "−0.25", "[−0.60, +0.10]", "[−0.78, +0.28]", "−0.20", "−0.18", "open",
    ]  # fmt: skip
    assert page.rows("difference-table", "my upsampler")[0][-2:] == ["-", "-"]
    assert page.rows("difference-table", "modified")[0][-2:] == ["+0.02", "excluded"]
    titles = [row[0] for row in page.tables["difference-table"] if len(row) == 1]
    assert titles == ["Same network, 2 comparisons", "Other networks, 1 comparison"]
    assert "allows for other seeds but not for other songs" in page_text(page)


def test_tones_in_frames_without_a_score_are_listed(page: Page) -> None:
    rows = page.rows("unscored-table", "transposed")
    assert rows == [["transposed", "1", "−50.0 ± 0.0", "20.0 ± 0.0"]]
    assert page.rows("unscored-table", "nearest")[0][2:] == ["exactly silent"] * 2
    assert page.rows("unscored-table", "mixture")[0][2:] == ["−70.0", "−8.0"]


def test_what_training_leaves_of_the_tone_is_said_in_two_sentences(page: Page) -> None:
    text = page_text(page)
    lowered = "In near-silence, training lowers the tone of transposed convolution by 20 ± 0 dB ."
    assert lowered in text
    remains = (
        "After training, the tone is audible with transposed convolution in silence and "
        "near-silence."
    )
    none = "With nearest-neighbor interpolation, no tone is audible with any of the 4 test signals."
    assert f"{remains} {none}" in text


@pytest.mark.parametrize(
    ("low_db", "high_db", "lowered", "raised"),
    [(1, 5, 1, 0), (-1, 7, 0, 0), (math.nan, math.nan, 1, 0)],  # a single seed has no interval
)
def test_training_lowers_a_tone_if_the_whole_interval_says_so(
    low_db: float, high_db: float, lowered: int, raised: int
) -> None:
    row = {
        "system": "demucs_transposed", "signal": "near_silence", "response": "audible",
        "lowering_db": 3.0, "lowering_low_db": low_db, "lowering_high_db": high_db,
    }  # fmt: skip
    looks = make_looks("demucs_transposed")
    values = after_training_values(pd.DataFrame([row]), ["demucs_transposed"], looks)
    assert (len(values["lowered"]), len(values["raised"])) == (lowered, raised)
    assert [system["signals"] for system in values["audible"]] == [["near-silence"]]


def test_the_line_table_lists_every_system_and_signal(page: Page) -> None:
    rows = [row for row in page.tables["line-table"] if len(row) in (8, 9)]
    assert len(rows) == len(SYSTEMS) * 5
    _, near_silence, _, _, music = rows[:5]
    assert near_silence == [
        "near-silence", "−30.0 ± 2.5", "−50.0 ± 2.5", "50.0 ± 2.5", "30.0 ± 2.5", "37.0 ± 2.5",
        "-", "-",
    ]  # fmt: skip
    assert music[-2:] == ["1.0 % (40 %)", "6 of 6*"]
    nearest, modified = rows[6], rows[10]
    assert nearest[2:5:2] == ["< −100", "< −40"]
    assert modified[2:6] == ["exactly silent"] * 4


def test_systems_with_several_arithmetics_are_compared(page: Page) -> None:
    rows = [row for row in page.tables["arithmetic-table"] if row[0] == "nearest"]
    assert rows == [
        ["nearest", "separation", "-", "32-true", "−150", "−150", "−60", "-", "−60"],
        ["nearest", "reference", "plain", "32-true", *["−190"] * 3, "-", "−190"],
    ]


def test_table_1_lists_the_papers_systems_that_are_here_then_ours_then_baselines(
    page: Page,
) -> None:
    rows = [[" ".join(c.split()) for c in row] for row in page.tables["table-1"] if len(row) == 8]
    rows = [row for row in rows if row[0] != "system" and "SDR" not in row[1]]
    papers = [row for row in rows if row[2] != "-"]
    assert len(papers) == 3  # those of the paper that this experiment trains
    demucs = page.rows("table-1", "Demucs-like (Fig. 1, c)")[0]
    assert demucs[1:] == [
        "3.25 ± 0.10", "5.17", "3", "1.23M (710M)", "0.184 (51.1)", "6.0 s (1.50)", "423 s (1.33)",
    ]  # fmt: skip
    assert page.rows("table-1", "Wave-U-Net") == []
    assert page.rows("table-1", "my upsampler")[0][5] == "0.200"
    assert page.rows("table-1", "my upsampler")[0][2] == "-"
    assert page.rows("table-1", "ideal ratio mask")[0][1:] == ["9.00", "-", "1", *"----"]
    titles = [row[0] for row in page.tables["table-1"] if len(row) == 1]
    assert titles == ["Our other systems", "Baselines without a model"]
    text = page_text(page)
    assert "Ours are small models (demo size) trained on synthetic songs at 8 kHz;" in text
    assert "absolute values are not comparable" in text


def test_the_training_length_is_stated_first_and_beside_the_curves_and_table_1(page: Page) -> None:
    assert page_text(page).count("Each system was trained for 3 epochs (90 steps).") == 3


def test_step_times_are_given_in_a_sentence_and_in_a_table(page: Page) -> None:
    text = page_text(page)
    assert (
        "A training step with nearest-neighbor interpolation takes 1.50 times as long as one with "
        "transposed convolution when run as two layers, 1.10 times when fused, and 1.07 times when "
        "chosen per layer ( auto ) (the paper’s epochs: 1.33 )."
    ) in text
    assert "batches of 4 × 1.024 s; load average of the machine: 1.2." in text
    assert "Not measured here: GPUs" in text
    assert [row[1:] for row in page.rows("speed-table", "nearest")] == [
        ["two layers", "30.0", "1.50 (1.40 to 1.60)", "33.0", "1.50", "60", "3.00"],
        ["fused layer", "22.0", "1.10 (1.00 to 1.20)", "33.0", "1.50", "60", "2.20"],
        ["chosen per layer", "21.4", "1.07 (0.97 to 1.17)", "33.0", "1.50", "60", "2.14"],
    ]
    assert page.rows("speed-table", "transposed")[0][3] == "1.00"
    assert page.rows("speed-table", "my upsampler")[0][2:4] == ["-", "-"]


def test_the_gain_of_single_fused_layers_is_stated_with_the_choices_of_auto(page: Page) -> None:
    text = page_text(page)
    assert "compared with two layers, 2.5 to 3.0 times as fast for nearest (2 shapes)." in text
    assert "as fast for linear" not in text
    assert (
        "auto takes the faster implementation for 4 of 5 shapes, and loses at most 25 % for the "
        "others."
    ) in text
    assert "the fused layer stores 0.25 times as many bytes as two layers." in text


def test_scores_of_test_songs_and_of_the_real_song_have_separate_tables(page: Page) -> None:
    assert page.rows("score-table", "transposed")[0][1:] == ["1.10 ± 0.25"] * 3 + ["3"]
    assert page.rows("excerpt-table", "transposed")[0][1:] == ["0.10 ± 0.25"] * 3 + ["3"]
    assert page.rows("score-table", "mixture")[0][1:] == ["5.00"] * 3 + ["1"]
    assert EXCERPT in page_text(page)


def test_frames_that_museval_could_not_score_are_stated(page: Page) -> None:
    counts = "Of 36 frames of one second, 1 could not be scored, the same number for every system"
    assert f"{counts}: 1 of 30 in {SONG}" in page_text(page)


def test_exact_parameter_counts_stand_beside_the_papers(page: Page) -> None:
    row = page.rows("parameter-table", "Demucs-like (Fig. 1, b)")[0]
    assert row[1:] == ["1,234,567", "703,148,208", "703M", "703M"]
    assert page.rows("parameter-table", "Sams-Net") == []


def test_the_data_set_is_summarized_and_listed_song_by_song(page: Page) -> None:
    text = page_text(page)
    counts = "3 training songs (4 min 30 s), 1 validation (1 min 30 s), 1 test (1 min 30 s), 1 real"
    assert counts in text
    assert "stored at 44.1 kHz, used at 8 kHz" in text
    assert "Excluded by exclude_songs : Bad <one>." in text
    assert "exactly zero for 1 of 5 songs, median −31.0 dB, at most −3.0 dB (Wrong & lou" in text
    assert "encoded one by one (MP4): −15.0 dB" in text
    assert (
        "In 1 song the stems differed in length and were trimmed to the shortest: Training 2 by "
        "10.0 ms."
    ) in text
    assert page.rows("stem-table", "drums")[0][1:] == [
        "−25.0", "−23.5", "−21.0", "1 min 30 s (20.0 %)", "1", "0", "0",
    ]  # fmt: skip
    assert page.rows("stem-table", "bass")[0][-2:] == ["3,456", "12 in 1 song"]
    assert page.rows("song-table", "Training 1")[0][1:] == [
        "train", "1 min 30 s", "−31.0 dB", "−21.0", "−∞", "−23.0", "90 s drums",
    ]  # fmt: skip
    assert "100 training songs" not in text


def test_the_official_song_counts_of_musdb18_are_stated_beside_the_songs_used(
    report: Report, tmp_path: Path
) -> None:
    write_report(
        tmp_path / "report.html", tmp_path / "provenance.json", report.files,
        report.config | {"dataset": "musdb18-hq", "exclude_songs": []}, ALL_LOOKS,
        test_songs=[SONG], excerpt=None, tone_hz=2000.0, repository=tmp_path,
    )  # fmt: skip
    text = page_text(Page((tmp_path / "report.html").read_text(encoding="utf-8")))
    assert "MUSDB18 has 100 training songs, 14 of them for validation, and 50 test songs" in text
    assert "No song is excluded." in text


def test_provenance_is_shown_on_the_page_and_saved_in_a_file(report: Report, page: Page) -> None:
    origin = json.loads((report.path.parent / "provenance.json").read_text())
    assert origin["packages"]["numpy"] == np.__version__
    text = page_text(page)
    for value in (*origin["machine"].values(), f"numpy {np.__version__}"):
        assert " ".join(value.split()) in text.replace("\xa0", " ")
    assert page.rows("cost-table", "train")[0] == [
        "train",
        "1",
        "1 min 16 s",
        "1 min 16 s",
        "812 MB",
    ]
    assert "listen_seconds: 2.0" in text


def test_the_player_contains_the_excerpt_of_the_audio_files(report: Report) -> None:
    content = re.search(r'id="listen-data">(.*?)</script>', report.html, re.DOTALL)
    assert content
    rows = {row["name"]: row for row in json.loads(content[1])["rows"]}
    assert list(rows) == ["mixture", "reference", *SYSTEMS]
    assert [len(row["uris"]) for row in rows.values()] == [1, *(2,) * (1 + len(SYSTEMS))]
    bass = SOURCES.index("bass")
    audio, rate_hz = decode(rows["demucs_transposed"]["uris"][bass])
    assert (rate_hz, audio.shape) == (RATE_HZ, (int(LISTEN_SECONDS * RATE_HZ), 1))
    # The bass plays in the last two seconds only. The ramp is clipped at full scale.
    ramp = np.linspace(-1.5, 1.5, 5 * RATE_HZ)[3 * RATE_HZ :]
    assert np.abs(audio[:, 0] - np.clip(ramp, -1, 1)).max() < 2**-14
    reference = decode(rows["reference"]["uris"][bass])[0]
    assert np.abs(reference).max() > 0.2
    # With its gain, each has the level of the reference.
    assert rows["reference"]["gains_db"] == [0, 0]
    for name in ("mixture", "demucs_transposed"):
        heard = decode(rows[name]["uris"][-1])[0] * 10 ** (rows[name]["gains_db"][bass] / 20)
        assert abs(rows[name]["gains_db"][bass]) > 1
        rms = np.sqrt(np.mean(np.square([heard, reference]), axis=(1, 2)))
        assert rms[0] == pytest.approx(rms[1], rel=0.01)


def decode(uri: str) -> tuple[np.ndarray, int]:
    kind, _, content = uri.partition(",")
    assert kind == "data:audio/flac;base64"
    file = io.BytesIO(base64.b64decode(content))
    assert soundfile.info(file).format == "FLAC"
    file.seek(0)
    return soundfile.read(file, always_2d=True)


def test_names_with_special_characters_are_escaped(report: Report) -> None:
    assert "A &lt;Song&gt; &amp; more" in report.html
    assert "<Song>" not in report.html


def test_a_report_needs_neither_an_excerpt_nor_job_costs(report: Report, tmp_path: Path) -> None:
    files = replace(report.files, benchmarks={})
    write_report(
        tmp_path / "report.html", tmp_path / "provenance.json", files, report.config, ALL_LOOKS,
        test_songs=[SONG], excerpt=None, tone_hz=2000.0, repository=tmp_path,
    )  # fmt: skip
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "excerpt-table" not in page.tables and "cost-table" not in page.tables
    assert "not under git" in page_text(page)


def test_a_system_that_could_not_be_scored_has_a_reason_and_no_sdr(
    report: Report, tmp_path: Path
) -> None:
    faulty = {"scores": tmp_path / "scores.csv", "table_1": tmp_path / "table_1.csv"}
    scores, table_1 = (pd.read_csv(getattr(report.files, name)) for name in faulty)
    scores["remark"] = None
    is_faulty = (scores["system"] == "my_upsampler") & (scores["song"] == SONG)
    scores.loc[is_faulty, ["value_db", "n_frames_scored"]] = np.nan, 0
    scores.loc[is_faulty, "remark"] = "not scored: the estimate of bass is <silent>"
    scores.to_csv(faulty["scores"], index=False)
    is_faulty = table_1["system"] == "my_upsampler"
    table_1.loc[is_faulty, ["sdr_db", "sdr_low_db", "sdr_high_db"]] = np.nan
    table_1.loc[is_faulty, "n_seeds"] = 0
    table_1.to_csv(faulty["table_1"], index=False)
    files = replace(report.files, **{name: str(path) for name, path in faulty.items()})
    write_report(
        tmp_path / "report.html", tmp_path / "provenance.json", files, report.config, ALL_LOOKS,
        test_songs=[SONG], excerpt=EXCERPT, tone_hz=2000.0, repository=tmp_path,
    )  # fmt: skip
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    (row,) = page.rows("score-table", ALL_LOOKS["my_upsampler"]["label"])
    assert row[1:-1] == ["-"] * (len(SOURCES) + 1)  # the last cell counts seeds
    text = page_text(page)
    assert f"my_upsampler , seed 0, {SONG}: not scored: the estimate of bass is <silent>" in text
    assert "<silent>" not in html
    assert " nan" not in text.lower()
    # The frames of the others are told as before.
    assert "1 could not be scored, the same number for every system" in text


def table_cells(page: Page, name: str) -> list[list[str]]:
    """The cells of a table's body."""
    return [[" ".join(cell.split()) for cell in row] for row in page.tables[name][1:]]


def test_measurements_are_listed_with_their_verdicts(page: Page) -> None:
    assert table_cells(page, "claim-table") == [
        ["C1 section 1 of the paper · see figures of the paper"],
        ["It has <a> tone.prominence of x", "30 (25 to 35) dB", "> 10 dB", "3 / 2", "holds"],
        ["It has none.prominence of y", "30 (25 to 35) dB", "< 10 dB", "3 / 2", "does not hold"],
        ["C9 section 5 of the paper · see figures of the paper"],
        ["It has lines.lines of x", "1 (0 to 2) lines", "> 0.5 lines", "10 × 4", "undecided"],
    ]


def test_theorems_and_readings_are_counted_apart_from_measurements(page: Page) -> None:
    assert table_cells(page, "theorem-table") == [
        ["C7 section 3 of the paper · see single layers"],
        ["Both are equal.error of x", "8e−14", "< 1e−12"],
    ]
    text = page_text(page)
    assert "1 of 3 holds , 1 does not , and 1 is undecided . Theorems follow" in text
    assert "sections 1 to 6), 1 of 3 holds , 1 does not, 1 is undecided; 1 of 1 theorem" in text


def test_a_reading_fits_if_all_its_numbers_agree_with_the_picture(page: Page) -> None:
    assert page.tables["reading-table"][0][1:3] == ["weaker by> 10 dB", "valley> −3 dB"]
    assert table_cells(page, "reading-table") == [
        ["No ReLU", "30 dB25 to 35", "-", "fits"],
        ["No bias", "7 dB6 to 8", "−1 dB−2 to 0", "does not fit"],
    ]


def test_only_drawn_figures_of_the_paper_are_shown(report: Report) -> None:
    text = " ".join(Page(report.html).text)
    assert "Figure 5." in text
    assert "Figure 1." not in text


def test_a_user_supplied_model_is_shown_with_its_summary_and_figure(report: Report) -> None:
    page = Page(report.html)
    assert "my_vocoder: <no> tone" in " ".join(page.text)
    assert any("my_vocoder" in a["aria-label"] for tag, a in page.tags if tag == "svg")
