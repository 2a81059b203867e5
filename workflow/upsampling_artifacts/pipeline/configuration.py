"""Config files against their schema: defaults filled in, mistakes told in one line."""

from __future__ import annotations

import copy
import difflib

import jsonschema
import yaml

from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError


def resolve(config: dict, schema: dict) -> dict:
    """A complete configuration: what the user set, and the schema's default for the rest.

    Args:
        config: As merged from the config files and the command line.
        schema: A JSON schema in which every property has a description and a default.

    Returns:
        A new dict with every key of the schema.

    Raises:
        InputError: Naming the key, what is wrong with it and what to do.
    """
    complete = _with_defaults(copy.deepcopy(config), schema)
    _check(complete, schema)
    for system in complete["systems"].values():  # a name alone is one without options
        if isinstance(system["upsampler"], str):
            system["upsampler"] = {"name": system["upsampler"]}
    _check_names(complete)
    for name in complete["variants"]:  # a system may set any key of training anew
        changes = complete["systems"][name]["training"]
        _check(changes, schema["properties"]["training"], f"systems.{name}.training")
        training = {**complete["training"], **changes}
        if training["batch_size"] % training["devices"]:
            raise InputError(
                f"config: training.batch_size: {training['batch_size']} segments cannot be "
                f"divided evenly over training.devices: {training['devices']}; change one of them"
            )
    return complete


def distinct_upsamplers(config: dict) -> dict[str, dict]:
    """The upsampling layers of ``probes.single_layers`` and ``variants``, by the first system of each.

    Args:
        config: Complete, from :func:`resolve`.
    """
    layers = {}
    for system in [*config["probes"]["single_layers"], *config["variants"]]:
        upsampler = config["systems"][system]["upsampler"]
        if upsampler and upsampler not in layers.values():
            layers[system] = upsampler
    return layers


def _with_defaults(value: object, schema: dict) -> object:
    """Fill in defaults, in the rows of a table (``additionalProperties``) too.

    ``snakemake --config 'seeds=[0,1]'`` gives the items of lists and dicts as text: where the
    schema does not ask for text, it is read as YAML, as it would be in a file.
    """
    if isinstance(value, str):
        return value if "string" in schema.get("type", []) else _read(value)
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


def _read(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _check(value: dict, schema: dict, where: str = "") -> None:
    """Raise the most telling of the schema's complaints: a misspelt key comes first."""
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(value),
        key=lambda error: (error.validator != "additionalProperties", len(error.path)),
    )
    if errors:
        raise InputError(_one_line(errors[0], where))


def _one_line(error: jsonschema.ValidationError, prefix: str) -> str:
    where = ".".join([*([prefix] if prefix else []), *map(str, error.absolute_path)])
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        wrong = next(key for key in error.instance if key not in known)
        similar = difflib.get_close_matches(str(wrong), known, n=1)
        hint = f"did you mean '{similar[0]}'?" if similar else f"known: {', '.join(known)}"
        return f"config: unknown key '{f'{where}.' if where else ''}{wrong}'; {hint}"
    about = error.schema.get("description", "").rstrip(".")
    return f"config: {where}: {error.message}; it is: {about}"


def _check_names(config: dict) -> None:
    """Names that a schema cannot know: data sets, systems, architectures, upsamplers, sizes."""
    known = ["synthetic", "folder", *config["datasets"]]
    if config["dataset"] not in known:
        raise InputError(
            f"config: dataset: unknown data set '{config['dataset']}'; known: {', '.join(known)}"
        )
    probes = config["probes"]
    for name in probes["single_layers"]:
        _check_system(config, "probes.single_layers", name)
    _check_systems(config, "variants", config["variants"], "size", config["size"])
    _check_systems(config, "probes.systems", probes["systems"], "probes.size", probes["size"])


def _check_systems(config: dict, key: str, names: list[str], size_key: str, size: str) -> None:
    for name in names:
        system = _check_system(config, key, name)
        sizes = config["architectures"].get(system["architecture"], {})
        # A class of anyone's may do without sizes: its options are all that its row says.
        if size not in sizes and (sizes or not registry.is_import_path(system["architecture"])):
            raise InputError(
                f"config: {size_key}: architecture '{system['architecture']}' has no size "
                f"'{size}'; known: {', '.join(sizes)}"
            )


def _check_system(config: dict, key: str, name: str) -> dict:
    """The system of a name that stands under a key."""
    if name not in config["systems"]:
        known = ", ".join(config["systems"])
        raise InputError(f"config: {key}: unknown system '{name}'; known: {known}")
    system = config["systems"][name]
    try:
        registry.modules_of(system)
    except InputError as error:
        raise InputError(f"config: systems.{name}: {error}") from None
    return system
