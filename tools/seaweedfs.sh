#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds SeaweedFS, the object service of the tests, into the cache and prints where it is. Its sources come from the Go
# module proxy, pinned. The first time takes ten minutes or more, so the tests do without it where it was not built.
#
# usage: tools/seaweedfs.sh [--check]     --check only says (by its status) whether it is there, and where
set -euo pipefail
version=v0.0.0-20261109003541-7506e5f91cd6
sum=h1:LOYZFToHq9F7pSR6lkPGfkM8RmHlVFrzndKdhmNZjrU=
folder=${LAZULI_CACHE:-$HOME/.cache/lazuli}/seaweedfs-$version

if [ ! -x "$folder/weed" ]; then
  [ "${1:-}" != --check ] || exit 1
  command -v go >/dev/null || { echo "seaweedfs: 'go' is missing (golang-go is too old: 1.25 is needed)" >&2; exit 1; }
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  printf 'module weed\n\ngo 1.25\n' >go.mod
  go get "github.com/seaweedfs/seaweedfs/weed@$version" >&2
  grep -qx "github.com/seaweedfs/seaweedfs $version $sum" go.sum ||
    { echo "seaweedfs: the module is not the one that is pinned" >&2; exit 1; }
  nice go build -p 1 -ldflags='-s -w' -o weed github.com/seaweedfs/seaweedfs/weed >&2
  mkdir -p "$folder"
  mv weed "$folder/weed.new"
  mv "$folder/weed.new" "$folder/weed"
fi
echo "$folder/weed"
