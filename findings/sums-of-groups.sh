#!/usr/bin/env bash
# The sum of a column of f32 in polars: of the whole column, and by `group_by`.
#
# Expected: one way to add: the sum of a group is that of its rows on their own, to the last digit or nearly so.
# True:     a column is added up pairwise in wide steps; within `group_by` each value is added to the last sum, in f32, so that what is added is
#           rounded ever more coarsely. A million effects of 0.1 in one group are off by 1 %, and ones stop at 2^24. How far it is off depends on
#           the number of threads, and on `maintain_order` where groups are mixed. The mean of a group is added up in f64 and has none of it.
# Seen with polars 2.1.0, one thread:
#   a million times 0.1: column 100000.0, group 100958.3
#   2^24 + 1000 ones: column 16778216.0, group 16777216.0
#   of two groups in turn: 50011.2, with maintain_order 50011.2; sorted, with maintain_order 50000.0
#   mean of a group: 0.1000000
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 numpy==2.4.6
POLARS_MAX_THREADS=1 "$work/venv/bin/python" - <<'PYTHON'
import numpy as np
import polars as pl


def of(values, groups=1):
    return pl.DataFrame({"value": values.astype(np.float32), "group": np.arange(len(values)) % groups})


def sums(frame, **settings):
    return frame.group_by("group", **settings).agg(pl.col("value").sum()).sort("group")["value"].to_list()


tenths, ones = of(np.full(1_000_000, 0.1)), of(np.ones(2**24 + 1000))
in_turn = of(np.full(1_000_000, 0.1), groups=2)
mean = tenths.group_by("group").agg(pl.col("value").mean())["value"][0]
found, counted = sums(tenths)[0], sums(ones)[0]
turn, kept = sums(in_turn)[0], sums(in_turn, maintain_order=True)[0]
ordered = sums(in_turn.sort("group"), maintain_order=True)[0]
print(f"a million times 0.1: column {tenths['value'].sum():.1f}, group {found:.1f}")
print(f"2^24 + 1000 ones: column {ones['value'].sum():.1f}, group {counted:.1f}")
print(f"of two groups in turn: {turn:.1f}, with maintain_order {kept:.1f}; sorted, with maintain_order {ordered:.1f}")
print(f"mean of a group: {mean:.7f}")
assert abs(tenths["value"].sum() - 100_000) < 0.1 and ones["value"].sum() == 2**24 + 1000
assert abs(mean - 0.1) < 1e-7
assert abs(found - 100_000) > 500, "sums of groups are exact: it has changed"
assert counted == 2**24, "ones are counted: it has changed"
PYTHON
