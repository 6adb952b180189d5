#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Simulated lives of the workflow engine, each from a seed of its own: crashes, power cuts, silent nodes, lost replies.
# A seed that fails says so, and can be run alone: LAZULI_SOAK_SEEDS=SEED:1 build/release/bin/lazuli_tests …
#
# usage: ./dev soak workflow [LIVES [FIRST_SEED]]     default 10000 lives from seed 1
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
lives=${1:-10000} first=${2:-1} shards=$(nproc)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
each=$(((lives + shards - 1) / shards))
for ((shard = 0; shard < shards; ++shard)); do
  LAZULI_SOAK_SEEDS=$((first + shard * each)):$each build/release/bin/lazuli_tests \
    --gtest_filter='WorkflowSimulation.NothingIsLostOrDoubledInAnyLife' </dev/null >"$folder/$shard" 2>&1 &
done
failed=0
for job in $(jobs -p); do wait "$job" || failed=1; done
grep -hE '^[0-9]+ lives:|^seed |Which is: "' "$folder"/* || tail -n 20 "$folder"/*
exit $failed
