"""From what a config says to an ``Objective``: every call of a formula is bound to its function in ``objectives``."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args, get_origin

from dreamvideo.config import MOST_CROP, Dream, has_formula
from dreamvideo.dream.objectives import OBJECTIVES
from dreamvideo.dream.terms import Layer, Objective, Picture
from dreamvideo.formula import Call, parse_formula
from dreamvideo.names import expect_name, nearest

_COMMON = ("crop", "mask")  # what any objective may be given besides its own arguments


def bind_objective(settings: Dream, *, may_rest: bool = False) -> Objective:
    """The objective of a config. Raises ``ConfigError``: for a formula, with a mark under the character at fault.

    With ``may_rest`` the numbers before a formula's calls may all be 0, as those that move are at times.
    """
    if isinstance(settings.objective, str) and not has_formula(settings.objective):
        return weighted_layers(settings.layers, settings.objective.strip(), settings.crop)
    calls = [call for text in settings.formulas for call in parse_formula(text)]
    if not may_rest and not any(call.weight for call in calls):
        raise calls[0].error("every number before a call is 0, so that nothing is raised")
    return _sum([call.weight * _bind(call, settings.crop) for call in calls])


def weighted_layers(layers: Mapping[str, float], name: str, crop: int = 0) -> Objective:
    """``sum of weight * name(layer)``, for an objective called ``name`` that takes one layer."""
    one_layer = [known for known, function in OBJECTIVES.items() if _takes_one_layer(function)]
    expect_name(name, one_layer, "objective of one layer")
    return _sum([weight * OBJECTIVES[name](layer, crop=crop) for layer, weight in layers.items()])


def _sum(objectives: Sequence[Objective]) -> Objective:
    first, *rest = objectives
    return sum(rest, start=first)


def _takes_one_layer(function: Callable[..., Objective]) -> bool:
    return [parameter.annotation for parameter in inspect.signature(function).parameters.values()] == [Layer]


def _bind(call: Call, crop: int) -> Objective:
    function = OBJECTIVES.get(call.name)
    if function is None:
        known = ", ".join(OBJECTIVES)
        raise call.error(f"there is no objective called '{call.name}'{nearest(call.name, OBJECTIVES)} (known: {known})")
    signature = inspect.signature(function)
    own = {name: value for name, value in call.keywords.items() if name not in _COMMON}
    try:
        bound = signature.bind(*call.arguments, **own)
    except TypeError as error:
        needed = str(error).replace("missing a required argument:", "it needs")
        raise call.error(f"{call.name}{_shown(signature)} was given other arguments: {needed}") from None
    for index, (name, parameter) in enumerate(signature.parameters.items()):
        if name not in bound.arguments:
            continue
        value, kind = bound.arguments[name], parameter.annotation
        if parameter.kind is parameter.VAR_POSITIONAL:
            converted = tuple(_convert(call, name, each, kind, place) for place, each in enumerate(value, start=index))
        else:
            converted = _convert(call, name, value, kind, name if name in call.keywords else index)
        bound.arguments[name] = converted
    mask = _convert(call, "mask", call.keywords["mask"], Picture, "mask") if "mask" in call.keywords else None
    cropped = _convert(call, "crop", call.keywords.get("crop", crop), int, "crop")
    if cropped > MOST_CROP:
        raise call.error(f"crop of {call.name} must be a whole number from 0 to {MOST_CROP}, not {cropped}", "crop")
    try:
        bound_objective = function(*bound.args, **bound.kwargs, crop=cropped, mask=mask)
    except ValueError as error:
        raise call.error(str(error)) from None
    if "crop" in call.keywords and not bound_objective.terms[0].croppable:
        raise call.error(f"{call.name} has no border to crop")
    return bound_objective


def _convert(call: Call, name: str, value: Any, kind: Any, place: int | str) -> Any:
    """``value`` as ``kind``; the error says what ``kind`` is in words, and points at the argument at ``place``."""
    if kind in {Layer, Picture} and isinstance(value, str):
        return value
    if kind is int and isinstance(value, int) and value >= 0:
        return value
    if kind is float and isinstance(value, int | float):
        return float(value)
    if get_origin(kind) is tuple and value != ():
        values = value if isinstance(value, tuple) else (value,)
        return tuple(_convert(call, name, each, get_args(kind)[0], place) for each in values)
    raise call.error(f"{name} of {call.name} must be {_in_words(kind)}, not {_as_typed(value)}", place)


def _in_words(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return f"a list in [ ], each {_in_words(get_args(kind)[0])}"
    words = {Layer: "the name of a layer", Picture: "a picture's path in quotes, or its name in dream.pictures"}
    return words.get(kind) or {int: "a whole number, at least 0", float: "a number"}[kind]


def _as_typed(value: Any) -> str:
    return f"[{', '.join(map(_as_typed, value))}]" if isinstance(value, tuple) else str(value)


def _shown(signature: inspect.Signature) -> str:
    """``(layer, index, *more)``: a signature without its annotations."""
    plain = [parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()]
    return str(signature.replace(parameters=plain, return_annotation=signature.empty))
