"""Check in a configuration what a schema cannot know: names, options, and what goes with what."""

from __future__ import annotations

import itertools

from upsampling_artifacts import registry, signatures
from upsampling_artifacts.data.datasets import check_repetition
from upsampling_artifacts.data.rates import RECORDED_HZ, check_resampling
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.pipeline.selections import examined_remedies

LAYER_ARGUMENTS = ("in_channels", "out_channels", "stride")
NETWORK_ARGUMENTS = ("make_upsampler", "n_sources", "audio_channels")
"""Arguments that are no options: whoever builds a layer or a network gives them."""


def check_names(config: dict) -> None:
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
    for name in config["remedies"]:
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
        check_loss({"name": loss}, "loss_study.losses")
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


def _check_is_system(config: dict, key: str, name: str) -> None:
    if name not in config["systems"]:
        known = ", ".join(config["systems"])
        raise InputError(f"config: {key}: unknown system '{name}'; known: {known}")


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


def check_loss(loss: dict, where: str) -> None:
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
