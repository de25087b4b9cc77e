# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# How ./dev talks: one line a step on stderr, the full output in build/log/. Sourced by ./dev.

# The bottom line of a terminal shows what a running step is doing; elsewhere only whole lines.
if [[ -t 2 ]]; then on_terminal=1; else on_terminal=; fi

say() { printf '%s\n' "dev: $*" >&2; }

# complain WHAT NEXT: a failure and the next step.
complain() {
  clear_status
  printf '%s\n' "dev: $1" >&2
  [[ -z ${2-} ]] || printf '%s\n' "     $2" >&2
}

fail() {
  complain "$@"
  exit 1
}

status() {
  [[ -z $on_terminal ]] || printf '\r\033[K%.*s' "$((${COLUMNS:-80} - 1))" "  $*" >&2
}

clear_status() { [[ -z $on_terminal ]] || printf '\r\033[K' >&2; }

# run_step NAME DESCRIPTION COMMAND...: runs the command with its output in build/log/NAME.log.
# Quiet when it goes well; otherwise the last lines of the log, and the exit status of the command.
run_step() {
  local name=$1 description=$2 log start status
  shift 2
  log=$(log_file "$name") || exit 1
  start=$SECONDS
  status "$description"
  if "$@" </dev/null 2>&1 | show_progress "$description" "$log"; then
    status=0
  else
    status=${PIPESTATUS[0]}
  fi
  clear_status
  if ((status > 128)); then
    complain "$description: stopped"
    exit "$status"
  elif ((status != 0)); then
    complain "$description: failed; the end of ${log#"$root"/}:"
    tail -n "${step_tail:-15}" "$log" | sed 's/^/     | /' >&2
    return "$status"
  fi
  # Steps that had nothing to do are not worth a line.
  if ((SECONDS - start >= 2)); then say "$description: done in $((SECONDS - start)) s"; fi
}

# Copies stdin to the log and shows the latest line on a terminal.
show_progress() {
  local description=$1 log=$2 line
  if [[ -z $on_terminal ]]; then
    cat >"$log"
    return
  fi
  while IFS= read -r line || [[ -n $line ]]; do
    printf '%s\n' "$line"
    status "$description: $line"
  done >"$log"
}

log_file() {
  mkdir -p "$root/build/log" 2>/dev/null || true
  [[ -d $root/build/log && -w $root/build/log ]] ||
    fail "cannot write to $root/build" "the clone, or its folder build/, belongs to somebody else"
  echo "$root/build/log/$1.log"
}
