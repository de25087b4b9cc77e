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

# run_tests PRESET LABEL: runs ctest, prints its closing lines and the number of skipped tests.
run_tests() {
  local preset=$1 label=$2 log
  log=$(log_file "test-$preset-$label") || exit 1
  step_tail=60 run_step "test-$preset-$label" "running the $label tests of $preset" \
    ctest --test-dir "$root/build/$preset" -L "^$label\$" --no-tests=error --output-on-failure \
    -j "$(nproc)" || fail "tests failed; all of it: ${log#"$root"/}" \
    "one test again: ctest --test-dir build/$preset -R NAME --output-on-failure"
  grep -E '^[0-9]+% tests passed' "$log"
  local skipped
  skipped=$(grep -c '\*\*\*Skipped' "$log" || true)
  ((skipped == 0)) || say "$skipped of them skipped themselves (no reference data or model here)"
}

# The Debian packages, in build/package.
package() {
  need_packages build package
  configure package
  build package all
  run_step cpack "making the packages" in_root cpack --config build/package/CPackConfig.cmake \
    -B build/package || exit 1
  say "the packages:"
  (cd "$root" && ls build/package/*.deb)
}

test_fast() {
  build_tests
  run_tests release fast
}

test_all() {
  test_fast
  run_tests release slow
  sanitize asan-ubsan
  sanitize tsan
  fuzz 120
  if [[ $(uname -m) == x86_64 ]]; then test_aarch64; fi
}

# The kernels of 64-bit ARM under emulation: as on boards with dotprod, and as all that qemu knows.
test_aarch64() {
  need_packages cross
  configure cross-aarch64
  build cross-aarch64 all
  local cpu
  for cpu in cortex-a76 max; do
    say "emulating $cpu"
    QEMU_CPU=$cpu run_tests cross-aarch64 fast
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
