"""`python -m gateway.reference` writes everything generated; with `--check` it only says what is out of step."""

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
    ROOT / "docs" / "asyncapi.json": asyncapi,
    ROOT / "docs" / "openapi.json": openapi,
    ROOT / "docs" / "contract.md": reference,
    ROOT / "docs" / "states.md": states,
    ROOT / "docs" / "settings.md": configuration,
}
"""Each file and what it must hold."""


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` exit 1 when one is out of step."""
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
