#!/usr/bin/env bash
# What a machine with an NVIDIA GPU can tell, into one folder: session.sh [FOLDER [GROUP...]]. Runs from the sources, where it builds
# first, or from an unpacked gpu-bundle. Groups, all of them if none is named:
#   first    does it work: the tests, goldens, small runs of each benchmark, several at a time
#   speed    how fast: blocks in every form beside PyTorch's, attention, autoencoder, text encoder, one after another
#   full     the published sizes: a step resident and streamed, a whole job
#   lasting  200 jobs, cancellation, memory that runs out
# Each part has its own time limit, and one that fails does not stop the rest. MODEL and POSTER name a model folder and a picture,
# FULL_MODEL a synthetic model of the published sizes that is there already.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "${1:-results}" && cd "${1:-results}" && pwd)
shift
groups=${*:-first speed full lasting}
model=$(realpath -m "${MODEL:-$here/share/mica/models/seedling}") poster=$(realpath -m "${POSTER:-$here/share/mica/poster.png}")
if [[ -x $here/bin/mica ]]; then
    cd "$here"
    # The system's libraries before the bundle's spare ones, and NVIDIA's of a Python environment, if there is one.
    nvidia=$(python3 -c 'import os, nvidia; print(list(nvidia.__path__)[0])' 2> /dev/null)
    paths=$here/lib:${nvidia:+$(printf '%s:' "$nvidia"/*/lib)}/usr/lib/x86_64-linux-gnu:$here/spare
    run=(env "LD_LIBRARY_PATH=$paths")
    mica=("${run[@]}" bin/mica) tests=("${run[@]}" bin/tests --filter)
    reference=tools/reference_block.py commit=$(cat commit)
else
    cd "$here/../.."
    swift build -c release --product mica && swift build --build-tests || exit 1
    model=$PWD/Models/seedling poster=$PWD/docs/poster.png
    mica=(.build/release/mica) tests=(swift test --skip-build --filter)
    reference=tools/cuda/reference_block.py commit=$(git rev-parse HEAD)
fi
export MICA_TEST_DEVICE=cuda MICA_CUDA_LOG=${MICA_CUDA_LOG:-1} XDG_CACHE_HOME=${XDG_CACHE_HOME:-$out/cache}

# part NAME SECONDS COMMAND...: the output goes to a file of its own, cut where it is long, the outcome into the summary.
part() {
    local name=$1 seconds=$2 begin=$SECONDS
    shift 2
    timeout -k 5 "$seconds" "$@" 2>&1 | grep --line-buffered -v ' started\.$' | stdbuf -oL cut -c1-500 > "$out/$name.txt"
    local code=${PIPESTATUS[0]}
    printf '%-24s %s, %d s\n' "$name" "$([[ $code == 0 ]] && echo ok || echo "FAILED ($code)")" $((SECONDS - begin)) | tee -a "$out/summary.txt"
    return "$code"
}
bench() { # NAME SECONDS SUBCOMMAND OPTIONS...
    local name=$1 seconds=$2
    shift 2
    part "$name" "$seconds" "${mica[@]}" bench "$@" --device cuda:0 --json
}
decompose() { # NAME SECONDS OPTIONS...
    local name=$1 seconds=$2
    shift 2
    part "$name" "$seconds" "${mica[@]}" decompose "$poster" --device cuda:0 --precision bfloat16 -o "$out/$name" --json "$@"
}

# Memory that is in use and clocks, while parts run.
nvidia-smi --query-gpu=timestamp,memory.used,utilization.gpu,clocks.sm,power.draw --format=csv,noheader -lms 200 > "$out/samples.csv" 2> /dev/null &
sampler=$!
trap 'kill $sampler 2> /dev/null' EXIT
{ echo "commit $commit"; date -u +%FT%TZ; echo "$groups"; } >> "$out/summary.txt"

first() {
    part card 15 nvidia-smi
    part devices 30 "${mica[@]}" devices
    # Compiles the kernels, and says by operation what fails.
    part first 45 env MICA_KERNELS=/none MICA_CUDA_LOG=each "${tests[@]}" 'CUDABackendTests'
    # Those that came compiled, where there are some.
    part first-compiled 20 "${tests[@]}" 'CUDABackendTests'
    part operations 60 "${tests[@]}" 'BackendTests.(OperationTests|ActivationTests|ConversionTests|WeightTests)' &
    part stored-forms 60 "${tests[@]}" 'StoredFormTests' &
    part goldens 60 "${tests[@]}" 'CUDAGoldenTests' &
    ( for form in bf16 fp8 int8 int4 f32; do
        bench "small-$form" 15 block --dtype "$form" --image-tokens 1024 --text-tokens 64 --warmup 1 --repetitions 3
      done ) &
    ( bench first-block 30 block --dtype bf16 --image-tokens 9600 --text-tokens 256 --warmup 1 --repetitions 5
      MICA_CUDA_LOG=each bench first-block-times 30 block --dtype bf16 --image-tokens 9600 --text-tokens 256 --warmup 1 --repetitions 3 ) &
    ( decompose seedling 40 --model "$model" --seed 1
      bench small-vae 30 vae --dtype bf16 --warmup 0 --repetitions 1 ) &
    local job
    for job in $(jobs -p); do [[ $job == "$sampler" ]] || wait "$job"; done
}

speed() {
    local form block=(block --image-tokens 9600 --text-tokens 256 --warmup 3 --repetitions 20)
    bench block-bf16 40 "${block[@]}" --dtype bf16
    part reference-block 60 python3 "$reference" --image-tokens 9600 --text-tokens 256
    for form in fp8 int8 int4 f32; do bench "block-$form" 40 "${block[@]}" --dtype "$form"; done
    MICA_CUDA_LOG=each bench block-times 30 "${block[@]}" --dtype bf16
    MICA_CUDA_LOG=each bench block-times-fp8 30 "${block[@]}" --dtype fp8
    bench attention-8256 30 attention --dtype bf16 --tokens 8256 --warmup 3 --repetitions 20
    bench attention-24832 40 attention --dtype bf16 --tokens 24832 --warmup 2 --repetitions 5
    bench vae 40 vae --dtype bf16
    bench text 60 text --dtype bf16
}

# The published sizes, weights that read as zeros: memory and copies are those of the real model, clocks may be a little higher.
makeFull() {
    full=${FULL_MODEL:-$(dirname "$out")/mica-full-model}
    [[ -e $full/model_index.json ]] || part synthetic-model 60 "${mica[@]}" bench synth "$full"
}

full() {
    makeFull
    local sizes=(--model "$full" --resolution 640 --layers 4 --steps 3 --prompt-tokens 256 --precision bfloat16 --device cuda:0 --json)
    part denoise-resident 150 "${mica[@]}" bench denoise "${sizes[@]}" --offload resident
    part denoise-4GiB 100 "${mica[@]}" bench denoise "${sizes[@]}" --offload stream --budget 4GiB
    decompose whole-job-6GiB 200 --model "$full" --offload stream --budget 6GiB --resolution 640 --layers 4 --steps 50 --true-cfg-scale 4 --seed 1
}

lasting() {
    MICA_JOBS=200 part two-hundred-jobs 120 "${tests[@]}" 'CUDAGoldenTests.*jobsLeaveNothingBehind'
    part out-of-memory 60 "${tests[@]}" 'CUDAGoldenTests.*runsOutOfMemoryUnharmed'
    decompose after-out-of-memory 30 --model "$model" --seed 1
}

for group in $groups; do "$group"; done
awk -F, '{ gsub(/[^0-9.]/, "", $2); if ($2 + 0 > most) most = $2 + 0 } END { print "most memory by nvidia-smi: " most " MiB" }' "$out/samples.csv" | tee -a "$out/summary.txt"
grep -q FAILED "$out/summary.txt" || exit 0
for name in $(awk '/FAILED/ { print $1 }' "$out/summary.txt"); do
    echo "-- $name"
    grep -vE '^cuda: [0-9]+ times' "$out/$name.txt" | tail -8 | cut -c1-240
done
exit 1
