"""The command line: ``python -m upsampling_artifacts probe TARGET``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, NoReturn

import yaml

from upsampling_artifacts.address_space import check_address_space
from upsampling_artifacts.errors import InputError, one_line, options_as_typed

OPTIONS = {
    "rate_hz": "--rate",
    "channels": "--channels",
    "input_kind": "--input",
    "options": "--option",
    "weights": "--weights",
    "seeds": "--seeds",
    "stage": "--stage",
    "seconds": "--seconds",
    "music": "--music",
    "signals": "--signals",
    "strides": "--strides",
    "hop": "--hop",
    "out": "--out",
}
"""The option of each argument of :func:`upsampling_artifacts.api.probe`."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as in a shell."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Only the result goes to standard output. Messages, and what a model prints, go to standard
    error.

    Args:
        arguments: The arguments after the name of the program; None for those of this process.

    Returns:
        The exit status: 0, or 1 after an error.
    """
    try:
        with options_as_typed(OPTIONS):
            parsed = _parser().parse_args(arguments)
            check_address_space()
            print(_probe(parsed))
    except (InputError, OSError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except Exception as error:  # input that nobody thought of
        logging.getLogger(__name__).debug("traceback:", exc_info=error)
        return _fail(
            f"{parsed.target}: {one_line(error)}; this is a fault of ours: please report it"
        )
    return 0


def _fail(message: str, status: int = 1) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return status


def _probe(parsed: argparse.Namespace) -> str:
    """Probe the target; return what to print."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("upsampling_artifacts").setLevel(logging.INFO)
    # Unlike `python -m`, an installed command does not search the current folder for modules.
    sys.path.insert(0, "")
    with _prints_to_stderr():
        from upsampling_artifacts.api import probe  # loads torch, which --help does not need
        from upsampling_artifacts.probes.result_files import result_json

        result = probe(
            parsed.target,
            rate_hz=parsed.rate,
            channels=parsed.channels,
            input_kind=parsed.input,
            options=_options(parsed.option),
            weights=parsed.weights,
            seeds=parsed.seeds,
            stage=parsed.stage,
            seconds=parsed.seconds,
            music=parsed.music,
            signals=parsed.signals and parsed.signals.replace(" ", "").split(","),
            strides=parsed.strides,
            hop=parsed.hop,
            out=parsed.out,
        )
        if parsed.json:
            return result_json(result)
        return (
            f"{result}\n\nTables and figure written to {parsed.out}" if parsed.out else f"{result}"
        )


@contextmanager
def _prints_to_stderr() -> Iterator[None]:
    """Context manager: all that is printed to standard output goes to standard error.

    That includes what libraries in C and other programs print.
    """
    sys.stdout.flush()
    stdout = os.dup(1)
    try:
        os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line as any other error."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message.removeprefix('argument ')}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="upsampling-artifacts",
        description="Measure the upsampling artifacts of audio models.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    probe = commands.add_parser(
        "probe",
        help="measure the artifacts of a model, or explain the steady tones in an audio file",
        description="Is it the upsampler? Feed test signals to a model and measure its artifacts, "
        "or find the steady tones in an audio file and the strides that explain them.",
    )
    add = probe.add_argument
    add(
        "target", metavar="TARGET",
        help="a model, as package.module:factory or file.py:factory; a model file (TorchScript, "
        "an exported program, or a model.safetensors of this pipeline); or an audio file",
    )  # fmt: skip
    add(
        "--rate", type=float, metavar="HZ",
        help="sampling rate of the model's output; for an audio file that was resampled, the rate "
        "of the model that generated it",
    )  # fmt: skip
    add(
        "--channels", type=int, metavar="N",
        help="number of channels of the model's input, or of its feature bins (default: found by "
        "trial)",
    )  # fmt: skip
    add(
        "--input", default="audio", metavar="KIND",
        help="what the model takes: audio (default), or features, such as the mel spectrogram of a "
        "vocoder",
    )  # fmt: skip
    add(
        "--option", action="append", default=[], metavar="NAME=VALUE",
        help="a keyword argument of the factory, its value in YAML; may be given several times",
    )  # fmt: skip
    add(
        "--weights", metavar="FILE",
        help="load trained weights from a safetensors file or a checkpoint; nothing else is read "
        "from it",
    )  # fmt: skip
    add(
        "--seeds", type=int, nargs="+", default=[0], metavar="N",
        help="random seeds of the initial weights; one model is built and probed for each "
        "(default: 0)",
    )  # fmt: skip
    add(
        "--stage", choices=["initialization", "trained"],
        help="how the tables label the weights (default: trained if they come from a file)",
    )  # fmt: skip
    add(
        "--seconds", type=float, default=6.0, metavar="S",
        help="how long the model's output is to be (default: 6)",
    )  # fmt: skip
    add("--music", metavar="FILE", help="also feed the model this audio file")
    add(
        "--signals", metavar="NAMES",
        help="test signals, separated by commas: silence, ones, noise, sweep, sines, music "
        "(default: all that the model can take). For a model that takes features: silence (zero "
        "in all bins), ones, noise",
    )  # fmt: skip
    add(
        "--strides", type=_integers, default=[], metavar="N,N,...",
        help="for an audio file: the strides of the model's upsampling layers, from input to "
        "output",
    )  # fmt: skip
    add(
        "--hop", type=int, default=1, metavar="N",
        help="for an audio file: the hop of the inverse STFT at the model's output, if there is "
        "one",
    )  # fmt: skip
    add("--out", metavar="FOLDER", help="write the tables, the summary and the figure to FOLDER")
    add("--json", action="store_true", help="print what was found as JSON instead of a summary")
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
