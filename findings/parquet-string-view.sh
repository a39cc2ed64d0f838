#!/usr/bin/env bash
# Filtering and sorting a Parquet file whose text columns are declared as string_view.
#
# Expected: what pyarrow opens, it can filter and sort, as it can columns of string and large_string.
# True:     pyarrow 26 reads such a column and prints it, but has no kernel to compare or to sort it, so that `filters=` of
#           pandas.read_parquet fails. The Rust crate of polars (0.55) writes all text so unless it is told otherwise; its Python package does not.
# Seen with pyarrow 26.0.1:
#   large_string: 1 of 2 rows, sorted ['a', 'b']
#   string_view: filter: ArrowNotImplementedError, sort: ArrowTypeError
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys

import pyarrow as pa
import pyarrow.parquet as pq

failed = {}
for kind in (pa.large_string(), pa.string_view()):
    path = f"{sys.argv[1]}/{kind}.parquet"
    pq.write_table(pa.table({"text": pa.array(["b", "a"], kind)}), path)
    assert pq.read_schema(path).field("text").type == kind
    assert pq.read_table(path)["text"].to_pylist() == ["b", "a"]
    said = []
    for what, read in {
        "filter": lambda: pq.read_table(path, filters=[("text", "=", "a")]).num_rows,
        "sort": lambda: pq.read_table(path).sort_by("text")["text"].to_pylist(),
    }.items():
        try:
            said.append(f"{what}: {read()}")
        except (pa.ArrowNotImplementedError, pa.ArrowTypeError, pa.ArrowInvalid) as error:
            said.append(f"{what}: {type(error).__name__}")
            failed.setdefault(str(kind), []).append(what)
    print(f"{kind}:", ", ".join(said))
assert failed == {"string_view": ["filter", "sort"]}, f"it has changed: {failed}"
PYTHON
