"""What experiments can share, and where it is. No rules.

Every job in the folder of another experiment has to have the parameters that it has there: what
decides a parameter of its rule belongs into `decided_by`.
"""

from upsampling_artifacts.pipeline import sharing


def data_options():
    """What decides the songs, their cache, the manifest and the sounds unlike them."""
    keys = ["root", "exclude_songs", "silent_stems", "excerpt", "sources", "rate_hz", "dataset"]
    synthetic = config["dataset"] == "synthetic"
    return {
        **{key: config[key] for key in keys},
        "songs": (
            config["synthetic_songs"] if synthetic else config["datasets"].get(config["dataset"])
        ),
        "sounds": [
            config["probes"][key] for key in ("out_of_distribution", "out_of_distribution_seconds")
        ],
    }


def run_options(name, has_snapshots):
    """What decides the training of a system, its separation and its probes, with any seed.

    Snapshots are taken while training, which is not repeated for them.
    """
    return {
        "data": data_options(),
        "system": system_at_size(name, config["size"]),
        "derived_from": REMEDIES[name] if name in DERIVED else None,
        "training": training_options(name),
        "has_snapshots": has_snapshots,
        "n_shifts": config["separation"]["n_shifts"],
        "probes": [config["probes"][key] for key in ("signal_seconds", "n_songs")],
    }


def shared_items():
    """All items, each after those that it needs."""
    probes, Item = config["probes"], sharing.Item
    data, small = data_options(), SMALL_SEEDS
    items = {
        "data": Item(data, "cache/test.txt"),
        "benchmarks": Item(None, "benchmarks/upsamplers.csv"),
        "small_networks": Item(small, "probes/stacks.csv"),
        "single_layers": Item([LAYERS, small], "probes/layers.csv"),
        "loss_gradients": Item([LOSSES, small], "losses/gradients.csv"),
    }
    for name in probes["systems"]:
        keys = ("seeds", "system_seconds", "spectrogram_seconds")
        decided_by = {
            "system": system_at_size(name, probes["size"]),
            "shape": config["systems"][name]["full_size"],
            **{key: probes[key] for key in keys},
        }
        items[f"system/{name}"] = Item(decided_by, f"probes/systems/{name}.csv")
    for name, model in probes["models"].items():
        marker = f"probes/models/{name}/measures.csv"
        items[f"model/{name}"] = Item(model, marker, ("small_networks",))
    for seed in config["seeds"]:
        marker = f"losses/outputs/seed-{seed}.csv"
        items[f"loss_study/{seed}"] = Item([data, LOSS_STUDY], marker, ("data",))
    for name in BASELINES:
        items[run_item(name, 0)] = Item(data, f"variants/{name}/seed-0/scores.csv", ("data",))
    for name in [*(name for name in TRAINED if name not in DERIVED), *DERIVED]:
        decided_by = run_options(name, TRAINING[name]["n_snapshots"] > 0)
        more = run_options(name, True)
        for seed in config["seeds"]:
            needs = ("data", *([run_item(REMEDIES[name], seed)] if name in DERIVED else []))
            marker = f"variants/{name}/seed-{seed}/scores.csv"
            items[run_item(name, seed)] = Item(decided_by, marker, needs, more)
    return items


def run_item(system, seed):
    """The name of the item of a run."""
    return f"run/{system}/{seed}"


ITEMS = shared_items()
HOMES = started_homes() or sharing.find_homes(config["experiment"], ITEMS)
DATA = f"results/{HOMES['data']}"
# A pattern of the folders that hold something of this experiment, as a shell expands it.
HOLDERS = ",".join(sorted({config["experiment"], *HOMES.values()}))
HOLDERS = f"results/{{{HOLDERS}}}" if "," in HOLDERS else RESULTS


def shared(item, paths, **wildcards):
    """The path of an item where it is; of all outputs of a rule, or all paths of a list, a list."""
    if isinstance(paths, str):
        return paths.format(experiment=HOMES[item], **wildcards)
    # As text: expand() refuses paths that are annotated for Snakemake's report.
    return expand([str(path) for path in paths], experiment=HOMES[item], **wildcards)


def run_path(system, seed):
    """The folder of a run."""
    return RUN.format(experiment=HOMES[run_item(system, seed)], system=system, seed=seed)


def runs(pattern, chosen=RUNS, **wildcards):
    """A path, or several, for each run: a variant and a seed."""
    return [
        path
        for system, seed in chosen
        for path in expand(f"{run_path(system, seed)}/{pattern}", **wildcards)
    ]


def system_probes(path, systems):
    """A file of each of these systems, probed at full size."""
    return [shared(f"system/{name}", path, system=name) for name in systems]


def model_probes(paths):
    """A file of each user-supplied model, or several."""
    return [shared(f"model/{name}", paths, model=name) for name in config["probes"]["models"]]
