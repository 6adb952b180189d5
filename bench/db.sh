#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Durable small writes per second: group commit beside a bare SQLite loop, on this folder's disk.
#
# usage: ./dev bench db [POSTGRES]     POSTGRES: what libpq takes, to measure that server too
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ninja -C build/release bench_db >/dev/null
exec build/release/bin/bench_db build/release "$@"
