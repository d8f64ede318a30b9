#!/usr/bin/env bash
# What there is to do on a machine with a GPU, in order: check the runtimes, measure training, train at full size. No network is needed
# once the project is built. Stops when its time is up and goes on where it was when started again. See docs/performance.md.
set -uo pipefail
cd "$(dirname "$0")/../.."

usage() {
  cat <<'TEXT'
scripts/gpu/run.sh [check] [bench] [train] [options]      all three where none is named
  --out FOLDER      results, logs and runs [gpu-results]
  --python PATH     a Python that has torch or jax, for the comparison [python3]; "none" leaves it out
  --runtime NAME    trains on this runtime [auto]
  --runs "A:S …"    presets and seeds to train
  --epochs N        of each run [65536]
  --each SECONDS    at most for one training or one benchmark [3600]
  --limit SECONDS   at most for everything [none]
  --sizes SIZE      full or small: sizes of the benchmarks [full]; small is for devices made of software
  --peak TFLOPS     the GPU's float32 arithmetic: adds a column
TEXT
}

stages=()
out=gpu-results python=python3 runtime=auto epochs=65536 each=3600 limit=1000000 sizes=full peak=
runs="nanda:0 miiii:0 basis:0 masked:0 no-grokfast:0 no-dropout:0 miiii:1 nanda:1 miiii:2 nanda:2 miiii:3 nanda:3 miiii:4 nanda:4"
while (($# > 0)); do
  case "$1" in
    check | bench | train) stages+=("$1") ;;
    --help) usage; exit 0 ;;
    --out | --python | --runtime | --runs | --epochs | --each | --limit | --sizes | --peak)
      (($# > 1)) || { echo "run.sh: $1 takes a value" >&2; exit 2; }
      declare "${1#--}=$2"
      shift ;;
    *) echo "run.sh: unknown: $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done
((${#stages[@]} > 0)) || stages=(check bench train)
mkdir -p "$out/runs"
out=$(cd "$out" && pwd)

# A pack brings its own Node and, for machines without one, a Vulkan loader.
node=$(command -v node)
[[ -x bin/node ]] && node=$PWD/bin/node
[[ -n $node ]] || { echo "run.sh: needs node in PATH" >&2; exit 2; }
[[ -f dist/cli/main.js ]] || { echo "run.sh: needs the built project: npm run build" >&2; exit 2; }
if [[ -d lib ]] && ! ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1'; then
  export LD_LIBRARY_PATH=$PWD/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
miiii=("$node" dist/cli/main.js)
typescript=("$node" --import tsx)

failed=0
left() { echo $((limit - SECONDS)); }
# At most `each` seconds and what is left of everything; asked to stop first, so that a training saves itself.
bounded() {
  local time=$(($(left) < each ? $(left) : each))
  ((time > 0)) || return 124
  timeout --signal=INT --kill-after=120 "$time" "$@"
}
# A named step: its output to the terminal and to a file.
step() {
  local name=$1
  shift
  printf '\n== %s\n' "$name"
  bounded "$@" 2>&1 | tee "$out/$name.txt"
  local status=${PIPESTATUS[0]}
  ((status == 0)) || { echo "$name: exit code $status"; failed=1; }
}

check() {
  if command -v nvidia-smi >/dev/null; then
    step gpu nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv
  fi
  step runtimes "${miiii[@]}" runtimes
  local tests=(test/webgpu*.test.ts)
  if [[ -f ${tests[0]} ]]; then
    step webgpu-test "${typescript[@]}" --test "${tests[@]}"
  else
    echo "webgpu-test: skipped, there is no test/webgpu*.test.ts"
  fi
}

bench() {
  local options=(--sizes "$sizes") preset
  step bench-train "${typescript[@]}" scripts/bench-train.ts "${options[@]}" --json "$out/bench-train.json" ${peak:+--peak "$peak"}
  if [[ $python == none ]] || ! "$python" -c 'import numpy' 2>/dev/null; then
    echo "bench-peers: skipped, $python has no numpy"
    return
  fi
  # One size after the other: what is measured is kept should the time end.
  options+=(--python "$(command -v "$python")")
  for preset in miiii nanda; do
    step "bench-peers-$preset" "${typescript[@]}" scripts/bench-peers/main.ts "${options[@]}" --preset "$preset" --json "$out/bench-peers-$preset.json"
  done
}

train() {
  local run preset seed folder start status
  for run in $runs; do
    preset=${run%:*} seed=${run#*:}
    folder=$out/runs/$preset-$seed
    if [[ -f $folder.done ]]; then continue; fi
    (($(left) > 0)) || { echo "time is up before $preset-$seed"; return; }
    printf '\n== train %s, seed %s\n' "$preset" "$seed"
    start=$(date +%s)
    # One that was stopped before its first state has nothing to go on from.
    [[ -f $folder/resume.safetensors ]] || rm -rf "$folder"
    if [[ -f $folder/resume.safetensors ]]; then
      bounded "${miiii[@]}" train --resume "$folder" --epochs "$epochs" --runtime "$runtime"
    else
      bounded "${miiii[@]}" train --preset "$preset" --seed "$seed" --epochs "$epochs" --out "$folder" --runtime "$runtime"
    fi 2>&1 | tee -a "$folder.log"
    status=${PIPESTATUS[0]}
    printf '%s\t%s\t%s\t%s\t%s\n' "$preset" "$seed" "$epochs" "$(($(date +%s) - start))" "$status" >>"$out/train.tsv"
    case $status in
      0) touch "$folder.done" ;;
      124 | 130 | 137) echo "$preset-$seed: stopped by its time limit; start again to go on" ;;
      *) echo "$preset-$seed: exit code $status"; failed=1 ;;
    esac
  done
}

[[ -f $out/train.tsv ]] || printf 'preset\tseed\tepochs\tseconds\texit\n' >"$out/train.tsv"
for stage in "${stages[@]}"; do "$stage"; done
exit $failed
