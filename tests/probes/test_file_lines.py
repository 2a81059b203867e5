"""Lines of sounds whose tones are known, and what is said of them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly
from upsampling_artifacts.probes.audio_file_probe import FileProbeResult, probe_audio_file
from upsampling_artifacts.probes.file_findings import lines_findings
from upsampling_artifacts.probes.file_lines import FileLines, find_file_lines
from upsampling_artifacts.probes.file_search import quiet_parts

RATE_HZ = 16000


def sine(frequency_hz: float, level_db: float, seconds: float = 4.0, rate_hz: int = RATE_HZ):
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return 10 ** (level_db / 20) * np.sqrt(2) * np.sin(2 * np.pi * frequency_hz * times + 0.3)


def noise(level_db: float, seconds: float = 4.0, rate_hz: int = RATE_HZ, seed: int = 0):
    rng = np.random.default_rng(seed)
    return 10 ** (level_db / 20) * rng.standard_normal(round(seconds * rate_hz))


def notes(seconds: float, seed: int, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Chords of piano-like notes and pads that are held for seconds, some with vibrato."""
    rng, times = np.random.default_rng(seed), np.arange(round(seconds * rate_hz)) / rate_hz
    sound = noise(-90, seconds, rate_hz, seed)
    for start in np.arange(-1, seconds, 0.25):
        pitch_hz = 55 * 2 ** (rng.integers(0, 48) / 12)
        length, decay = rng.uniform(0.3, 2.5), rng.choice([0.3, 1.0, 8.0])
        age = times - start
        shape = np.clip(age / 0.01, 0, 1) * np.clip((length - age) / 0.05, 0, 1)
        shape *= np.exp(-np.maximum(age, 0) / decay)
        bend = rng.choice([0, 0.1]) * np.sin(2 * np.pi * 5 * times)
        for harmonic in range(1, 20):
            phase = 2 * np.pi * pitch_hz * age + bend
            sound += (
                0.01
                / harmonic
                * shape
                * np.sin(harmonic * phase)
                * (harmonic * pitch_hz < rate_hz / 2)
            )
    return sound


def find(signal: np.ndarray, rate_hz: int = RATE_HZ, **options) -> FileLines:
    return find_file_lines(np.atleast_2d(signal), rate_hz, **options)


def sentences(found: FileLines, rate_hz: int = RATE_HZ, seconds: float = 4.0) -> dict[str, str]:
    return {item.kind: item.sentence for item in lines_findings(found, rate_hz, seconds)}


# combs and strides


def test_a_comb_is_one_sentence_and_its_residual_lines_follow() -> None:
    hop = sum(sine(k * RATE_HZ / 256, -70, 4) for k in range(1, 60))
    found = find(noise(-85) + hop + sine(3344.1, -60))
    said = sentences(found)
    assert said["comb"].startswith("59 lines, all multiples of 62.5 Hz = rate/256")
    assert "3344.10 Hz" in said["line"] and "no stride fits" in said["line"]
    assert len(found.table) == 60
    assert found.table["stride"].notna().sum() == 59


def test_the_lines_of_a_small_comb_have_their_own_products() -> None:
    """rate/12, rate/60 and 49 rate/240, as of strides 5, 5, 3 and a hop of 4."""
    rate_hz = 24000
    tones = sum(sine(f, -55, 4, rate_hz) for f in (2000, 400, 4900))
    found = find(noise(-60, 4, rate_hz) + tones, rate_hz)
    strides = found.table.set_index(found.table["frequency_hz"].round())["stride"].to_dict()
    assert strides == {2000: 12, 400: 60, 4900: 240}
    assert found.combs[0][0].chance < 1e-5


def test_the_harmonics_of_a_source_are_named_as_such() -> None:
    found = find(noise(-80) + sum(sine(221.37 * k, -50) for k in range(1, 20)))
    said = sentences(found)
    assert "19 lines, all multiples of 221.37 Hz" in said["harmonics"]
    assert said["tones"].startswith("No:")


def test_a_tone_beside_rate_over_two_has_no_stride() -> None:
    found = find(noise(-60, 4, 11025) + sine(5500, -40, 4, 11025), 11025)
    assert len(found.table) == 1
    assert found.table["stride"].isna().all()


def test_a_models_own_products_are_tested() -> None:
    """rate/480 alone: any stride up to 480 would be no evidence, one of four is."""
    tone = noise(-60, 4, 24000) + sine(7 * 50, -50, 4, 24000)
    assert find(tone, 24000).table["stride"].isna().all()
    own = find(tone, 24000, own_strides=[4, 12, 60, 480])
    assert list(own.table["stride"]) == [480]
    assert list(own.table["multiple"]) == [7]


# rates


def test_a_resampled_file_is_explained_at_the_rate_it_had() -> None:
    sound = noise(-30, 4, 24000) + sine(6000, -45, 4, 24000)
    found = find(resample_poly(sound, 2, 1) + noise(-98, 4, 48000, 1), 48000)
    assert found.original_rate_hz == 24000
    assert list(found.table["stride"]) == [4]
    said = sentences(found, 48000)
    assert said["resampled"].startswith("Nothing above 12000 Hz: resampled from 24000 Hz")
    assert "rate/4 of 24000 Hz" in said["line"]


@pytest.mark.parametrize("slope", [0, 1, 2])
def test_noise_of_any_color_is_not_resampled(slope: float) -> None:
    spectrum = np.fft.rfft(noise(-30, 2, 48000))
    spectrum /= np.maximum(np.fft.rfftfreq(96000, 1 / 48000), 20) ** slope
    assert find(np.fft.irfft(spectrum), 48000).original_rate_hz is None


# channels, pauses, level


def test_a_tone_in_one_of_six_channels_is_found_and_the_channel_named() -> None:
    """Averaged over the channels, it is too weak."""
    signal = np.stack([noise(-30, seed=channel) for channel in range(6)])
    signal[3] += sine(4000, -53)
    found = find(signal)
    assert list(found.table["channels"]) == ["4"]
    assert ", channel 4" in sentences(found)["line"]


def test_a_tone_in_both_channels_names_none() -> None:
    signal = np.stack([noise(-50, seed=channel) + sine(4000, -50) for channel in range(2)])
    assert list(find(signal).table["channels"]) == [""]


def test_a_tone_that_is_there_only_in_pauses_is_found_and_they_are_named() -> None:
    signal = noise(-30, 6)
    pauses = [(1.0, 2.0), (4.0, 5.5)]
    tone = sine(4000, -62, 6)
    for start, end in pauses:
        part = slice(round(start * RATE_HZ), round(end * RATE_HZ))
        signal[part] = 1e-3 * signal[part] + tone[part]
    found = find(signal)
    assert list(found.table["part"]) == ["pauses"]
    assert list(found.table["stride"]) == [4]
    np.testing.assert_allclose(found.pauses, pauses, atol=0.06)
    assert "1.0 to 2.0 s, 4.0 to 5.5 s" in sentences(found, seconds=6)["pauses"]
    assert quiet_parts(noise(-30)[None], RATE_HZ) == []


def test_a_margin_over_the_masked_threshold_stands_beside_the_level() -> None:
    loud, soft = (find(noise(-40) + sine(4000, level)) for level in (-35, -65))
    assert loud.table["masking_margin_db"].iloc[0] > 0 > soft.table["masking_margin_db"].iloc[0]
    assert "over the masked threshold" in sentences(loud)["line"]
    assert "under the masked threshold" in sentences(soft)["line"]


# round frequencies


def test_a_single_line_at_a_round_frequency_has_two_readings() -> None:
    """rate/16 is 1 kHz: of the multiples of 1 kHz, all fit a stride up to 16."""
    found = find(noise(-60) + sine(1000, -40))
    said = sentences(found)
    assert list(found.table["stride"]) == [16] and list(found.table["chance"]) == [1.0]
    assert list(found.table["round_hz"]) == [1000]
    assert said["tones"].startswith("Yes, unless the sound has test tones: the only line is")
    assert "rate/16" in said["line"] and "by chance, for a multiple of 1000 Hz: 1)" in said["line"]
    assert "at a round frequency" in said["line"]


@pytest.mark.parametrize(("rate_hz", "frequency_hz"), [(16000, 16000 / 7), (44100, 11025)])
def test_a_single_line_at_a_frequency_that_is_not_round_has_one(rate_hz, frequency_hz) -> None:
    found = find(noise(-60, rate_hz=rate_hz) + sine(frequency_hz, -45, rate_hz=rate_hz), rate_hz)
    said = sentences(found, rate_hz)
    assert found.table["round_hz"].isna().all()
    assert said["tones"].startswith("Yes: the only line")
    assert "round" not in said["line"]


def test_no_test_tone_is_at_the_nyquist_frequency() -> None:
    found = find(noise(-60) + 0.01 * np.resize([1, -1], 4 * RATE_HZ))
    assert list(found.table["stride"]) == [2]
    assert sentences(found)["tones"].startswith("Yes:")


def test_two_lines_at_round_frequencies_are_no_comb_to_rely_on() -> None:
    """Test tones of 2 and 5 kHz are multiples of rate/16."""
    said = sentences(find(noise(-60) + sine(2000, -40) + sine(5000, -40)))
    assert said["tones"].startswith("Yes, unless the sound has test tones: 2 of 2 lines are")
    assert ", or tones at round frequencies: " in said["comb"]


def test_harmonics_at_round_frequencies_stay_a_comb() -> None:
    found = find(noise(-60) + sum(sine(k * 1000, -45) for k in range(1, 5)))
    said = sentences(found)
    assert said["tones"].startswith("Yes: 4 of 4 lines are")
    assert said["comb"].startswith("4 lines, all multiples of 1000 Hz = rate/16")
    assert ", or a source at this round pitch: " in said["comb"]
    assert found.table["round_hz"].isna().all()


# notes


def test_no_line_is_found_in_notes() -> None:
    assert sum(len(find(notes(4, seed)).table) > 0 for seed in range(20)) <= 1


def test_a_weak_tone_under_notes_is_found() -> None:
    sound = notes(4, 3)
    assert list(find(sound + sine(2000, -70)).table["stride"]) == [8]


def test_notes_shorter_than_can_be_told_are_left_out_and_that_is_said() -> None:
    found = [find(notes(1.5, seed)) for seed in range(8)]
    assert all(one.table.empty for one in found)
    assert sum(one.doubtful > 0 for one in found) >= 6
    doubtful = next(one for one in found if one.doubtful)
    said = sentences(doubtful, seconds=1.5)
    assert said["too_short"].startswith("1.5 s are too short to tell")
    assert said["tones"] == "No line can be told from notes: the sound is too short."


def test_a_steady_sound_may_be_short() -> None:
    found = find(noise(-60, 1.5) + sine(4000, -40, 1.5))
    assert list(found.table["stride"]) == [4]
    assert found.doubtful == 0


def test_an_organ_chord_in_a_short_sound_is_no_finding() -> None:
    chord = sum(sine(261.63 * k, -40 - k, 1.5) for k in range(1, 8))
    found = find(noise(-90, 1.5) + chord)
    assert found.table.empty
    assert found.doubtful == 7


@pytest.mark.parametrize("level_db", [-60, -58])
def test_weak_tones_of_small_strides_are_found_in_white_noise(level_db: float) -> None:
    """Those at other frequencies are not."""
    found = [find(noise(-30, seed=n) + sine(16000 / 7, level_db)).table for n in range(10)]
    assert sum(list(table["stride"]) == [7] for table in found) >= 6
    assert sum(map(len, (find(noise(-30, seed=n)).table for n in range(10)))) == 0


# files


def probed(path: Path, signal: np.ndarray, **options) -> FileProbeResult:
    soundfile.write(path, signal, RATE_HZ)
    return probe_audio_file(path, **options)


def test_a_summary_fits_one_screen_whatever_is_in_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tones = sum(sine(f, -50) for f in np.sort(rng.uniform(100, 7900, 60)))
    text = repr(probed(tmp_path / "tones.wav", tones + noise(-80)))
    lines = text.split("\n")
    assert len(lines) <= 40
    assert max(map(len, lines[1:])) <= 100  # the first has the path
    assert "weaker single lines (see lines.csv)" in text
    assert lines[lines.index("") + 1].startswith(("Yes", "No"))


def test_the_strides_of_a_model_are_said_to_be_tested(tmp_path: Path) -> None:
    path = tmp_path / "own.wav"
    result = probed(path, noise(-60) + sine(4000, -40), strides=[5, 3], hop=4)
    assert "multiples of rate/4, rate/12, rate/60: 1 of 1 line is there." in repr(result)


def test_lines_below_16_bit_audio_are_counted_but_not_judged() -> None:
    found = find(sine(1234.5, -30.0) + sine(RATE_HZ / 4, -110.0))
    verdict, *others = lines_findings(found, RATE_HZ, 4.0)
    assert verdict.sentence.startswith("No: the only line is not at a frequency")
    assert "And 1 line below -100 dB, under the last bit of 16-bit audio." in [
        finding.sentence for finding in others
    ]


def test_a_single_line_that_may_be_mains_hum_names_it() -> None:
    text = " ".join(sentences(find(noise(-60.0) + sine(250.0, -30.0))).values())
    assert "mains hum: 5 x 50 Hz" in text
