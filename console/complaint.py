"""What is wrong with a value in the settings, in one line that names the place and the way out."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from reprlib import Repr
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

__all__ = ["complaint"]

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_LONGEST = 60
"""Letters of a name that are repeated."""


def complaint(model: type[BaseModel], values: Mapping[str, Any]) -> str | None:
    """The first thing that the model does not take, as `place: problem`; None where all is well."""
    try:
        model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step)[:_LONGEST] for step in first["loc"])
        return f"{place}: {_problem(model, first)}"
    return None


def _problem(model: type[BaseModel], found: Any) -> str:
    """What is wrong, and what to write instead."""
    if found["type"] != "extra_forbidden":
        return f"{found['msg'].lower()}, but it is {_told(found['input'])}"
    section: Any = model
    for step in found["loc"][:-1]:
        section = _inside(section, step)
    near = get_close_matches(str(found["loc"][-1])[:_LONGEST], section.model_fields, n=1)
    known = ", ".join(section.model_fields)
    return "unknown setting; " + (f"did you mean {near[0]}?" if near else f"known ones: {known}")


def _told(value: object) -> str:
    """The value as it was written, shortened; a number may be too long to be written at all."""
    try:
        return _SHORT.repr(value)
    except ValueError:
        return "a number too long to be repeated"


def _inside(section: Any, step: int | str) -> Any:
    """The model of a field, or of one of several in it."""
    return get_args(section)[0] if isinstance(step, int) else section.model_fields[step].annotation
