#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/venv.sh NAME          makes (once) the environment of tests/sdk/requirements/NAME.txt, prints its path
#        tools/venv.sh --lock NAME   resolves NAME.in into NAME.txt: every package, its version, its wheel's hash
#
# Environments live in the cache under the hash of their requirements: a changed lock makes a new one, and checkouts
# with the same lock share theirs. An interrupted run is simply repeated.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${LAZULI_CACHE:-$HOME/.cache/lazuli}
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3)

say() { printf 'venv: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

hash_of() { { cat "$1"; "$python" -c 'import sys; print(sys.version_info[:3])'; } | sha256sum | cut -c1-12; }

# Serialises makers of one environment; the lock goes with the process.
lock() { exec 8>"$1.lock"; flock -w 900 8 || die "$1.lock has been held for 15 minutes"; }

# uv installs an environment in a tenth of pip's time. It comes through pip, pinned, into a folder of its own, and takes
# the index that pip is configured for: it does not read pip's settings itself.
find_uv() {
  local home
  home=$cache/uv-$(hash_of "$root/tools/uv.txt")
  if [ ! -e "$home/.complete" ]; then
    (  # called in a condition, where `set -e` does not hold
      lock "$home"
      [ ! -e "$home/.complete" ] || exit 0
      rm -rf "$home"
      "$python" -m venv "$home" &&
        "$home/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
          -r "$root/tools/uv.txt" >&2 &&
        touch "$home/.complete"
    ) || return 1
  fi
  local index
  index=${PIP_INDEX_URL:-$("$home/bin/pip" config get global.index-url 2>/dev/null || true)}
  [ -z "$index" ] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}
  export UV_SYSTEM_CERTS=1 UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never
  uv=$home/bin/uv
}

install_with_uv() {  # ENVIRONMENT REQUIREMENTS
  find_uv && "$uv" venv --quiet --python "$python" "$1" >&2 &&
    VIRTUAL_ENV=$1 "$uv" pip install --quiet --require-hashes --only-binary :all: -r "$2" >&2
}

install_with_pip() {
  rm -rf "$1"
  "$python" -m venv "$1" >&2 &&
    "$1/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$2" >&2
}

make_environment() {  # NAME
  local requirements=$root/tests/sdk/requirements/$1.txt
  [ -f "$requirements" ] || die "there is no $requirements"
  local home
  home=$cache/venv-$1-$(hash_of "$requirements")
  if [ ! -e "$home/.complete" ]; then
    mkdir -p "$cache"
    lock "$home"
    if [ ! -e "$home/.complete" ]; then
      local started=$SECONDS
      say "making the environment '$1' ($(grep -c '==' "$requirements") packages)"
      rm -rf "$home"
      install_with_uv "$home" "$requirements" || {
        say "uv failed; trying pip"
        install_with_pip "$home" "$requirements" || die "could not install $requirements"
      }
      touch "$home/.complete"
      say "made '$1' in $((SECONDS - started)) s"
    fi
  fi
  echo "$home"
}

# uv resolves; pip then says which archive it would install on this platform, and that archive's hash is what is pinned.
make_lock() {  # NAME
  local source=$root/tests/sdk/requirements/$1.in target=$root/tests/sdk/requirements/$1.txt
  [ -f "$source" ] || die "there is no $source"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  find_uv || die "could not install uv"
  grep -oE '^[^ ]+==[^ ]+' "$target" >"$work/before.txt" 2>/dev/null || true
  "$uv" pip compile --quiet --no-header --no-annotate --python "$python" -o "$work/after.txt" "$source" \
    ${LOCK_CONSTRAINTS:+-c "$LOCK_CONSTRAINTS"}
  "${uv%/uv}/pip" install --quiet --disable-pip-version-check --dry-run --ignore-installed --no-deps \
    --only-binary :all: --report "$work/report.json" -r "$work/after.txt" >&2
  "$python" - "$work/report.json" "$1" >"$work/lock.txt" <<'PY'
import json, sys
print(f"# Made by tools/venv.sh --lock {sys.argv[2]} from {sys.argv[2]}.in: edit that, not this.")
for item in sorted(json.load(open(sys.argv[1]))["install"], key=lambda item: item["metadata"]["name"].lower()):
    meta, digest = item["metadata"], item["download_info"]["archive_info"]["hashes"]["sha256"]
    print(f"{meta['name']}=={meta['version']} --hash=sha256:{digest}")
PY
  mv "$work/lock.txt" "$target"
  diff "$work/before.txt" <(grep -oE '^[^ ]+==[^ ]+' "$target") >&2 || true
}

case ${1:-} in
  --lock) [ $# = 2 ] || die "usage: tools/venv.sh --lock NAME"; make_lock "$2" ;;
  '' | -*) sed -n '3,4p' "${BASH_SOURCE[0]}" | cut -c3- >&2; exit 2 ;;
  *) make_environment "$1" ;;
esac
