#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Durable workflow transitions per second, beside bare SQLite and PostgreSQL loops, on this folder's disk; PostgreSQL
# is a server started for it (in $TMPDIR) where it is installed.
#
# usage: ./dev bench state [POSTGRES]     POSTGRES: what libpq takes, to measure that server instead
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ninja -C build/release bench_state >/dev/null
if [ $# = 0 ] && compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
  coproc POSTGRES { exec python3 tests/postgres.py --durable; }
  read -r conninfo <&"${POSTGRES[0]}"
  set -- "$conninfo"
fi
build/release/bin/bench_state build/release "$@"
