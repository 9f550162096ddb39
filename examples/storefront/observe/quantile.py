"""Exact quantiles."""

import math


def quantile(values: list[float], q: float) -> float:
    """The smallest value that at least the share `q` of all values does not exceed."""
    return round(sorted(values)[math.ceil(q * len(values)) - 1], 1)
