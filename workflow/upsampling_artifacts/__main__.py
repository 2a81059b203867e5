"""The command line: ``python -m upsampling_artifacts probe TARGET``."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from typing import Any

import yaml

from upsampling_artifacts.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The arguments after the name of the program; None for those of this process.

    Returns:
        The exit status: 0, or 1 after an error in the input.
    """
    parsed = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("upsampling_artifacts").setLevel(logging.INFO)
    # Unlike `python -m`, an installed command does not search the current folder for modules.
    sys.path.insert(0, "")
    from upsampling_artifacts.api import probe  # loads torch, which --help does not need

    try:
        result = probe(
            parsed.target,
            rate_hz=parsed.rate,
            channels=parsed.channels,
            input_kind=parsed.input,
            options=_options(parsed.option),
            seeds=parsed.seeds,
            stage=parsed.stage,
            seconds=parsed.seconds,
            music=parsed.music,
            strides=parsed.strides,
            hop=parsed.hop,
            out=parsed.out,
        )
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(result)
    if parsed.out:
        print(f"\nTables and figure written to {parsed.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="upsampling-artifacts",
        description="Measure the upsampling artifacts of audio models.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    probe = commands.add_parser(
        "probe",
        help="measure the artifacts of a model, or find the stationary lines in an audio file",
        description="Feed test signals to a model and measure its upsampling artifacts, or find "
        "the stationary lines in an audio file and the strides that explain them.",
    )
    add = probe.add_argument
    add("target", metavar="TARGET", help="a model, as package.module:factory, or an audio file")
    add(
        "--rate", type=float, metavar="HZ",
        help="sampling rate of the model's output; for a file, the rate of the model that "
        "generated it, if the file was resampled",
    )  # fmt: skip
    add(
        "--channels", type=int, metavar="N",
        help="audio channels of the model's input (default: 1), or its feature bins",
    )  # fmt: skip
    add(
        "--input", default="audio", metavar="KIND",
        help="what the model takes: audio (default), or features, as vocoders do",
    )  # fmt: skip
    add(
        "--option", action="append", default=[], metavar="NAME=VALUE",
        help="keyword argument of the factory, with a YAML value; repeatable",
    )  # fmt: skip
    add(
        "--seeds", type=int, nargs="+", default=[0], metavar="N",
        help="seeds of the initial weights, one model each (default: 0)",
    )  # fmt: skip
    add(
        "--stage", default="initialization", choices=["initialization", "trained"],
        help="label of the weights in the tables (default: initialization)",
    )  # fmt: skip
    add(
        "--seconds", type=float, default=6.0, metavar="S",
        help="length of the model's output (default: 6)",
    )  # fmt: skip
    add("--music", metavar="FILE", help="an audio file to use as an additional test signal")
    add(
        "--strides", type=_integers, default=[], metavar="N,N,...",
        help="for a file: the strides of the model's upsampling layers, in their order",
    )  # fmt: skip
    add(
        "--hop", type=int, default=1, metavar="N",
        help="for a file: the hop of the model's inverse STFT, if it has one",
    )  # fmt: skip
    add("--out", metavar="FOLDER", help="where to write the tables, the summary and the figure")
    return parser


def _integers(text: str) -> list[int]:
    """Parse ``"8,5,3"``."""
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: write integers, as in 8,5,3") from None


def _options(arguments: Sequence[str]) -> dict[str, Any]:
    """Parse ``["n=4", "names=[a, b]"]`` into ``{"n": 4, "names": ["a", "b"]}``."""
    options = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or not name.isidentifier():
            raise InputError(f"--option {argument}: write NAME=VALUE")
        try:
            options[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise InputError(f"--option {argument}: the value is not valid YAML") from None
    return options


if __name__ == "__main__":
    sys.exit(main())
