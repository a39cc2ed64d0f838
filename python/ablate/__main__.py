"""`python -m ablate`: the program itself, with its exit code."""

from __future__ import annotations

import os
import subprocess
import sys

from ._binary import find_ablate_bin


def main() -> None:
    try:
        binary = find_ablate_bin()
    except FileNotFoundError as error:
        sys.exit(str(error))
    arguments = [binary, *sys.argv[1:]]
    if os.name == "posix":
        # In place of this process, so that signals and exit codes are the program's own.
        os.execv(binary, arguments)
    sys.exit(subprocess.run(arguments).returncode)


if __name__ == "__main__":
    main()
