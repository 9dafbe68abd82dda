"""`python -m gateway.reference` writes the generated files that are committed; `--check` reports those out of date."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.reference.asyncapi import asyncapi
from gateway.reference.configuration import configuration
from gateway.reference.openapi import openapi
from gateway.reference.pages import reference
from gateway.reference.states import states
from gateway.reference.typescript import typescript

ROOT = Path(__file__).parents[2]

GENERATED: Mapping[Path, Callable[[], str]] = {
    ROOT / "web-demo" / "src" / "contract.gen.ts": typescript,
    ROOT / "docs" / "contract.md": reference,
    ROOT / "docs" / "states.md": states,
    ROOT / "docs" / "settings.md": configuration,
}
"""Each committed file and its generated content."""
RELEASED: Mapping[str, Callable[[], str]] = {
    "asyncapi.json": asyncapi,
    "openapi.json": openapi,
    **{path.name: text_of for path, text_of in GENERATED.items()},
}
"""The files of a release, by name. A running gateway serves the first two."""


def write_all(folder: Path) -> list[Path]:
    """Write everything generated into a folder, made if need be; answers the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text_of in RELEASED.items():
        (folder / name).write_text(text_of(), "utf-8")
    return [folder / name for name in RELEASED]


def main(arguments: list[str]) -> int:
    """Write the committed files, or with `--check` exit 1 when one is out of step."""
    if arguments[:1] == ["--out"] and len(arguments) == 2:
        for path in write_all(Path(arguments[1])):
            print(f"wrote {path}")
        return 0
    is_check = "--check" in arguments
    status = 0
    for path, text_of in GENERATED.items():
        text = text_of()
        if path.exists() and path.read_text("utf-8") == text:
            continue
        name = path.relative_to(ROOT)
        if is_check:
            print(f"{name} is out of step with the code: run `make contract`", file=sys.stderr)
            status = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(f"wrote {name}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
