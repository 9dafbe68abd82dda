"""Digests of images are written behind their versions. No registry is reached here: a script answers for `docker`."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from gateway import __version__

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "pin_images.py"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def pin_images() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pin_images", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, on copies of the files that it changes, with a `docker` that knows every image."""
    module = pin_images()
    files = []
    for file in module.FILES:
        copy = tmp_path / file.name
        copy.write_text(file.read_text("utf-8"), "utf-8")
        files.append(copy)
    monkeypatch.setattr(module, "FILES", tuple(files))
    programs = tmp_path / "bin"
    programs.mkdir()
    answering(programs, f"echo {DIGEST}")
    monkeypatch.setenv("PATH", f"{programs}:/bin")
    return module


def answering(folder: Path, answer: str) -> None:
    docker = folder / "docker"
    docker.write_text(f"#!/bin/sh\n{answer}\n", "utf-8")
    docker.chmod(0o755)


def test_every_image_of_others_gets_its_digest_and_a_second_run_changes_nothing(script: ModuleType) -> None:
    assert script.main([]) == 0
    texts = [file.read_text("utf-8") for file in script.FILES]
    found = [image for text in texts for image in script.foreign(text)]
    assert len(found) >= 6
    assert {image["digest"] for image in found} == {f"@{DIGEST}"}
    assert f"live-room-gateway:{__version__}@{DIGEST}" not in texts[1], "that one is built here"
    assert script.main([]) == 0
    assert [file.read_text("utf-8") for file in script.FILES] == texts
    assert script.main(["--check"]) == 0


def test_without_a_registry_nothing_is_written_and_the_reason_is_told(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [file.read_text("utf-8") for file in script.FILES]
    answering(tmp_path / "bin", "echo no such host >&2; exit 1")
    assert script.main([]) == 1
    assert "no such host" in capsys.readouterr().err
    (tmp_path / "bin" / "docker").unlink()
    assert script.main([]) == 1
    assert "docker, skopeo or crane" in capsys.readouterr().err
    assert [file.read_text("utf-8") for file in script.FILES] == before


def test_it_runs_as_a_script() -> None:
    told = subprocess.run([sys.executable, str(SCRIPT), "--check"], check=False, capture_output=True, text=True)
    assert told.returncode in (0, 1)
    assert "python:3" in told.stdout or "have digests" in told.stdout
