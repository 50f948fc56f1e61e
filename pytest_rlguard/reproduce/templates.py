"""The reproducer scripts by kind of case, and their imports. Each needs gymnasium, numpy and the env, and none of ours.

A script defines what it needs from `make_env`, `SEED` and `ACTIONS`; it ends with exit code 1 and a line that begins
with `REPRODUCED` where it shows the defect, with exit code 0 where it does not.
"""

from __future__ import annotations

import re

from pytest_rlguard.reproduce.contract_bodies import CONTRACT_BODIES
from pytest_rlguard.reproduce.determinism_bodies import DETERMINISM_BODIES

__all__ = ["BODIES", "tidy_imports"]

BODIES = {**CONTRACT_BODIES, **DETERMINISM_BODIES}

_STANDARD = ("faulthandler", "itertools", "os", "pickle", "random", "runpy", "subprocess", "sys", "traceback")
_OTHERS = {"gymnasium": "import gymnasium", "np": "import numpy as np"}
_BLANK_LINES = re.compile(r"\n{4,}")


def tidy_imports(script: str) -> str:
    """The script with what it uses imported at its top: the standard library, then gymnasium and numpy."""
    used = [f"import {name}" for name in _STANDARD if re.search(rf"\b{name}\.", script)]
    others = [line for name, line in _OTHERS.items() if re.search(rf"\b{name}\.", script)]
    head = "\n\n".join("\n".join(group) for group in (used, others) if group)
    gap = "\n\n\n" if script.lstrip().startswith("def ") else "\n\n"
    return _BLANK_LINES.sub("\n\n\n", f"{head}{gap}{script.strip()}\n")
