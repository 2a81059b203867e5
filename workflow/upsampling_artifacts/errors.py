"""Exceptions whose messages are written for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

MAX_MESSAGE_LENGTH = 300


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


def one_line(error: Exception) -> str:
    """Format an error as ``Class: message``, without line breaks and cut to a readable length."""
    text = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
    return text if len(text) <= MAX_MESSAGE_LENGTH else f"{text[:MAX_MESSAGE_LENGTH]} ..."
