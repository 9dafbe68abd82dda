"""Writes digests beside the versions of container images: `pin_images.py [--check]`."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = (ROOT / "deploy" / "Dockerfile", ROOT / "deploy" / "compose.yaml")
IMAGE = re.compile(
    r"^(?P<before>FROM |\s+image: )(?P<image>[a-z0-9./-]+:[\w.-]+)(?P<digest>@sha256:[0-9a-f]{64})?", re.MULTILINE
)
OURS = "live-room-gateway:"
"""The image that is built here, which no registry has."""
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
SECONDS = 60

ASK = {
    "docker": ("buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}"),
    "skopeo": ("inspect", "--format", "{{.Digest}}"),
    "crane": ("digest",),
}
"""Programs that can query a registry, and their arguments; the image comes last."""


class PinError(Exception):
    """Why nothing was written, in one sentence."""


def main(arguments: list[str]) -> int:
    """0: every image has its digest; 1: one is missing, or could not be had."""
    texts = {file: file.read_text("utf-8") for file in FILES}
    images = sorted({found["image"] for text in texts.values() for found in foreign(text)})
    if "--check" in arguments:
        missing = sorted({found["image"] for text in texts.values() for found in foreign(text) if not found["digest"]})
        print("\n".join(f"{image} has no digest" for image in missing) or f"{len(images)} images have digests")
        return 1 if missing else 0
    try:
        digests = {image: ask(image) for image in images}
    except PinError as error:
        print(f"liveroom: {error}", file=sys.stderr)
        return 1
    for file, text in texts.items():
        file.write_text(pinned(text, digests), "utf-8")
    for image, digest in digests.items():
        print(f"{image}@{digest}")
    return 0


def foreign(text: str) -> list[re.Match[str]]:
    """Every image of others that a file names."""
    return [found for found in IMAGE.finditer(text) if not found["image"].startswith(OURS)]


def pinned(text: str, digests: dict[str, str]) -> str:
    """The text with the digest of each image behind it, in place of an older one."""
    return IMAGE.sub(
        lambda found: (
            found[0]
            if found["image"] not in digests
            else f"{found['before']}{found['image']}@{digests[found['image']]}"
        ),
        text,
    )


def ask(image: str) -> str:
    """The digest that a registry has for an image now."""
    for program, words in ASK.items():
        place = shutil.which(program)
        if place is None:
            continue
        name = f"docker://docker.io/{image if '/' in image else f'library/{image}'}" if program == "skopeo" else image
        answer = subprocess.run([place, *words, name], check=False, capture_output=True, text=True, timeout=SECONDS)
        found = DIGEST.search(answer.stdout)
        if answer.returncode == 0 and found is not None:
            return found[0]
        raise PinError(f"{program} cannot tell the digest of {image}: {(answer.stderr.strip() or 'no answer')[:200]}.")
    raise PinError("nothing here can ask a registry: install docker, skopeo or crane.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
