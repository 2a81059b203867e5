"""The command line: ``python -m upsampling_artifacts probe TARGET``."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

import yaml

from upsampling_artifacts.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status, 1 if something given is wrong."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("upsampling_artifacts").setLevel(logging.INFO)
    # An installed command, unlike `python -m`, does not look for modules where it is called.
    sys.path.insert(0, "")
    from upsampling_artifacts.api import probe  # loads torch: not for --help

    try:
        found = probe(
            given.target,
            rate_hz=given.rate,
            channels=given.channels,
            input_kind=given.input,
            options=_options(given.option),
            seeds=given.seeds,
            stage=given.stage,
            seconds=given.seconds,
            music=given.music,
            out=given.out,
        )
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(found)
    if given.out:
        print(f"\nWritten to {given.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="upsampling-artifacts", description="Upsampling artifacts, measured."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    probe = commands.add_parser(
        "probe", help="measure the artifacts of a model, or list the lines in a sound"
    )
    add = probe.add_argument
    add("target", metavar="TARGET", help="package.module:factory, or an audio file")
    add("--rate", type=float, metavar="HZ", help="sampling rate of the model's output")
    add("--channels", type=int, metavar="N", help="audio channels (default: 1) or feature bins")
    add("--input", default="audio", metavar="KIND", help="audio (default) or features")
    add(
        "--option", action="append", default=[], metavar="NAME=VALUE",
        help="keyword argument of the factory, the value as in YAML; may be repeated",
    )  # fmt: skip
    add(
        "--seeds", type=int, nargs="+", default=[0], metavar="N", help="one model each (default: 0)"
    )
    add("--stage", default="initialization", choices=["initialization", "trained"])
    add("--seconds", type=float, default=6.0, metavar="S", help="length of the output (default: 6)")
    add("--music", metavar="FILE", help="an audio file as one more test signal")
    add("--out", metavar="FOLDER", help="where to write tables and figure")
    return parser


def _options(texts: Sequence[str]) -> dict:
    """``["n=4", "names=[a, b]"]`` as ``{"n": 4, "names": ["a", "b"]}``."""
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise InputError(f"--option {text}: NAME=VALUE is needed")
        try:
            options[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise InputError(f"--option {text}: the value is not YAML") from None
    return options


if __name__ == "__main__":
    sys.exit(main())
