"""The preview of a run that has not ended: an experiment of what it has finished.

The preview is an experiment of its own, ``<experiment>_preview``, with fewer systems and seeds. It
takes their models, probes and scores from the folder of the run (:mod:`pipeline.sharing`).
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.pipeline.selections import examined_remedies, trained_systems
from upsampling_artifacts.pipeline.sharing import read_homes

RUN_FILES = ("estimates", "scores.csv", "probe/initialization.csv", "probe/trained.csv")
"""What a training run has left once it is separated, scored and probed."""


def reduce_to_finished(config: dict[str, Any], results: str | Path = "results") -> dict[str, Any]:
    """Reduce an experiment to what it has finished.

    Of the seeds, those are kept that leave the largest number of runs: each system of the preview
    has finished with each of its seeds.

    Args:
        config: A complete configuration.
        results: Folder of all experiments.

    Returns:
        The configuration of the preview. Its ``preview`` says in one sentence what is missing.

    Raises:
        InputError: No two systems have finished.
    """
    name = config["experiment"]
    folder = Path(results)
    homes = read_homes(name, results)
    finished = {
        (system, seed)
        for system in trained_systems(config)
        for seed in config["seeds"]
        if _has_finished(folder / homes.get(f"run/{system}/{seed}", name), system, seed, config)
    }
    seeds = _seeds(config, finished)
    variants = [name for name in config["variants"] if _with_all(name, seeds, finished)]
    if len(variants) < 2:
        raise InputError(
            f"preview: experiment '{name}' has not yet trained, probed and scored two systems; "
            "try again later"
        )
    reduced = copy.deepcopy(config)
    reduced |= {"experiment": f"{name}_preview", "variants": variants, "seeds": seeds}
    remedies = [name for name in config["remedies"] if _with_all(name, seeds, finished)]
    reduced["remedies"] = list(examined_remedies({**reduced, "remedies": remedies}))
    probes = reduced["probes"]

    def exists(item: str, path: str) -> bool:
        return (folder / homes.get(item, name) / path).exists()

    probes["systems"] = [
        each for each in probes["systems"] if exists(f"system/{each}", f"probes/systems/{each}.csv")
    ]
    probes["models"] = {
        each: model
        for each, model in probes["models"].items()
        if exists(f"model/{each}", f"probes/models/{each}/measures.csv")
    }
    if not all(exists(f"loss_study/{seed}", f"losses/outputs/seed-{seed}.csv") for seed in seeds):
        reduced["loss_study"]["systems"] = []
    reduced["preview"] = (
        f"Preview of experiment “{name}”, which has not ended: {len(variants)} of "
        f"{len(config['variants'])} systems and {len(seeds)} of {len(config['seeds'])} seeds. "
        f"Missing: {_listed(set(config['variants']) - set(variants))}."
    )
    return reduced


def _has_finished(folder: Path, system: str, seed: int, config: dict[str, Any]) -> bool:
    run = folder / f"variants/{system}/seed-{seed}"
    files = [file for file in RUN_FILES if system in config["variants"] or "init" not in file]
    return all((run / file).exists() for file in files)


def _seeds(config: dict[str, Any], finished: set[tuple[str, int]]) -> list[int]:
    """The seeds with which the most runs remain, if every system has to have all of them."""

    def n_systems(seeds: list[int]) -> int:
        return sum(_with_all(system, seeds, finished) for system in config["variants"])

    by_number = sorted(config["seeds"], key=lambda seed: -n_systems([seed]))
    choices = [by_number[:count] for count in range(1, len(by_number) + 1)]
    best = max(choices, key=lambda seeds: len(seeds) * n_systems(seeds))
    return [seed for seed in config["seeds"] if seed in best]


def _with_all(system: str, seeds: list[int], finished: set[tuple[str, int]]) -> bool:
    return all((system, seed) in finished for seed in seeds)


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "some seeds"
