"""Workers of this very process, which answer in odd orders and are lost when they are told to; all data is pickled."""

import pickle
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dreamvideo.render.cluster import Placement
from dreamvideo.render.crew import Gone
from dreamvideo.render.worker import Order, Worker

Loses = Callable[["Hired", str], bool]


@dataclass(eq=False)
class Ticket:
    """A call that is answered later."""

    hired: "Hired"
    method: str
    arguments: bytes
    answer: bytes | Exception | None = None


@dataclass(eq=False)
class Hired:
    """A worker, its number among all, and the calls that it hasn't looked at yet."""

    number: int
    worker: Any
    waiting: deque[Ticket] = field(default_factory=deque)
    gone: bool = False
    said: list[str] = field(default_factory=list)


class TestHands:
    """``Hands``. ``loses`` says which call a worker doesn't survive; half of them are done nevertheless.

    ``shared``: whether workers see the journal; ``lacking``: whether they lack all files.
    """

    __test__ = False

    def __init__(
        self, *, seed: int = 0, loses: Loses = lambda _hired, _method: False, shared: bool = True, lacking: bool = False
    ) -> None:
        self.loses, self.shared, self.lacking = loses, shared, lacking
        self.hired: list[Hired] = []
        self.lost = 0
        self._random = random.Random(seed)
        self.make: Callable[[], Any] = lambda: Worker(pickle.loads(self._order))

    def nodes(self) -> list[dict[str, float]]:
        return [{"CPU": 8.0}]

    def prepare(self, order: Order, _placement: Placement) -> None:
        self._order = pickle.dumps(order if self.shared else replace(order, owner="somebody else"))

    def hire(self) -> Hired:
        self.hired.append(Hired(len(self.hired), self.make()))
        return self.hired[-1]

    def call(self, worker: Hired, method: str, *arguments: Any) -> Ticket:
        worker.waiting.append(Ticket(worker, method, pickle.dumps(arguments)))
        return worker.waiting[-1]

    def wait(self, tickets: Sequence[Ticket], seconds: float) -> list[Ticket]:
        assert seconds >= 0
        assert tickets
        some = self._random.sample(list(tickets), self._random.randint(0, len(tickets)))
        for ticket in some:
            while ticket.answer is None:
                self._answer(ticket.hired)
        return some

    def _answer(self, hired: Hired) -> None:
        ticket = hired.waiting.popleft()
        hired.said.append(ticket.method)
        lost = not hired.gone and self.loses(hired, ticket.method)
        self.lost += lost
        if not hired.gone and not (lost and self._random.random() < 0.5):
            try:
                ticket.answer = pickle.dumps(self._done(hired.worker, ticket))
            except Exception as error:
                ticket.answer = error
        if hired.gone or lost:
            hired.gone = True
            ticket.answer = Gone("it was switched off")

    def _done(self, worker: Any, ticket: Ticket) -> Any:
        arguments = pickle.loads(ticket.arguments)
        answer = getattr(worker, ticket.method)(*arguments)
        return list(arguments[0]) if ticket.method == "lacks" and self.lacking else answer

    def answer(self, ticket: Ticket) -> Any:
        if isinstance(ticket.answer, Exception):
            raise ticket.answer
        assert ticket.answer is not None
        return pickle.loads(ticket.answer)

    def dismiss(self, worker: Hired) -> None:
        worker.gone = True
        if isinstance(worker.worker, Worker):
            worker.worker.close()
