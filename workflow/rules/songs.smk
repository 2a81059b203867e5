"""The songs of the data set: names, paths, lengths. No rules."""

import json
from functools import cache

from upsampling_artifacts.pipeline import planning
from upsampling_artifacts.data import datasets, layout, musdb18

try:
    SETUP = layout.read_setup(config["dataset"], config["root"])
    layout.check_sources(config, SETUP)
    SONGS = datasets.song_names(config)
except InputError as error:
    raise WorkflowError(str(error)) from None

SPLIT_OF = {song: split for split, names in SONGS.items() for song in names}
TEST_SONGS = SONGS["test"] + SONGS["excerpt"]
SPLITS = {"train": SONGS["train"], "valid": SONGS["valid"], "test": TEST_SONGS}
FETCHED = datasets.is_fetched(config)
# The record of a fetched data set. The songs themselves are no rule's output: Snakemake deletes the
# outputs of a job that fails or re-runs, and nobody wants to download 23 GB twice.
DATASET = f"results/datasets/{config['dataset']}.json"
ROOT = (
    f"{DATA}/songs"
    if config["dataset"] == "synthetic"
    else f"results/datasets/{config['dataset']}" if FETCHED else config["root"]
)


def cached(songs):
    return expand(f"{DATA}/cache/{{song}}.npy", song=songs)


def cached_metadata(songs):
    """The files that describe each song in the cache."""
    return expand(f"{DATA}/cache/{{song}}.json", song=songs)


def song_list(split):
    """The file that lists the cached songs of a split; it is written when all are cached."""
    return f"{DATA}/cache/{split}.txt"


def song_path(song):
    """The path from which a song is read; known before the song is fetched."""
    stems = config["datasets"][config["dataset"]]["stem_format"] if FETCHED else None
    return musdb18.song_path(Path(ROOT), SPLIT_OF[song], song, stems)


@cache
def song_seconds(split):
    """The length of each song of a split. Reads file headers, so call it only in a parameter."""
    known = {song["song"]: song["seconds"] for song in datasets.listed_songs(config)}
    if config["dataset"] == "synthetic":
        known = dict.fromkeys(SONGS[split], config["synthetic_songs"]["seconds"])
    return [
        datasets.song_seconds(song_path(song), SETUP["mixture"], known.get(song))
        for song in SPLITS[split]
    ]


def cache_growth(songs):
    """The bytes by which the cache will grow when these songs are decoded, and their number."""
    seconds = dict(zip(sum(SPLITS.values(), []), sum(map(song_seconds, SPLITS), []), strict=True))
    needed_bytes = planning.cache_bytes(
        [seconds[song] for song in songs], config["rate_hz"], len(config["sources"])
    )
    existing_bytes = sum(os.path.getsize(path) for path in cached(songs) if os.path.exists(path))
    return max(0, needed_bytes - existing_bytes), len(songs)


def available_songs(songs):
    """The songs that are in the data set. Some archives reveal their songs only once fetched."""
    if not FETCHED or config["datasets"][config["dataset"]]["n_missing"] == 0:
        return songs
    with checkpoints.fetch.get().output[0].open() as record:
        available = {song for names in json.load(record)["songs"].values() for song in names}
    return [song for song in songs if song in available]


def song_setup(wildcards):
    """The stems of a song. The excerpt has those of MUSDB18, whatever the data set."""
    return layout.read_setup("musdb18") if wildcards.song in SONGS["excerpt"] else SETUP


def song_files(wildcards):
    """The files from which a song is read."""
    if wildcards.song in SONGS["excerpt"]:
        return []  # part of a package
    if FETCHED:
        return DATASET
    path = song_path(wildcards.song)
    if path.suffix == ".mp4":
        return [str(path)]
    files = layout.stem_files(path, SETUP).values()
    # A stem missing from a user's song is reported by the job, in one line, not by Snakemake in ten.
    return [str(file) for file in files if config["dataset"] == "synthetic" or file.exists()]


def modification_times(wildcards):
    """When a user's own files were modified, so that replacing one by an older file counts, too."""
    if config["root"] is None or wildcards.song in SONGS["excerpt"]:
        return None
    # Does not take `input`: otherwise Snakemake would not compare it between runs.
    return [os.stat(file).st_mtime_ns for file in song_files(wildcards)]
