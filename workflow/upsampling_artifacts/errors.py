"""The one exception that is shown to a person."""


class InputError(ValueError):
    """Something the user gave is wrong.

    The message is one line that names the file or key, says what is wrong and what to do;
    programs show it alone, without a traceback.
    """
