#!/bin/sh
# Finds what only the machine can give, and prints the Python to use.
#
#   scripts/prerequisites.sh [web]
#
# Python >= 3.11 with venv always, Node >= 20 and npm with `web`. Whatever is missing is told in one
# sentence on stderr, with exit status 1. $PYTHON, when set, is the only Python considered.
set -eu

fail() {
    printf 'liveroom: %s\n' "$1" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.11 or newer that runs; name one that is, or leave PYTHON unset."
        printf '%s\n' "$PYTHON"
        return
    fi
    for candidate in python3.13 python3.12 python3.11 python3; do
        if is_new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    found=$(python3 --version 2>/dev/null) || found="none"
    fail "Python 3.11 or newer is needed (found: $found); install it, or point PYTHON at it: make demo PYTHON=/path/to/python3."
}

python=$(find_python)
"$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
    fail "$python lacks the venv module; install it (Debian and Ubuntu: apt-get install python3-venv)."

if [ "${1:-}" = "web" ]; then
    node=$(node --version 2>/dev/null) || fail "Node 20 or newer is needed and no node is on the PATH; install it."
    major=${node#v}
    major=${major%%.*}
    [ "$major" -ge 20 ] 2>/dev/null || fail "Node 20 or newer is needed (found: $node); install a newer one."
    npm --version >/dev/null 2>&1 || fail "npm is needed and not on the PATH; install it (it comes with Node; Debian: apt-get install npm)."
fi

printf '%s\n' "$python"
