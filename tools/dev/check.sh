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
    '*.inc' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt' dev .ci/run || true)
  [[ -z $missing ]] || fail "no SPDX line in: ${missing//$'\n'/, }"
}

# sanitize PRESET
sanitize() {
  need_packages build test
  if [[ $1 == asan-ubsan ]]; then need_packages fuzz; fi
  configure "$1"
  build "$1" all
  run_tests "$1" fast
}

# fuzz SECONDS: every target, starting from its seeds in fuzz/corpus/. What it finds on the way is
# kept in build/fuzz/corpus/; an input that breaks something in build/fuzz/found/.
fuzz() {
  need_packages build test fuzz
  configure asan-ubsan
  build asan-ubsan fuzz_targets
  local target door found="$root/build/fuzz/found"
  mkdir -p "$found"
  for target in "$root"/build/asan-ubsan/fuzz/*_fuzz; do
    [[ -x $target ]] || fail "no fuzz target was built" "fuzz/CMakeLists.txt lists them"
    door=$(basename "${target%_fuzz}")
    mkdir -p "$root/build/fuzz/corpus/$door"
    step_tail=40 run_step "fuzz-$door" "fuzzing $door for $1 s" \
      "$target" -max_total_time="$1" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$found/$door-" "$root/build/fuzz/corpus/$door" "$root/fuzz/corpus/$door" ||
      fail "fuzzing $door found something: $(find "$found" -name "$door-*" | tail -n 1)" \
        "again: ${target#"$root"/} THAT_FILE; then keep it in fuzz/corpus/$door with a unit test"
  done
}
