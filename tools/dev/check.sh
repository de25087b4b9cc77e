# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Format, lint, sanitizers and fuzzing. Sourced by ./dev.

# Files of the project by pattern, NUL-separated: what git tracks or would track. A clone that
# belongs to somebody else is no danger here, as no hook runs.
project_files() {
  git -C "$root" -c safe.directory="$root" ls-files -z --cached --others --exclude-standard -- "$@"
}

format_sources() {
  need_packages format
  local arguments=(-i) hint=''
  if [[ $1 == check ]]; then
    arguments=(--dry-run --Werror)
    hint="./dev format puts it right"
  fi
  step_tail=20 run_step format "clang-format" \
    in_root xargs_files clang-format-19 "${arguments[@]}" -- '*.h' '*.cpp' ||
    fail "some files are not formatted" "$hint"
}

in_root() { (cd "$root" && "$@"); }

# xargs_files COMMAND... -- PATTERN...: the command over all files of the patterns.
xargs_files() {
  local words=()
  while [[ $1 != -- ]]; do
    words+=("$1")
    shift
  done
  shift
  project_files "$@" | xargs -0 -r "${words[@]}"
}

# lint [FILE...]: all sources, or clang-tidy on just the named ones.
lint() {
  need_packages build test lint
  in_root python3 tools/include_graph.py >"$(log_file include-graph)" ||
    fail "the folders depend on each other in a way that is not allowed"
  check_licence_lines
  run_step shellcheck "shellcheck" \
    in_root shellcheck -x dev .ci/run || fail "shellcheck found something"
  configure release -DWATTLE_TESTS=ON
  local files=("$@")
  if ((${#files[@]} == 0)); then
    readarray -t files < <(sources_of_build release)
  fi
  step_tail=60 run_step clang-tidy "clang-tidy on ${#files[@]} files" \
    in_root python3 tools/clang_tidy.py build/release "${files[@]}" ||
    fail "clang-tidy found something"
}

# The files of src/ that a preset compiles: those for other processors have no flags here.
sources_of_build() {
  sed -n 's/^ *"file": "\(.*\)".*/\1/p' "$root/build/$1/compile_commands.json" |
    grep -F "$root/src/" | sort -u
}

check_licence_lines() {
  local missing
  missing=$(in_root xargs_files grep -L 'SPDX-License-Identifier: Apache-2.0' -- '*.h' '*.cpp' \
    '*.c' '*.inc' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt' dev .ci/run \
    bench/compare bench/count-instructions bench/quality || true)
  [[ -z $missing ]] || fail "no SPDX line in: ${missing//$'\n'/, }"
}

# sanitize PRESET
sanitize() {
  need_packages build test clang
  configure "$1"
  build "$1" all
  run_tests "$1" fast
}

# fuzz SECONDS: every target, as many at once as there are processors, starting from its seeds in
# fuzz/corpus/. What it finds on the way is kept in build/fuzz/corpus/; an input that breaks something
# in build/fuzz/found/.
fuzz() {
  need_packages build test clang
  configure asan-ubsan
  build asan-ubsan fuzz_targets
  local targets=("$root"/build/asan-ubsan/fuzz/*_fuzz)
  [[ -x ${targets[0]} ]] || fail "no fuzz target was built" "fuzz/CMakeLists.txt lists them"
  mkdir -p "$root/build/fuzz/found"
  step_tail=60 run_step fuzz "fuzzing ${#targets[@]} targets for $1 s each" \
    fuzz_targets "$1" "${targets[@]}" ||
    fail "fuzzing found something" \
      "keep the file in fuzz/corpus/, with a unit test"
}

fuzz_targets() {
  local seconds=$1 target n_running=0 failed=0
  shift
  for target in "$@"; do
    if ((n_running >= $(nproc))); then
      wait -n || failed=1
      n_running=$((n_running - 1))
    fi
    fuzz_target "$target" "$seconds" &
    n_running=$((n_running + 1))
  done
  for (( ; n_running > 0; --n_running)); do wait -n || failed=1; done
  return "$failed"
}

# fuzz_target TARGET SECONDS: one line where all went well, else what the log says of the fault.
fuzz_target() {
  local door log found="$root/build/fuzz/found"
  door=$(basename "${1%_fuzz}")
  log=$(log_file "fuzz-$door") || return 1
  mkdir -p "$root/build/fuzz/corpus/$door"
  if "$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$found/$door-" "$root/build/fuzz/corpus/$door" "$root/fuzz/corpus/$door" \
    >"$log" 2>&1; then
    echo "$door: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs"
  else
    grep -E 'ERROR|SUMMARY|runtime error|Test unit' "$log" || tail -n 15 "$log"
    echo "again: ${1#"$root"/} $(find "$found" -name "$door-*" | tail -n 1); all of it: ${log#"$root"/}"
    return 1
  fi
}
