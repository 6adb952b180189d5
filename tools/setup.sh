#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what a fresh Debian 12 lacks. When nothing is missing it does nothing and takes no time.
#
# usage: tools/setup.sh [run|test|dev]      run (default): to build and run; test: and the tests; dev: and the linters
# exit:  0 ready, 2 root's help is needed (the command to run is printed), 1 anything else
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${LAZULI_CACHE:-$HOME/.cache/lazuli}
disk_free_gb_min=8

# The one list of what comes from Debian.
build_packages=(
  clang-19 lld-19 mold ccache cmake ninja-build pkg-config git ca-certificates
  libboost1.81-dev libboost-json1.81-dev libssl-dev libpq-dev libyaml-cpp-dev libpugixml-dev libsimdjson-dev
  libicu-dev libseccomp-dev libsodium-dev libgtest-dev libcli11-dev libp11-kit-dev libtss2-dev
)
run_packages=(libnss-myhostname bubblewrap python3 python3-venv python3-pip)
test_packages=(postgresql-15 softhsm2 swtpm strace clang-format-19 curl openssl gdb iproute2)
dev_packages=(clang-tidy-19 libclang-rt-19-dev wrk debootstrap)

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

wanted_packages() {  # LEVEL
  printf '%s\n' "${build_packages[@]}" "${run_packages[@]}"
  case $1 in
    run) ;;
    test) printf '%s\n' "${test_packages[@]}" ;;
    dev) printf '%s\n' "${test_packages[@]}" "${dev_packages[@]}" ;;
    *) die "usage: tools/setup.sh [run|test|dev]" ;;
  esac
  # Node may be here from elsewhere than Debian, whose npm that one would not go with.
  [ "$1" = run ] || {
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
  }
  # It only fetches what third_party/ pins, so it is not wanted once that is there.
  "$root/third_party/fetch.sh" --check || command -v go >/dev/null || echo golang-go
}

missing_packages() {  # reads names, prints those that are not installed
  local wanted
  mapfile -t wanted
  comm -23 <(printf '%s\n' "${wanted[@]}" | sort) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^installed //p' | sort)
}

check_disk() {
  local place free_gb
  for place in "$root" "$HOME" /usr; do
    free_gb=$(($(stat -f -c '%a * %S' "$place") / 1024 ** 3))
    [ "$free_gb" -ge "$disk_free_gb_min" ] ||
      die "$place has $free_gb GB free; the packages, the build and its environments need $disk_free_gb_min GB"
  done
}

# What precedes a command that root must run: nothing for root, sudo where it works. sudo drops the environment, so the
# proxy travels as arguments of env. apt reads the lower-case names only.
as_root() {
  local settings=(DEBIAN_FRONTEND=noninteractive) name upper value
  for name in http_proxy https_proxy no_proxy; do
    upper=${name^^}
    value=${!name:-${!upper:-}}
    [ -z "$value" ] || settings+=("$name=$value")
  done
  if [ "$(id -u)" = 0 ]; then
    env "${settings[@]}" "$@"
  else
    sudo env "${settings[@]}" "$@"
  fi
}

may_be_root() {
  [ "$(id -u)" = 0 ] && return 0
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null && return 0
  [ -t 0 ] && [ -t 2 ] && { say "sudo is needed to install packages"; sudo -v; }
}

# apt reports its progress on descriptor 3, which is made here and not by the caller since sudo closes all but the first
# three. The log keeps everything; one line every few seconds is shown.
apt() {
  # shellcheck disable=SC2016  # the inner shell expands $@
  as_root sh -c 'exec apt-get -y -qq -o APT::Status-Fd=3 -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 \
      -o Dpkg::Use-Pty=0 "$@" 3>&1' apt "$@" </dev/null 2>&1 | tee "$work/apt.log" | show_progress || {
    grep -Ev '^(dlstatus|pmstatus):' "$work/apt.log" | tail -n 25 >&2
    die "apt-get failed: $*"
  }
}

show_progress() {
  local kind what percent text shown=$SECONDS
  while IFS=: read -r kind what percent text; do
    case $kind in dlstatus | pmstatus) ;; *) continue ;; esac
    [ $((SECONDS - shown)) -ge 5 ] || continue
    shown=$SECONDS
    say "  ${percent%%.*} % ${text:-$what}"
  done
}

# What was interrupted leaves packages half done, and apt wants them mended before it does anything else.
mend_packages() {
  [ -n "$(dpkg --audit 2>/dev/null)" ] || compgen -G '/var/lib/dpkg/updates/*' >/dev/null || return 0
  say "mending an installation that was interrupted"
  as_root dpkg --configure -a >/dev/null 2>&1 </dev/null || true  # what lacks its dependencies is left to apt
  apt --fix-broken install --no-install-recommends
}

# Debian starts a database server wherever its package is installed. The tests start their own, so none is made, unless
# the machine had PostgreSQL before.
forbid_database_server() {
  dpkg-query -W postgresql-common >/dev/null 2>&1 && return 0
  apt install --no-install-recommends postgresql-common
  as_root sed -i 's/^#\? *create_main_cluster *=.*/create_main_cluster = false/' \
    /etc/postgresql-common/createcluster.conf
}

install_packages() {  # PACKAGE...
  local line="apt-get install -y --no-install-recommends $*"
  command -v apt-get >/dev/null || die "this is no Debian: install what these packages hold, then run this again: $*"
  if ! may_be_root; then
    say "$# packages are missing, and neither root nor sudo is at hand. As root, run:"
    printf '%s\n' "apt-get update && $line" >&2
    say "and then this again, as before"
    exit 2
  fi
  local started=$SECONDS
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  say "installing $# packages: $*"
  mend_packages
  apt update
  case " $* " in *" postgresql-15 "*) forbid_database_server ;; esac
  apt install --no-install-recommends "$@"
  say "installed in $((SECONDS - started)) s"
}

# *.lazuli.localhost resolves through this module; without it `lazuli env` chooses proxy mode, which works as well.
check_names() {
  grep -Eqs '^hosts:.*\bmyhostname\b' /etc/nsswitch.conf ||
    say "note: the hosts line of /etc/nsswitch.conf lacks 'myhostname': clients will use the proxy for names"
}

main() {
  local level=${1:-run} missing
  mapfile -t missing < <(wanted_packages "$level" | missing_packages)
  if [ ${#missing[@]} -gt 0 ] || [ ! -x "$root/build/release/bin/lazuli" ]; then check_disk; fi
  [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
  check_names
  mkdir -p "$cache"
  "$root/third_party/fetch.sh"
}

main "$@"
