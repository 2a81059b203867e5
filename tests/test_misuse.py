"""Two hundred files, options and models as people try them: each is answered or refused in a line.

No case may print a traceback, and none may reach the last resort of the command line.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file
from upsampling_artifacts.__main__ import main
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.saved import save_model

from .toy_forms import RETURNS, exported_program, scripted, traced
from .toy_models import Filter, Upsampler

RATE_HZ = 8000
QUICK = f"--rate {RATE_HZ} --seconds 1.5"
TOYS = "tests.toy_models"
FORMS = "tests.toy_forms"
UPSAMPLER = f"{TOYS}:Upsampler {QUICK}"

ANSWERED = "answered"
"""Instead of a message: the case is answered, and its result is printed."""

# Files, by what they are called in `folder`. The message is a regular expression.
FILES = {
    "empty.wav": "not a readable audio file",
    "text.wav": "not a readable audio file",
    "random.wav": "not a readable audio file",
    "zeros.wav": "not a readable audio file",
    "header_only.wav": "0.00 s is too short",
    "no_samples.wav": "0.00 s is too short",
    "one_sample.wav": "0.00 s is too short",
    "tenth.wav": "0.10 s is too short",
    "almost.wav": "too short",
    "cut_header.wav": "not a readable audio file",
    "broken_header.wav": "not a readable audio file",
    "cut.wav": ANSWERED,
    "cut.flac": f"{ANSWERED}|not a readable audio file",
    "silent.wav": "is silent throughout",
    "constant.wav": ANSWERED,
    "nan.wav": "not finite",
    "one_nan.wav": "not finite",
    "infinite.wav": "not finite",
    "impulse.wav": ANSWERED,
    "clipped.wav": ANSWERED,
    "square.wav": ANSWERED,
    "loud.wav": ANSWERED,
    "faint.wav": ANSWERED,
    "denormal.wav": ANSWERED,
    "nyquist.wav": ANSWERED,
    "noise.wav": ANSWERED,
    "noise.flac": ANSWERED,
    "noise.ogg": ANSWERED,
    "noise.mp3": ANSWERED,
    "noise.opus": ANSWERED,
    "noise.aiff": ANSWERED,
    "noise.au": ANSWERED,
    "noise.caf": ANSWERED,
    "noise.w64": ANSWERED,
    "eight_bit.wav": ANSWERED,
    "a_law.wav": ANSWERED,
    "24_bit.wav": ANSWERED,
    "64_bit_float.wav": ANSWERED,
    "six_channels.wav": ANSWERED,
    "forty_channels.wav": ANSWERED,
    "one_of_six.wav": ANSWERED,
    "rate_1.wav": f"{ANSWERED}|rate",
    "rate_100.wav": f"{ANSWERED}|rate",
    "rate_1e9.wav": "too short|rate",
    "rate_1e6.wav": ANSWERED,
    "rate_384k.wav": ANSWERED,
    "long.wav": ANSWERED,
    "wav_called.mp3": ANSWERED,
    "mp3_called.wav": ANSWERED,
    "noise_without_suffix": ANSWERED,
    "noise with spaces.wav": ANSWERED,
    "noïse.wav": ANSWERED,
    "noise.raw": f"{ANSWERED}|not a readable audio file",
    "noise.m4a": f"{ANSWERED}|not a readable audio file",
    "noise.webm": f"{ANSWERED}|not a readable audio file",
    "picture.png": "not a readable audio file",
    "page.html": "not a readable audio file",
    "table.csv": "not a readable audio file",
    "array.npy": "not a readable audio file",
    "a_folder": "no such file",
    "a_folder.wav": "no such file",
    "missing.wav": "no such file",
    "": "no such file",
    ".": "no such file",
    "unreadable.wav": "unreadable.wav",
    "dangling.wav": "no such file",
    "x" * 300 + ".wav": "no such file|File name too long",
    "/dev/null": "/dev/null: ",
    "https://example.org/a.wav": "is a URL; download the file",
}

# Options: command lines, split at spaces (a tilde stands for a space within an argument).
OPTIONS = {
    "": "required: COMMAND",
    "prob whistle.wav": "invalid choice: 'prob'",
    "probe": "required: TARGET",
    "probe noise.wav noise.flac": "unrecognized arguments: noise.flac",
    "probe noise.wav --rat 44100": ANSWERED,
    "probe noise.wav --rates 44100": "unrecognized arguments: --rates 44100",
    "probe noise.wav --rate": "--rate: expected one argument",
    "probe noise.wav --rate abc": "--rate: invalid float value: 'abc'",
    "probe noise.wav --rate 0": "--rate: is 0; ",
    "probe noise.wav --rate -1": "--rate: is -1; ",
    "probe noise.wav --rate nan": "--rate: is nan; ",
    "probe noise.wav --rate inf": "--rate: is inf; ",
    "probe noise.wav --rate 1e9": f"{ANSWERED}|--rate: ",
    "probe noise.wav --rate 44.1": f"{ANSWERED}|--rate: ",
    "probe noise.wav --rate 24000": ANSWERED,
    "probe noise.wav --channels 2": "--channels: is for models, not for audio files; omit it",
    "probe noise.wav --music noise.wav": "--music: is for models",
    "probe noise.wav --weights noise.wav": "--weights: is for models",
    "probe noise.wav --option a=1": "--option: is for models",
    "probe noise.wav --stage trained": "--stage: is for models",
    "probe noise.wav --json": ANSWERED,
    "probe noise.wav --strides 8,5,3 --hop 4": ANSWERED,
    "probe noise.wav --strides 8,x": "--strides: 8,x: write integers, as in 8,5,3",
    "probe noise.wav --strides 8,0": "--strides: 0 is not a positive integer",
    "probe noise.wav --hop -4": "--hop: -4 is not a positive integer",
    "probe noise.wav --hop 1.5": "--hop: invalid int value: '1.5'",
    f"probe {UPSAMPLER} --strides 8,5,3": "--strides: is for audio files; a model's is measured",
    f"probe {UPSAMPLER} --hop 4": "--hop: is for audio files; a model's is measured, so omit it",
    "probe noise.wav --out noise.wav": "--out: noise.wav is not a folder",
    "probe noise.wav --out noise.wav/out": "noise.wav",
    "probe noise.wav --out new/folder": ANSWERED,
    "probe noise.wav --out /proc/nowhere": "/proc/nowhere",
    f"probe {TOYS}:Upsampler": "--rate: is missing; give the sampling rate of the model's output",
    f"probe {TOYS}:Upsampler --rate 0": "--rate: is 0; ",
    f"probe {TOYS}:Upsampler --rate -8000": "--rate: is -8000; ",
    f"probe {TOYS}:Upsampler --rate nan": "--rate: is nan; ",
    f"probe {TOYS}:Upsampler --rate inf": "--rate: is inf; ",
    f"probe {TOYS}:Upsampler --rate 1": r"--rate: is 1; give at least 1000 Hz \(not kHz",
    f"probe {TOYS}:Upsampler --rate 44.1": r"--rate: is 44.1; give at least 1000 Hz \(not kHz",
    f"probe {TOYS}:Upsampler --rate 1e9": "--seconds: 6 s at 1e.09 Hz are 6e.09 samples; at most",
    f"probe {TOYS}:Upsampler --rate 8000.5 --seconds 1.5": ANSWERED,
    f"probe {TOYS}:Upsampler --rate 1000 --seconds 1.5": ANSWERED,
    f"probe {TOYS}:Upsampler --rate 8000 --seconds 0": "--seconds: is 0; must be at least 1.5",
    f"probe {TOYS}:Upsampler --rate 8000 --seconds 1.49": "--seconds: is 1.49; must be at least",
    f"probe {TOYS}:Upsampler --rate 8000 --seconds -6": "--seconds: is -6; must be at least 1.5",
    f"probe {TOYS}:Upsampler --rate 8000 --seconds nan": "--seconds: is nan; ",
    f"probe {TOYS}:Upsampler --rate 8000 --seconds inf": "--seconds: is inf; ",
    f"probe {TOYS}:Upsampler --rate 8000 --seconds 1e6": "all layers are measured in memory",
    f"probe {UPSAMPLER} --seconds ten": "--seconds: invalid float value: 'ten'",
    f"probe {UPSAMPLER} --channels 0": "--channels: is 0; must be at least 1",
    f"probe {UPSAMPLER} --channels -1": "--channels: is -1; must be at least 1",
    f"probe {UPSAMPLER} --channels 1.5": "--channels: invalid int value: '1.5'",
    f"probe {UPSAMPLER} --channels 2": "Upsampler: takes 1 channel, not 2; use --channels 1",
    f"probe {UPSAMPLER} --channels 1000000000": "--channels: is 1000000000; at most 64",
    f"probe torch.nn:Identity {QUICK} --channels 4096": "--channels: is 4096; at most 64",
    f"probe {UPSAMPLER} --input mel": "--input: unknown 'mel'; known: audio, features",
    f"probe {UPSAMPLER} --input features": "takes audio; use --input audio",
    f"probe {TOYS}:Vocoder {QUICK}": "takes features; use --input features",
    f"probe {TOYS}:Vocoder {QUICK} --input features": ANSWERED,
    f"probe {TOYS}:Vocoder {QUICK} --input features --channels 80": "not 80; use --channels 20",
    f"probe {TOYS}:Vocoder {QUICK} --input features --music noise.wav": "--music: needs a model",
    f"probe {UPSAMPLER} --music missing.wav": "missing.wav: no such file",
    f"probe {UPSAMPLER} --music silent.wav": "silent.wav: is silent throughout",
    f"probe {UPSAMPLER} --music tenth.wav": "tenth.wav: 0.10 s is too short",
    f"probe {UPSAMPLER} --music six_channels.wav": ANSWERED,
    f"probe {TOYS}:Upsampler --rate 7919 --seconds 1.5 --music noise.wav": ANSWERED,
    f"probe {UPSAMPLER} --stage half": "--stage: invalid choice: 'half'",
    f"probe {UPSAMPLER} --stage trained": ANSWERED,
    f"probe {UPSAMPLER} --seeds": "--seeds: expected at least one argument",
    f"probe {UPSAMPLER} --seeds 1 1": "--seeds: 1 is given twice; give each seed once",
    f"probe {UPSAMPLER} --seeds -1": "--seeds: -1 is no whole number",
    f"probe {UPSAMPLER} --seeds 1.5": "--seeds: invalid int value: '1.5'",
    f"probe {UPSAMPLER} --seeds 99999999999999999999": "--seeds: 99999999999999999999 is no whole",
    f"probe {UPSAMPLER} --seeds 0 1": ANSWERED,
    f"probe {TOYS}:A_MODEL {QUICK} --seeds 0": ANSWERED,
    f"probe {UPSAMPLER} --option stride": "--option stride: write NAME=VALUE",
    f"probe {UPSAMPLER} --option =4": "--option =4: write NAME=VALUE",
    f"probe {UPSAMPLER} --option my-stride=4": "--option my-stride=4: write NAME=VALUE",
    f"probe {UPSAMPLER} --option stride=[4": "the value is not valid YAML",
    f"probe {UPSAMPLER} --option stride=!!python/object/apply:os.getcwd~[]": "not valid YAML",
    f"probe {UPSAMPLER} --option strides=4": "unexpected keyword argument 'strides'",
    f"probe {UPSAMPLER} --option stride=four": "the factory raised",
    f"probe {UPSAMPLER} --option stride=0": "stride",
    f"probe {UPSAMPLER} --option stride=-1": "stride",
    f"probe {UPSAMPLER} --option stride=": "the factory raised",
    f"probe {UPSAMPLER} --option stride=2 --option stride=8": ANSWERED,
    f"probe {UPSAMPLER} --option width=1000000000000": "the factory raised",
    f"probe {UPSAMPLER} --json": ANSWERED,
    f"probe {TOYS}:Filter {QUICK} --json": ANSWERED,
    f"probe {UPSAMPLER} --weights missing.pt": "missing.pt: no such file; give a safetensors file",
    f"probe {UPSAMPLER} --weights a_folder": "a_folder: no such file",
    f"probe {UPSAMPLER} --weights weights.safetensors": ANSWERED,
    f"probe {UPSAMPLER} --weights weights.pt": ANSWERED,
    f"probe {UPSAMPLER} --weights nested.ckpt": ANSWERED,
    f"probe {UPSAMPLER} --weights filter.pt": "filter.pt: lacks 4 of the model's 4 parameters",
    f"probe {UPSAMPLER} --weights partial.pt": "partial.pt: lacks 2 of the model's 4 parameters",
    f"probe {UPSAMPLER} --weights other_size.pt": "other_size.pt: does not fit the model .*size",
    f"probe {UPSAMPLER} --weights module.pt": "module.pt: .*save its state_dict",
    f"probe {UPSAMPLER} --weights evil.pt": "evil.pt: .*save its state_dict",
    f"probe {UPSAMPLER} --weights evil.pkl": "evil.pkl: .*save its state_dict",
    f"probe {UPSAMPLER} --weights numbers.pt": "numbers.pt: contains no weights",
    f"probe {UPSAMPLER} --weights noise.wav": "noise.wav: ",
    f"probe {UPSAMPLER} --weights empty.wav": "empty.wav: ",
    f"probe {UPSAMPLER} --weights text.safetensors": "text.safetensors: cannot be read as weights",
    f"probe {UPSAMPLER} --weights cut.safetensors": "cut.safetensors: cannot be read as weights",
    f"probe torch.nn:Identity {QUICK} --weights weights.pt": "the model has no weights; omit --w",
    f"probe {UPSAMPLER} --weights weights.pt --seeds 0 1": "--seeds: a model that is already built",
}  # fmt: skip

# Models. FORM stands for the module of toys above, and all get the options QUICK.
MODELS = {
    "no_such_package:Model": "module 'no_such_package' cannot be imported",
    "tests.toy_forms:NoSuchModel": "has no 'NoSuchModel'",
    "tests.toy_forms:NoSuchModel.deeper": "has no 'NoSuchModel.deeper'",
    "tests.toy_forms:": "has no ''",
    ":Model": "module '' cannot be imported",
    ":": "module '' cannot be imported",
    "tests..toy_forms:Model": "cannot be imported",
    ".toy_forms:Model": "cannot be imported",
    "tests.toy_forms:a:b": "cannot be imported",
    "tests.toy_forms:RETURNS": "is of type dict; give a class or function",
    "tests.toy_forms:NOTHING": "is of type NoneType; give a class or function",
    "tests.toy_forms:A_DICT": "is of type dict",
    "tests.toy_forms:NotAModule": "returned an object of type NotAModule; a torch.nn.Module",
    "tests.toy_forms:returns_class": "returned an object of type type",
    "tests.toy_forms:raises": "the factory raised KeyError: 'stride'",
    "tests.toy_forms:exits": "the factory raised SystemExit: goodbye",
    "tests.toy_forms:needs_arguments": "missing 2 required positional arguments",
    "tests.toy_forms:needs_arguments --option stride=4 --option width=8": ANSWERED,
    "tests.toy_forms:NeedsStrict": "needs a StrictConfig, which cannot be built from its defaults",
    "tests.toy_forms:NeedsStrict --option stride=4": ANSWERED,
    "tests.toy_forms:Configured": ANSWERED,
    "tests.toy_forms:Configured --option stride=8": ANSWERED,
    "tests.toy_forms:Configured --option strides=8": "unexpected keyword argument 'strides'",
    "tests.toy_forms:Unannotated": ANSWERED,
    "tests.toy_forms:on_meta": "its weights are on the meta device",
    "tests.toy_forms:too_large": "the factory raised ",
    "tests.toy_forms:too_large_inside": "the model raised ",
    "good.py:Model": ANSWERED,
    "good.py": "name the model in this file: good.py:factory",
    "good.py:Modell": "did you mean 'Model'",
    "./good.py:Model": ANSWERED,
    "missing.py:Model": "there is no file 'missing.py'",
    "a_folder.py:Model": "there is no file 'a_folder.py'",
    "syntax.py:Model": "SyntaxError: .*; mend it",
    "import_error.py:Model": "ModuleNotFoundError: No module named 'no_such_package'",
    "exits.py:Model": "SystemExit",
    "prints.py:Model": ANSWERED,
    "binary.py:Model": "SyntaxError|ValueError|cannot be imported",
    "empty.py:Model": "has no 'Model'",
    "scripted.pt": ANSWERED,
    "traced.ts": ANSWERED,
    "exported.pt2": ANSWERED,
    "fixed.pt2": ANSWERED,
    "short.pt2": "too short",
    "weights.pt": "describes no model; .*this file as --weights",
    "weights.safetensors": "describes no model; .*this file as --weights",
    "module.pt": "describes no model",
    "evil.pt": "describes no model",
    "text.pt": "describes no model",
    "text.safetensors": "cannot be read as a model",
    "zip.pt": "describes no model",
    "cut.pt2": "describes no model|cannot be read as a model",
    "missing.pt": "no such file; give a model",
    "a_folder.pt": "no such file; give a model",
    "text.onnx": "describes no model",
    "noise_called.pt": "describes no model",
    "model.safetensors": ANSWERED,
    "model.safetensors --weights weights.pt": "--weights: need a factory",
    "scripted.pt --option stride=4": "--option: need a factory",
    "scripted.pt --seeds 0 1": "--seeds: a model that is already built",
    **{
        f"tests.toy_forms:{name}": ANSWERED
        for name in (
            "BatchTime", "TimeLast", "OneDimension", "Frames", "NoThird", "scripted", "traced",
            "partly_scripted", "compiled", "compiled_in_place", "exported", "half", "bfloat16",
            "double", "Lazy", "Talks", "InPlace", "Gradients", "Moves", "Variadic", "Random",
            "Collapsed", "Normalized", "Shorter", "Decimated", "wide",
        )
    },
    "tests.toy_forms:Frames --option size=1920": ANSWERED,
    "tests.toy_forms:Frames --option size=441": "is not a multiple of 441|answered",
    "tests.toy_forms:Frames --option size=1000000": "is not a multiple of 1000000",
    "tests.toy_forms:FramesBins --input features": ANSWERED,
    "tests.toy_forms:wide --channels 6": ANSWERED,
    "tests.toy_forms:Integers": "the model raised",
    "tests.toy_forms:Exits": "the model raised SystemExit: 0",
    "tests.toy_forms:TwoInputs": "missing 1 required positional argument: 'f0'",
    "tests.toy_forms:NoForward": "the model raised NotImplementedError",
    "tests.toy_forms:NeedsTraining": r"the model raised AssertionError: call train\(\) first",
    "tests.toy_forms:NoEval": r"eval\(\) raised ValueError: no modes",
    "tests.toy_forms:Recursive": "the model raised RecursionError",
    **{
        f"tests.toy_forms:Raises --option name={name}": f"the model raised {name}: many lines many"
        for name in ("RuntimeError", "MemoryError", "ValueError", "StopIteration", "SystemExit")
    },
    **{
        f"tests.toy_forms:Outputs --option kind={kind}": ANSWERED
        for kind in (
            "dict", "nested", "tuple", "named", "dataclass", "mask", "arrays", "flat", "last",
            "double",
        )
    },
    **{
        f"{FORMS}:returns --option what={what.replace(' ', '~')}": "its output|contains no tensor"
        for what in RETURNS
    },
    "tests.toy_forms:returns --option what=wrong~batch": ANSWERED,  # two channels, without a batch
    "torch:cos": "is of type|the factory raised|returned an object",
    "torch.nn:Module": "the model raised NotImplementedError",
    "torch.nn:Conv1d": "missing 3 required positional arguments",
    "torch.nn:Identity": ANSWERED,
    "torch.nn.functional:interpolate": "the factory raised TypeError",
}  # fmt: skip


def command_lines() -> Iterator[tuple[list[str], str]]:
    for name, expected in FILES.items():
        yield ["probe", name], expected
    for line, expected in OPTIONS.items():
        yield [word.replace("~", " ") for word in line.split()], expected
    for line, expected in MODELS.items():
        yield [word.replace("~", " ") for word in f"probe {line} {QUICK}".split()], expected


CASES = list(command_lines())


class Evil:
    """Its pickle runs a command."""

    def __reduce__(self):
        return os.system, ("touch executed",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all files."""
    path = tmp_path_factory.mktemp("misuse")
    before = Path.cwd()
    os.chdir(path)
    try:
        write_sounds()
        write_files()
        write_models()
    finally:
        os.chdir(before)
    return path


def write_sounds() -> None:
    noise = np.random.default_rng(0).standard_normal(int(1.2 * RATE_HZ)) / 10
    nothing = np.zeros(int(1.2 * RATE_HZ))
    impulse, one_nan = nothing.copy(), noise.copy()
    impulse[5000] = one_nan[5000] = 1
    one_nan[5000] = np.nan
    for suffix in ("wav", "flac", "aiff", "au", "caf", "w64"):
        soundfile.write(f"noise.{suffix}", noise, RATE_HZ)
    soundfile.write("noise.ogg", noise, RATE_HZ)
    soundfile.write("noise.mp3", noise, RATE_HZ)
    soundfile.write("noise.opus", np.tile(noise, 6), 48_000, format="OGG", subtype="OPUS")
    sounds = {
        "header_only": (noise[:0], RATE_HZ), "no_samples": (np.zeros((0, 2)), RATE_HZ),
        "one_sample": (noise[:1], RATE_HZ), "tenth": (noise[: RATE_HZ // 10], RATE_HZ),
        "almost": (noise[: RATE_HZ - 80], RATE_HZ), "silent": (nothing, RATE_HZ),
        "constant": (nothing + 0.1, RATE_HZ), "impulse": (impulse, RATE_HZ),
        "clipped": (np.clip(100 * noise, -1, 1), RATE_HZ), "square": (np.sign(noise), RATE_HZ),
        "nyquist": (nothing + np.resize([0.1, -0.1], len(nothing)), RATE_HZ),
        "faint": (noise / 1000, RATE_HZ), "six_channels": (np.tile(noise, (6, 1)).T, RATE_HZ),
        "forty_channels": (np.tile(noise, (40, 1)).T, RATE_HZ), "rate_1": (noise[:20], 1),
        "rate_100": (noise[:500], 100), "rate_1e9": (noise, 10**9),
        "rate_1e6": (np.tile(noise, 105), 10**6), "rate_384k": (np.tile(noise, 48), 384_000),
        "long": (np.tile(noise, 55), RATE_HZ), "noise with spaces": (noise, RATE_HZ),
        "noïse": (noise, RATE_HZ),
    }  # fmt: skip
    for name, (signal, rate_hz) in sounds.items():
        soundfile.write(f"{name}.wav", signal, rate_hz)
    floats = {
        "nan": nothing * np.nan, "one_nan": one_nan, "infinite": nothing + np.inf,
        "loud": 1e30 * noise, "denormal": 1e-40 * noise,
    }  # fmt: skip
    for name, signal in floats.items():
        soundfile.write(f"{name}.wav", signal, RATE_HZ, subtype="FLOAT")
    subtypes = {
        "eight_bit": "PCM_U8",
        "a_law": "ALAW",
        "24_bit": "PCM_24",
        "64_bit_float": "DOUBLE",
    }
    for name, subtype in subtypes.items():
        soundfile.write(f"{name}.wav", noise, RATE_HZ, subtype=subtype)
    one_of_six = np.tile(nothing, (6, 1)).T
    one_of_six[:, 4] = noise
    soundfile.write("one_of_six.wav", one_of_six, RATE_HZ)
    noise.astype(np.float32).tofile("noise.raw")
    for suffix in ("m4a", "webm"):
        if shutil.which("ffmpeg"):
            command = ["ffmpeg", "-loglevel", "error", "-i", "noise.wav", f"noise.{suffix}"]
            subprocess.run(command, check=True)
        else:
            Path(f"noise.{suffix}").write_bytes(b"\0\0\0\x20ftypM4A ")


def write_files() -> None:
    wav, flac = Path("noise.wav").read_bytes(), Path("noise.flac").read_bytes()
    contents = {
        "empty.wav": b"", "text.wav": b"this is no sound\n" * 100,
        "random.wav": np.random.default_rng(0).bytes(10_000), "zeros.wav": bytes(10_000),
        "cut_header.wav": wav[:20], "broken_header.wav": wav[:8] + b"WAVX" + wav[12:],
        "cut.wav": wav[: int(0.95 * len(wav))], "cut.flac": flac[: int(0.9 * len(flac))],
        "wav_called.mp3": wav, "mp3_called.wav": Path("noise.mp3").read_bytes(),
        "noise_without_suffix": wav, "noise_called.pt": wav,
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(100), "page.html": b"<html></html>",
        "table.csv": b"a,b\n1,2\n", "text.pt": b"no model", "text.onnx": b"no model",
        "text.safetensors": b"no model at all", "empty.py": b"", "binary.py": bytes(100),
        "syntax.py": b"class Model(:\n", "import_error.py": b"import no_such_package\n",
        "exits.py": b"import sys\nsys.exit(3)\n",
        "good.py": b"from torch import nn\n\n\ndef Model():\n    return nn.Conv1d(1, 1, 9)\n",
        "prints.py": b"print('hello')\nfrom good import Model\n",
    }  # fmt: skip
    for name, content in contents.items():
        Path(name).write_bytes(content)
    np.save("array.npy", np.zeros(100))
    for name in ("a_folder", "a_folder.wav", "a_folder.py", "a_folder.pt"):
        Path(name).mkdir()
    Path("unreadable.wav").write_bytes(wav[:100])
    Path("unreadable.wav").chmod(0)
    Path("dangling.wav").symlink_to("gone.wav")


def write_models() -> None:
    torch.manual_seed(0)
    state = Upsampler().state_dict()
    save_file(state, "weights.safetensors")
    torch.save(state, "weights.pt")
    prefixed = {f"module.{key}": value for key, value in state.items()}
    torch.save({"epoch": 3, "model": {"generator": prefixed}, "optimizer": {}}, "nested.ckpt")
    torch.save(Filter().state_dict(), "filter.pt")
    torch.save({key: x for key, x in state.items() if key.startswith("up")}, "partial.pt")
    torch.save(Upsampler(width=4).state_dict(), "other_size.pt")
    torch.save(Upsampler(), "module.pt")
    torch.save({"state_dict": state, "evil": Evil()}, "evil.pt")
    Path("evil.pkl").write_bytes(pickle.dumps(Evil()))
    torch.save({"a": 1, "b": [2, 3]}, "numbers.pt")
    Path("cut.safetensors").write_bytes(Path("weights.safetensors").read_bytes()[:-10])
    shutil.make_archive("zip", "zip", "a_folder")
    Path("zip.zip").rename("zip.pt")
    scripted().save("scripted.pt")
    traced().save("traced.ts")
    torch.export.save(exported_program(), "exported.pt2")
    torch.export.save(exported_program(dynamic=False), "fixed.pt2")
    torch.export.save(exported_program(dynamic=False, length=4000), "short.pt2")
    Path("cut.pt2").write_bytes(Path("exported.pt2").read_bytes()[:3000])
    about = {
        "architecture": "demucs", "options": {"channels": 4, "depth": 2},
        "upsampler": {"name": "transposed"}, "sources": ["drums", "rest"], "audio_channels": 1,
        "seed": 0, "rate_hz": RATE_HZ,
    }  # fmt: skip
    model = build_model("demucs", about["options"], about["upsampler"], n_sources=2,
                        audio_channels=1, seed=0)  # fmt: skip
    save_model("model.safetensors", model.state_dict(), about)


def test_the_table_is_long() -> None:
    assert len(CASES) >= 200


@pytest.mark.parametrize(
    ("arguments", "expected"), CASES, ids=[" ".join(words)[:80] for words, _ in CASES]
)
def test_every_case_is_answered_or_refused_in_a_line(
    arguments: list[str],
    expected: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(folder)
    status = main(arguments)
    printed, said = capfd.readouterr()
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in printed + said
    assert "fault of the prober" not in said
    assert not (folder / "executed").exists(), "code in a file was run"
    if status == 0:
        assert ANSWERED in expected, f"was answered: {printed}"
        assert errors == []
        assert printed and "hello" not in printed
        if "--json" in arguments:
            assert set(json.loads(printed)) >= {"name", "rate_hz", "findings"}
    else:
        assert status == 1
        assert printed == ""
        assert len(errors) == 1, said
        assert said.rstrip().endswith(errors[0])  # what a model prints comes before
        assert expected != ANSWERED and re.search(expected, errors[0]), errors[0]
