"""Sets up this clone: `setup.py runtime|dev [web]`."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMPS = ROOT / ".setup"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
WEB = ROOT / "web-demo"
CLIENTS = ROOT / "tests" / "clients"
PEERS = ROOT / "benchmarks" / "peers"
WEB_OUTPUT = ("node_modules", "dist")

LAUNCHER = """#!{python}
import sys

from gateway.cli.__main__ import main

sys.exit(main())
"""


class SetupError(Exception):
    """Why the clone cannot be made runnable, in one sentence."""


def main(wanted: list[str]) -> int:
    """Run the wanted steps in order; 0 when everything stands."""
    kind = "dev" if "dev" in wanted else "runtime"
    try:
        STAMPS.mkdir(exist_ok=True)
        step("venv", "Python environment in .venv", make_venv, [str(ROOT), sys.version], works=venv_works)
        lock = ROOT / "requirements" / f"{kind}.lock"
        step(
            kind,
            f"Python packages of requirements/{lock.name}",
            lambda: install(lock),
            [digest([lock]), stamp_of("venv")],
        )
        step("command", "the liveroom command", link_project, [stamp_of("venv"), LAUNCHER], works=command_exists)
        if kind == "dev":
            for name, folder in (("clients", CLIENTS), ("peers", PEERS)):
                step(
                    name,
                    f"packages of {folder.relative_to(ROOT)}",
                    partial(install_node, folder),
                    [digest([folder / "package.json", folder / "package-lock.json"])],
                    works=(folder / "node_modules").is_dir,
                )
        if "web" in wanted:
            locks = [WEB / "package.json", WEB / "package-lock.json"]
            step(
                "node",
                "browser packages of web-demo",
                lambda: install_node(WEB),
                [digest(locks)],
                works=(WEB / "node_modules").is_dir,
            )
            step("web", "web-demo pages", build_web, [digest(web_sources())], works=(WEB / "dist").is_dir)
    except PermissionError as error:
        print(
            f"liveroom: {error.filename or ROOT} cannot be written; make the folder yours or clone elsewhere.",
            file=sys.stderr,
        )
        return 1
    except SetupError as error:
        print(f"liveroom: {error}", file=sys.stderr)
        return 1
    return 0


def step(
    name: str, what: str, action: Callable[[], None], inputs: Iterable[str], works: Callable[[], bool] = lambda: True
) -> None:
    """Run `action` unless its stamp says that it already ran on the same inputs and its result still works."""
    stamp = STAMPS / name
    key = hashlib.sha256("\0".join(inputs).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text("ascii") == key and works():
        return
    stamp.unlink(missing_ok=True)
    print(f"==> {what} ...", flush=True)
    began = time.monotonic()
    action()
    stamp.write_text(key, "ascii")
    print(f"    done in {time.monotonic() - began:.0f} s", flush=True)


def make_venv() -> None:
    clear = [] if venv_works() else ["--clear"]
    run([sys.executable, "-m", "venv", *clear, str(VENV)], "the Python environment could not be made")


def venv_works() -> bool:
    probe = f"import sys, pip; sys.exit(sys.version != {sys.version!r})"
    return (
        VENV_PYTHON.exists()
        and subprocess.run([VENV_PYTHON, "-c", probe], check=False, capture_output=True).returncode == 0
    )


def install(lock: Path) -> None:
    # the lock names every package with its hashes, so nothing is left to resolve
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps"]
    run([*pip, "--require-hashes", "-r", str(lock)], "the Python packages could not be installed")


def link_project() -> None:
    # a .pth file and a launcher instead of an editable install, which would fetch an unlocked build backend
    site = subprocess.run(
        [VENV_PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    (Path(site) / "liveroom.pth").write_text(f"{ROOT}\n", "utf-8")
    command = VENV / "bin" / "liveroom"
    command.write_text(LAUNCHER.format(python=VENV_PYTHON), "utf-8")
    command.chmod(0o755)


def command_exists() -> bool:
    command = VENV / "bin" / "liveroom"
    return command.is_file() and command.read_text("utf-8").startswith(f"#!{VENV_PYTHON}\n")


def install_node(folder: Path) -> None:
    # no package may run code of its own at install: none of ours needs to
    ci = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    run(ci, f"the packages of {folder.name} could not be installed", cwd=folder)


def build_web() -> None:
    run(["npm", "run", "--silent", "build"], "the pages could not be built", cwd=WEB)


def web_sources() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(WEB):
        folders[:] = sorted(name for name in folders if name not in WEB_OUTPUT)
        found += [Path(folder) / name for name in sorted(files)]
    return found


def stamp_of(name: str) -> str:
    return (STAMPS / name).read_text("ascii")


def digest(paths: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        if not path.is_file():
            raise SetupError(f"{path.relative_to(ROOT)} is missing; the clone is incomplete.")
        total.update(str(path.relative_to(ROOT)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def run(command: list[str], failure: str, cwd: Path = ROOT) -> None:
    status = subprocess.run(command, check=False, cwd=cwd).returncode
    if status != 0:
        raise SetupError(f"{failure}: `{Path(command[0]).name}` ended with status {status}; its own words stand above.")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
