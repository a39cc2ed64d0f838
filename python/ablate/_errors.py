"""What the program refuses or fails at, as exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from ._results import Results


class AblateError(Exception):
    """The program did not do what it was asked; the text is its own.

    `exit_code` is the program's, None where it was not run. `results` are those that a failed run has left, if any.
    """

    def __init__(self, text: str, exit_code: Optional[int] = None, results: Optional["Results"] = None) -> None:
        super().__init__(text)
        self.exit_code = exit_code
        self.results = results


class RefusedError(AblateError):
    """Input that was refused before any work (exit code 2): a spec, a model, prompts, an argument."""


class FailedError(AblateError):
    """Work that began and failed, a check that failed, or a result that is not as expected (exit code 1)."""


def of_exit(code: int, text: str, results: Optional["Results"] = None) -> AblateError:
    """The exception for an exit code."""
    kind = {1: FailedError, 2: RefusedError}.get(code, AblateError)
    if code < 0:
        text = f"ended by signal {-code}" + (f"\n{text}" if text else "")
    return kind(text or f"ended with exit code {code} and no message", code, results)
