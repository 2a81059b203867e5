"""Exceptions whose messages are written for the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

MAX_MESSAGE_LENGTH = 300
"""Length to which the message of an exception within ours is cut."""

MAX_LINE_LENGTH = 2000
"""Length to which our own messages are cut, in the middle: the remedy is at the end."""

_options_as_typed: ContextVar[Mapping[str, str] | None] = ContextVar("options", default=None)


class InputError(ValueError):
    """The user's input is wrong.

    The message is one line that names the file or key, the fault and the remedy. Programs show it
    without a traceback. It stays one line of a readable length whatever it quotes: characters that
    cannot be printed are escaped, and the middle is cut.

    Args:
        message: The message.
        max_length: Length to which it is cut; None for a line that is meant to be copied.

    Example:
        >>> raise InputError("seconds: is -1; give a positive length")
        Traceback (most recent call last):
        upsampling_artifacts.errors.InputError: seconds: is -1; give a positive length
        >>> str(InputError("song: 'a\\nb' has a line break in its name"))
        "song: 'a\\\\nb' has a line break in its name"
    """

    def __init__(self, message: str, max_length: int | None = MAX_LINE_LENGTH):
        super().__init__(shortened(printable(message), max_length))


def printable(text: str) -> str:
    """Escape line breaks and whatever else a terminal would not print."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shortened(text: str, max_length: int | None) -> str:
    """Replace the middle of a text that is too long.

    Args:
        text: Any text.
        max_length: Length that the result is to have at most; None for no limit.

    Example:
        >>> shortened("a" * 500 + "b", 20)
        'aaaaaaaaaaa ... aaab'
    """
    if max_length is None or len(text) <= max_length:
        return text
    end = max_length // 5
    return f"{text[: max_length - end - 5]} ... {text[-end:]}"


class Interrupted(Exception):
    """The job stopped early and can resume.

    The message is one line that names the cause and how to resume.
    """


@contextmanager
def error_prefix(what: str) -> Iterator[None]:
    """Context manager: prefix the message of an :class:`InputError` with ``what``.

    Args:
        what: The row or file that the caller knows, e.g. ``"system 'demucs_nearest'"``.

    Raises:
        InputError: With the prefix.

    Example:
        >>> with error_prefix("system 'mine'"):
        ...     raise InputError("stride: 1 is too small")
        Traceback (most recent call last):
        upsampling_artifacts.errors.InputError: system 'mine': stride: 1 is too small
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"{what}: {error}") from error


@contextmanager
def options_as_typed(options: Mapping[str, str]) -> Iterator[None]:
    """Context manager for a command line: messages name options, not the arguments of functions.

    Args:
        options: The option of each argument, e.g. ``{"rate_hz": "--rate"}``.
    """
    token = _options_as_typed.set(options)
    try:
        yield
    finally:
        _options_as_typed.reset(token)


def argument(name: str, value: Any = None) -> str:
    """Name an argument in a message: as the option that was typed, or as the argument it is.

    Args:
        name: The argument's name.
        value: A value to suggest for it; None for none.

    Example:
        >>> argument("rate_hz"), argument("channels", 2)
        ('rate_hz', 'channels=2')
        >>> with options_as_typed({"rate_hz": "--rate", "channels": "--channels"}):
        ...     argument("rate_hz"), argument("channels", 2)
        ('--rate', '--channels 2')
    """
    options = _options_as_typed.get() or {}
    if value is None:
        return options.get(name, name)
    return f"{options[name]} {value}" if name in options else f"{name}={value!r}"


def one_line(error: BaseException) -> str:
    """Format an error as ``Class: message``, without line breaks and cut to a readable length."""
    return _shortened(str(error), type(error).__name__)


def first_line(error: BaseException) -> str:
    """Format an error as ``Class: message``, of which only the first line is kept."""
    return _shortened(str(error).strip().partition("\n")[0], type(error).__name__)


def _shortened(message: str, name: str) -> str:
    text = " ".join(f"{name}: {message}".split()).rstrip(".")
    return text if len(text) <= MAX_MESSAGE_LENGTH else f"{text[:MAX_MESSAGE_LENGTH]} ..."
