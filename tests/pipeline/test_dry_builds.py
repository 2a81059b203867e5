"""Networks and layers that cannot be built or run are found while a run is planned."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models import dry_build
from upsampling_artifacts.models.flops import build_on_meta, network_size
from upsampling_artifacts.pipeline import dry_builds, records

from ..configs import read_config

CONFIG = read_config()
NETWORK = {
    "architecture": "demucs", "options": {"channels": 4, "depth": 2},
    "upsampler": {"name": "nearest", "length": 9}, "n_sources": 4, "audio_channels": 2,
}  # fmt: skip


def changed(**changes: object) -> dict:
    """The network with other values, or other options."""
    return NETWORK | {
        key: NETWORK[key] | value if isinstance(value, dict) else value
        for key, value in changes.items()
    }


@pytest.mark.parametrize("size", ["demo", "figures", "paper"])
def test_every_system_in_config_can_be_built(size: str) -> None:
    for name, row in CONFIG["systems"].items():
        architecture = row.get("architecture", "demucs")
        sizes = CONFIG["architectures"][architecture]
        one = architecture == "melgan"
        system = {
            "architecture": architecture,
            "options": {**sizes.get(size, {}), **row.get("options", {})},
            "upsampler": row["upsampler"],
            "n_sources": 1 if one else 4,
            "audio_channels": 1 if one else 2,
        }
        assert dry_build.try_out(system).fault is None, name


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (changed(upsampler={"length": 0}), "length: 0 is not a filter length; use 1, 2, ..."),
        (changed(upsampler={"length": None}), "length: null means no convolution"),
        (changed(upsampler={"implementation": "fast"}), "implementation: 'fast'"),
        (changed(upsampler={"bias": "no"}), "upsampler 'nearest': bias: 'no' is not true or false"),
        (changed(options={"channels": 0}), "architecture 'demucs': its class raised "),
        (changed(options={"rescale": -1}), "rescale: -1 is no standard deviation"),
        (
            changed(architecture="wave_unet") | {"options": {"filters": 0}},
            "has no weights in encoder.0.0.weight with these options; choose larger ones",
        ),
        (changed(options={"channels": 10**5}), r"^has [\d,]{13,} weights with these options; "),
        (
            {"upsampler": {"name": "zero_insertion", "length": 10**6}},
            "has 4,096,000,000 weights with these options; choose smaller ones",
        ),
        (changed(options={"depth": 0}), "its class raised|cannot run with these options"),
        (changed(options={"depth": 70}), "architecture 'demucs': its class raised "),
        (changed(options={"omit_relu": ["all"]}), r"omit_relu: \['all'\] is not a list of "),
        (changed(architecture="wave_unet"), "unknown option 'channels'"),
        ({"upsampler": {"name": "wavelet", "length": 3, "wavelet": "db2"}}, "wavelet: 'db2' is"),
        ({"upsampler": {"name": "transposed", "length": 2}}, "length: 2 is shorter than stride 4"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line(row: dict, message: str) -> None:
    fault = dry_build.try_out(row).fault
    assert fault and "\n" not in fault
    assert re.search(message, fault), fault


def test_building_ends_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_build, "MAX_CPU_SECONDS", 0.2)
    row = changed(architecture="wave_unet") | {"options": {"filters": 1, "depth": 100_000}}
    fault = dry_build.try_out(row).fault
    assert fault and "takes more than 0.2 s to build with these options" in fault


def test_a_users_network_is_only_imported() -> None:
    row = changed(architecture="tests.models.test_contract:Network")
    assert dry_build.try_out(row).fault is None
    row = changed(architecture="tests.models.test_contract:Netwrk")
    fault = dry_build.try_out(row).fault
    assert fault and "did you mean 'Network'?" in fault


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """The rows that each program was given; it is run in this process."""
    started: list[dict] = []

    def run(command: list[str], input: str, **_: object) -> SimpleNamespace:
        started.append(json.loads(input))
        outcomes = {key: dry_build.try_out(row) for key, row in started[-1].items()}
        output = f"hello\n\n{json.dumps(outcomes)}\n"
        return SimpleNamespace(returncode=0, stdout=output, stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    return started


def check(rows: dict, record: Path, code: Callable[..., str] = lambda *_: "code") -> None:
    dry_builds.check(rows, record, code)


def test_what_worked_is_not_built_again(programs: list[dict], tmp_path: Path) -> None:
    record = tmp_path / "folder/record.txt"
    layer = {"upsampler": NETWORK["upsampler"]}
    check({"a": NETWORK, "b": layer}, record)
    check({"a": NETWORK, "c": layer}, record)
    assert [list(rows) for rows in programs] == [["a", "b"]]
    check({"a": NETWORK, "d": changed(options={"depth": 3})}, record)
    assert list(programs[1]) == ["d"]
    check({"a": NETWORK}, record, lambda *_: "other code")
    assert list(programs[2]) == ["a"]


def test_what_does_not_work_is_named_each_time(programs: list[dict], tmp_path: Path) -> None:
    rows = {"systems.good": NETWORK, "systems.bad": changed(upsampler={"length": -1})}
    for _ in range(2):
        with pytest.raises(InputError, match=r"^config: systems.bad: length: -1 is not a filter"):
            check(rows, tmp_path / "record.txt")
    assert list(programs[1]) == ["systems.bad"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\0", b"rubbish"])
def test_a_record_that_cannot_be_used_is_ignored(
    content: bytes | None, programs: list[dict], tmp_path: Path
) -> None:
    record = tmp_path / "record"
    record.mkdir() if content is None else record.write_bytes(content)
    check({"a": NETWORK}, record)
    assert len(programs) == 1


def test_a_pytorch_that_does_not_load_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    failed = SimpleNamespace(returncode=1, stderr="Traceback\nImportError: no such symbol\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(InputError, match=r"cannot be loaded .*no such symbol\); run `make`"):
        check({"a": NETWORK}, tmp_path / "record.txt")


def test_the_program_is_run_on_its_own(tmp_path: Path) -> None:
    record = tmp_path / "record.txt"
    check({"a": NETWORK}, record)
    assert len(records.read(record)) == 1


def test_the_sizes_of_networks_are_found_out_with_their_faults(tmp_path: Path) -> None:
    record, code = tmp_path / "record.txt", lambda *_: "code"
    rows = {
        "counted": NETWORK | {"rate_hz": 8000},
        "not counted": NETWORK,
        "a user's": changed(architecture="tests.models.test_contract:Network") | {"rate_hz": 8000},
        "layer": {"upsampler": NETWORK["upsampler"]},
    }
    check(rows, record)
    sizes = dry_builds.known_sizes(rows, record, code)
    model = build_on_meta(NETWORK, NETWORK["n_sources"], NETWORK["audio_channels"])
    assert sizes.pop("counted") == network_size(model, 8000, audio_channels=2)
    assert set(sizes.values()) == {None}
    other_rate = {"counted": NETWORK | {"rate_hz": 16000}}
    assert dry_builds.known_sizes(other_rate, record, code) == {"counted": None}
    assert dry_builds.known_sizes(rows, record, lambda *_: "edited")["counted"] is None


def test_a_layer_that_takes_too_much_memory_is_named() -> None:
    # In a process of its own, as in a run: this one may have freed memory that it can use again.
    code = (
        "import sys; from upsampling_artifacts.models import dry_build\n"
        "dry_build.MAX_BYTES = int(sys.argv[1])\n"
        "row = {'upsampler': {'name': 'sinc', 'length': 9, 'zeros': 1_000_000}}\n"
        "print(dry_build.try_out(row).fault)"
    )
    faults = [
        subprocess.run(
            [sys.executable, "-c", code, str(size)], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for size in (dry_build.MAX_BYTES, 2**24)
    ]
    assert faults[0] == ["None"]
    assert len(faults[1]) == 1 and "MemoryError" in faults[1][0]
