"""Resolve a configuration against its schema: fill in defaults, report a mistake in one line."""

from __future__ import annotations

import copy
import difflib
import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import yaml

from upsampling_artifacts import registry, signatures
from upsampling_artifacts.data.datasets import check_repetition
from upsampling_artifacts.data.rates import RECORDED_HZ, check_resampling
from upsampling_artifacts.errors import InputError, shortened

LAYER_ARGUMENTS = ("in_channels", "out_channels", "stride")
NETWORK_ARGUMENTS = ("make_upsampler", "n_sources", "audio_channels")
"""Arguments that are no options: whoever builds a layer or a network gives them."""

MAX_DEPTH = 20
"""No value of config nests so deeply, unless it contains itself."""

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

PALETTE = [
    *("#d55e00", "#0072b2", "#00a9f2", "#d41564", "#ff9c00", "#00877c"),
    *("#0000bc", "#690050", "#7e3600", "#d0ab90", "#a2abb2", "#4b0200"),
]
"""Colors for systems whose rows set none. Any two differ by 14 CIEDE2000 or more, for readers with
deuteranopia or protanopia, too (tests/figures/test_colors.py)."""

MARKERS = ["o", "s", "^", "D", "P", "X", "v", "<", ">", "p", "h", "*"]
"""Markers for systems whose rows set none, as matplotlib names them."""


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
    _check_names(complete)
    _complete_looks(complete)
    overrides = {
        f"systems.{name}.training": complete["systems"][name]["training"]
        for name in trained_systems(complete)
    }
    _check_loss_study(complete, schema)
    for key, override in overrides.items():  # any key of training may be overridden
        _check(override, schema["properties"]["training"], key)
        training = {**complete["training"], **override}
        _check_loss(training["loss"], f"{key if override.get('loss') else 'training'}.loss")
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


def examined_remedies(config: dict) -> dict[str, str]:
    """Pair each remedy with the system that does without it.

    Args:
        config: A complete configuration from :func:`resolve`.

    Returns:
        By the system with the remedy: the one without it, which is a variant.
    """
    of = {name: config["systems"][name]["remedy_of"] for name in config["remedies"]}
    return {name: reference for name, reference in of.items() if reference in config["variants"]}


def studied_systems(config: dict) -> list[str]:
    """List the systems that are trained briefly with each loss: those that are variants.

    Args:
        config: A complete configuration from :func:`resolve`.
    """
    return [name for name in config["loss_study"]["systems"] if name in config["variants"]]


def trained_systems(config: dict) -> list[str]:
    """List the systems that are trained, separated and scored: variants and remedies.

    Args:
        config: A complete configuration from :func:`resolve`.
    """
    return list(dict.fromkeys([*config["variants"], *examined_remedies(config)]))


def distinct_losses(config: dict) -> dict[str, dict]:
    """Collect the losses whose gradients are probed: the library's, and those that train a system.

    Args:
        config: A complete configuration from :func:`resolve`.

    Returns:
        ``{"name", **options}`` of each, keyed by its name and options.
    """
    losses = {name: {"name": name} for name in (*registry.LOSSES, *registry.ADVERSARIAL_LOSSES)}
    for system in trained_systems(config):
        loss = {**config["training"], **config["systems"][system]["training"]}["loss"]
        options = [f"{key}={value}" for key, value in loss.items() if key != "name"]
        losses[" ".join([loss["name"], *options])] = loss
    return losses


def distinct_upsamplers(config: dict) -> dict[str, dict]:
    """Collect the upsampling layers of ``probes.single_layers`` and ``variants``.

    Args:
        config: A complete configuration from :func:`resolve`.

    Returns:
        The options of each distinct layer, keyed by the first system that uses it.
    """
    layers: dict[str, dict] = {}
    for system in [*config["probes"]["single_layers"], *config["variants"]]:
        upsampler = config["systems"][system]["upsampler"]
        if upsampler and upsampler not in layers.values():
            layers[system] = upsampler
    return layers


def comparisons(config: dict) -> list[tuple[str, str, bool]]:
    """Pair each variant with the variant that its SDR is compared with.

    That is its ``reference``, or the first variant if the reference is not one of them.

    Args:
        config: A complete configuration from :func:`resolve`.

    Returns:
        System, reference, and whether both are one network that differs in its upsampler only.
    """
    variants, systems = config["variants"], config["systems"]
    pairs = []
    for name in variants:
        reference = systems[name]["reference"]
        reference = reference if reference in variants else variants[0]
        networks = [(systems[x]["architecture"], systems[x]["options"]) for x in (name, reference)]
        if name != reference:
            pairs.append((name, reference, networks[0] == networks[1]))
    return pairs


def timed_systems(config: dict) -> list[str]:
    """Choose the variants whose training steps are timed, at most ``benchmarks.max_systems``.

    References come first, then one variant of each pair of architecture and upsampler, then the
    others, each in the order of the variants.

    Args:
        config: A complete configuration from :func:`resolve`.

    Returns:
        Names of variants, in their order.
    """
    variants = config["variants"]
    rows = {name: config["systems"][name] for name in variants}
    references = [row["reference"] for row in rows.values() if row["reference"] in rows]
    kinds: dict[object, str] = {}
    for name, row in rows.items():
        kinds.setdefault((row["architecture"], (row["upsampler"] or {}).get("name")), name)
    ranked = list(dict.fromkeys([*references, *kinds.values(), *variants]))
    chosen = ranked[: config["benchmarks"]["max_systems"]]
    return [name for name in variants if name in chosen]


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


def _check_loss(loss: dict, where: str) -> None:
    try:
        registry.module_of("loss", loss["name"], registry.LOSSES)
    except InputError as error:
        raise InputError(f"config: {where}: {error}") from None
    _check_options(where, "loss", loss, registry.LOSSES)


def _check_options(
    where: str,
    kind: str,
    row: dict,
    known: dict[str, str],
    own: tuple[str, ...] = (),
    complete: bool = True,
) -> None:
    """Check the options of a class, ``{"name": ..., **options}``.

    Args:
        where: The key in config.
        kind: What the class is, for messages.
        row: Its name and options.
        known: The registry in which to look up the name.
        own: Arguments that are no options.
        complete: Whether no option may be missing.
    """
    options = dict(row)
    name = options.pop("name")
    if name in known or registry.is_import_path(name):  # others are refused where they are used
        what, path = f"{kind} '{name}'", str(known.get(name, name))
        signatures.check_options(f"config: {where}", what, path, options, own, complete=complete)


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


def _check_names(config: dict) -> None:
    """Check names that a schema cannot know: those of data sets, systems, upsamplers and sizes."""
    known = ["synthetic", "folder", *config["datasets"]]
    if config["dataset"] not in known:
        raise InputError(
            f"config: dataset: unknown data set '{config['dataset']}'; known: {', '.join(known)}"
        )
    check_repetition("config: experiment: it", config["experiment"])
    named = {"systems": config["systems"], "probes.models": config["probes"]["models"]}
    for key, name in ((key, name) for key, names in named.items() for name in names):
        check_repetition(f"config: {key}: one", name)
    for name in registry.BASELINES:
        if name in config["systems"]:
            raise InputError(
                f"config: systems: '{name}' is the name of a baseline; rename the system"
            )
    for name, system in config["systems"].items():  # even if nothing uses it
        where = f"systems.{name}"
        _check_architecture(f"{where}.options", system["architecture"], system["options"], False)
        if system["upsampler"] is not None:
            _check_upsampler(f"{where}.upsampler", system["upsampler"], complete=False)
    for name, sizes in config["architectures"].items():
        for size, options in sizes.items():
            _check_architecture(f"architectures.{name}.{size}", name, options, complete=False)
    if config["dataset"] != "folder" or config["excerpt"]:
        check_resampling("config: rate_hz", RECORDED_HZ, config["rate_hz"])
    for name in config["probes"]["systems"]:
        _check_is_system(config, "probes.systems", name)
        rate_hz = config["systems"][name]["full_size"]["rate_hz"]
        check_resampling(f"config: systems.{name}.full_size.rate_hz", RECORDED_HZ, rate_hz)
    for name, model in config["probes"]["models"].items():
        where = f"config: probes.models.{name}.options"
        signatures.check_options(where, "the factory", model["factory"], model["options"])
    for figure, rows in config["paper_figures"].items():
        for panel in itertools.chain.from_iterable(rows):
            if panel is not None:
                _check_is_system(config, f"paper_figures.{figure}", panel["system"])
    probes = config["probes"]
    for name in probes["single_layers"]:
        _check_system(config, "probes.single_layers", name)
    for name in config["remedies"]:
        _check_system(config, "remedies", name)
        _check_remedy(config, name)
    for name in config["loss_study"]["systems"]:
        _check_system(config, "loss_study.systems", name)
    _check_systems(config, "variants", config["variants"], "size", config["size"])
    # Others are left out.
    _check_systems(config, "remedies", list(examined_remedies(config)), "size", config["size"])
    for name in config["variants"]:
        if config["systems"][name]["subtract_silence"]:
            raise InputError(
                f"config: variants: '{name}' is not trained (subtract_silence); list it in "
                "remedies instead"
            )
    for loss in config["loss_study"]["losses"]:
        _check_loss({"name": loss}, "loss_study.losses")
    _check_systems(config, "probes.systems", probes["systems"], "probes.size", probes["size"])


def _check_architecture(where: str, name: str, options: dict, complete: bool) -> None:
    row = {**options, "name": name}
    known = registry.ARCHITECTURES
    _check_options(where, "architecture", row, known, NETWORK_ARGUMENTS, complete)


def _check_upsampler(where: str, upsampler: dict, complete: bool) -> None:
    row = dict(upsampler)
    bias = row.pop("bias", True)  # an option of every layer
    if not isinstance(bias, bool):
        raise InputError(f"config: {where}.bias: {bias!r} is not true or false")
    _check_options(where, "upsampler", row, registry.UPSAMPLERS, LAYER_ARGUMENTS, complete)


def _check_systems(config: dict, key: str, names: list[str], size_key: str, size: str) -> None:
    for name in names:
        system = _check_system(config, key, name)
        sizes = config["architectures"].get(system["architecture"], {})
        # A user-supplied class may have no sizes: then its row holds all its options.
        if size not in sizes and (sizes or not registry.is_import_path(system["architecture"])):
            raise InputError(
                f"config: {size_key}: architecture '{system['architecture']}' has no size "
                f"'{size}'; known: {', '.join(sizes)}"
            )
        options = {**sizes.get(size, {}), **system["options"]}
        _check_architecture(f"systems.{name}.options", system["architecture"], options, True)


def _check_remedy(config: dict, name: str) -> None:
    system = config["systems"][name]
    reference = system["remedy_of"]
    if reference is None:
        raise InputError(
            f"config: remedies: '{name}' is no remedy; name the system that it is compared with in "
            f"systems.{name}.remedy_of"
        )
    same = all(
        system[key] == config["systems"][reference][key]
        for key in ("architecture", "options", "upsampler", "training")
    )
    if system["subtract_silence"] and not same:
        raise InputError(
            f"config: systems.{name}: subtract_silence takes the weights of {reference}; give both "
            "rows the same architecture, options, upsampler and training"
        )
    for other in config["remedies"]:
        row = config["systems"][other]
        same_name = row["remedy"] is not None and row["remedy"] == system["remedy"]
        if other != name and same_name and row["remedy_of"] == reference:
            raise InputError(
                f"config: systems.{name}.remedy: '{row['remedy']}' is also the name of {other}; "
                "rename one of them"
            )


def _check_loss_study(config: dict, schema: dict) -> None:
    """Check the training options of the study of losses."""
    study = config["loss_study"]["training"]
    _check(study, schema["properties"]["training"], "loss_study.training")
    if "loss" in study:
        raise InputError(
            "config: loss_study.training.loss: the study trains with each of loss_study.losses; "
            "delete the key"
        )


def _complete_looks(config: dict) -> None:
    """Give each system that lacks one a label, a name in running text, a color and a marker.

    Colors and markers go to the variants first, in order. Those that rows of variants set are
    skipped; when they are used up, they repeat.
    """
    systems = config["systems"]
    for name, row in systems.items():
        if row["label"] is None:
            row["label"] = name.removeprefix(f"{row['architecture']}_").replace("_", " ")
        if row["prose_name"] is None:
            row["prose_name"] = row["label"]
        if row["remedy"] is None:
            row["remedy"] = row["label"]
    for key, choices in (("color", PALETTE), ("marker", MARKERS)):
        taken = {systems[name][key] for name in config["variants"]}
        free = [choice for choice in choices if choice not in taken] or choices
        rows = [systems[name] for name in dict.fromkeys([*config["variants"], *systems])]
        without = [row for row in rows if row[key] is None]
        for row, choice in zip(without, itertools.cycle(free), strict=False):
            row[key] = choice


def _check_is_system(config: dict, key: str, name: str) -> None:
    if name not in config["systems"]:
        known = ", ".join(config["systems"])
        raise InputError(f"config: {key}: unknown system '{name}'; known: {known}")


def _check_system(config: dict, key: str, name: str) -> dict:
    """Return the row of a system that a key names; refuse an unknown name."""
    _check_is_system(config, key, name)
    system = config["systems"][name]
    for relation in ("modified_from", "reference", "remedy_of"):
        if system[relation] is not None:
            _check_is_system(config, f"systems.{name}.{relation}", system[relation])
    try:
        registry.modules_of(system)
    except InputError as error:
        raise InputError(f"config: systems.{name}: {error}") from None
    if system["upsampler"] is not None:
        _check_upsampler(f"systems.{name}.upsampler", system["upsampler"], complete=True)
    return system
