"""What the rules share: the configuration, and the names of files."""

import os
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

# Jobs find the library in this clone, also in environments where it is not installed, and models
# of yours beside the Snakefile.
PATHS = [str(Path(workflow.basedir) / "workflow"), workflow.basedir]
sys.path[:0] = PATHS
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [*PATHS, os.getenv("PYTHONPATH")])))
# glibc is to keep what an array has left for the next one, not to give pages back to the kernel,
# which fills them with zeros again: training steps take 0.93 of the time, scores 0.8 to 0.93.
for variable, value in {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**33)}.items():
    os.environ.setdefault(variable, value)

from upsampling_artifacts import import_paths, registry
from upsampling_artifacts.pipeline import configuration
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.pipeline.fingerprint import code_fingerprint as code

try:
    schema = yaml.safe_load(
        Path(workflow.basedir, "workflow/schemas/config.schema.yaml").read_text()
    )
    config = configuration.resolve(config, schema)
except InputError as error:
    raise WorkflowError(str(error)) from None

RESULTS = f"results/{config['experiment']}"
RUN = f"{RESULTS}/variants/{{system}}/seed-{{seed}}"
FIGURES = f"{RESULTS}/figures"
BASELINES = ["mixture", "ideal_ratio_mask"]
UPSAMPLER_MODULES = sorted({path.partition(":")[0] for path in registry.UPSAMPLERS.values()})
# Upsampling layers to be probed alone.
LAYERS = configuration.distinct_upsamplers(config)
LAYER_MODULES = sorted(
    registry.module_of("upsampler", layer["name"], registry.UPSAMPLERS) for layer in LAYERS.values()
)
from upsampling_artifacts.training.options import RUNTIME_KEYS as RUNNING

# How each variant is trained.
TRAINING = {
    name: {**config["training"], **config["systems"][name]["training"]}
    for name in config["variants"]
}
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
    file = import_paths.source_file(factory.partition(":")[0])
    return [str(file)] if file else []


def training_of(wildcards):
    """The keys of training that a trained model depends on."""
    return {k: v for k, v in TRAINING[wildcards.system].items() if k not in RUNNING}


def running_of(wildcards, threads):
    """The others. A parameter made from `threads` is to Snakemake no reason to run again."""
    chosen = TRAINING[wildcards.system]
    return {key: chosen[key] for key in RUNNING if key != "threads"}


def gpus_of(wildcards):
    """How many GPUs a training asks for."""
    chosen = TRAINING[wildcards.system]
    return 0 if chosen["accelerator"] == "cpu" else chosen["devices"]


def training_threads(wildcards):
    chosen = TRAINING[wildcards.system]
    return chosen["threads"] * chosen["devices"]


def figure(name, title, category, caption):
    """The outputs of a figure: png and svg, each with its place in Snakemake's report."""
    outputs = []
    for kind in ("png", "svg"):
        place = {"category": category, "labels": {"figure": title, "format": kind}}
        # On one line: at the start of a line, Snakemake takes "report" for its directive.
        output = report(f"{FIGURES}/{name}.{kind}", caption=f"../report/{caption}.rst", **place)
        outputs.append(output)
    return outputs
