#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows what ./run does on machines that have nothing yet: bare Debian 12 systems made by debootstrap, entered through
# namespaces and pivot_root (chroot would refuse the user namespaces that jobs run in). Needs root and debootstrap.
# Each case gets a machine of its own and a clean clone of the committed HEAD; the network is this machine's, with its
# apt and pip settings and its certificate authorities.
#
# usage: tools/fresh_machine.sh [--dir DIR] [--warm] [CASE...]      (default: all cases)
#   root         as root, without sudo: ./run --exit twice
#   sudo         as a user whose sudo asks for no password: the same
#   port         as root, with port 443 taken: the same
#   helpless     as a user without sudo: prints the apt line, ends with 2
#   disk         with 4 GB of free disk: refused
#   proxy        with a proxy that does not answer: apt and pip go to it
#   interrupted  killed while packages are installed: running it again is enough
# --warm lets the machines share a compiler cache and downloaded packages, which hides the time of a first run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${LAZULI_CACHE:-$HOME/.cache/lazuli}/fresh
release=bookworm
warm=false
all_cases=(root sudo port helpless disk proxy interrupted)
first_run_seconds_max=900
second_run_seconds_max=90

usage() { sed -n '/^# usage/,/^[^#]/p' "${BASH_SOURCE[0]}" | sed -n 's/^# //p'; }
say() { printf 'fresh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# --- making a machine ----------------------------------------------------------------------------

# "URL RELEASE" of each of Debian's archives that this machine's apt is set up for.
archives() {
  # shellcheck disable=SC2016  # apt fills these in
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
    grep -E " $release(-updates|-security)?\$" | sort -u
}

make_base() {
  [ ! -e "$directory/base.complete" ] || return 0
  local mirror
  mirror=$(archives | sed -n "s/ $release\$//p" | head -n 1)
  [ -n "$mirror" ] || die "apt is set up for no archive of Debian's $release"
  say "making a bare Debian 12 in $directory/base"
  rm -rf "$directory/base"
  mkdir -p "$directory"
  debootstrap --variant=minbase $release "$directory/base" "$mirror" >"$directory/debootstrap.log" 2>&1 ||
    { tail -n 20 "$directory/debootstrap.log" >&2; die "debootstrap failed"; }
  touch "$directory/base.complete"
}

# What this machine needs to reach package registries, the new one needs as well.
copy_network_settings() {  # MACHINE
  local name
  archives | sed 's/.*/deb & main/' >"$1/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(http|https|Check|Retries|ForceIP)' >"$1/etc/apt/apt.conf.d/90machine" || true
  for name in /etc/hosts /etc/resolv.conf /etc/pip.conf /etc/npmrc "$HOME/.npmrc" /etc/apt/auth.conf \
    /etc/apt/auth.conf.d /usr/local/share/ca-certificates; do
    [ -e "$name" ] || continue
    mkdir -p "$1$(dirname "$name")"
    cp -rL "$name" "$1$(dirname "$name")/"
  done
}

make_machine() {  # CASE: leaves its folder in $machine
  machine=$directory/$1
  make_base
  rm -rf "$machine"
  cp -a "$directory/base" "$machine"
  copy_network_settings "$machine"
  enter "$machine" root useradd --create-home --shell /bin/bash tester
  local home
  for home in root home/tester; do
    git clone --quiet --no-hardlinks "$root" "$machine/$home/lazuli"
    git -C "$machine/$home/lazuli" checkout --quiet --detach "$(git -C "$root" rev-parse HEAD)"
    [ ! -e "$HOME/.npmrc" ] || cp -n "$HOME/.npmrc" "$machine/$home/"
  done
  enter "$machine" root chown -R tester: /home/tester
}

# --- entering it ---------------------------------------------------------------------------------

network_variables() {
  local names='https?_proxy|no_proxy|pip_(index_url|extra_index_url|trusted_host|cert|default_timeout)'
  names+='|npm_config_registry|goproxy|node_extra_ca_certs|ssl_cert_file'
  env | grep -iE "^($names)=" || true
}

enter() {  # MACHINE USER COMMAND...: as on a machine of its own, in the user's home, with nothing left running after it
  local settings
  mapfile -t settings < <(network_variables)
  # shellcheck disable=SC2016  # the inner shell expands its own arguments
  unshare --mount --pid --fork --kill-child bash -euc '
    machine=$1 user=$2 warm=$3 small_disk=$4
    shift 4
    mount --make-rprivate /
    mount --bind "$machine" "$machine"
    mount -t proc proc "$machine/proc"
    mount --rbind /sys "$machine/sys"
    mount --rbind /dev "$machine/dev"
    [ -z "$small_disk" ] || mount -t tmpfs -o "size=$small_disk" tmpfs "$machine/home"
    home=/root; [ "$user" = root ] || home=/home/$user
    if [ -n "$warm" ]; then
      mkdir -p "$warm/apt" "$warm/ccache-$user" "$machine$home/.cache/ccache"
      chown --reference="$machine$home" "$machine$home/.cache" "$warm/ccache-$user"
      mount --bind "$warm/apt" "$machine/var/cache/apt/archives"
      mount --bind "$warm/ccache-$user" "$machine$home/.cache/ccache"
    fi
    cd "$machine"
    mkdir -p .before
    pivot_root . .before
    cd /
    umount -l /.before
    exec env -i HOME="$home" USER="$user" LOGNAME="$user" LANG=C.UTF-8 TERM=dumb \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      setpriv --reuid="$user" --regid="$user" --init-groups sh -c "cd && exec env \"\$@\"" sh "$@"
  ' enter "$1" "$2" "$($warm && echo "$directory/warm")" "${small_disk:-}" "${settings[@]}" env "${@:3}" </dev/null
}

# --- the cases -----------------------------------------------------------------------------------

expect() {  # STATUS TEXT LOG ACTUAL: a status, and a text in what was printed
  [ "$4" = "$1" ] || { tail -n 30 "$3" >&2; die "the status is $4 where $1 was expected"; }
  grep -qF -- "$2" "$3" || { tail -n 30 "$3" >&2; die "nothing printed says '$2'"; }
}

run_timed() {  # SECONDS_MAX LOG MACHINE USER: ./run --exit, shown; the times are the log's last line
  local started=$SECONDS status=0
  # shellcheck disable=SC2016  # the inner shell expands it
  enter "$3" "$4" --chdir=lazuli bash -c 'TIMEFORMAT="%R s (processor time: %U s user, %S s system)"
    time ./run --exit' 2>&1 | tee "$2" || status=$?
  [ $status = 0 ] || die "it ended with $status"
  [ $((SECONDS - started)) -le "$1" ] || late+=("$((SECONDS - started)) s where $1 s are allowed")
}

run_twice() {  # MACHINE USER
  late=()
  run_timed $first_run_seconds_max "$1.log" "$1" "$2"
  run_timed $second_run_seconds_max "$1.again.log" "$1" "$2"
  expect 0 "All done" "$1.log" 0
  say "first run:  $(tail -n 1 "$1.log")"
  say "second run: $(tail -n 1 "$1.again.log")"
  [ ${#late[@]} = 0 ] || die "too slow: ${late[*]}"
}

install() {  # MACHINE PACKAGE...
  enter "$1" root sh -c 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y "$@"' sh \
    "${@:2}" >"$1.log" 2>&1 || { tail "$1.log" >&2; die "could not install ${*:2}"; }
}

case_root() {
  make_machine root
  run_twice "$machine" root
}

case_sudo() {
  make_machine sudo
  install "$machine" sudo
  echo 'tester ALL=(ALL) NOPASSWD: ALL' >"$machine/etc/sudoers.d/tester"
  chmod 440 "$machine/etc/sudoers.d/tester"
  run_twice "$machine" tester
}

case_port() {
  python3 -c 'import socket, time
taken = [socket.create_server((a, 443), family=f) for f, a in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))]
time.sleep(7200)' &
  holder=$!
  make_machine port
  run_twice "$machine" root
  kill "$holder"
  holder=
}

case_helpless() {
  make_machine helpless
  local status=0
  enter "$machine" tester --chdir=lazuli ./run --exit >"$machine.log" 2>&1 || status=$?
  expect 2 "apt-get update && apt-get install -y" "$machine.log" $status
}

case_disk() {
  make_machine disk
  local status=0
  small_disk=5g enter "$machine" root --chdir=lazuli HOME=/home ./run --exit >"$machine.log" 2>&1 || status=$?
  expect 1 "/home has 5 GB free" "$machine.log" $status
}

case_proxy() {
  make_machine proxy
  local status=0 proxy=http://127.0.0.1:9
  enter "$machine" root --chdir=lazuli HTTP_PROXY=$proxy HTTPS_PROXY=$proxy ./run --exit \
    >"$machine.log" 2>&1 || status=$?
  expect 1 "127.0.0.1:9" "$machine.log" $status
  install "$machine" python3-venv
  status=0
  enter "$machine" root --chdir=lazuli HTTP_PROXY=$proxy HTTPS_PROXY=$proxy PIP_RETRIES=1 tools/venv.sh mlflow \
    >"$machine.log" 2>&1 || status=$?
  expect 1 "Cannot connect to proxy" "$machine.log" $status
}

case_interrupted() {
  make_machine interrupted
  local what
  for what in ' [1-9] % ' ' [5-9][0-9] % '; do
    enter "$machine" root --chdir=lazuli tools/setup.sh >"$machine.log" 2>&1 &
    local setup=$! waited=0
    until grep -qE "$what" "$machine.log" || [ $waited = 600 ]; do
      sleep 1
      waited=$((waited + 1))
    done
    kill -KILL "$setup"
    wait "$setup" || true
    grep -qE "$what" "$machine.log" || { tail "$machine.log" >&2; die "it never said '$what'"; }
  done
  enter "$machine" root --chdir=lazuli tools/setup.sh >"$machine.log" 2>&1 ||
    { tail -n 30 "$machine.log" >&2; die "set-up did not get over its interruption"; }
}

# --- all -----------------------------------------------------------------------------------------

main() {
  local cases=() name
  while [ $# -gt 0 ]; do
    case $1 in
      --dir) directory=$2; shift ;;
      --warm) warm=true ;;
      -h | --help) usage; exit 0 ;;
      -*) usage >&2; exit 2 ;;
      *) cases+=("$1") ;;
    esac
    shift
  done
  [ "$(id -u)" = 0 ] || die "only root can make machines"
  command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
  holder=
  trap '[ -z "$holder" ] || kill "$holder"' EXIT
  [ ${#cases[@]} -gt 0 ] || cases=("${all_cases[@]}")
  for name in "${cases[@]}"; do
    [[ " ${all_cases[*]} " = *" $name "* ]] || die "there is no case '$name' (there are: ${all_cases[*]})"
  done
  for name in "${cases[@]}"; do
    say "case $name"
    "case_$name"
    rm -rf "$machine"
    say "case $name: as it should be"
  done
}

main "$@"
