"""The exceptions that are shown to a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_MESSAGE = 300


class InputError(ValueError):
    """Something the user gave is wrong.

    The message is one line that names the file or key, says what is wrong and what to do;
    programs show it alone, without a traceback.
    """


class Interrupted(Exception):
    """The work was asked to stop before its end, and can go on later.

    The message is one line that says by what, and what to do to go on.
    """


@contextmanager
def error_prefix(what: str) -> Iterator[None]:
    """Put ``what`` before the message of an InputError raised in this context.

    Args:
        what: The row or file that the caller knows, ``"system 'demucs_nearest'"``.

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
    """``Class: message`` without line breaks, and no longer than can be read."""
    text = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]} ..."
