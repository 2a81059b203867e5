"""Resolve a configuration against its schema: fill in defaults, report a mistake in one line."""

from __future__ import annotations

import copy
import difflib
import math
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import yaml

from upsampling_artifacts.errors import InputError, shortened
from upsampling_artifacts.pipeline.configuration_checks import check_loss, check_names
from upsampling_artifacts.pipeline.looks import complete_looks
from upsampling_artifacts.pipeline.selections import trained_systems

MAX_DEPTH = 20
"""No value of config nests so deeply, unless it contains itself."""

MAX_FLOAT = 3.4e38
"""The largest number in 32 bits, in which networks compute."""

MAX_QUOTED = 200
"""Length to which a wrong value is cut in a message."""

LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Characters that break a line or cannot be written to a file: no name or text may hold one."""

SCIENTIFIC = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")
"""Numbers that YAML 1.1 takes for text: 1e-4, which it wants written as 1.0e-4."""

RENAMED = {
    "dataset: songs": "dataset: synthetic",
    "songs": "synthetic_songs",
    "datasets.*.songs": "datasets.*.song_list",
    "datasets.*.stems": "datasets.*.stem_format",
    "datasets.*.n_absent": "datasets.*.n_missing",
    "training.accumulation": "training.gradient_accumulation",
    "training.recompute": "training.activation_checkpointing",
    "training.loader_processes": "training.num_workers",
    "systems.*.training.accumulation": "systems.*.training.gradient_accumulation",
    "systems.*.training.recompute": "systems.*.training.activation_checkpointing",
    "systems.*.training.loader_processes": "systems.*.training.num_workers",
    "probes.layers": "probes.single_layers",
    "probes.small_seeds": "probes.n_seeds_small_models",
}
"""Old keys, or an old value of a key, and what replaces them; ``*`` matches any name."""


def resolve(config: dict, schema: dict) -> dict:
    """Check a configuration, and fill in the schema's defaults for what the user did not set.

    Args:
        config: The configuration that Snakemake merged from config files and command line.
        schema: A JSON schema in which every property has a description and a default.

    Returns:
        A new dict with every key of the schema.

    Raises:
        InputError: Names the key, what is wrong with it and what to do.
    """
    _check_plain(config)
    complete = _with_defaults(copy.deepcopy(config), schema)
    _check_plain(complete)  # once more: text from the command line has been parsed
    _check_renamed(complete)
    _check(complete, schema)
    for name, system in complete["systems"].items():
        _expand_name(system, "upsampler", f"systems.{name}")
        _expand_name(system["training"], "loss", f"systems.{name}.training")
    _expand_name(complete["training"], "loss", "training")
    check_names(complete)
    complete_looks(complete)
    overrides = {
        f"systems.{name}.training": complete["systems"][name]["training"]
        for name in trained_systems(complete)
    }
    _check_loss_study(complete, schema)
    for key, override in overrides.items():  # any key of training may be overridden
        _check(override, schema["properties"]["training"], key)
        training = {**complete["training"], **override}
        check_loss(training["loss"], f"{key if override.get('loss') else 'training'}.loss")
        if training["batch_size"] % training["devices"]:
            raise InputError(
                f"config: training.batch_size: {training['batch_size']} segments cannot be "
                f"divided evenly over training.devices: {training['devices']}; change one of them"
            )
        if training["silent_share"] and training["loss"]["name"] == "multi_resolution_stft":
            raise InputError(
                f"config: {key}: silent_share cannot be combined with the loss "
                "multi_resolution_stft, which divides by the target's spectrum; drop one of them"
            )
    return complete


def _check_plain(value: object, path: tuple[str, ...] = ()) -> None:
    """Refuse what no key can use: NaN, infinity, dates, line breaks in names, endless nesting."""
    where = f"config: {'.'.join(path)}"
    if len(path) > MAX_DEPTH:
        raise InputError(f"{where}: is nested too deeply; does it contain itself?", MAX_QUOTED)
    if isinstance(value, dict):
        for key, entry in value.items():
            if path and not isinstance(key, str):
                raise InputError(f"{where}: the key {key!r} is not text; put it in quotes")
            _check_plain(str(key), (*path, "a key"))
            _check_plain(entry, (*path, str(key)))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            _check_plain(entry, (*path, str(number)))
    elif isinstance(value, str):
        if LINE_BREAKS.search(value.rstrip("\n")):
            quoted = shortened(repr(value), MAX_QUOTED)
            raise InputError(f"{where}: {quoted} has a line break or control character; delete it")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{where}: {value} is not a finite number; give a number")
        if abs(value) > MAX_FLOAT:
            raise InputError(f"{where}: {value} overflows 32 bits; give a smaller number")
    elif not isinstance(value, int | None):
        kind = type(value).__name__
        raise InputError(f"{where}: {value!r} is a {kind}, not text or a number; put it in quotes")


def _with_defaults(value: Any, schema: dict) -> Any:
    """Fill in defaults, also in each row of a table (``additionalProperties``).

    ``snakemake --config 'seeds=[0,1]'`` passes the items of lists and dicts as text. Unless the
    schema asks for text, it is parsed as YAML, as it would be in a file. 100.0 is an integer where
    the schema asks for one.
    """
    if isinstance(value, str):
        # A block of YAML ends with a line break.
        value = value.rstrip("\n")
        value = value if "string" in schema.get("type", []) else _parse(value)
    if isinstance(value, float) and value.is_integer() and "integer" in schema.get("type", []):
        return int(value)
    if isinstance(value, list):
        return [_with_defaults(item, schema.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    known, row = schema.get("properties", {}), schema.get("additionalProperties")
    for key, entry in known.items():
        value.setdefault(key, copy.deepcopy(entry["default"]))
    for key in value:
        entry = known.get(key, row if isinstance(row, dict) else {})
        value[key] = _with_defaults(value[key], entry)
    return value


def _expand_name(row: dict, key: str, where: str) -> None:
    """Turn a bare name into a class without options, ``{"name": ...}``."""
    if isinstance(row.get(key), str):
        row[key] = {"name": row[key]}
    name = (row.get(key) or {}).get("name", "")
    if not isinstance(name, str):
        raise InputError(f"config: {where}.{key}.name: {name!r} is not text; give a name")


def _parse(text: str) -> object:
    if SCIENTIFIC.fullmatch(text):
        return float(text)
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, AttributeError, TypeError):
        return text  # no YAML, or a date that does not exist


def _check_renamed(config: dict) -> None:
    """Refuse a key or value of an older version, and name its replacement."""
    for old, new in RENAMED.items():
        path, _, old_value = old.partition(": ")
        for names, value in _matches(config, path.split(".")):
            if not old_value or value == old_value:
                for name in names:
                    old, new = old.replace("*", name, 1), new.replace("*", name, 1)
                raise InputError(f"config: '{old}' has been renamed; write '{new}' instead")


def _matches(config: object, path: list[str]) -> Iterator[tuple[list[str], object]]:
    """Yield each value at a path, with the names that its ``*`` stand for."""
    if not path:
        yield [], config
    elif isinstance(config, dict):
        for key in list(config) if path[0] == "*" else [path[0]] if path[0] in config else []:
            for names, value in _matches(config[key], path[1:]):
                yield [*([str(key)] if path[0] == "*" else []), *names], value


def _check(value: dict, schema: dict, where: str = "") -> None:
    """Raise the most helpful of the schema's errors: a misspelled key comes first."""
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(value),
        key=lambda error: (error.validator != "additionalProperties", len(error.path)),
    )
    if errors:
        raise InputError(_one_line(errors[0], where))


def _one_line(error: jsonschema.ValidationError, prefix: str) -> str:
    where = ".".join([*([prefix] if prefix else []), *map(str, error.absolute_path)])
    schema: Any = error.schema
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        instance: Any = error.instance
        wrong = next(key for key in instance if key not in known)
        similar = difflib.get_close_matches(str(wrong), known, n=1)
        hint = f"did you mean '{similar[0]}'?" if similar else f"known: {', '.join(known)}"
        return f"config: unknown key '{f'{where}.' if where else ''}{wrong}'; {hint}"
    description = schema.get("description", "").rstrip(".")
    message = shortened(error.message, MAX_QUOTED)
    return f"config: {where}: {message}; expected: {description}"


def _check_loss_study(config: dict, schema: dict) -> None:
    """Check the training options of the study of losses."""
    study = config["loss_study"]["training"]
    _check(study, schema["properties"]["training"], "loss_study.training")
    if "loss" in study:
        raise InputError(
            "config: loss_study.training.loss: the study trains with each of loss_study.losses; "
            "delete the key"
        )
