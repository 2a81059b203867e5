"""Shared by all rules: the configuration, file names, and parameters of systems and training runs."""

import os
import sys
from functools import cache
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

# Jobs import the library of this clone, even where it is not installed, and user-supplied modules
# next to the Snakefile.
PATHS = [str(Path(workflow.basedir) / "workflow"), workflow.basedir]
sys.path[:0] = PATHS
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [*PATHS, os.getenv("PYTHONPATH")])))
# Let glibc reuse the memory of freed arrays. By default it returns the pages to the kernel, which
# zeroes them again: with this, training steps take 0.93 of the time, scores 0.8 to 0.93.
for variable, value in {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**33)}.items():
    os.environ.setdefault(variable, value)

from upsampling_artifacts import import_paths, registry
from upsampling_artifacts.address_space import check_address_space
from upsampling_artifacts.data.cached_song import AUDIO_CHANNELS
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.pipeline import code_summaries
from upsampling_artifacts.pipeline import configuration
from upsampling_artifacts.pipeline import fingerprint
from upsampling_artifacts.pipeline import preview
from upsampling_artifacts.pipeline import selections
from upsampling_artifacts.training.options import RUNTIME_KEYS, learning_options

# Modules stay as they are while jobs are planned.
code_fingerprint = cache(fingerprint.code_fingerprint)
code_summaries.keep(".snakemake/code_summaries.txt")
# The networks that were found to work while a run was planned (dry_builds.py).
NETWORKS = ".snakemake/networks.txt"

try:
    check_address_space()
    # The loader in C takes a tenth of the other's 40 ms, in this process and in those of jobs.
    schema = yaml.load(
        Path(workflow.basedir, "workflow/schemas/config.schema.yaml").read_text(),
        Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),
    )
    config = configuration.resolve(config, schema)
    if config["preview"]:
        config = preview.reduce_to_finished(config)
except InputError as error:
    raise WorkflowError(str(error)) from None

# What comes with the repository is `ancient` as an input, because a checkout modifies it, and has its
# contents as a parameter.
PAPER_CLAIMS = "config/paper_claims.csv"
PAPER_TABLE_1 = "config/paper_table_1.csv"
RESULTS = f"results/{config['experiment']}"
# What experiments can share lies in the folder of one of them (sharing.smk).
SHARED = "results/{experiment}"
RUN = f"{SHARED}/variants/{{system}}/seed-{{seed}}"
FIGURES = f"{RESULTS}/figures"
BASELINES = list(registry.BASELINES)
PAPER_UPSAMPLER_MODULES = [
    registry.module_of("upsampler", name, registry.UPSAMPLERS) for name in registry.PAPER_UPSAMPLERS
]
# Upsampling layers to probe alone.
LAYERS = selections.distinct_upsamplers(config)
LAYER_MODULES = sorted(
    registry.module_of("upsampler", layer["name"], registry.UPSAMPLERS) for layer in LAYERS.values()
)
# Losses whose gradients are probed.
LOSSES = selections.distinct_losses(config)
LOSS_MODULES = sorted(
    {
        registry.module_of("loss", loss["name"], registry.LOSSES | registry.ADVERSARIAL_LOSSES)
        for loss in LOSSES.values()
    }
)
# The systems to train: variants and remedies; and the system that each remedy is compared with.
TRAINED = selections.trained_systems(config)
REMEDIES = selections.examined_remedies(config)
# The training options of each.
TRAINING = {name: {**config["training"], **config["systems"][name]["training"]} for name in TRAINED}
# Only the tones of variants are shown over training.
for name in TRAINED:
    if name not in config["variants"]:
        TRAINING[name]["n_snapshots"] = 0
# Systems that are not trained themselves: another one minus its response to silence.
DERIVED = [name for name in TRAINED if config["systems"][name]["subtract_silence"]]
# The systems trained briefly with each loss.
STUDIED = selections.studied_systems(config)
SMALL_SEEDS = list(range(config["probes"]["n_seeds_small_models"]))
# The modules that define the variants.
VARIANT_MODULES = sorted(
    set().union(*(registry.modules_of(config["systems"][name]) for name in config["variants"]))
)
# The system that each variant's training steps and epochs are compared with.
REFERENCES = {name: config["systems"][name]["reference"] for name in config["variants"]}
# The tones of a last layer that upsamples by 4 (probes/model_probe.py).
TONES_HZ = [config["rate_hz"] / 4, config["rate_hz"] / 2]
RUNS = [(system, seed) for system in config["variants"] for seed in config["seeds"]]
FIRST_SEED = [(system, config["seeds"][0]) for system in config["variants"]]
TRAINED_RUNS = [(system, seed) for system in TRAINED for seed in config["seeds"]]
# With remedies, and without.
REMEDY_RUNS = [
    (system, seed)
    for system in dict.fromkeys([*REMEDIES.values(), *REMEDIES])
    for seed in config["seeds"]
]


wildcard_constraints:
    experiment="[^/]+",
    system="[a-z0-9_]+",
    seed="[0-9]+",
    song="[^/]+",
    model="[a-z0-9_]+",
    signal="silence|ones|noise|sweep|music",
    stage="initialization|trained",


def architecture_sizes(name):
    """The sizes of a system's architecture; a user-supplied one may have none."""
    return config["architectures"].get(config["systems"][name]["architecture"], {})


def system_at_size(name, size):
    """A system as plain values: architecture, its options at that size, upsampler."""
    row = config["systems"][name]
    return {
        "architecture": row["architecture"],
        "options": {**architecture_sizes(name).get(size, {}), **row["options"]},
        "upsampler": row["upsampler"],
    }


def trained_network(name):
    """The network of a system at the size at which it is trained."""
    shape = {"n_sources": len(config["sources"]), "audio_channels": AUDIO_CHANNELS}
    return system_at_size(name, config["size"]) | shape | {"rate_hz": config["rate_hz"]}


def used_networks():
    """The networks and single layers that this experiment builds, by their keys in config."""
    networks = {f"systems.{name}, size {config['size']}": trained_network(name) for name in TRAINED}
    size = config["probes"]["size"]
    for name in config["probes"]["systems"]:
        full_size = config["systems"][name]["full_size"]
        shape = {key: full_size[key] for key in ("n_sources", "audio_channels")}
        networks[f"systems.{name}, size {size}, probed"] = system_at_size(name, size) | shape
    layers = {
        f"systems.{name}.upsampler": {"upsampler": upsampler} for name, upsampler in LAYERS.items()
    }
    return networks | layers


def variant_system(wildcards):
    return system_at_size(wildcards.system, config["size"])


def code(*modules):
    """A parameter: the code fingerprint of modules (see fingerprint.py).

    A function, as are the next ones: reading a hundred modules takes a second, and is done for jobs
    in the plan only.
    """
    return lambda wildcards: code_fingerprint(*modules)


def contents(*paths):
    """A parameter: the fingerprint of the contents of files."""
    return lambda wildcards: fingerprint.contents_fingerprint(*paths)


def variant_code(*modules):
    """A parameter: the code fingerprint of the modules and of the system's."""

    return lambda w: code_fingerprint(*modules, *registry.modules_of(config["systems"][w.system]))


def loss_module(name):
    """The module of a system's training loss."""
    return registry.module_of("loss", TRAINING[name]["loss"]["name"], registry.LOSSES)


def training_code(wildcards):
    """The code fingerprint of training: of the system's modules, and of its loss."""
    loss = loss_module(wildcards.system)
    return variant_code("upsampling_artifacts.training.loop", loss)(wildcards)


def model_source(wildcards):
    """A parameter: the contents of the file of a user-supplied model, if one can be found."""
    factory = config["probes"]["models"][wildcards.model]["factory"]
    file = import_paths.source_file(factory.partition(":")[0])
    return fingerprint.contents_fingerprint(file) if file else None


def training_options(name):
    """The training options that a system's weights depend on."""
    return learning_options(TRAINING[name])


def study_options(name):
    """The training options of a system in the study of losses."""
    options = config["systems"][name]["training"] | config["loss_study"]["training"]
    return learning_options(config["training"] | options)


# The parameters of the study of losses.
LOSS_STUDY = {
    "systems": {name: system_at_size(name, config["size"]) for name in STUDIED},
    "losses": config["loss_study"]["losses"],
    "training": {name: study_options(name) for name in STUDIED},
}


def runtime_options(name):
    """The other training options; the number of threads comes from Snakemake."""
    return {key: TRAINING[name][key] for key in RUNTIME_KEYS if key != "threads"}


def training_gpus(wildcards):
    """The number of GPUs that a training run requests."""
    options = TRAINING[wildcards.system]
    return 0 if options["accelerator"] == "cpu" else options["devices"]


def training_threads(wildcards):
    """The number of CPUs that a training run requests, for all its devices."""
    options = TRAINING[wildcards.system]
    return options["threads"] * options["devices"]


def looks(systems=config["variants"]):
    """How systems are shown: a parameter of figures and the report only, so labels retrain nothing."""
    keys = ("label", "prose_name", "color", "marker", "modified_from", "reference")
    return {name: {key: config["systems"][name][key] for key in keys} for name in systems}


def shown(file, title, category, caption):
    """An output that Snakemake's report shows in place: a picture or a page."""
    labels = {"result": title, "format": Path(file).suffix[1:]}
    # Not at the start of a line: there, Snakemake parses `report` as its directive.
    output = report(file, caption=f"../report/{caption}.rst", category=category, labels=labels)
    return output


def figure(name, title, category, caption, folder=FIGURES):
    """The outputs of a figure, png and svg."""
    return [shown(f"{folder}/{name}.{kind}", title, category, caption) for kind in ("png", "svg")]


def paper_figure(folder):
    """The outputs of a figure of the paper."""
    return figure(
        "figure_{number}", "figure {number}", "Figures of the paper", "paper_figure", folder
    )
