#!/usr/bin/env python3
"""Writes the licences of the crates that are linked into the program, for those who hand the program on.

    scripts/third-party-licences.py > python/ablate/THIRD-PARTY-LICENCES.txt

Crates that have a text in common are named above it together. Needs cargo, and the crates' sources, which a build has fetched.
"""

import collections
import json
import pathlib
import subprocess
import sys

TARGET = sys.argv[1] if len(sys.argv) > 1 else "x86_64-unknown-linux-gnu"
NAMES = ("licen", "copying", "notice", "unlicense")


def metadata():
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def linked(data):
    """Packages that the program links, with the features it has: what is needed to build or test alone is not in it."""
    command = ["cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--target", TARGET, "--prefix", "none"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    found = {tuple(line.split()[:2]) for line in lines if line}
    packages = (package for package in data["packages"] if package["id"] != data["resolve"]["root"])
    return [package for package in packages if (package["name"], f"v{package['version']}") in found]


def texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.lower().startswith(NAMES)]
    declared = folder / package["license_file"] if package["license_file"] else None
    if declared and declared.is_file() and declared not in files:
        files.append(declared)
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in files]


def main():
    packages = sorted(linked(metadata()), key=lambda package: (package["name"], package["version"]))
    by_text = collections.defaultdict(list)
    without = []
    print(f"The program contains {len(packages)} crates of others. Each is under the licence that stands beside it.\n")
    for package in packages:
        name = f"{package['name']} {package['version']}"
        print(f"{name}: {package['license'] or package['license_file'] or 'see its text below'}")
        found = texts(package)
        without += [] if found else [name]
        for text in found:
            by_text[text].append(name)
    if without:
        print(f"\nWithout a text of their own, under the licences named above: {', '.join(without)}")
    for text, names in by_text.items():
        print(f"\n{'=' * 80}\n{', '.join(names)}\n{'-' * 80}\n{text}")


if __name__ == "__main__":
    main()
