# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Configures and builds the presets of CMakePresets.json, runs tests. Sourced by ./dev.

# Compile jobs at once: as many as there are processors, but no more than memory carries.
n_jobs() {
  local cpus mem_kib
  cpus=$(nproc)
  mem_kib=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  local by_memory=$((mem_kib / (800 * 1024)))
  ((by_memory >= 1)) || by_memory=1
  echo $((cpus < by_memory ? cpus : by_memory))
}

# configure PRESET [CMAKE_ARGS...]: only where it was not configured in just this way before.
configure() {
  local preset=$1 folder="$root/build/$1"
  local stamp="$folder/.configured-by-dev"
  shift
  if command -v ccache >/dev/null; then set -- "$@" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
  if [[ -f $stamp && -f $folder/build.ninja && $(<"$stamp") == "$root $*" &&
    ! $root/CMakePresets.json -nt $stamp ]]; then
    return
  fi
  # CMake refuses a build folder that was moved or copied.
  if [[ -f $stamp && $(<"$stamp") != "$root "* ]]; then
    say "building anew, as $root has moved"
    rm -rf -- "$folder"
  fi
  run_step "configure-$preset" "configuring $preset" \
    cmake -S "$root" --preset "$preset" "$@" || exit 1
  printf '%s' "$root $*" >"$stamp"
}

# build PRESET TARGETS...
build() {
  local preset=$1
  shift
  run_step "build-$preset" "building $preset" \
    cmake --build "$root/build/$preset" --parallel "$(n_jobs)" --target "$@" || exit 1
}

# The program alone needs no test framework; where the tests were configured once, they stay.
build_program() {
  local tests=OFF
  if [[ $(cat "$root/build/release/.configured-by-dev" 2>/dev/null) == *WATTLE_TESTS=ON* ]]; then
    tests=ON
  fi
  configure release "-DWATTLE_TESTS=$tests"
  build release wattle
}

# The tests run on the very build that people run: a release. Invariants are checked (WATTLE_ASSERT)
# in the sanitizer builds.
build_tests() {
  need_packages build test
  configure release -DWATTLE_TESTS=ON
  build release all
}

# run_tests PRESET LABEL [FOLDER]: runs ctest, in a folder of the build where one is named; prints its
# closing lines and the number of skipped tests.
run_tests() {
  local preset=$1 label=$2 folder="build/$1${3:+/$3}" name log
  name="test-$preset-$label${3:+-${3//\//-}}"
  log=$(log_file "$name") || exit 1
  step_tail=60 run_step "$name" "running the $label tests of ${folder#build/}" \
    ctest --test-dir "$root/$folder" -L "^$label\$" --no-tests=error --output-on-failure \
    -j "$(nproc)" || fail "tests failed; all of it: ${log#"$root"/}" \
    "one test again: ctest --test-dir $folder -R NAME --output-on-failure"
  grep -E '^[0-9]+% tests passed' "$log"
  local skipped
  skipped=$(grep -c '\*\*\*Skipped' "$log" || true)
  ((skipped == 0)) || say "$skipped of them skipped themselves, as something is not here (why:" \
    "$folder/Testing/Temporary/LastTest.log)"
}

# package ARCHITECTURE: the Debian packages, in build/package or build/package-arm64.
package() {
  local preset=package
  need_packages build package
  if [[ $1 == arm64 ]]; then
    need_packages cross
    preset=package-arm64
  fi
  configure "$preset"
  build "$preset" all
  run_step "cpack-$preset" "making the packages" in_root cpack --config \
    "build/$preset/CPackConfig.cmake" -B "build/$preset" || exit 1
  say "the packages:"
  (cd "$root" && ls "build/$preset"/*.deb)
}

test_fast() {
  build_tests
  run_tests release fast
}

test_all() {
  test_fast
  need_packages package root
  if [[ $(uname -m) == x86_64 ]]; then
    need_packages cross
    start_arm64_programs
  fi
  run_tests release slow
  sanitize asan-ubsan
  sanitize tsan
  fuzz 120
  if [[ $(uname -m) == x86_64 ]]; then test_aarch64; fi
}

# Where no service has done it: containers have none.
start_arm64_programs() {
  if ((EUID == 0)) && [[ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]]; then
    run_step binfmt "letting the kernel start programs of 64-bit ARM" \
      update-binfmts --enable qemu-aarch64 || say "going on without"
  fi
}

# All fast tests for 64-bit ARM, under emulation.
test_aarch64() {
  build_aarch64 all
  emulate_tests fast
}

# What depends on the instruction set most: the kernels, and the clone's own golden models through them.
test_aarch64_kernels() {
  build_aarch64 kernels_tests golden_tests
  emulate_tests fast tests/kernels
  emulate_tests clone
}

build_aarch64() {
  need_packages build test cross
  configure cross-aarch64
  build cross-aarch64 "$@"
}

# emulate_tests LABEL [FOLDER]: as on boards with dotprod, and as all that qemu knows.
emulate_tests() {
  local cpu
  for cpu in cortex-a76 max; do
    say "emulating $cpu"
    QEMU_CPU=$cpu run_tests cross-aarch64 "$@"
  done
}

# Reference data of any folder of the same layout; says passed, failed and skipped per kind.
run_golden() {
  local folder
  folder=$(readlink -f -- "$1") || true
  [[ -d $folder ]] || fail "no folder $1" "./dev golden FOLDER, or set WATTLE_GOLDEN"
  need_packages build test
  configure release -DWATTLE_TESTS=ON
  build release golden_tests
  exec "$root/build/release/tests/golden/golden_tests" "$folder"
}
