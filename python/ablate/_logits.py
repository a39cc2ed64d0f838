"""Next-token logits."""

from __future__ import annotations

import json
from typing import Any, List, NamedTuple, Optional, Sequence, Union

from ._experiment import command


class Candidate(NamedTuple):
    """A token that may come next."""

    id: int
    token: str
    logit: float
    probability: float


class NextToken(NamedTuple):
    """What a model says comes after a prompt."""

    prompt: str
    tokens: List[int]
    """Ids that the model was given, a beginning-of-text token included."""
    pieces: List[str]
    top: List[Candidate]
    """The most probable first."""
    logits: Optional[List[float]]
    """Every token's, in the order of the vocabulary, where all were asked for."""


def logits(
    source: str, prompts: Union[str, Sequence[str]], *, top: int = 5, all: bool = False, arguments: Sequence[str] = ()
) -> List[NextToken]:
    """Next-token logits of prompts, one answer each, as `ablate logits` prints them.

    `source` is what a spec's `model.source` may be, from the current folder; `arguments` are further ones of `ablate logits`,
    such as `["--dtype", "bf16"]`. Raises as `ablate.run`.
    """
    prompts = [prompts] if isinstance(prompts, str) else list(prompts)
    if not prompts:
        return []
    flags = ["--format=json", f"--top={top}", *(["--all"] if all else []), *arguments]
    answers: List[Any] = json.loads(command("logits", *flags, "--", str(source), *prompts, quiet=True))
    return [
        NextToken(
            answer["prompt"],
            answer["tokens"],
            answer["pieces"],
            [Candidate(one["id"], one["token"], one["logit"], one["probability"]) for one in answer["top"]],
            answer.get("logits"),
        )
        for answer in answers
    ]
