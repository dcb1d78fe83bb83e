"""Reading a formula such as ``0.2 * mean_square(mixed2) + channel(mixed4, 139)``: a sum of weighted calls.

It has the syntax of a Python expression and nothing of its power: numbers, + - * /, and calls whose arguments are
numbers, names (bare or quoted) and lists of these. Nothing is evaluated. What the calls mean is not known here.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dreamvideo.errors import ConfigError

LARGEST = 1e30
SHOWN = 48  # characters of a formula on either side of what is wrong
LONGEST = 4000  # characters: more is no formula that somebody wrote, and nests deeper than the parser can go

Value = int | float | str | tuple["Value", ...]


class FormulaError(ConfigError):
    """A formula that can't be read. The message shows it, with a mark under the character at fault."""

    def __init__(self, problem: str, text: str, position: int) -> None:
        begin = max(text.rfind("\n", 0, position) + 1, position - SHOWN)
        line = text[begin : position + SHOWN].split("\n", 1)[0].replace("\t", " ")
        super().__init__(f"{problem}, at character {position + 1}:\n  {line}\n  {' ' * (position - begin)}^")


@dataclass(frozen=True)
class Call:
    """One call and the number before it. ``position`` is where its name stands in ``text``, counted from 0."""

    weight: float
    name: str
    arguments: tuple[Value, ...]
    keywords: Mapping[str, Value]
    text: str
    position: int

    def error(self, problem: str) -> FormulaError:
        """What is wrong with this call, pointing at it."""
        return FormulaError(problem, self.text, self.position)


def is_formula(text: str) -> bool:
    """Whether ``text`` is meant as a formula: a bare name is none."""
    return not text.strip().isidentifier()


def parse_formula(text: str) -> list[Call]:
    """The weighted calls of ``text``, in order. Raises ``FormulaError``."""
    if len(text) > LONGEST:
        raise FormulaError(f"a formula has at most {LONGEST} characters", text[:60], 0)
    text = text.replace("\r\n", " \n").replace("\r", "\n")  # as the parser counts lines
    padding = len(text) - len(text.lstrip())
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return list(_Reader(text, padding).calls(tree.body, 1.0))
    except SyntaxError as error:
        # Without an offset it is the end that came too early.
        position = _index(text.strip(), error.lineno or 1, error.offset - 1) if error.offset else len(text.strip())
        problem = "this is no formula" if text.strip() else "a formula is missing"
        if "was never closed" in error.msg:
            problem = f"this {error.msg[1]} is never closed"
        raise FormulaError(problem, text, min(position + padding, len(text))) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise FormulaError("this is no formula", text, 0) from error


class _Reader:
    """Walks the syntax tree of ``text``, whose first ``padding`` characters are blanks."""

    def __init__(self, text: str, padding: int) -> None:
        self.text, self.padding = text, padding

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
            case ast.BinOp(left, ast.Mult(), right):
                yield from self.calls(left, weight * self.number(right))
            case ast.BinOp(left, ast.Div(), right):
                yield from self.calls(left, weight / self.divisor(right))
            case ast.UnaryOp(ast.USub(), operand):
                yield from self.calls(operand, -weight)
            case ast.UnaryOp(ast.UAdd(), operand):
                yield from self.calls(operand, weight)
            case ast.Call(ast.Name(name), arguments, keywords):
                yield self.call(node, weight, name, arguments, keywords)
            case ast.Name(name):
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
        named: dict[str, Value] = {}
        for keyword in keywords:
            if keyword.arg is None:
                raise self.error("** means nothing here", keyword.value)
            if keyword.arg in named:
                raise self.error(f"{keyword.arg} is given twice", keyword.value)
            named[keyword.arg] = self.value(keyword.value)
        position = _index(self.text.strip(), node.lineno, _column(self.text.strip(), node)) + self.padding
        return Call(weight, name, tuple(self.value(argument) for argument in arguments), named, self.text, position)

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

    def error(self, problem: str, node: ast.expr) -> FormulaError:
        text = self.text.strip()
        return FormulaError(problem, self.text, _index(text, node.lineno, _column(text, node)) + self.padding)


def _is_number(node: ast.expr) -> bool:
    return not any(isinstance(part, ast.Call | ast.Name | ast.List | ast.Tuple) for part in ast.walk(node)) and not (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _column(text: str, node: ast.expr) -> int:
    """The character at which ``node`` begins in its line: the syntax tree counts bytes."""
    line = text.split("\n")[node.lineno - 1]
    return len(line.encode()[: node.col_offset].decode(errors="ignore"))


def _index(text: str, line: int, column: int) -> int:
    """A line (from 1) and column (from 0) as one index into ``text``."""
    lines = text.split("\n")[: line - 1]
    return sum(len(before) + 1 for before in lines) + max(0, column)
