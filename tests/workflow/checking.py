"""Time taken to check and cache songs: `python -m tests.workflow.checking [N_SONGS [RATE_HZ]]`.

The real Snakefile caches songs of noise on two cores: half a minute each, 44.1 kHz, four stems.
Prints the wall-clock time, the CPU time of all processes, and an extrapolation of both to 150 songs
of four minutes. Songs of one second show the cost that does not grow with the length of a song:
starting the job, Python and ffmpeg.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from ..clone import TINY, Clone, copy_repository
from ..folders import write_song

STEMS = ["drums", "bass", "other", "vocals"]


def cache_songs(n_songs: int, song_seconds: float, rate_hz: int) -> tuple[float, float]:
    """Wall-clock and CPU seconds for the cache and the manifest of a new data set."""
    with tempfile.TemporaryDirectory() as folder:
        clone = copy_repository(Path(folder, "clone"))
        root = Path(folder, "root")
        for index in range(n_songs):
            split = "test" if index == n_songs - 1 else "train"
            write_song(root / split / f"Song {index}", STEMS, 44100, song_seconds, seed=index)
        (root / "mus.yaml").write_text("validation_tracks: [Song 0]")
        return time_manifest(clone, root, rate_hz)


def time_manifest(clone: Clone, root: Path, rate_hz: int) -> tuple[float, float]:
    settings = ["dataset=folder", f"root={root}", f"rate_hz={rate_hz}", "excerpt=False"]
    started, before = time.perf_counter(), os.times()
    result = clone.snakemake(
        "--configfile", TINY, "--config", *settings, "--", "results/tiny/dataset/manifest.csv"
    )
    assert result.returncode == 0, result.stdout
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return time.perf_counter() - started, cpu


def main(n_songs: int = 20, rate_hz: int = 44100) -> None:
    short = cache_songs(n_songs, 1.0, rate_hz)
    long = cache_songs(n_songs, 30.0, rate_hz)
    print(f"{n_songs} songs to {rate_hz} Hz, two cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':24} {'wall s':>8} {'CPU s':>8}")
    for name, values in (("1 s each", short), ("30 s each", long)):
        print(f"{name:24} {values[0]:8.1f} {values[1]:8.1f}")
    full_size = [150 / n_songs * (a + (b - a) / 29 * 239) for a, b in zip(short, long, strict=True)]
    print(f"{'150 of 240 s, estimated':24} {full_size[0]:8.0f} {full_size[1]:8.0f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
