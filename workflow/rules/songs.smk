"""The songs: what they are called, where they lie, how long they are."""

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
# What a fetched data set holds. The data themselves are no output of any rule: Snakemake removes the
# outputs of a job that fails or runs again, and nobody wants to download 23 GB twice.
DATASET = f"results/datasets/{config['dataset']}.json"
ROOT = (
    f"{RESULTS}/songs"
    if config["dataset"] == "synthetic"
    else f"results/datasets/{config['dataset']}" if FETCHED else config["root"]
)
EXCERPT_FILE = str(musdb18.song_path(Path(), "excerpt", musdb18.EXCERPT))


def cached(songs):
    return expand(f"{RESULTS}/cache/{{song}}.npy", song=songs)


def facts(songs):
    """What the cache says of each song."""
    return expand(f"{RESULTS}/cache/{{song}}.json", song=songs)


def song_list(split):
    """The file that names the cached songs of a split; it is there when all of them are."""
    return f"{RESULTS}/cache/{split}.txt"


def song_path(song):
    """Where a song is read from; known before it is fetched."""
    stems = config["datasets"][config["dataset"]]["stem_format"] if FETCHED else None
    return musdb18.song_path(Path(ROOT), SPLIT_OF[song], song, stems)


@cache
def seconds_of(split):
    """Lengths of the songs of a split; looked up by the jobs that need to know."""
    known = {song["song"]: song["seconds"] for song in datasets.listed_songs(config)}
    if config["dataset"] == "synthetic":
        known = dict.fromkeys(SONGS[split], config["synthetic_songs"]["seconds"])
    return [
        datasets.song_seconds(song_path(song), SETUP["mixture"], known.get(song))
        for song in SPLITS[split]
    ]


def cache_need(songs):
    """Bytes that the cache of these songs will take beyond what it takes now, and their number."""
    seconds = dict(zip(sum(SPLITS.values(), []), sum(map(seconds_of, SPLITS), []), strict=True))
    needed = planning.cache_bytes(
        [seconds[song] for song in songs], config["rate_hz"], len(config["sources"])
    )
    taken = sum(os.path.getsize(path) for path in cached(songs) if os.path.exists(path))
    return max(0, needed - taken), len(songs)


def there(songs):
    """Those of the songs that are there, where only a fetched archive tells which it holds."""
    if not FETCHED or config["datasets"][config["dataset"]]["n_missing"] == 0:
        return songs
    with checkpoints.fetch.get().output[0].open() as record:
        found = {song for names in json.load(record)["songs"].values() for song in names}
    return [song for song in songs if song in found]


def setup_of(wildcards):
    """Which stems a song has; the excerpt is laid out as MUSDB18 is, whatever the others are."""
    return layout.read_setup("musdb18") if wildcards.song in SONGS["excerpt"] else SETUP


def song_files(wildcards):
    """The files that a song is read from."""
    if wildcards.song in SONGS["excerpt"]:
        return ancient(EXCERPT_FILE)  # as old as its package's installation
    if FETCHED:
        return DATASET
    path = song_path(wildcards.song)
    if path.suffix == ".mp4":
        return [str(path)]
    files = layout.stem_files(path, SETUP).values()
    # What a user's own song lacks is told by the job, in one line, not by Snakemake in ten.
    return [str(file) for file in files if config["dataset"] == "synthetic" or file.exists()]


def modified(wildcards):
    """When a user's own files were written: one that is exchanged for an older one counts, too."""
    if config["root"] is None or wildcards.song in SONGS["excerpt"]:
        return None
    # Of a parameter made from `input`, Snakemake would not see that it changed.
    return [os.stat(file).st_mtime_ns for file in song_files(wildcards)]
