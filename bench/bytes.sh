#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Stored bytes: durable 4 KiB and 100 MiB objects, encrypted, beside bare loops over the same disk; and the start with
# many objects.
#
# usage: ./dev bench bytes [OBJECTS]     OBJECTS for the start, 100000 by default
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ninja -C build/release bench_bytes >/dev/null
build/release/bin/bench_bytes build/release "$@"
