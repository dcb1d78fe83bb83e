"""Text that a person typed and that has the syntax of a Python expression: reading it, and pointing at what is wrong.

Formulas and schedules share this. Nothing here is evaluated.
"""

import ast
import re
import warnings
from typing import ClassVar

from dreamvideo.errors import ConfigError

LARGEST = 1e30
SHOWN = 48  # characters of a text on either side of what is wrong
LONGEST = 4000  # characters: more is nothing that somebody wrote, and nests deeper than the parser can go


class MarkedError(ConfigError):
    """A text that can't be read. The message shows it, with a mark under the character at ``position``, from 0."""

    what: ClassVar[str] = "text"

    def __init__(self, problem: str, text: str, position: int) -> None:
        self.problem, self.text, self.position = problem, text, position
        begin = max(text.rfind("\n", 0, position) + 1, position - SHOWN)
        line = text[begin : position + SHOWN].split("\n", 1)[0]
        line = re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", line)  # no tab, and nothing that a terminal takes for a command
        super().__init__(f"{problem}, at character {position + 1}:\n  {line}\n  {' ' * (position - begin)}^")


def newlines(text: str, kind: type[MarkedError]) -> str:
    """``text`` with its lines ending as the parser counts them, just as long. Raises ``kind`` where it is too long."""
    if len(text) > LONGEST:
        raise kind(f"a {kind.what} has at most {LONGEST} characters", text[:60], 0)
    return text.replace("\r\n", " \n").replace("\r", "\n")


class Typed:
    """``code[begin:end]``, to be read as one expression.

    Positions are indices into the whole ``code``, and so into ``text``, which is what errors show: both are equally
    long. What is wrong is raised as ``kind``.
    """

    def __init__(
        self, kind: type[MarkedError], text: str, code: str | None = None, begin: int = 0, end: int | None = None
    ) -> None:
        piece = (text if code is None else code)[begin:end]
        self.kind, self.text, self.code = kind, text, piece.strip()
        self.begin = begin + len(piece) - len(piece.lstrip())

    def tree(self) -> ast.expr:
        """The syntax tree. Raises ``kind``."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about what is odd in Python, such as 1if
                return ast.parse(self.code, mode="eval").body
        except SyntaxError as error:
            # Without an offset it is the end that came too early.
            offset = self._index(error.lineno or 1, error.offset - 1) if error.offset else len(self.code)
            problem = f"this is no {self.kind.what}" if self.code else f"a {self.kind.what} is missing"
            if "was never closed" in error.msg:
                problem = f"this {error.msg[1]} is never closed"
            raise self.kind(problem, self.text, min(self.begin + offset, len(self.text))) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise self.kind(f"this is no {self.kind.what}", self.text, self.begin) from error

    def position(self, node: ast.expr) -> int:
        """Where ``node`` begins."""
        return self.begin + self._of_bytes(node.lineno, node.col_offset)

    def end(self, node: ast.expr) -> int:
        """Where ``node`` ends."""
        if node.end_lineno is None or node.end_col_offset is None:
            raise ValueError("this node was not parsed from text")
        return self.begin + self._of_bytes(node.end_lineno, node.end_col_offset)

    def after(self, node: ast.expr) -> int:
        """Where the operator or comma after ``node`` stands, past the brackets around ``node``."""
        rest = self.code[self.end(node) - self.begin :]
        return self.begin + len(self.code) - len(rest.lstrip(" )\n\t"))

    def error(self, problem: str, node: ast.expr) -> MarkedError:
        """What is wrong with ``node``, pointing at it."""
        return self.kind(problem, self.text, self.position(node))

    def _of_bytes(self, line: int, column: int) -> int:
        """A line and column of the syntax tree, which counts bytes, as one index into ``code``."""
        before = self.code.split("\n")[line - 1].encode()[:column]
        return self._index(line, len(before.decode(errors="ignore")))

    def _index(self, line: int, column: int) -> int:
        """A line (from 1) and column (from 0) as one index into ``code``."""
        lines = self.code.split("\n")[: line - 1]
        return sum(len(before) + 1 for before in lines) + max(0, column)
