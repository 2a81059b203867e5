"""Exceptions whose messages are written for the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

MAX_MESSAGE_LENGTH = 300

_options_as_typed: ContextVar[Mapping[str, str] | None] = ContextVar("options", default=None)


class InputError(ValueError):
    """The user's input is wrong.

    The message is one line that names the file or key, the fault and the remedy. Programs show it
    without a traceback.

    Example:
        >>> raise InputError("seconds: is -1; give a positive length")
        Traceback (most recent call last):
        upsampling_artifacts.errors.InputError: seconds: is -1; give a positive length
    """


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
