#!/usr/bin/env bash
# Everything that a machine with an NVIDIA GPU can tell, into one folder: session.sh [FOLDER]. Runs from the sources, where it builds
# first, or from an unpacked gpu-bundle. QUICK=1 leaves out what takes minutes. Each part has its own time limit, and a part that fails
# does not stop the rest.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "${1:-results}" && cd "${1:-results}" && pwd)
if [[ -x $here/bin/mica ]]; then
    cd "$here"
    export LD_LIBRARY_PATH=$here/lib:${LD_LIBRARY_PATH:-} MICA_KERNELS=$here/share/mica/kernels
    mica=(bin/mica) tests=(bin/tests) model=share/mica/models/seedling poster=share/mica/poster.png
    if ! bin/mica --help > /dev/null 2>&1; then
        # An older C library: the bundle's own, with its loader.
        loader=(lib/c/ld-linux-x86-64.so.2 --library-path "$here/lib:$here/lib/c:/usr/lib/x86_64-linux-gnu:/usr/lib64:$LD_LIBRARY_PATH")
        mica=("${loader[@]}" bin/mica) tests=("${loader[@]}" bin/tests)
    fi
    run_tests() { "${tests[@]}" --testing-library swift-testing --filter "$1"; }
    reference=tools/reference_block.py commit=$(cat commit)
else
    cd "$here/../.."
    swift build -c release --product mica && swift build --build-tests || exit 1
    mica=(.build/release/mica) model=Models/seedling poster=docs/poster.png
    run_tests() { swift test --skip-build --filter "$1"; }
    reference=tools/cuda/reference_block.py commit=$(git rev-parse HEAD)
fi

# part NAME SECONDS COMMAND...: the output goes to a file of its own, the outcome into the summary.
part() {
    local name=$1 seconds=$2 start=$SECONDS
    shift 2
    echo "== $name" >> "$out/samples.csv"
    ( trap - EXIT; "$@" ) > "$out/$name.txt" 2>&1 &
    local job=$!
    ( sleep "$seconds"; kill -TERM $job 2> /dev/null ) > /dev/null 2>&1 &
    local timer=$!
    wait $job
    local code=$?
    kill $timer 2> /dev/null
    printf '%-28s %s, %d s\n' "$name" "$([[ $code == 0 ]] && echo ok || echo "FAILED ($code)")" $((SECONDS - start)) | tee -a "$out/summary.txt"
}

: > "$out/summary.txt"
{ echo "commit $commit"; date -u +%FT%TZ; } >> "$out/summary.txt"
part card 30 nvidia-smi
nvidia-smi --query-gpu=timestamp,memory.used,utilization.gpu,clocks.sm,power.draw --format=csv -lms 100 >> "$out/samples.csv" 2> /dev/null &
sampler=$!
trap 'kill $sampler 2> /dev/null' EXIT

part devices 60 "${mica[@]}" devices
part tests-operations 420 run_tests 'BackendTests'
part tests-device 120 run_tests 'CUDABackendTests'
part tests-goldens 300 run_tests 'CUDAGoldenTests'
for dtype in bf16 ${QUICK:-f32 fp8 int8 int4}; do
    [[ $dtype == 1 ]] && continue
    part "block-640-4-$dtype" 90 "${mica[@]}" bench block --device cuda:0 --dtype "$dtype" --image-tokens 9600 --text-tokens 256 --warmup 3 --repetitions 20 --json
done
part attention-8256 60 "${mica[@]}" bench attention --device cuda:0 --dtype bf16 --tokens 8256 --warmup 3 --repetitions 20 --json
part attention-24832 60 "${mica[@]}" bench attention --device cuda:0 --dtype bf16 --tokens 24832 --warmup 2 --repetitions 5 --json
part vae 90 "${mica[@]}" bench vae --device cuda:0 --dtype bf16 --json
part text 120 "${mica[@]}" bench text --device cuda:0 --dtype bf16 --json
part reference-block 180 python3 "$reference" --image-tokens 9600 --text-tokens 256
part seedling 120 "${mica[@]}" decompose "$poster" --model "$model" --device cuda:0 --precision bfloat16 -o "$out/seedling" --json
# The published sizes, weights that read as zeros: memory and copies are those of the real model, clocks may be a little higher.
if [[ ${QUICK:-} != 1 ]]; then
    full=${FULL_MODEL:-$(mktemp -d)/full}
    [[ -e $full/model_index.json ]] || part synthetic-model 120 "${mica[@]}" bench synth "$full"
    sizes=(--model "$full" --resolution 640 --layers 4 --steps 3 --prompt-tokens 256 --precision bfloat16 --device cuda:0 --json)
    part denoise-resident 300 "${mica[@]}" bench denoise "${sizes[@]}" --offload resident
    part denoise-4GiB 300 "${mica[@]}" bench denoise "${sizes[@]}" --offload stream --budget 4GiB
    part whole-job-6GiB 600 "${mica[@]}" decompose "$poster" --model "$full" --device cuda:0 --precision bfloat16 --offload stream \
        --budget 6GiB --resolution 640 --layers 4 --steps 50 --true-cfg-scale 4 -o "$out/whole-job" --json
    MICA_JOBS=200 part two-hundred-jobs 300 run_tests 'CUDAGoldenTests.jobsLeaveNothingBehind'
fi
awk -F, 'NR > 1 { gsub(/[^0-9.]/, "", $2); if ($2 + 0 > most) most = $2 + 0 } END { print "most memory by nvidia-smi: " most " MiB" }' "$out/samples.csv" | tee -a "$out/summary.txt"
! grep -q FAILED "$out/summary.txt"
