"""Reading a formula such as ``0.2 * mean_square(mixed2) + channel(mixed4, 139)``: a sum of weighted calls.

It has the syntax of a Python expression and nothing of its power: numbers, + - * /, and calls whose arguments are
numbers, names (bare or quoted) and lists of these. Nothing is evaluated. What the calls mean is not known here.

A number before a call may move: ``(0.5 + 0.5*bass) * mean(mixed3)``. Then it is an expression of a schedule, which
``moving_numbers`` finds and ``fill`` replaces by its number at one frame.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dreamvideo.expression import FEATURES, FUNCTIONS, NAMES
from dreamvideo.schedule import Schedule, ScheduleError, schedule_within
from dreamvideo.typed import LARGEST, LONGEST, MarkedError, Typed, newlines

LONGEST_NUMBER = 24  # characters of a number that is filled in: -1.2345678901234567e-300

Value = int | float | str | tuple["Value", ...]


class FormulaError(MarkedError):
    """A formula that can't be read. The message shows it, with a mark under the character at fault."""

    what = "formula"


@dataclass(frozen=True)
class Call:
    """One call and the number before it, in which each moving number counts as 1.

    ``position`` is where its name stands in ``text``, counted from 0; ``places`` is where its arguments stand, by their
    index or keyword.
    """

    weight: float
    name: str
    arguments: tuple[Value, ...]
    keywords: Mapping[str, Value]
    text: str
    position: int
    places: Mapping[int | str, int] = field(default_factory=dict, compare=False, repr=False)

    def error(self, problem: str, argument: int | str | None = None) -> FormulaError:
        """What is wrong with this call, or with the argument of this index or keyword, pointing at it."""
        place = self.position if argument is None else self.places.get(argument, self.position)
        return FormulaError(problem, self.text, place)


@dataclass(frozen=True)
class Moving:
    """A number of a formula that moves: ``text[begin:end]`` is its expression."""

    begin: int
    end: int
    schedule: Schedule
    divides: bool = False  # whether it stands after a /


def parse_formula(text: str) -> list[Call]:
    """The weighted calls of ``text``, in order. Raises ``FormulaError``."""
    return _read(text)[0]


def moving_numbers(text: str) -> list[Moving]:
    """The numbers of the formula ``text`` that move, in order. Raises ``FormulaError``."""
    return _read(text)[1]


def fill(text: str, values: Sequence[float]) -> str:
    """The formula ``text`` with ``values`` for its moving numbers: the same calls in the same order.

    Raises ``FormulaError`` where ``text`` can't be read, or where something would be divided by 0.
    """
    filled, done = "", 0
    for moving, value in zip(moving_numbers(text), values, strict=True):
        if not abs(value) <= LARGEST:
            raise FormulaError(f"{value} is too large or no number", text, moving.begin)
        if moving.divides and value == 0:
            raise FormulaError("nothing can be divided by 0, which this is here", text, moving.begin)
        filled += f"{text[done : moving.begin]}{float(value)!r}"
        done = moving.end
    return filled + text[done:]


def _read(text: str) -> tuple[list[Call], list[Moving]]:
    text = newlines(text, FormulaError)
    source = Typed(FormulaError, text)
    reader = _Reader(source)
    try:
        calls = list(reader.calls(source.tree(), 1.0))
    except RecursionError as error:
        raise FormulaError("this is no formula", text, 0) from error
    filled = len(text) + sum(max(0, LONGEST_NUMBER - (moving.end - moving.begin)) for moving in reader.moving)
    if filled > LONGEST:
        raise FormulaError(f"with its moving numbers filled in, this is longer than {LONGEST} characters", text, 0)
    return calls, sorted(reader.moving, key=lambda moving: moving.begin)


class _Reader:
    """Walks the syntax tree of ``source``, and gathers the moving numbers on the way."""

    def __init__(self, source: Typed) -> None:
        self.source = source
        self.moving: list[Moving] = []

    def calls(self, node: ast.expr, weight: float) -> Iterator[Call]:
        """The calls under ``node``, each weight multiplied by ``weight``."""
        match node:
            case ast.BinOp(left, ast.Add(), right):
                yield from self.calls(left, weight)
                yield from self.calls(right, weight)
            case ast.BinOp(left, ast.Sub(), right):
                yield from self.calls(left, weight)
                yield from self.calls(right, -weight)
            case ast.BinOp(left, ast.Mult(), right) if _is_number(left):
                yield from self.calls(right, weight * self.number(left))
            case ast.BinOp(left, ast.Mult(), right) if _moves(left):
                self.add_moving(left)
                yield from self.calls(right, weight)
            case ast.BinOp(left, ast.Mult() | ast.Div() as operator, right) if _moves(right):
                self.add_moving(right, divides=isinstance(operator, ast.Div))
                yield from self.calls(left, weight)
            case ast.BinOp(left, ast.Mult(), right):
                yield from self.calls(left, weight * self.number(right))
            case ast.BinOp(left, ast.Div(), right):
                yield from self.calls(left, weight / self.divisor(right))
            case ast.UnaryOp(ast.USub(), operand):
                yield from self.calls(operand, -weight)
            case ast.UnaryOp(ast.UAdd(), operand):
                yield from self.calls(operand, weight)
            case ast.Call(ast.Name(name), arguments, keywords) if not _is_of_schedule(node):
                yield self.call(node, weight, name, arguments, keywords)
            case ast.Name(name) if name not in NAMES:
                raise self.error(f"'{name}' needs its arguments in parentheses, such as {name}(mixed4)", node)
            case _:
                raise self.error(
                    "this is no objective; write a sum such as 0.5 * mean(mixed3) + channel(mixed4, 139)", node
                )

    def call(
        self, node: ast.expr, weight: float, name: str, arguments: list[ast.expr], keywords: list[ast.keyword]
    ) -> Call:
        if not abs(weight) <= LARGEST:
            raise self.error("the number before this is too large", node)
        if name in FUNCTIONS and any(isinstance(argument, ast.Call | ast.Compare) for argument in arguments):
            raise self.error(f"{name}() makes a number; put it before a call: {name}(...) * mean(mixed3)", node)
        named: dict[str, Value] = {}
        for keyword in keywords:
            if keyword.arg is None:
                raise self.error("** means nothing here", keyword.value)
            if keyword.arg in named:
                raise self.error(f"{keyword.arg} is given twice", keyword.value)
            named[keyword.arg] = self.value(keyword.value)
        values = tuple(self.value(argument) for argument in arguments)
        parts: dict[int | str, ast.expr] = dict(enumerate(arguments))
        parts |= {keyword.arg: keyword.value for keyword in keywords if keyword.arg}
        places = {key: self.source.position(part) for key, part in parts.items()}
        return Call(weight, name, values, named, self.source.text, self.source.position(node), places)

    def add_moving(self, node: ast.expr, divides: bool = False) -> None:
        begin, end = self.source.position(node), self.source.end(node)
        try:
            schedule = schedule_within(self.source.text, begin, end)
        except ScheduleError as error:
            raise FormulaError(error.problem, error.text, error.position) from None
        self.moving.append(Moving(begin, end, schedule, divides))

    def value(self, node: ast.expr) -> Value:
        """An argument: a number, a name or a list of arguments."""
        match node:
            case ast.Name(name):
                return name
            case ast.Constant(str() as text):
                return text
            case ast.List(elements) | ast.Tuple(elements):
                return tuple(self.value(element) for element in elements)
            case _ if _is_number(node):
                return self.number(node)
            case _:
                raise self.error("an argument is a number, a name, or a list of them in [ ]", node)

    def number(self, node: ast.expr) -> int | float:
        number = self.computed(node)
        if not abs(number) <= LARGEST:
            raise self.error("this number is too large", node)
        return number

    def computed(self, node: ast.expr) -> int | float:
        match node:
            case ast.Constant(int() | float() as number) if not isinstance(number, bool):
                return number
            case ast.UnaryOp(ast.USub(), operand):
                return -self.number(operand)
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.number(operand)
            case ast.BinOp(left, ast.Mult(), right):
                return self.number(left) * self.number(right)
            case ast.BinOp(left, ast.Div(), right):
                return self.number(left) / self.divisor(right)
            case _:
                raise self.error("a number should stand here", node)

    def divisor(self, node: ast.expr) -> int | float:
        number = self.number(node)
        if number == 0:
            raise self.error("nothing can be divided by 0", node)
        return number

    def error(self, problem: str, node: ast.expr) -> MarkedError:
        return self.source.error(problem, node)


def _is_number(node: ast.expr) -> bool:
    return not any(isinstance(part, ast.Call | ast.Name | ast.List | ast.Tuple) for part in ast.walk(node)) and not (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _moves(node: ast.expr) -> bool:
    """Whether ``node`` is meant as a number that moves, well written or not: it holds no objective."""
    return not _is_number(node) and all(_is_of_schedule(part) for part in ast.walk(node) if isinstance(part, ast.Call))


def _is_of_schedule(call: ast.Call) -> bool:
    """Whether ``call`` is of a schedule's function: ``max(bass, 0.2)`` is, and ``max(mixed4)`` an objective."""
    inside = list(ast.walk(call))
    functions = [part.func for part in inside if isinstance(part, ast.Call)]
    known = all(isinstance(function, ast.Name) and function.id in {*FUNCTIONS, *FEATURES} for function in functions)
    names = [part.id for part in inside if isinstance(part, ast.Name) and part not in functions]
    return (
        known
        and NAMES.issuperset(names)
        and not any(isinstance(part.value, str) for part in inside if isinstance(part, ast.Constant))
    )
