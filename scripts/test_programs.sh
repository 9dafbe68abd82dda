#!/bin/sh
# Sees to the programs and fonts that `make test` runs and no lock file brings: whatever is missing is installed with apt-get,
# as root or through `sudo -n`. Where neither works, one sentence on stderr names what is missing and the
# exit status is 1. Nothing is asked and nothing is skipped.
set -eu

sbin=${SBIN:-/usr/sbin} # where Debian has nginx, outside the PATH of ordinary users

fail() {
    printf 'liveroom: %s\n' "$1" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# Prints the Debian packages that are not there yet.
missing() {
    has chromium || has chromium-browser || printf '%s ' "$chromium"
    has fc-list || printf 'fontconfig '
    fc-list 2>/dev/null | grep -qi 'noto.*cjk' || printf 'fonts-noto-cjk '
    has nginx || [ -x "$sbin/nginx" ] || printf 'nginx-light '
    has redis-server || printf 'redis-server '
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

chromium=chromium
packages=$(missing)
[ -n "$packages" ] || exit 0

why="the tests need ${packages% }, which this machine lacks"
by_hand="install them, or run \`make quick\`, which needs none of them"
has apt-get || fail "$why; it has no apt-get to install them with: $by_hand (the names are Debian's)."
[ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null ||
    fail "$why, and you are neither root nor may use sudo without a password: $by_hand (apt-get install ${packages% })."

printf '==> %s, and apt-get installs it ...\n' "$why"
as_root apt-get update || fail "$why, and \`apt-get update\` failed; its output stands above: $by_hand."
if ! apt-cache show chromium >/dev/null 2>&1; then # Ubuntu calls it otherwise
    chromium=chromium-browser
    packages=$(missing)
fi
# shellcheck disable=SC2086 # a list of words
as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $packages ||
    fail "$why, and \`apt-get install\` failed; its output stands above: $by_hand."

packages=$(missing)
[ -z "$packages" ] || fail "apt-get installed ${packages% }, and the programs are still not found: look at the PATH."
