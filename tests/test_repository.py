"""What may be committed: our own text, locks with hashes and without addresses, no secrets."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from gateway import __version__

ROOT = Path(__file__).parents[1]
LOCKS = [ROOT / "requirements" / "runtime.lock", ROOT / "requirements" / "dev.lock"]
PACKAGE_LOCKS = [ROOT / "web-demo" / "package-lock.json", ROOT / "tests" / "clients" / "package-lock.json"]
MAX_LINE_CHARS = 2000
TEXT = {
    ".py",
    ".ts",
    ".tsx",
    ".js",
    ".mjs",
    ".cjs",
    ".css",
    ".html",
    ".md",
    ".toml",
    ".sh",
    ".json",
    ".yml",
    ".yaml",
    ".svg",
}
BINARY = {".png", ".jpg", ".webp", ".ico", ".woff2"}
EMBEDDED_BINARY_BYTES = 300_000

SECRETS = re.compile(
    r"""
      -----BEGIN\ (RSA\ |EC\ |OPENSSH\ |ENCRYPTED\ )?PRIVATE\ KEY-----
    | \bAKIA[0-9A-Z]{16}\b
    | \bgh[pousr]_[A-Za-z0-9]{36}
    | \bsk_live_[0-9A-Za-z]{16}
    | \bxox[abprs]-[0-9A-Za-z-]{10}
    | \beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}  # a token somebody minted
    """,
    re.VERBOSE,
)


def committed() -> list[Path]:
    """Tracked files that exist."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout  # noqa: S607
    return [path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file()]


def versions(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*(?:\[[^]]*])?)==([^ \\;]+)", lock.read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_a_hash(lock: Path) -> None:
    entries = re.split(r"^(?=[a-z0-9])", lock.read_text("utf-8"), flags=re.MULTILINE)
    packages = [entry for entry in entries if "==" in entry.split("\n")[0]]
    assert len(packages) > 20
    assert [entry.split("=")[0] for entry in packages if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_python_locks_name_no_registry(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert re.findall(r"https?://|--index-url|--extra-index-url|--find-links|file:", text) == []


def test_both_python_locks_agree() -> None:
    runtime, dev = (versions(lock) for lock in LOCKS)
    assert runtime.items() <= dev.items()


@pytest.mark.parametrize("lock", PACKAGE_LOCKS, ids=lambda lock: lock.parent.name)
def test_package_locks_have_hashes_and_name_no_registry(lock: Path) -> None:
    packages = json.loads(lock.read_text("utf-8"))["packages"]
    outside = {name: entry for name, entry in packages.items() if name and not entry.get("link")}
    assert outside
    assert [name for name, entry in outside.items() if not entry.get("integrity", "").startswith("sha512-")] == []
    assert [name for name, entry in outside.items() if "resolved" in entry] == []
    assert "omit-lockfile-registry-resolved=true" in (lock.parent / ".npmrc").read_text("utf-8")


def test_no_third_party_or_minified_file_is_committed() -> None:
    for path in committed():
        name = str(path.relative_to(ROOT))
        assert not re.search(r"(^|/)(node_modules|dist|vendor|third_party|site-packages)/|\.min\.(js|css)$", name), name
        if path.suffix in TEXT and path not in PACKAGE_LOCKS:
            longest = max(map(len, path.read_text("utf-8").splitlines()), default=0)
            assert longest <= MAX_LINE_CHARS, f"{name} has a line of {longest} characters: minified or generated?"


def test_binary_files_are_pictures_and_fonts_of_modest_size() -> None:
    for path in committed():
        if b"\0" in path.read_bytes():
            assert path.suffix in BINARY, path.relative_to(ROOT)
            assert path.stat().st_size <= EMBEDDED_BINARY_BYTES, path.relative_to(ROOT)


def test_no_secret_is_committed() -> None:
    for path in committed():
        if b"\0" not in (data := path.read_bytes()):
            found = SECRETS.search(data.decode("utf-8"))
            assert not found, f"{path.relative_to(ROOT)}: {found}"


def test_no_path_of_somebodys_machine_is_committed() -> None:
    # spelled in pieces, so that this file does not find itself
    machine = re.compile("|".join(["/ho" + "me/[a-z]+/", "/Us" + "ers/[A-Za-z]+/", "/ro" + "ot/", "/wo" + "rk/"]))
    for path in committed():
        if path.suffix in TEXT | {".lock", ""} and b"\0" not in (data := path.read_bytes()):
            found = machine.search(data.decode("utf-8"))
            assert not found, f"{path.relative_to(ROOT)}: {found}"


def test_the_image_carries_the_version_of_the_package() -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))
    assert compose["x-liveroom"]["image"] == f"live-room-gateway:{__version__}"


def test_the_forge_runs_what_this_machine_runs_and_needs_no_secret() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert commands == ["make check", "make coverage", "bash .ci/run"]
    assert all(job["timeout-minutes"] <= 90 for job in jobs.values())
    assert "secrets." not in text
