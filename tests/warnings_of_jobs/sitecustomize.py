"""In processes that tests start, calls of what is deprecated are errors, as in those of pytest.

Python imports this module when it starts, if its folder is on PYTHONPATH (tests/clone.py).
PYTHONWARNINGS would need a filter for each module of the library.
"""

import warnings

for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
    warnings.filterwarnings("error", category=category, module=r"(upsampling_artifacts|__main__)\b")
