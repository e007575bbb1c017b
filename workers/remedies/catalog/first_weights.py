"""Which first weights suit which activation function."""

import math
from typing import Any

Written = dict[str, Any]

XAVIER: Written = {"name": "xavier_normal"}
HE: Written = {"name": "he_normal"}
LECUN: Written = {"name": "lecun_normal"}

RECTIFIERS = frozenset({"relu", "leaky_relu", "elu", "gelu", "silu"})
"""Functions that let about half of the variance through (He et al. 2015)."""


def suited(function: str | None) -> tuple[str, Written]:
    """Name and initialiser: He for rectifiers, LeCun for SELU (Klambauer et al. 2017), else Xavier."""
    if function in RECTIFIERS:
        return "he", HE
    return ("lecun", LECUN) if function == "selu" else ("xavier", XAVIER)


def orthogonal(function: str | None) -> Written:
    """Orthogonal weights with the gain that makes up for a rectifier (Saxe et al. 2014)."""
    return {"name": "orthogonal", "gain": math.sqrt(2.0) if function in RECTIFIERS else 1.0}
