"""The exceptions that are shown to a person."""


class InputError(ValueError):
    """Something the user gave is wrong.

    The message is one line that names the file or key, says what is wrong and what to do;
    programs show it alone, without a traceback.
    """


class Stopped(Exception):
    """The work was asked to stop before its end, and can go on later.

    The message is one line that says by what, and what to do to go on.
    """
