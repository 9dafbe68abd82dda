"""What is said over HTTP of names."""

from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.api.shapes import Shape


class NewNames(Shape):
    """The whole list of a show's official names."""

    names: Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=960)]], Field(max_length=50)]


class NameList(Shape):
    """The names that viewers of a show may not take: the official ones, and those of its hosts."""

    show: str
    names: list[str]
    hosts: list[str]
