"""Exceptions whose message the user sees."""

MAX_MESSAGE_LENGTH = 300


class InputError(ValueError):
    """The user's input is wrong.

    The message is one line that names the file or key, the fault and the remedy. Programs show it
    without a traceback.
    """


class Interrupted(Exception):
    """The job stopped early and can resume.

    The message is one line that names the cause and how to resume.
    """


def one_line(error: Exception) -> str:
    """``Class: message`` without line breaks, cut to a readable length."""
    text = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
    return text if len(text) <= MAX_MESSAGE_LENGTH else f"{text[:MAX_MESSAGE_LENGTH]} ..."
