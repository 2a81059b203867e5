"""What the rules share: the configuration, the songs, and the names of files."""

import json
import os
import sys
from functools import cache
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

# Jobs find the library in this clone, also in environments where it is not installed, and models
# of yours beside the Snakefile.
PATHS = [str(Path(workflow.basedir) / "workflow"), workflow.basedir]
sys.path[:0] = PATHS
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [*PATHS, os.getenv("PYTHONPATH")])))

from upsampling_artifacts import addresses, configuration, planning, registry
from upsampling_artifacts.data import datasets, layout, musdb18
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.fingerprint import code_fingerprint as code

try:
    schema = yaml.safe_load(
        Path(workflow.basedir, "workflow/schemas/config.schema.yaml").read_text()
    )
    config = configuration.resolve(config, schema)
    SETUP = layout.read_setup(config["dataset"], config["root"])
    layout.check_sources(config, SETUP)
    SONGS = datasets.song_names(config)
except InputError as error:
    raise WorkflowError(str(error)) from None

RESULTS = f"results/{config['experiment']}"
RUN = f"{RESULTS}/variants/{{system}}/seed-{{seed}}"
FIGURES = f"{RESULTS}/figures"
BASELINES = ["mixture", "ideal_ratio_mask"]
SPLIT_OF = {song: split for split, names in SONGS.items() for song in names}
TEST_SONGS = SONGS["test"] + SONGS["excerpt"]
SPLITS = {"train": SONGS["train"], "valid": SONGS["valid"], "test": TEST_SONGS}
FETCHED = datasets.is_fetched(config)
# What a fetched data set holds. The data themselves are no output of any rule: Snakemake removes the
# outputs of a job that fails or runs again, and nobody wants to download 23 GB twice.
DATASET = f"results/datasets/{config['dataset']}.json"
ROOT = (
    f"{RESULTS}/songs"
    if config["dataset"] == "songs"
    else f"results/datasets/{config['dataset']}" if FETCHED else config["root"]
)
EXCERPT_FILE = str(musdb18.song_path(Path(), "excerpt", musdb18.EXCERPT))
UPSAMPLER_MODULES = sorted({path.partition(":")[0] for path in registry.UPSAMPLERS.values()})
# Upsampling layers to be probed alone.
LAYERS = configuration.distinct_upsamplers(config)
LAYER_MODULES = sorted(
    registry.module_of("upsampler", layer["name"], registry.UPSAMPLERS) for layer in LAYERS.values()
)
# How a training is run: these keys change no result.
RUNNING = ("threads", "devices", "checkpoint_minutes", "loader_processes")
RUNS = [(system, seed) for system in config["variants"] for seed in config["seeds"]]


wildcard_constraints:
    system="[a-z0-9_]+",
    seed="[0-9]+",
    song="[^/]+",
    model="[a-z0-9_]+",
    signal="silence|ones|noise|sweep|music",
    stage="initialization|trained",


def runs(pattern, chosen=RUNS, **wildcards):
    """A path for each run (variant and seed)."""
    return [
        path
        for system, seed in chosen
        for path in expand(f"{RUN}/{pattern}", system=system, seed=seed, **wildcards)
    ]


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
    stems = config["datasets"][config["dataset"]]["stems"] if FETCHED else None
    return musdb18.song_path(Path(ROOT), SPLIT_OF[song], song, stems)


@cache
def seconds_of(split):
    """Lengths of the songs of a split; looked up by the jobs that need to know."""
    known = {song["song"]: song["seconds"] for song in datasets.listed_songs(config)}
    if config["dataset"] == "songs":
        known = dict.fromkeys(SONGS[split], config["songs"]["seconds"])
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
    if not FETCHED or config["datasets"][config["dataset"]]["n_absent"] == 0:
        return songs
    with checkpoints.fetch.get().output[0].open() as record:
        found = {song for names in json.load(record)["songs"].values() for song in names}
    return [song for song in songs if song in found]


def sizes_of(name):
    """The sizes of a system's architecture; a class of anyone's may have none."""
    return config["architectures"].get(config["systems"][name]["architecture"], {})


def system_at(name, size):
    """A system as plain values: architecture, options of the size and its own, upsampler."""
    row = config["systems"][name]
    return {
        "architecture": row["architecture"],
        "options": {**sizes_of(name).get(size, {}), **row["options"]},
        "upsampler": row["upsampler"],
    }


def system_of(wildcards):
    return system_at(wildcards.system, config["size"])


def code_of(*modules):
    """Fingerprint of the modules and of those that define the variant: see fingerprint.py."""

    def of(wildcards):
        return code(*modules, *registry.modules_of(config["systems"][wildcards.system]))

    return of


def source_of_model(wildcards):
    """The file in which a listed model is written, as far as it can be told without importing it."""
    factory = config["probes"]["models"][wildcards.model]["factory"]
    file = addresses.source_file(factory.partition(":")[0])
    return [str(file)] if file else []


def all_training_of(wildcards):
    return {**config["training"], **config["systems"][wildcards.system]["training"]}


def training_of(wildcards):
    """The keys of training that a trained model depends on."""
    return {k: v for k, v in all_training_of(wildcards).items() if k not in RUNNING}


def running_of(wildcards, threads):
    """The others. A parameter made from `threads` is to Snakemake no reason to run again."""
    chosen = all_training_of(wildcards)
    return {key: chosen[key] for key in RUNNING if key != "threads"}


def gpus_of(wildcards):
    """How many GPUs a training asks for."""
    chosen = all_training_of(wildcards)
    return 0 if chosen["accelerator"] == "cpu" else chosen["devices"]


def training_threads(wildcards):
    chosen = all_training_of(wildcards)
    return chosen["threads"] * chosen["devices"]


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
    return [str(file) for file in files if config["dataset"] == "songs" or file.exists()]


def modified(wildcards):
    """When a user's own files were written: one that is exchanged for an older one counts, too."""
    if config["root"] is None or wildcards.song in SONGS["excerpt"]:
        return None
    # Of a parameter made from `input`, Snakemake would not see that it changed.
    return [os.stat(file).st_mtime_ns for file in song_files(wildcards)]


def figure(name, title, category, caption):
    """The outputs of a figure: png and svg, each with its place in Snakemake's report."""
    outputs = []
    for kind in ("png", "svg"):
        place = {"category": category, "labels": {"figure": title, "format": kind}}
        # On one line: at the start of a line, Snakemake takes "report" for its directive.
        output = report(f"{FIGURES}/{name}.{kind}", caption=f"../report/{caption}.rst", **place)
        outputs.append(output)
    return outputs
