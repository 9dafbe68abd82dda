"""What tests of all commands need to know of each: one module per feature that came after version 1.0.

`VALID` has a payload with every field of each command, `KINDS` what each field is (the kinds stand in
`tests/integration/test_bad_input.py`), `ILL_TYPED` what is none of a kind that only this feature has, `TOO_LONG` the
length at which a text is refused before it is cleaned. `be_heard(host, fan)` lets every event of the feature be heard.
"""

import importlib
import pkgutil
from typing import Any


def of_features() -> list[Any]:
    """All modules of this folder."""
    return [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
