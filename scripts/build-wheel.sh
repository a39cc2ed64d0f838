#!/usr/bin/env bash
# Builds what users install, into dist/: the wheel, an archive of the program alone and, on Linux x86-64, the source distribution.
#
#     scripts/build-wheel.sh [TARGET]      # x86_64-unknown-linux-gnu where it is left out
#
# Needs Rust (with the target's standard library: `rustup target add TARGET`) and Python; maturin, zig and auditwheel come from
# PyPI into a virtual environment of their own. On Linux zig links, against the glibc of 2018 (manylinux_2_28) or musl, whatever
# the machine has; for macOS run it there.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${1:-x86_64-unknown-linux-gnu}"
most_megabytes=30
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
tools="$CARGO_TARGET_DIR/wheel-tools"
[ -x "$tools/bin/maturin" ] || python3 -m venv "$tools"
"$tools/bin/pip" install --quiet maturin==1.16.0 ziglang==0.17.1 auditwheel==6.8.2
export PATH="$tools/bin:$PATH"

case "$target" in
    *-linux-gnu) linked=(--zig --compatibility manylinux_2_28) ;;
    *-linux-musl) linked=(--zig --compatibility musllinux_1_2) ;;
    *) linked=() ;;
esac
case "$target" in
    # Processors since 2009. AVX2 and AVX-512 are chosen at run time.
    x86_64-*) export RUSTFLAGS="${RUSTFLAGS:--C target-cpu=x86-64-v2}" ;;
esac

# A release: a clean checkout of its tag. Its keys in the store are of its version, so that every installation has the same
# (docs/store.md); those of any other build are of the executable.
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)"
if [ -z "$(git status --porcelain 2>&1)" ] && git tag --points-at HEAD | grep -qx "v$version"; then
    export ABLATE_RELEASE="$version"
    echo "release $version"
else
    unset ABLATE_RELEASE
    echo "development build: this is no clean checkout of v$version"
fi

scripts/third-party-licences.py "$target" > python/ablate/THIRD-PARTY-LICENCES.txt

# bash 3 on macOS takes an empty array for an unset one.
maturin build --profile dist --locked --target "$target" ${linked[@]+"${linked[@]}"} --out dist
[ "$target" != x86_64-unknown-linux-gnu ] || maturin sdist --out dist

archive="ablate-$target"
folder="$(mktemp -d)/$archive"
mkdir "$folder"
cp "$CARGO_TARGET_DIR/$target/dist/ablate" LICENSE-MIT LICENSE-APACHE README.md \
    python/ablate/THIRD-PARTY-LICENCES.txt "$folder"
tar -czf "dist/$archive.tar.gz" -C "$(dirname "$folder")" "$archive"

wheel="$(ls -t dist/ablate-*.whl | head -1)"
case "$target" in *-linux-*) auditwheel show "$wheel" ;; esac
ls -l dist
bytes="$(wc -c < "$wheel")"
if [ "$bytes" -gt $((most_megabytes * 1000 * 1000)) ]; then
    echo "$wheel has $bytes bytes; at most $most_megabytes MB are wanted" >&2
    exit 1
fi
