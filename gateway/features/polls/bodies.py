"""What is said over HTTP of polls."""

from gateway.api.shapes import Shape


class PollOptionBody(Shape):
    """An answer and how many chose it."""

    text: str
    votes: int


class PollBody(Shape):
    """A question; `ended_ms` is null while it is open."""

    id: str
    question: str
    options: list[PollOptionBody]
    asked_ms: int
    ended_ms: int | None


class PollList(Shape):
    """All polls of a show, newest last."""

    show: str
    polls: list[PollBody]
