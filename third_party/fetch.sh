#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fetches the pinned packages of pins.txt into a cache shared by all checkouts. Every archive is verified before it is
# unpacked, no script of a package runs, and a directory appears under its final name only when it is complete: an
# interrupted run leaves nothing half done and is simply repeated.
#
# usage: third_party/fetch.sh [--check]     --check only says (by its status) whether everything is there
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${LAZULI_THIRD_PARTY:-${LAZULI_CACHE:-$HOME/.cache/lazuli}/third_party}

say() { printf 'third_party: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Runs a download up to three times: registries do fail now and then. Prints what the client said when it gives up.
try() {
  local attempt
  for attempt in 1 2 3; do
    "$@" >"$work/client.log" 2>&1 && return 0
    [ "$attempt" = 3 ] || sleep "$attempt"
  done
  tail -n 20 "$work/client.log" >&2
  die "could not fetch: $*"
}

verify() {  # FILE SHA256
  local actual
  actual=$(sha256sum "$1" | cut -d' ' -f1)
  [ "$actual" = "$2" ] || die "$(basename "$1"): sha256 is $actual, pinned is $2"
}

the_file() {  # GLOB: prints the one file it names
  compgen -G "$1" | head -n 1 | grep . || die "the client left no file $1"
}

need() { command -v "$1" >/dev/null || die "'$1' is missing: run tools/setup.sh first"; }

pip() { "$python" -m pip --disable-pip-version-check --no-input "$@"; }

fetch_wheel() {  # NAME==VERSION SHA256
  try pip download --no-deps --only-binary :all: --python-version 3.11 --implementation cp --abi cp311 \
    --platform manylinux_2_28_x86_64 --dest "$work/download" "$1"
  local file; file=$(the_file "$work/download/*.whl")
  verify "$file" "$2"
  echo "$file"
}

# pip asks a source archive's build backend for its metadata even when it only downloads. That would run the package's
# code, so the backend it finds is a stub of ours that answers with an empty package.
fetch_sdist() {  # NAME==VERSION SHA256
  mkdir -p "$work/stub/setuptools"
  : >"$work/stub/setuptools/__init__.py"
  cat >"$work/stub/setuptools/build_meta.py" <<'PY'
import os


def prepare_metadata_for_build_wheel(directory, config_settings=None):
    name, version = os.environ["STUB_NAME"], os.environ["STUB_VERSION"]
    info = "%s-%s.dist-info" % (name, version)
    os.mkdir(os.path.join(directory, info))
    with open(os.path.join(directory, info, "METADATA"), "w") as out:
        out.write("Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (name, version))
    return info
PY
  echo "$1 --hash=sha256:$2" >"$work/requirements.txt"
  STUB_NAME=${1%%==*} STUB_VERSION=${1##*==} PYTHONPATH=$work/stub \
    try pip download --no-deps --no-binary :all: --no-build-isolation --require-hashes --dest "$work/download" \
    -r "$work/requirements.txt"
  local file; file=$(the_file "$work/download/*.tar.gz")
  verify "$file" "$2"
  echo "$file"
}

fetch_go() {  # MODULE@VERSION H1 H1_OF_GO_MOD: go itself checks the module against go.sum; prints the directory
  need go
  local module=${1%@*} version=${1#*@}
  mkdir -p "$work/go"
  printf 'module fetch\n\ngo 1.19\n' >"$work/go/go.mod"
  printf '%s %s %s\n%s %s/go.mod %s\n' "$module" "$version" "$2" "$module" "$version" "$3" >"$work/go/go.sum"
  (cd "$work/go" && GOFLAGS=-modcacherw GOMODCACHE=$work/gomod GOTOOLCHAIN=local GO111MODULE=on \
    try go mod download "$1")
  local directory=$work/gomod/$module@$version
  [ -d "$directory" ] || die "go left no directory for $1"
  echo "$directory"
}

# Each takes from the archive only the files that the build reads, and the licence. ARCHIVE DESTINATION
take_sqlite() {
  cp "$1/sqlite3-binding.c" "$2/sqlite3.c"
  cp "$1/sqlite3-binding.h" "$2/sqlite3.h"
}
take_llhttp() {
  local top; top=$(basename "$1" .tar.gz)/vendor/llhttp
  tar -xzf "$1" -C "$work" "$top/LICENSE" "$top/build/llhttp.h" "$top/build/c/llhttp.c" "$top/src/native"
  mkdir "$2/include" "$2/src"
  cp "$work/$top/LICENSE" "$2/"
  cp "$work/$top/build/llhttp.h" "$2/include/"
  cp "$work/$top/build/c/llhttp.c" "$work/$top"/src/native/*.[ch] "$2/src/"
}
take_onnxruntime() {
  "$python" - "$1" "$2" <<'PY'
import os, shutil, sys, zipfile
wheel, destination = zipfile.ZipFile(sys.argv[1]), sys.argv[2]
os.mkdir(os.path.join(destination, "lib"))
for name in wheel.namelist():
    base = os.path.basename(name)
    if base.startswith("libonnxruntime.so."):
        target = os.path.join(destination, "lib", base)
    elif name in ("onnxruntime/LICENSE", "onnxruntime/ThirdPartyNotices.txt"):
        target = os.path.join(destination, base)
    else:
        continue
    with wheel.open(name) as source, open(target, "wb") as out:
        shutil.copyfileobj(source, out)
PY
  compgen -G "$2/lib/libonnxruntime.so.*" >/dev/null || die "the wheel holds no libonnxruntime.so"
}
take_onnxruntime-api() {
  cp "$1"/onnxruntime_c_api.h "$1"/onnxruntime_ep_c_api.h "$1"/onnxruntime_error_code.h "$1/LICENSE" "$2/"
}

install_pin() {  # DIRECTORY KIND PACKAGE HASH...
  local directory=$1 kind=$2 package=$3 archive
  shift 3
  say "fetching $package"
  work=$cache/.work.$$
  rm -rf "$work"
  mkdir -p "$work/download" "$work/out"
  archive=$("fetch_$kind" "$package" "$@")
  "take_${directory%-*}" "$archive" "$work/out"
  printf '%s %s\n' "$package" "$*" >"$work/out/PIN"
  chmod -R u+w,a+rX "$work/out"
  sync "$work/out"
  mv -T "$work/out" "$cache/$directory"
  rm -rf "$work"
}

# A directory counts as there when it was made from the very pin that the list holds now.
present() { [ "$(cat "$cache/$1/PIN" 2>/dev/null)" = "$2" ]; }

main() {
  local pins=() line directory kind package hash
  mapfile -t pins < <(grep -v '^#' "$here/pins.txt")
  local missing=()
  for line in "${pins[@]}"; do
    read -r directory kind package hash <<<"$line"
    present "$directory" "$package $hash" || missing+=("$line")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "${1:-}" != --check ] || return 1

  mkdir -p "$cache"
  exec 9>"$cache/.lock"
  flock -w 600 9 || die "another fetch holds $cache/.lock since ten minutes"
  rm -rf "$cache"/.work.*
  trap 'rm -rf "$cache"/.work.$$' EXIT
  trap 'exit 130' INT TERM
  python=$(command -v python3) || die "'python3' is missing: run tools/setup.sh first"
  "$python" -m pip --version >/dev/null 2>&1 || python=/usr/bin/python3
  for line in "${missing[@]}"; do
    read -r directory kind package hash <<<"$line"
    present "$directory" "$package $hash" && continue
    rm -rf "${cache:?}/$directory"
    # shellcheck disable=SC2086  # a Go pin holds two hashes
    install_pin "$directory" "$kind" "$package" $hash
  done
}

main "$@"
