"""Checksums and origins of artifacts."""

import zlib

import numpy as np
import pytest
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.integrity import (
    array_parts,
    check_checksum,
    check_run,
    checksum,
    description_part,
    run_of,
)


def test_an_array_is_known_by_its_elements_its_shape_and_its_type() -> None:
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    original = checksum(array_parts(array))
    assert checksum(array_parts(array.copy())) == original
    assert checksum(array_parts(np.asfortranarray(array))) == original
    changed = array.copy()
    changed[1, 2, 3] += 1
    for other in (array.reshape(3, 2, 4), array.view(np.uint16), changed, array[:, :, :-1]):
        assert checksum(array_parts(other)) != original
    # Also of what is empty, or has no axes.
    assert checksum(array_parts(np.zeros((0, 2)))) != checksum(array_parts(np.float64(0)))


def test_a_description_is_the_same_before_and_after_json() -> None:
    assert description_part({"a": (1, 2), 3: float("nan")}) == description_part(
        {"a": [1, 2], "3": float("nan")}
    )
    assert description_part({"a": 1}) != description_part({"a": 2})


def test_a_checksum_is_that_of_zip_archives() -> None:
    assert checksum([b"one", b"two"]) == f"{zlib.crc32(b'onetwo'):08x}"


@pytest.mark.parametrize(
    ("path", "run"),
    [
        ("x/demucs_nearest/seed-12/model.safetensors", "demucs_nearest, seed 12"),
        ("x/seed-1/demucs/seed-0/snapshots/step-1.safetensors", "demucs, seed 0"),
        ("seed-0/model.safetensors", None),
        ("x/demucs/seed-one/model.safetensors", None),
        ("x/demucs/seed-0", None),
        ("model.safetensors", None),
    ],
)
def test_the_run_of_a_file_is_that_of_its_folder(path: str, run: str | None) -> None:
    assert run_of(path) == run


def test_a_file_is_refused_in_the_folder_of_another_run_only() -> None:
    path = "variants/a/seed-0/model.safetensors"
    for stated in ("a, seed 0", None):
        check_run(path, stated, "delete it")
    check_run("elsewhere/model.safetensors", "a, seed 0", "delete it")
    message = f"^{path}: is of b, seed 0, but in the folder of a, seed 0; delete it$"
    with pytest.raises(InputError, match=message):
        check_run(path, "b, seed 0", "delete it")


def test_another_checksum_is_refused() -> None:
    check_checksum("x.npy", "00000001", "00000001", "delete it")
    with pytest.raises(
        InputError, match=r"^x\.npy: damaged: .*00000002, but 00000001 .*; delete it$"
    ):
        check_checksum("x.npy", "00000001", "00000002", "delete it")
