"""`make test` on a bare machine: what scripts/test_programs.sh finds, installs and says. Nothing is installed here."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "scripts" / "test_programs.sh"
PROGRAMS = {"chromium": "chromium", "nginx-light": "nginx", "redis-server": "redis-server"}
FONTS = "#!/bin/sh\necho '/usr/share/fonts/NotoSansCJK-Regular.ttc: Noto Sans CJK SC'\n"
ALL = {"chromium", "fontconfig", "fonts-noto-cjk", "nginx-light", "redis-server"}
APT_GET = """#!/bin/sh
echo "apt-get $*" >> {log}
[ "$1" = install ] || exit 0
for package in "$@"; do
    case $package in
        chromium | chromium-browser) cp {bin}/id {bin}/$package ;;
        nginx-light) cp {bin}/id {bin}/nginx ;;
        redis-server) cp {bin}/id {bin}/redis-server ;;
        fonts-noto-cjk) cp {bin}/fonts {bin}/fc-list ;;
    esac
done
"""


class Machine:
    """A machine whose PATH is one folder."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.log = folder / "log"
        for needed in ("grep", "env", "cp"):
            (self.bin / needed).symlink_to(str(shutil.which(needed)))
        self.put("id", "#!/bin/sh\necho 1000\n")
        self.put("fonts", FONTS)

    def put(self, name: str, text: str = "#!/bin/sh\n") -> None:
        (self.bin / name).write_text(text, "utf-8")
        (self.bin / name).chmod(0o755)

    def put_apt_get(self, *, chromium: bool = True) -> None:
        self.put("apt-get", APT_GET.format(log=self.log, bin=self.bin))
        self.put("apt-cache", f"#!/bin/sh\nexit {0 if chromium else 100}\n")

    def run(self) -> tuple[int, str, str]:
        """Exit status, stdout and stderr."""
        environment = {"PATH": str(self.bin), "SBIN": str(self.bin)}
        ran = subprocess.run(["/bin/sh", SCRIPT], check=False, capture_output=True, text=True, env=environment)
        return ran.returncode, ran.stdout, ran.stderr

    @property
    def installs(self) -> list[list[str]]:
        """The packages of each `apt-get install`."""
        lines = self.log.read_text("utf-8").splitlines() if self.log.exists() else []
        return [line.split()[4:] for line in lines if line.startswith("apt-get install --yes --no-install-recommends")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_that_has_everything_is_left_alone(machine: Machine) -> None:
    machine.put_apt_get()
    machine.put("fc-list", FONTS)
    for program in PROGRAMS.values():
        machine.put(program)
    assert machine.run() == (0, "", "")
    assert machine.installs == []


def test_root_gets_everything_from_apt_and_is_told_what(machine: Machine) -> None:
    machine.put_apt_get()
    machine.put("id", "#!/bin/sh\necho 0\n")
    status, said, complaint = machine.run()
    assert (status, complaint) == (0, "")
    assert [set(packages) for packages in machine.installs] == [ALL]
    assert all(package in said.splitlines()[0] for package in ALL)


def test_only_what_is_missing_is_installed(machine: Machine) -> None:
    machine.put_apt_get()
    machine.put("id", "#!/bin/sh\necho 0\n")
    machine.put("fc-list", FONTS)
    machine.put("chromium")
    assert machine.run()[0] == 0
    assert machine.installs == [["nginx-light", "redis-server"]]


def test_sudo_without_a_password_serves_as_root(machine: Machine) -> None:
    machine.put_apt_get()
    machine.put(
        "sudo", f'#!/bin/sh\necho "sudo $1 $2" >> {machine.log}\n[ "$1" = -n ] && shift\n[ "$1" = true ] || "$@"\n'
    )
    assert machine.run()[0] == 0
    assert [set(packages) for packages in machine.installs] == [ALL]
    assert "sudo -n env" in machine.log.read_text("utf-8")


def test_ubuntu_has_another_name_for_the_browser(machine: Machine) -> None:
    machine.put_apt_get(chromium=False)
    machine.put("id", "#!/bin/sh\necho 0\n")
    assert machine.run()[0] == 0
    assert [set(packages) for packages in machine.installs] == [ALL - {"chromium"} | {"chromium-browser"}]


@pytest.mark.parametrize("lacks", ["apt-get", "rights"])
def test_who_cannot_install_is_told_in_one_sentence_what_is_missing(machine: Machine, lacks: str) -> None:
    if lacks == "rights":
        machine.put_apt_get()
        machine.put("sudo", "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    status, said, complaint = machine.run()
    assert (status, said) == (1, "")
    assert len(complaint.splitlines()) == 1
    assert all(package in complaint for package in ALL)
    assert machine.installs == []


def test_an_installation_that_fails_stops_the_run(machine: Machine) -> None:
    machine.put("apt-get", "#!/bin/sh\necho 'no network' >&2\nexit 100\n")
    machine.put("id", "#!/bin/sh\necho 0\n")
    status, _said, complaint = machine.run()
    assert status == 1
    assert "no network" in complaint
    assert "`apt-get update` failed" in complaint


def test_programs_that_apt_get_did_not_bring_stop_the_run(machine: Machine) -> None:
    machine.put("apt-get")
    machine.put("apt-cache")
    machine.put("id", "#!/bin/sh\necho 0\n")
    status, _said, complaint = machine.run()
    assert status == 1
    assert "still not found" in complaint


def test_make_test_sees_to_its_programs_before_all_else_and_the_others_need_none() -> None:
    # a make that runs this very test hands its flags and its depth down, and the inner one then says where it is
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}

    def first(target: str) -> str:
        plan = subprocess.run(
            ["make", "--dry-run", target],  # noqa: S607
            cwd=ROOT, check=True, capture_output=True, text=True, env=own,
        )  # fmt: skip
        return plan.stdout

    assert "scripts/test_programs.sh" in first("test").splitlines()[0]
    for target in ("check", "demo", "quick", "setup"):
        assert "test_programs" not in first(target)


def test_continuous_integration_runs_what_a_contributor_runs_and_nothing_more() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make check", "make test"]


def test_quick_leaves_out_what_starts_a_server_and_says_so() -> None:
    folders = ["tests/store/test_outbox_sql.py", "tests/store/test_postgresql_faults.py", "tests/pubsub"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--quick", "--collect-only", "-q", "-p", "no:cacheprovider", *folders],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    chosen = [line for line in ran.stdout.splitlines() if "::" in line]
    assert any("test_outbox_sql" in line and "[sqlite" in line for line in chosen)
    assert any("test_broker_memory" in line for line in chosen)
    assert [line for line in chosen if "postgresql" in line or "redis" in line or "cluster" in line] == []
    assert re.search(r"[1-9]\d* tests of these folders need PostgreSQL or Redis", ran.stdout)
