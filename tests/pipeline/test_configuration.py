"""The schema documents every key, our config files resolve, and a mistake gets one line."""

import copy
from collections.abc import Callable, Iterator

import pytest
import yaml
from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.pipeline.configuration import RENAMED, resolve
from upsampling_artifacts.pipeline.looks import PALETTE
from upsampling_artifacts.pipeline.selections import (
    comparisons,
    distinct_losses,
    distinct_upsamplers,
    examined_remedies,
    timed_systems,
    trained_systems,
)

from ..clone import REPOSITORY
from ..configs import SCHEMA, read_config


def properties(schema: dict, prefix: str = "") -> Iterator[tuple[str, dict]]:
    """Yield all properties, also those of nested objects and of the rows of tables."""
    for key, entry in schema.get("properties", {}).items():
        yield f"{prefix}{key}", entry
        yield from properties(entry, f"{prefix}{key}.")
    row = schema.get("additionalProperties")
    if isinstance(row, dict):
        yield from properties(row, f"{prefix}*.")


@pytest.fixture
def config() -> dict:
    return read_config()


def test_every_key_has_a_description_and_a_default() -> None:
    entries = dict(properties(SCHEMA))
    assert {"experiment", "training.epochs", "synthetic_songs.seed", "systems.*.upsampler"} < set(
        entries
    )
    for key, entry in entries.items():
        assert len(entry.get("description", "")) > 5, key
        assert "\n" not in entry["description"].strip(), key
        assert "default" in entry, key


def test_every_object_with_known_keys_refuses_unknown_ones() -> None:
    entries = {"": SCHEMA, **dict(properties(SCHEMA))}
    objects = {key: entry for key, entry in entries.items() if "properties" in entry}
    for key, entry in objects.items():
        assert entry["additionalProperties"] is False, key


@pytest.mark.parametrize(
    "experiments", [[], ["paper.yaml"], ["one_gpu.yaml"], ["remedies.yaml"]], ids=str
)
def test_our_files_resolve_to_a_value_for_every_key(experiments: list[str]) -> None:
    config = read_config(*experiments)
    before = copy.deepcopy(config)
    complete = resolve(config, SCHEMA)
    assert config == before
    for key, _ in properties(SCHEMA):
        rows = [complete]
        for part in key.split("."):
            rows = [r for row in rows for r in (row.values() if part == "*" else [row[part]])]
        assert rows, key
    assert resolve(complete, SCHEMA) == complete


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"systems": {"demucs_nearest_5": {"upsampler": {"name": "nearest", "lenght": 5}}}},
            "config: systems.demucs_nearest_5.upsampler: upsampler 'nearest': unknown option "
            "'lenght'; did you mean 'length'?; known: length, bias, implementation",
        ),
        (
            {"architectures": {"wave_unet": {"demo": {"filtres": 8}}}},
            "config: architectures.wave_unet.demo: architecture 'wave_unet': unknown option "
            "'filtres'; did you mean 'filters'?; known: filters, depth",
        ),
        (
            {"probes": {"models": {"m": {"factory": "torchaudio.models:HDemucz", "rate_hz": 8e3}}}},
            "config: probes.models.m.options: the factory: torchaudio.models:HDemucz: module "
            "'torchaudio.models' has no 'HDemucz'; did you mean 'HDemucs'?",
        ),
    ],
)  # fmt: skip
def test_misspelt_classes_and_options_are_found_without_importing(
    change: dict, message: str
) -> None:
    config = read_config()
    for table, rows in change.items():
        for name, row in rows.items():
            config[table].setdefault(name, {}).update(row)
    with pytest.raises(InputError) as error:
        resolve(config, SCHEMA)
    assert str(error.value) == message


def test_all_remedies_are_compared() -> None:
    config = resolve(read_config("remedies.yaml"), SCHEMA)
    of_variants = {
        name
        for name, system in config["systems"].items()
        if system["remedy_of"] in config["variants"]
    }
    assert set(config["remedies"]) == of_variants
    assert config["variants"] == ["demucs_transposed", "demucs_subpixel"]


def test_the_papers_file_changes_only_what_differs_from_the_demonstration() -> None:
    demo, paper = (resolve(read_config(*names), SCHEMA) for names in ([], ["paper.yaml"]))
    # The demonstration lists Table 1 first, then what it trains beyond it.
    assert paper["variants"] == demo["variants"][: len(paper["variants"])]
    assert paper["training"]["epochs"] == 600
    assert paper["training"]["learning_rate"] == 2e-4
    assert paper["systems"]["modified_subpixel"]["training"] == {"learning_rate": 1e-4}
    assert paper["systems"]["modified_subpixel"]["options"] == {
        "bias": False,
        "omit_relu": ["first_encoder"],
    }
    assert paper["architectures"]["demucs"][paper["size"]] == {"channels": 100, "depth": 6}


def test_defaults_fill_in_what_is_left_out_at_every_depth(config: dict) -> None:
    del config["synthetic_songs"], config["training"]["learning_rate"]
    complete = resolve(config, SCHEMA)
    assert complete["synthetic_songs"] == {
        "seed": 0,
        "train": 12,
        "valid": 2,
        "test": 3,
        "seconds": 30,
    }
    assert complete["training"]["learning_rate"] == 0.0002
    assert complete["training"]["epochs"] == config["training"]["epochs"]
    assert complete["systems"]["demucs_nearest"]["architecture"] == "demucs"
    assert complete["systems"]["demucs_nearest"]["options"] == {}


def test_very_many_variants_are_not_all_timed(config: dict) -> None:
    """References first, then one of each architecture and upsampler, then the others."""
    config["systems"] |= {
        f"many_{index}": {"upsampler": {"name": "sinc", "length": index}, "reference": "wave_unet"}
        for index in range(1, 9)
    }
    config["variants"] = [*(f"many_{index}" for index in range(1, 9)), "wave_unet", "open_unmix"]

    def timed(max_systems: int) -> list[str]:
        return timed_systems(resolve(config | {"benchmarks": {"max_systems": max_systems}}, SCHEMA))

    assert timed(1) == ["wave_unet"]
    assert timed(3) == ["many_1", "wave_unet", "open_unmix"]
    assert timed(4) == ["many_1", "many_2", "wave_unet", "open_unmix"]
    assert timed(24) == config["variants"]


def test_resolved_configurations_share_no_mutable_default() -> None:
    config = read_config()
    first = resolve(config, SCHEMA)
    first["systems"]["demucs_nearest"]["options"]["glu"] = False
    first["exclude_songs"].append("x")
    assert resolve(config, SCHEMA)["exclude_songs"] == []
    assert resolve(config, SCHEMA)["systems"]["demucs_linear"]["options"] == {}


def put(*path: object, value: object) -> Callable[[dict], None]:
    """Return a function that sets the key at a path."""

    def change(config: dict) -> None:
        for key in path[:-1]:
            config = config.setdefault(key, {})
        config[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("epoch", value=3), r"unknown key 'epoch'; known: experiment, preview, "),
        (put("rate", value=3), r"unknown key 'rate'; did you mean 'rate_hz'\?"),
        (put("traning", value={}), r"unknown key 'traning'; did you mean 'training'\?"),
        (put("training", "epoch", value=3), r"'training.epoch'; did you mean 'epochs'\?"),
        (
            put("synthetic_songs", "second", value=3),
            r"'synthetic_songs.second'; did you mean 'seconds'\?",
        ),
        (
            put("systems", "demucs_nearest", "upsampler_", value={}),
            r"unknown key 'systems.demucs_nearest.upsampler_'; did you mean 'upsampler'\?",
        ),
        (
            put("systems", "demucs_nearest", "training", value={"learning_rat": 1e-4}),
            r"'systems.demucs_nearest.training.learning_rat'; did you mean 'learning_rate'\?",
        ),
        (put(5, value=3), r"unknown key '5'; known: experiment"),
        (put("rate_hz", value="8k"), r"rate_hz: '8k' is not of type 'integer'; expected: Sampling"),
        (put("rate_hz", value=10), r"rate_hz: 10 is less than the minimum of 1000; expected: "),
        (
            put("training", value=None),
            r"training: None is not of type 'object'; expected: Training options$",
        ),
        (put("training", "epochs", value=0), r"training.epochs: 0 is less than the minimum of 1"),
        (
            put("training", "accelerator", value="tpu"),
            r"training.accelerator: 'tpu' is not one of \['auto', 'cpu', 'cuda'\]; "
            "expected: Device type",
        ),
        (
            put("systems", "demucs_nearest", "training", value={"epochs": "ten"}),
            r"systems.demucs_nearest.training.epochs: 'ten' is not of type 'integer'; "
            "expected: Number of epochs",
        ),
        (
            put("systems", "demucs_nearest", "training", value={"devices": 3}),
            r"training.batch_size: 4 segments cannot be divided evenly over training.devices: 3",
        ),
        (
            put("experiment", value="Demo 1"),
            r"experiment: 'Demo 1' does not match .*; expected: Name of the experiment",
        ),
        (
            put("experiment", value="reference"),
            r"experiment: 'reference' should not be valid .*; expected: Name of the experiment",
        ),
        (put("variants", value=[]), r"variants: \[\] should be non-empty; expected: Names"),
        (
            put("remedies", value=["demucs_subpixel_icnr", "demucs_subpixel_icn"]),
            r"remedies: unknown system 'demucs_subpixel_icn'; known: demucs_transposed, ",
        ),
        (
            put("remedies", value=["demucs_sinc"]),
            r"remedies: 'demucs_sinc' is no remedy; name the system that it is compared with in "
            r"systems.demucs_sinc.remedy_of$",
        ),
        (
            put("systems", "demucs_nearest", "remedy_of", value="demucs_cubic"),
            r"systems.demucs_nearest.remedy_of: unknown system 'demucs_cubic'; known: ",
        ),
        (
            put("systems", "demucs_subpixel_minus_silence", "upsampler", "length", value=5),
            r"systems.demucs_subpixel_minus_silence: subtract_silence takes the weights of "
            "demucs_subpixel; give both rows the same architecture, options, upsampler "
            r"and training$",
        ),
        (
            put("variants", value=["demucs_transposed", "demucs_transposed_minus_silence"]),
            r"variants: 'demucs_transposed_minus_silence' is not trained \(subtract_silence\); "
            "list it in remedies instead$",
        ),
        (
            put("training", "silent_share", value=1),
            r"training.silent_share: 1 is greater than or equal to the maximum of 1; expected: Aug",
        ),
        (
            put("loss_study", "losses", value=["l1", "stft"]),
            r"loss_study.losses: unknown loss 'stft'; known: deep_features, ",
        ),
        (
            put("loss_study", "systems", value=["demucs_cubic"]),
            r"loss_study.systems: unknown system 'demucs_cubic'; known: ",
        ),
        (
            put("loss_study", "training", value={"epoch": 1}),
            r"unknown key 'loss_study.training.epoch'; did you mean 'epochs'\?",
        ),
        (
            put("loss_study", "training", value={"loss": "l2"}),
            r"loss_study.training.loss: the study trains with each of loss_study.losses; delete",
        ),
        (
            put("training", value={"silent_share": 0.1, "loss": "multi_resolution_stft"}),
            r"silent_share cannot be combined with the loss multi_resolution_stft, which divides",
        ),
        (
            put("systems", "demucs_nearest", "remedy", value="low-pass, fixed"),
            r"remedy: 'low-pass, fixed' is also the name of ",
        ),
        (put("seeds", value=[1, 1]), r"seeds: \[1, 1\] has non-unique elements; expected: Seeds"),
        (put("seeds", 1, value="a"), r"seeds.1: 'a' is not of type 'integer'"),
        (
            put("variants", value=["demucs_nearst"]),
            r"variants: unknown system 'demucs_nearst'; known: demucs_transposed, demucs_nearest",
        ),
        (
            put("systems", "demucs_nearest", "architecture", value="demux"),
            r"systems.demucs_nearest: unknown architecture 'demux'; known: demucs",
        ),
        (
            put("systems", "demucs_nearest", "upsampler", "name", value="bilinear"),
            r"systems.demucs_nearest: unknown upsampler 'bilinear'; known: .*linear, nearest, ",
        ),
        (
            put("training", "loss", value="l3"),
            r"training.loss: unknown loss 'l3'; known: .*deep_features, .*l1, l2, ",
        ),
        (
            put("training", "loss", value="adversarial"),
            r"training.loss: unknown loss 'adversarial'; known: ",
        ),
        (
            put("systems", "demucs_nearest", "training", value={"loss": {"name": "gone:Loss"}}),
            r"systems.demucs_nearest.training.loss: loss 'gone:Loss': there is no module 'gone'; ",
        ),
        (
            put("training", "loss", value=["l1"]),
            r"training.loss: \['l1'\] is not of type 'object', 'string'; expected: What training",
        ),
        (
            put("systems", "demucs_nearest", "upsampler", value=3),
            r"systems.demucs_nearest.upsampler: 3 is not of type 'object', 'string', 'null'; "
            "expected: Name",
        ),
        (
            put("systems", "demucs_nearest", "upsampler", value={"length": 9}),
            r"systems.demucs_nearest.upsampler: 'name' is a required property; expected: Name",
        ),
        (
            put("systems", "demucs_nearest", "modified_from", value="demucs_neerest"),
            r"systems.demucs_nearest.modified_from: unknown system 'demucs_neerest'; known: demucs",
        ),
        (
            put("systems", "demucs_nearest", "reference", value="transposed"),
            r"systems.demucs_nearest.reference: unknown system 'transposed'; known: demucs",
        ),
        (
            put("systems", "demucs_nearest", "color", value="blue"),
            r"systems.demucs_nearest.color: 'blue' does not match .*; expected: Its color",
        ),
        (
            put("systems", "mixture", value={"upsampler": None}),
            r"systems: 'mixture' is the name of a baseline; rename the system",
        ),
        (
            put("experiment", value="x" * 25),
            r"experiment: it has a name that ends with 'x' 25 times, which Snakemake takes for",
        ),
        (
            put("systems", "de" * 20, value={"upsampler": None}),
            r"systems: one has a name that ends with 'de' 20 times, .*; rename it",
        ),
        (
            put("paper_figures", "figure_1", value=[[{"system": "demux"}, None]]),
            r"paper_figures.figure_1: unknown system 'demux'; known: demucs",
        ),
        (put("training", "learning_rate", value=float("nan")), r"rate: nan is not a finite number"),
        (put("probes", "signal_seconds", value=float("inf")), r"seconds: inf is not a finite"),
        (put("synthetic_songs", "train", value=3_000_000), r"3000000 is greater than the maximum"),
        (put("rate_hz", value=44_101), r"rate_hz: audio of 44100 Hz cannot be resampled to 44101"),
        (put("rate_hz", value=999_999), r"rate_hz: 999999 is greater than the maximum of 384000"),
        (
            put("systems", "demucs_nearest", "upsampler", "length", value="five"),
            r"systems.demucs_nearest.upsampler.length: 'five' is not an integer or null, which "
            "upsampler 'nearest' needs there$",
        ),
        (
            put("systems", "demucs_sinc", "upsampler", "length", value=True),
            r"systems.demucs_sinc.upsampler.length: True is not an integer, which ",
        ),
        (
            put("systems", "demucs_sinc", "upsampler", value="sinc"),
            r"systems.demucs_sinc.upsampler: upsampler 'sinc': option 'length' is missing; set it$",
        ),
        (
            put("systems", "demucs_nearest", "upsampler", "bias", value="no way"),
            r"systems.demucs_nearest.upsampler.bias: 'no way' is not true or false$",
        ),
        (
            put("systems", "demucs_nearest", "upsampler", "name", value=3),
            r"systems.demucs_nearest.upsampler.name: 3 is not text; give a name$",
        ),
        (
            put("architectures", "demucs", "demo", "channels", value=4.5),
            r"architectures.demucs.demo.channels: 4.5 is not an integer, which architecture 'demu",
        ),
        (
            put("systems", "modified_subpixel", "options", "omit_relu", value=True),
            r"systems.modified_subpixel.options.omit_relu: True is not a list of texts, which ",
        ),
        (
            put("training", "loss", value={"name": "l1", "scale": 3}),
            r"training.loss: loss 'l1': unknown option 'scale'; known: none$",
        ),
        (
            put("systems", "demucs_nearest", "label", value="a\nb"),
            r"systems.demucs_nearest.label: 'a\\\\?nb' has a line break or control character; del",
        ),
        (
            put("exclude_songs", value=["a\u2028b"]),
            r"exclude_songs.0: 'a.+2028b' has a line break or control character; delete it$",
        ),
        (put("experiment", value="x" * 17_000), r"experiment: 'xx+ \.\.\. .*; expected: Name of"),
        (
            put("probes", "models", "m", value={"factory": "a:b", "options": {"a": b"bytes"}}),
            r"probes.models.m.options.a: b'bytes' is a bytes, not text or a number; put it in qu",
        ),
        (put("systems", 5, value={}), r"systems: the key 5 is not text; put it in quotes$"),
        (
            put("size", value="huge"),
            r"size: architecture 'demucs' has no size 'huge'; known: demo, paper",
        ),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_line_with_its_key_and_a_remedy(
    config: dict, change: Callable[[dict], None], message: str
) -> None:
    change(config)
    with pytest.raises(InputError, match=f"^config: .*{message}") as error:
        resolve(config, SCHEMA)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1200


RENAMES = [
    (("dataset",), "songs", "dataset: songs", "dataset: synthetic"),
    (("songs", "train"), 3, "songs", "synthetic_songs"),
    (("datasets", "musdb18", "songs"), "x.csv", "datasets.*.songs", "datasets.*.song_list"),
    (("datasets", "mine", "stems"), "mp4", "datasets.*.stems", "datasets.*.stem_format"),
    (("datasets", "mine", "n_absent"), 1, "datasets.*.n_absent", "datasets.*.n_missing"),
    *(
        ((*path, old), value, f"{prefix}.{old}", f"{prefix}.{new}")
        for path, prefix in (
            (("training",), "training"),
            (("systems", "demucs_nearest", "training"), "systems.*.training"),
        )
        for old, value, new in (
            ("accumulation", 2, "gradient_accumulation"),
            ("recompute", True, "activation_checkpointing"),
            ("loader_processes", 6, "num_workers"),
        )
    ),
    (("probes", "layers"), ["demucs_nearest"], "probes.layers", "probes.single_layers"),
    (("probes", "small_seeds"), 3, "probes.small_seeds", "probes.n_seeds_small_models"),
]


@pytest.mark.parametrize(("path", "value", "old", "new"), RENAMES)
def test_an_old_key_gets_one_line_that_names_its_replacement(
    config: dict, path: tuple[str, ...], value: object, old: str, new: str
) -> None:
    put(*path, value=value)(config)
    with pytest.raises(InputError) as error:
        resolve(config, SCHEMA)
    name = path[1] if "*" in old else ""
    old, new = old.replace("*", name), new.replace("*", name)
    assert str(error.value) == f"config: '{old}' has been renamed; write '{new}' instead"


def test_every_renamed_key_is_tested_and_its_replacement_is_in_the_schema() -> None:
    assert dict(rename[2:] for rename in RENAMES) == RENAMED
    known = {key for key, _ in properties(SCHEMA)}
    for old, new in RENAMED.items():
        key = new.partition(":")[0].replace("systems.*.training.", "training.")
        assert key in known
        assert old not in known


def test_an_old_key_from_the_command_line_is_refused_too(config: dict) -> None:
    config["training"]["recompute"] = "true"
    config["systems"]["demucs_nearest"] = "{training: {recompute: true}}"
    with pytest.raises(InputError, match=r"'training\.recompute' has been renamed"):
        resolve(config, SCHEMA)
    del config["training"]["recompute"]
    with pytest.raises(InputError, match=r"'systems\.demucs_nearest\.training\.recompute' has"):
        resolve(config, SCHEMA)


@pytest.mark.parametrize("value", [None, 3, "nothing", [1]])
@pytest.mark.parametrize("key", ["training", "systems", "datasets", "probes"])
def test_a_section_that_is_no_table_is_left_to_the_schema(
    config: dict, key: str, value: object
) -> None:
    config[key] = value
    with pytest.raises(InputError, match=rf"^config: {key}: .* is not of type 'object'"):
        resolve(config, SCHEMA)


def test_a_misspelled_key_is_reported_before_a_wrong_value(config: dict) -> None:
    config["rate_hz"] = "8k"
    config["training"]["epoch"] = 3
    with pytest.raises(InputError, match=r"training\.epoch'"):
        resolve(config, SCHEMA)


def test_a_system_outside_the_variants_may_be_unfinished(config: dict) -> None:
    config["systems"]["an_idea"] = {"upsampler": {"name": "not written yet"}}
    resolve(config, SCHEMA)


def test_systems_without_label_are_named_after_their_row(config: dict) -> None:
    row = {"upsampler": "sinc", "prose_name": "my own upsampling layer"}
    config["systems"]["my_own_layer"] = row
    systems = resolve(config, SCHEMA)["systems"]
    assert systems["demucs_transposed_no_overlap"]["label"] == "transposed no overlap"
    assert systems["demucs_sinc"]["prose_name"] == systems["demucs_sinc"]["label"] == "sinc"
    assert systems["my_own_layer"]["label"] == "my own layer"
    assert systems["my_own_layer"]["prose_name"] == "my own upsampling layer"
    assert systems["demucs"]["label"] == "Demucs"


def test_systems_without_color_or_marker_get_the_free_ones_in_order(config: dict) -> None:
    for name in ("mine", "yours"):
        config["systems"][name] = {"upsampler": "transposed"}
    config["variants"] = ["demucs_transposed", "wave_unet", "mine", "yours"]
    systems = resolve(config, SCHEMA)["systems"]
    # Those of transposed convolution and Wave-U-Net come first and seventh in both lists.
    taken = [config["systems"][name]["color"] for name in ("demucs_transposed", "wave_unet")]
    assert taken == [PALETTE[0], PALETTE[6]]
    assert [systems[name]["color"] for name in ("mine", "yours")] == PALETTE[1:3]
    assert [systems[name]["marker"] for name in config["variants"]] == ["o", "v", "s", "^"]


def test_the_palette_repeats_when_there_are_more_systems_than_colors(config: dict) -> None:
    names = [f"system_{index}" for index in range(len(PALETTE) + 1)]
    config["systems"] |= {name: {"upsampler": "transposed"} for name in names}
    systems = resolve(config | {"variants": names}, SCHEMA)["systems"]
    assert [systems[name]["color"] for name in names] == [*PALETTE, PALETTE[0]]


def test_the_demonstrations_systems_have_a_label_and_a_color_each(config: dict) -> None:
    systems = resolve(config, SCHEMA)["systems"]
    rows = [systems[name] for name in config["variants"]]
    assert len({row["color"] for row in rows}) == len({row["label"] for row in rows}) == len(rows)


def test_the_papers_experiment_trains_the_systems_of_its_table_1() -> None:
    table = (REPOSITORY / "config" / "paper_table_1.csv").read_text().splitlines()
    names = [line.split(",")[0] for line in table[1:]]
    assert yaml.safe_load((REPOSITORY / "config/paper.yaml").read_text())["variants"] == names


def test_text_from_the_command_line_is_parsed_like_a_file(config: dict) -> None:
    config |= {"seeds": ["0", "7"], "experiment": "2024", "exclude_songs": ["1"], "excerpt": "no"}
    config["training"]["learning_rate"] = "0.5"
    config["systems"]["demucs_nearest"]["options"] = {"bias": "false"}
    config["systems"]["demucs_nearest"]["upsampler"] = {"name": "nearest", "length": "9"}
    complete = resolve(config, SCHEMA)
    assert complete["seeds"] == [0, 7]
    assert complete["experiment"] == "2024"
    assert complete["exclude_songs"] == ["1"]
    assert complete["excerpt"] is False
    assert complete["training"]["learning_rate"] == 0.5
    assert complete["systems"]["demucs_nearest"]["options"] == {"bias": False}
    assert complete["systems"]["demucs_nearest"]["upsampler"]["length"] == 9
    config["rate_hz"] = "{no: yaml"
    with pytest.raises(InputError, match=r"rate_hz: '\{no: yaml' is not of type 'integer'"):
        resolve(config, SCHEMA)


def test_numbers_are_read_as_they_are_meant(config: dict) -> None:
    config["training"] |= {"epochs": 100.0, "learning_rate": "1e-4", "weight_decay": "2E+1"}
    config["systems"]["demucs"]["options"] = {"rescale": "1e-1"}
    config["systems"]["demucs"]["note"] = "A folded block of YAML.\n"
    complete = resolve(config, SCHEMA)
    assert repr(complete["training"]["epochs"]) == "100"
    assert complete["training"]["learning_rate"] == 1e-4
    assert complete["training"]["weight_decay"] == 20
    assert complete["systems"]["demucs"]["options"] == {"rescale": 0.1}
    assert complete["systems"]["demucs"]["note"] == "A folded block of YAML."


@pytest.mark.parametrize("text", ["2020-99-99", "[" * 5, "!!binary a", "=", "0b", "? [a]", "%"])
def test_text_that_yaml_cannot_read_stays_text(config: dict, text: str) -> None:
    config["training"]["epochs"] = text
    with pytest.raises(InputError, match=r"^config: training.epochs: "):
        resolve(config, SCHEMA)


def test_a_variant_may_have_a_loss_of_its_own(config: dict) -> None:
    """A bare name is a loss without options; the gradients of all losses are probed."""
    mine = {"name": "upsampling_artifacts.models.distances:L2"}
    config["training"]["loss"] = {"name": "deep_features"}
    config["systems"]["demucs_nearest"]["training"] = {"loss": mine["name"]}
    complete = resolve(config, SCHEMA)
    assert complete["training"]["loss"] == {"name": "deep_features"}
    assert complete["systems"]["demucs_nearest"]["training"]["loss"] == mine
    losses = distinct_losses(complete)
    library = [*registry.LOSSES, *registry.ADVERSARIAL_LOSSES]
    assert losses == {**{name: {"name": name} for name in library}, mine["name"]: mine}
    complete["systems"]["demucs_nearest"]["training"]["loss"] = {**mine, "scale": 2}
    assert f"{mine['name']} scale=2" in distinct_losses(complete)


def test_the_default_loss_is_l1(config: dict) -> None:
    assert resolve(config, SCHEMA)["training"]["loss"] == {"name": "l1"}


def test_remedies_are_trained_beside_the_variants(config: dict) -> None:
    config["variants"] = ["demucs_transposed", "modified_transposed"]
    config["remedies"] = [
        "modified_transposed", "demucs_transposed_low_pass", "demucs_subpixel_icnr",
    ]  # fmt: skip
    complete = resolve(config, SCHEMA)
    low_pass = "demucs_transposed_low_pass"
    # Subpixel convolution is not a variant, so its remedy has nothing to be compared with.
    assert examined_remedies(complete) == dict.fromkeys(
        ["modified_transposed", low_pass], "demucs_transposed"
    )
    assert trained_systems(complete) == [*config["variants"], low_pass]
    assert complete["systems"][low_pass]["remedy"] == "low-pass, fixed"
    # Table 1 and its comparisons are those of the variants.
    assert [row[0] for row in comparisons(complete)] == ["modified_transposed"]
    assert "low_pass" not in str(distinct_upsamplers(complete))


def test_every_remedy_of_the_library_differs_in_one_choice(config: dict) -> None:
    systems = resolve(config, SCHEMA)["systems"]
    remedies = {name: row["remedy_of"] for name, row in systems.items() if row["remedy_of"]}
    assert set(remedies.values()) == {"demucs_transposed", "demucs_subpixel"}
    for name, reference in remedies.items():
        row, other = systems[name], systems[reference]
        keys = ("architecture", "options", "upsampler", "training", "subtract_silence")
        assert sum(row[key] != other[key] for key in keys) == 1, name


def test_the_loss_of_a_remedy_is_among_the_probed_ones(config: dict) -> None:
    loss = {"name": "upsampling_artifacts.models.distances:L2"}
    config["systems"]["demucs_transposed_silent_segments"]["training"] = {"loss": loss["name"]}
    assert loss["name"] in distinct_losses(resolve(config, SCHEMA))


def test_each_variant_is_compared_with_its_reference(config: dict) -> None:
    config["variants"] = ["demucs_transposed", "demucs_nearest", "modified_transposed", "wave_unet"]
    assert comparisons(resolve(config, SCHEMA)) == [
        ("demucs_nearest", "demucs_transposed", True),
        ("modified_transposed", "demucs_transposed", False),  # no biases: another network
        ("wave_unet", "demucs_transposed", False),
    ]
    config["systems"]["modified_subpixel"]["reference"] = "modified_transposed"
    config["variants"] = ["demucs_nearest", "modified_transposed", "modified_subpixel"]
    assert comparisons(resolve(config, SCHEMA)) == [
        ("modified_transposed", "demucs_nearest", False),  # its reference is not a variant
        ("modified_subpixel", "modified_transposed", True),
    ]
