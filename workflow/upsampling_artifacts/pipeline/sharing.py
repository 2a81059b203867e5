"""Sharing: what another experiment has made from the same options is not made again.

An experiment's folder, ``results/<experiment>/``, holds what it has made itself. Its songs, runs of
systems and probes are items: each has a key, a hash of the options that decide it. The file
``shared.json`` in the folder records the keys of all items, and the experiment whose folder holds
each, its home. An experiment whose item has the same key uses the item where it is.

A key only chooses a folder. Whether a job has to run is decided as ever, by Snakemake: an item that
is out of date is made again where it is, for all experiments that use it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.pipeline.fingerprint import data_fingerprint

RECORD = "shared.json"


@dataclass(frozen=True)
class Item:
    """Something that experiments can share.

    Attributes:
        decided_by: The options that decide it, as plain values.
        marker: A file that exists once it has been made, below the experiment's folder.
        needs: The items that it is made from.
        or_by: Options that make the same, or the same and more.
    """

    decided_by: object
    marker: str
    needs: tuple[str, ...] = ()
    or_by: object = None

    @property
    def key(self) -> str:
        """The hash of the options; the same in every experiment in which they are the same."""
        return data_fingerprint(self.decided_by)

    @property
    def accepted(self) -> set[str]:
        """The keys of what may be taken for it."""
        return {self.key} if self.or_by is None else {self.key, data_fingerprint(self.or_by)}


@dataclass(frozen=True)
class _Record:
    """The ``shared.json`` of an experiment.

    Attributes:
        experiment: Its name.
        keys: The key of each item.
        homes: The experiment that holds each item.
    """

    experiment: str
    keys: dict[str, str]
    homes: dict[str, str]


def find_homes(
    experiment: str, items: Mapping[str, Item], results: str | Path = "results"
) -> dict[str, str]:
    """Find the experiment that holds each item.

    An experiment keeps what it has made. What it has not made it takes from where it took it
    before, else from the first experiment that has it, else it will make it. It takes nothing that
    was made from other items than its own: otherwise, the same file would have other inputs.

    Args:
        experiment: Name of the experiment.
        items: The items, by name; each after those that it needs.
        results: Folder of all experiments.

    Returns:
        For each item, the name of the experiment.
    """
    records = _read_records(Path(results))
    before = records[experiment].homes if experiment in records else {}
    homes: dict[str, str] = {}
    for name, item in items.items():
        candidates = [experiment, *filter(None, [before.get(name)]), *sorted(records)]
        has_it = (
            candidate
            for candidate in candidates
            if (candidate == experiment or _offers(records.get(candidate), name, item, homes))
            and Path(results, candidate, item.marker).exists()
        )
        homes[name] = next(has_it, experiment)
    return homes


def read_homes(experiment: str, results: str | Path = "results") -> dict[str, str]:
    """Read the homes with which an experiment was started: those that its jobs have to use.

    Returns:
        For each item, the name of the experiment that holds it; empty without a record.
    """
    record = _read_record(Path(results, experiment, RECORD))
    return record.homes if record else {}


def write_record(
    experiment: str,
    items: Mapping[str, Item],
    homes: Mapping[str, str],
    results: str | Path = "results",
) -> None:
    """Write the record of an experiment, when it starts."""
    path = Path(results, experiment, RECORD)
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"keys": {name: item.key for name, item in items.items()}, "homes": dict(homes)}
    with atomic_write(path) as unfinished:
        unfinished.write_text(json.dumps(record, indent=1) + "\n")


def _offers(record: _Record | None, name: str, item: Item, homes: Mapping[str, str]) -> bool:
    """Whether another experiment holds this item, made from the items that are ours, too."""
    return (
        record is not None
        and record.keys.get(name) in item.accepted
        and record.homes.get(name) == record.experiment
        and all(record.homes.get(need) == homes[need] for need in item.needs)
    )


def _read_records(results: Path) -> dict[str, _Record]:
    records = {path.parent.name: _read_record(path) for path in results.glob(f"*/{RECORD}")}
    return {experiment: record for experiment, record in records.items() if record}


def _read_record(path: Path) -> _Record | None:
    """Read a record; None if it is missing or damaged: then, nothing is shared."""
    try:
        return _Record(path.parent.name, **json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
