"""Mutated configurations: every key of the schema, and the options of every network and layer."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from upsampling_artifacts import registry
from upsampling_artifacts.data import datasets, layout
from upsampling_artifacts.models import dry_build
from upsampling_artifacts.models.build import build_layer, build_loss, build_model
from upsampling_artifacts.models.dry_build import LAYER_SIZE, try_out
from upsampling_artifacts.models.flops import build_on_meta, parameter_count
from upsampling_artifacts.pipeline import configuration, configuration_checks, selections
from upsampling_artifacts.pipeline.planning import steps_per_epoch
from upsampling_artifacts.signatures import read_signature
from upsampling_artifacts.training.options import TrainingOptions
from upsampling_artifacts.training.snapshots import snapshot_steps

from ..configs import SCHEMA, read_config
from . import cases, refused
from .values import plausible, values

CONFIG = read_config()
COMPLETE = configuration.resolve(CONFIG, SCHEMA)
SMALL = 2_000_000
"""Parameters of a network or layer that is built with values and run."""


def paths(value: Any, path: tuple = ()) -> list[tuple]:
    """The path of every value of a configuration."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path, *(one for key, entry in items for one in paths(entry, (*path, key)))]


# A key of many rows counts once for every three of them: else these rows would be all.
PATHS = [path for path in paths(COMPLETE) if path]
TOP = {path[0] for path in PATHS}
BY_SECTION = {key: [path for path in PATHS if path[0] == key] for key in sorted(TOP)}
any_path = st.sampled_from(sorted(BY_SECTION)).flatmap(
    lambda section: st.sampled_from(BY_SECTION[section])
)


def mutated(path: tuple, action: str, value: Any, config: dict | None = None) -> dict:
    """A configuration in which the value at a path is set, removed or renamed, or gets a key."""
    config = copy.deepcopy(config or COMPLETE)
    parent = config
    for key in path[:-1]:
        try:
            parent = parent[key]
        except (KeyError, IndexError, TypeError):  # an earlier mutation has removed it
            return config
    key = path[-1]
    if not isinstance(parent, dict | list) or (
        isinstance(parent, list) and not (isinstance(key, int) and key < len(parent))
    ):
        return config
    match action:
        case "remove":
            if isinstance(parent, list) or key in parent:
                del parent[key]
        case "rename" if isinstance(parent, dict):
            parent[f"{key}x"] = parent.pop(key, None)
        case "add" if isinstance(parent, dict) and isinstance(parent.get(key), dict):
            parent[key][value if isinstance(value, str) else "new_key"] = 3
        case _:
            parent[key] = value
    return config


def plan(config: dict) -> None:
    """What planning a run computes from a configuration."""
    complete = configuration.resolve(config, SCHEMA)
    setup = layout.read_setup(complete["dataset"], complete["root"])
    layout.check_sources(complete, setup)
    songs = datasets.song_names(complete)
    selections.distinct_losses(complete)
    selections.distinct_upsamplers(complete)
    selections.comparisons(complete)
    for name in selections.trained_systems(complete):
        row = complete["systems"][name]
        registry.modules_of(row)
        training = {**complete["training"], **row["training"]}
        options = TrainingOptions(**training)
        if complete["dataset"] == "synthetic":
            seconds = [complete["synthetic_songs"]["seconds"]] * len(songs["train"])
            steps = steps_per_epoch(seconds, complete["rate_hz"], training)
            snapshot_steps(options.epochs * steps, options.n_snapshots)
        options.part_size  # noqa: B018


actions = st.sampled_from(["set", "set", "set", "remove", "rename", "add"])


@cases(short=40)
@given(mutations=st.lists(st.tuples(any_path, actions, values), min_size=1, max_size=2))
def test_a_mutated_configuration_is_planned_or_refused(mutations: list) -> None:
    config = COMPLETE
    for path, action, value in mutations:
        config = mutated(path, action, value, config)
    line = refused(plan, config)
    assert line is None or line.startswith(("config: ", "training.batch_size: "))


@pytest.mark.parametrize("path", [("training",), ("systems",), ("probes", "models"), ("seeds",)])
def test_a_configuration_that_contains_itself_is_refused(path: tuple) -> None:
    config = copy.deepcopy(COMPLETE)
    value = config
    for key in path:
        value = value[key]
    if isinstance(value, dict):
        value["self"] = value
    else:
        value.append(value)
    line = refused(plan, config)
    assert line and "is nested too deeply" in line


NETWORKS = {name: read_signature(path) for name, path in registry.ARCHITECTURES.items()}
LAYERS = {name: read_signature(path) for name, path in registry.UPSAMPLERS.items()}
SIZES = {**dict.fromkeys(NETWORKS, "demo"), "melgan": "paper"}


@st.composite
def options_of(draw: st.DrawFn, signature: Any, own: tuple[str, ...]) -> dict:
    """Options of a class: some of its own with values of any kind, seldom others."""
    known = [name for name in signature.parameters if name not in own]
    names = st.sampled_from([*known, *known, "bias", "lenght"])
    drawn = draw(st.lists(st.tuples(names, plausible | values), min_size=1, max_size=2))
    return dict(drawn)


@st.composite
def systems(draw: st.DrawFn) -> dict:
    """A row of ``systems`` with mutated options."""
    architecture = draw(st.sampled_from(sorted(NETWORKS)))
    takes_layers = "make_upsampler" in NETWORKS[architecture].parameters
    upsampler = draw(layers()) if takes_layers else None
    options = draw(options_of(NETWORKS[architecture], configuration_checks.NETWORK_ARGUMENTS))
    if takes_layers and draw(st.booleans()):
        options = {}
    elif takes_layers:
        upsampler = {"name": "transposed"}
    return {"architecture": architecture, "options": options, "upsampler": upsampler}


@st.composite
def layers(draw: st.DrawFn) -> dict:
    """An upsampler with mutated options."""
    name = draw(st.sampled_from(sorted(LAYERS)))
    length = {} if name == "transposed" else {"length": 9}
    options = draw(options_of(LAYERS[name], configuration_checks.LAYER_ARGUMENTS))
    return {"name": name, **length, **options, "name": name}  # noqa: F601


def noise(channels: int, samples: int) -> torch.Tensor:
    return torch.randn(1, channels, samples, generator=torch.Generator().manual_seed(0))


def plan_and_run(row: dict) -> None:
    """Plan an experiment with a system, build it, and run it: what no check found must work."""
    config = copy.deepcopy(CONFIG)
    config["systems"]["mutated"] = row
    config["variants"] = ["mutated"]
    config["size"] = "demo"
    config["architectures"]["melgan"]["demo"] = {"channels": 32}
    complete = configuration.resolve(config, SCHEMA)
    system = complete["systems"]["mutated"]
    sizes = complete["architectures"][system["architecture"]]["demo"]
    one = system["architecture"] == "melgan"
    shape = {"n_sources": 1 if one else 4, "audio_channels": 1 if one else 2}
    network = {
        "architecture": system["architecture"],
        "options": {**sizes, **system["options"]},
        "upsampler": system["upsampler"],
    }
    if found := try_out({**network, **shape}).fault:
        raise configuration.InputError(f"config: systems.mutated: {found}")
    if parameter_count(build_on_meta(network, **shape)) < SMALL:
        with torch.no_grad():
            y = build_model(**network, **shape, seed=0)(noise(shape["audio_channels"], 4097))
        assert y.shape[-1] == 4097
        # Weights of a thousand may overflow: training then ends with one line.
        numbers = [value for value in row["options"].values() if isinstance(value, int | float)]
        assert y.isfinite().all() or any(abs(number) > 1000 for number in numbers)
    if system["upsampler"] is not None and is_small_layer(system["upsampler"]):
        layer = build_layer(system["upsampler"], *LAYER_SIZE, bias=False, seed=0)
        with torch.no_grad():
            y = layer(noise(LAYER_SIZE[0], 10))
        assert y.shape[-1] == 10 * LAYER_SIZE[2] and y.isfinite().all()


def is_small_layer(upsampler: dict) -> bool:
    """Whether a layer has no fault, and few enough weights to be built with values and run."""
    if try_out({"upsampler": upsampler}).fault:
        return False
    with torch.device("meta"):
        return parameter_count(build_layer(upsampler, *LAYER_SIZE, bias=False)) < SMALL


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for networks of a million layers, but import first what good ones need.

    A time limit that interrupts an import would let every later network fail.
    """
    for name, network in NETWORKS.items():
        layer = {"name": "transposed"} if "make_upsampler" in network.parameters else None
        good = {"architecture": name, "options": {}, "upsampler": layer}
        assert refused(plan_and_run, good) is None
    monkeypatch.setattr(dry_build, "MAX_CPU_SECONDS", 1)


@pytest.mark.usefixtures("impatient")
@cases(short=40, share=0.8)
@given(row=systems())
def test_a_system_with_mutated_options_runs_or_is_refused(row: dict) -> None:
    line = refused(plan_and_run, row)
    assert line is None or line.startswith("config: ")


@cases(short=10, share=0.1)
@given(name=st.sampled_from(sorted(registry.LOSSES)), option=st.text(min_size=1), value=values)
def test_a_loss_with_mutated_options_is_refused(name: str, option: str, value: Any) -> None:
    assert refused(build_loss, {"name": name, option: value}) or option == "name"
