#!/usr/bin/env bash
# How long it takes from a wheel to the first figure: a fresh virtual environment, `pip install`, a spec, its run.
#
#     benches/install.sh dist/ablate-*.whl
#
# Prints seconds per stage; fails where it takes over 60 in all, or there is no figure. Needs Python and no network.
set -euo pipefail

wheel="$(realpath "$1")"
most_seconds=60
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export ABLATE_CACHE="$folder/store"

seconds() { python3 -c 'import sys, time; print(f"{time.time() - float(sys.argv[1]):.1f}")' "$1"; }
now() { python3 -c 'import time; print(time.time())'; }

began="$(now)"
python3 -m venv fresh
echo "virtual environment  $(seconds "$began") s"
installing="$(now)"
fresh/bin/pip install --quiet --disable-pip-version-check --no-index "$wheel"
echo "pip install          $(seconds "$installing") s"
running="$(now)"
fresh/bin/ablate new mine
fresh/bin/ablate run mine.toml
echo "first figure         $(seconds "$running") s"
figure="$(ls results/mine/figures/*.svg | head -1)"
total="$(seconds "$began")"
echo "from the wheel to $figure: $total s"
python3 -c 'import sys; sys.exit(float(sys.argv[1]) > float(sys.argv[2]))' "$total" "$most_seconds"
