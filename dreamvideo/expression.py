"""Expressions such as ``1.2 + 0.3 * sin(2*pi*t/4)``: numbers that move with the frames of a clip.

They have the syntax of Python and a small part of its meaning: what isn't listed here is refused. All frames are
computed together, in float64; a comparison gives 1 or 0, and so do ``and``, ``or`` and ``not``.
"""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import numpy as np

from dreamvideo.easing import Array, noise, saw, smoothstep, square, tri
from dreamvideo.names import brief, nearest
from dreamvideo.typed import LARGEST, MarkedError, Typed

DEEPEST = 200  # levels of nesting: fewer than Python's own limit, wherever this is called from
LONGEST_SWING = 60  # seconds of attack or release

# Each function with its arguments, as an error shows them.
FUNCTIONS: dict[str, tuple[str, Callable[..., Array]]] = {
    "sin": ("x", np.sin),
    "cos": ("x", np.cos),
    "tan": ("x", np.tan),
    "asin": ("x", np.arcsin),
    "acos": ("x", np.arccos),
    "atan": ("x", np.arctan),
    "exp": ("x", np.exp),
    "log": ("x", np.log),
    "sqrt": ("x", np.sqrt),
    "abs": ("x", np.abs),
    "floor": ("x", np.floor),
    "ceil": ("x", np.ceil),
    "round": ("x", np.round),
    "sign": ("x", np.sign),
    "min": ("a, b, ...", lambda *values: reduce(np.minimum, values)),
    "max": ("a, b, ...", lambda *values: reduce(np.maximum, values)),
    "clip": ("x, low, high", lambda x, low, high: np.minimum(np.maximum(x, low), high)),
    "where": ("condition, a, b", lambda condition, a, b: np.where(condition != 0, a, b)),
    "mix": ("a, b, x", lambda a, b, x: a + (b - a) * x),
    "smoothstep": ("a, b, x", smoothstep),
    "saw": ("x", saw),
    "tri": ("x", tri),
    "square": ("x", square),
    "noise": ("x", noise),
}
CONSTANTS = {"pi": np.float64(np.pi), "tau": np.float64(2 * np.pi), "e": np.float64(np.e)}
FEATURES = (
    *("volume", "bass", "mid", "treble", "onset", "beat", "beat_phase", "bar_phase"),
    *("brightness", "percussive", "harmonic"),
)
VARIABLES = (
    *("t", "frame", "frames", "seconds", "shot", "shot_t", "seed", "fps", "beat_index", "bar_index"),
    *FEATURES,
)

NAMES = frozenset((*VARIABLES, *CONSTANTS))

_OPERATORS: dict[type[ast.AST], Callable[..., Array]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
    ast.USub: np.negative,
    ast.UAdd: np.positive,
    ast.Not: np.logical_not,
    ast.And: np.logical_and,
    ast.Or: np.logical_or,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}


@dataclass(frozen=True)
class Scene:
    """What an expression is evaluated for.

    Args:
        variable: From a variable's name, attack and release (seconds; None where not given) to its value at each frame
            of the clip, float64.
        seed: Of ``noise``.
    """

    variable: Callable[[str, float | None, float | None], np.ndarray]
    seed: int


def _nearest_or_all(name: str, known: Sequence[str]) -> str:
    """The name that was meant, or all that there are."""
    return nearest(name, known) or f" (known: {', '.join(known)})"


class Expression:
    """The expression in ``source``. What is wrong with it is raised as the source's kind of error.

    ``names`` holds the variables in it, each with the position of its first use.
    """

    def __init__(self, source: Typed) -> None:
        self.source, self.names = source, dict[str, int]()
        self.node = source.tree()
        self._check(self.node, 0)

    def values(self, scene: Scene, begin: int, end: int) -> np.ndarray:
        """The value at each frame from ``begin`` to before ``end``, float64; not finite where it has none."""
        with np.errstate(all="ignore"):
            values = _evaluated(self.node, scene, slice(begin, end))
        return np.broadcast_to(np.asarray(values, np.float64), (end - begin,))

    def error_at(self, scene: Scene, frame: int, when: str) -> MarkedError:
        """Why ``frame`` has no finite value, pointing at the part that has none; ``when`` says in words where it is."""
        with np.errstate(all="ignore"):
            node = _culprit(self.node, scene, slice(frame, frame + 1))
            divides = (
                isinstance(node, ast.BinOp)
                and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod)
                and np.all(_evaluated(node.right, scene, slice(frame, frame + 1)) == 0)
            )
        problem = "this divides by zero" if divides else "this is no finite number"
        position = self.source.after(node.left) if isinstance(node, ast.BinOp) else self.source.position(node)
        return self.source.kind(f"{problem} {when}", self.source.text, position)

    def _check(self, node: ast.expr, depth: int) -> None:
        if depth > DEEPEST:
            raise self.source.error("this is nested too deeply", node)
        match node:
            case ast.Constant(int() | float() as number) if not isinstance(number, bool):
                if not abs(number) <= LARGEST:
                    raise self.source.error("this number is too large", node)
            case ast.Name(name):
                self._check_name(name, node)
            case ast.Call(ast.Name(name), arguments, keywords):
                self._check_call(name, arguments, keywords, node)
            case ast.Tuple([first, *_]):
                raise self.source.kind("there is a comma too many", self.source.text, self.source.after(first))
            case ast.BinOp() | ast.UnaryOp() | ast.BoolOp() | ast.Compare() | ast.IfExp():
                self._check_operators(node)
            case _:
                known = "numbers, variables, functions and operators such as + - * / // % ** are"
                raise self.source.error(f"this is not known here; {known}", node)
        for part in _parts(node):
            self._check(part, depth + 1)

    def _check_operators(self, node: ast.expr) -> None:
        unknown = "this operator is not known here"
        match node:
            case ast.UnaryOp(ast.Invert()):
                raise self.source.error(f"{unknown}; 'not' is", node)
            case ast.BinOp(left, operator, _) if type(operator) not in _OPERATORS:
                raise self.source.kind(unknown, self.source.text, self.source.after(left))
            case ast.Compare(left, operators, others):
                for before, operator in zip((left, *others), operators, strict=False):
                    if type(operator) not in _OPERATORS:
                        raise self.source.kind(unknown, self.source.text, self.source.after(before))

    def _check_name(self, name: str, node: ast.expr) -> None:
        if name in VARIABLES:
            self.names.setdefault(name, self.source.position(node))
        elif name in FUNCTIONS:
            raise self.source.error(f"'{name}' needs its arguments: {name}({FUNCTIONS[name][0]})", node)
        elif name not in CONSTANTS:
            known = (*VARIABLES, *CONSTANTS)
            raise self.source.error(f"there is no variable called '{brief(name)}'{_nearest_or_all(name, known)}", node)

    def _check_call(self, name: str, arguments: list[ast.expr], keywords: list[ast.keyword], node: ast.expr) -> None:
        if name in FEATURES:
            self._check_feature(name, arguments, keywords)
            self.names.setdefault(name, self.source.position(node))
        elif name in FUNCTIONS:
            signature = FUNCTIONS[name][0]
            wanted, more = signature.count(",") + 1, signature.endswith("...")
            if len(arguments) < wanted - more or (len(arguments) > wanted and not more):
                raise self.source.error(f"this takes other arguments: {name}({signature})", node)
            if keywords:
                raise self.source.error(f"arguments of {name} have no names", keywords[0].value)
        elif name in VARIABLES or name in CONSTANTS:
            raise self.source.error(f"'{name}' is a number and takes no arguments", node)
        else:
            known = (*FUNCTIONS, *FEATURES)
            raise self.source.error(f"there is no function called '{brief(name)}'{_nearest_or_all(name, known)}", node)

    def _check_feature(self, name: str, arguments: list[ast.expr], keywords: list[ast.keyword]) -> None:
        takes = f"{name} takes attack= and release=, each a number of seconds from 0 to {LONGEST_SWING}"
        for argument in arguments:
            raise self.source.error(takes, argument)
        for index, keyword in enumerate(keywords):
            if keyword.arg not in {"attack", "release"} or keyword.arg in [other.arg for other in keywords[:index]]:
                raise self.source.error(takes, keyword.value)
            match keyword.value:
                case ast.Constant(int() | float() as number) if (
                    not isinstance(number, bool) and number <= LONGEST_SWING
                ):
                    pass
                case _:
                    raise self.source.error(takes, keyword.value)


def _parts(node: ast.expr) -> list[ast.expr]:
    """The expressions of which ``node`` is made, less the names of functions and what follows ``=``."""
    if isinstance(node, ast.Call):
        return node.args
    return [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]


def _evaluated(node: ast.expr, scene: Scene, frames: slice) -> Array:
    """The value of a node that was checked, for each of ``frames`` or, where it is constant, as one number."""

    def of(part: ast.expr) -> Array:
        return _evaluated(part, scene, frames)

    match node:
        case ast.Constant(int() | float() as number):
            values = np.float64(number)
        case ast.Name(name):
            values = CONSTANTS[name] if name in CONSTANTS else scene.variable(name, None, None)[frames]
        case ast.Call(ast.Name(name), keywords=keywords) if name in FEATURES:
            swing = {keyword.arg: float(ast.literal_eval(keyword.value)) for keyword in keywords}
            values = scene.variable(name, swing.get("attack"), swing.get("release"))[frames]
        case ast.Call(ast.Name("noise"), [x]):
            values = noise(scene.seed, of(x))
        case ast.Call(ast.Name(name), arguments):
            values = FUNCTIONS[name][1](*map(of, arguments))
        case ast.IfExp(test, body, orelse):
            values = np.where(of(test) != 0, of(body), of(orelse))
        case ast.UnaryOp(operator, operand):
            values = _OPERATORS[type(operator)](of(operand)) * 1.0
        case ast.BinOp(left, operator, right):
            values = _OPERATORS[type(operator)](of(left), of(right))
        case ast.BoolOp(operator, operands):
            values = reduce(_OPERATORS[type(operator)], map(of, operands)) * 1.0
        case ast.Compare(left, operators, others):
            pairs = zip(operators, pairwise(map(of, (left, *others))), strict=True)
            values = reduce(np.logical_and, (_OPERATORS[type(each)](*pair) for each, pair in pairs)) * 1.0
        case _:
            raise AssertionError(f"{ast.dump(node)} should have been refused")
    return values


def _culprit(node: ast.expr, scene: Scene, frame: slice) -> ast.expr:
    """The innermost part that makes ``node`` not finite at ``frame``. Branches not taken there are innocent."""
    match node:
        case ast.IfExp(test, a, b) | ast.Call(ast.Name("where"), [test, a, b]):
            parts = [a if np.all(_evaluated(test, scene, frame) != 0) else b]
        case _:
            parts = _parts(node)
    for part in parts:
        if not np.all(is_finite(_evaluated(part, scene, frame))):
            return _culprit(part, scene, frame)
    return node


def is_finite(values: Array) -> Array:
    """Where ``values`` are numbers that mean something: what is larger than ``LARGEST`` went out of hand."""
    return np.abs(values) <= LARGEST
