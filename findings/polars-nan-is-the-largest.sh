#!/usr/bin/env bash
# What polars takes a NaN for.
#
# Expected: IEEE 754, as numpy, pandas and SQL have it: no comparison holds for a NaN, and a minimum, median or quantile of values with one is
#           a NaN (numpy) or leaves it out and says how (pandas).
# True:     polars orders floats totally, NaN above infinity: `>= 1` holds for it, `max` and `min` pass over it, and the median of a
#           list with one is another number of the list. A filter for large effects keeps every row whose effect is 0 / 0.
# Seen with polars 2.1.0 and numpy 2.4.6:
#   >= 1: polars [True, False, True], numpy [False, False, True]
#   min: polars 0.5, numpy nan
#   median: polars 2.0, numpy nan
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PYTHON'
import math

import numpy as np
import polars as pl

values = [math.nan, 0.5, 2.0]
series, array = pl.Series(values), np.array(values)
print(f">= 1: polars {(series >= 1).to_list()}, numpy {(array >= 1).tolist()}")
print(f"min: polars {series.min()}, numpy {array.min()}")
print(f"median: polars {series.median()}, numpy {np.median(array)}")
assert (series >= 1).to_list() == [True, False, True], "it has changed"
assert (array >= 1).tolist() == [False, False, True]
assert series.min() == 0.5 and series.median() == 2.0, "it has changed"
assert math.isnan(array.min()) and math.isnan(np.median(array))
PYTHON
