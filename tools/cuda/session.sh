#!/usr/bin/env bash
# What a machine with an NVIDIA GPU can tell, into one folder: session.sh [FOLDER [GROUP...]]. Runs from the sources, where it builds
# first, or from an unpacked gpu-bundle. Groups, `bars` if none is named:
#   bars     what is open, the most valuable first, in SECONDS_IN_ALL (300) seconds; bars.txt says what each bar is and what was found
#   first    does it work: the tests, goldens, small runs of each benchmark, several at a time
#   speed    how fast: blocks in every form beside PyTorch's, attention, autoencoder, text encoder, one after another
#   full     the published sizes: a step resident and streamed, a whole job
#   lasting  200 jobs, cancellation, memory that runs out
#   report   bars.txt once more, from what lies in FOLDER
# Each part has its own time limit, and one that fails does not stop the rest; summary.txt has a line each, with the most memory by
# nvidia-smi meanwhile above what was in use before. In a bundle MODEL and POSTER name a model folder and a picture;
# FULL_MODEL a synthetic model of the published sizes that is there already.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "${1:-results}" && cd "${1:-results}" && pwd)
shift
groups=${*:-bars}
model=$(realpath -m "${MODEL:-$out/tiny-model}") poster=$(realpath -m "${POSTER:-$here/share/mica/poster.png}")
if [[ -x $here/bin/mica ]]; then
    cd "$here"
    # The system's libraries before the bundle's spare ones, and NVIDIA's of a Python environment, if there is one.
    nvidia=$(python3 -c 'import os, nvidia; print(list(nvidia.__path__)[0])' 2> /dev/null)
    paths=$here/lib:${nvidia:+$(printf '%s:' "$nvidia"/*/lib)}/usr/lib/$(uname -m)-linux-gnu:$here/spare
    run=(env "LD_LIBRARY_PATH=$paths")
    mica=("${run[@]}" bin/mica) tests=("${run[@]}" bin/tests --filter)
    reference=tools/reference_block.py commit=$(cat commit)
else
    cd "$here/../.."
    [[ $groups == report ]] || { swift build -c release --product mica && swift build --build-tests; } || exit 1
    model=$PWD/Models/seedling poster=$PWD/docs/poster.png
    mica=(.build/release/mica) tests=(swift test --skip-build --filter)
    reference=tools/cuda/reference_block.py commit=$(git rev-parse HEAD)
fi
export MICA_TEST_DEVICE=cuda MICA_CUDA_LOG=${MICA_CUDA_LOG:-1} XDG_CACHE_HOME=${XDG_CACHE_HOME:-$out/cache}
# cuda:0 is then the first that nvidia-smi lists, or the first that CUDA_VISIBLE_DEVICES names.
export CUDA_DEVICE_ORDER=PCI_BUS_ID
card=${CUDA_VISIBLE_DEVICES:-0} card=${card%%,*}
# Tests are skipped where there is no device, which would look as if they had passed.
if [[ $groups != report ]]; then
    found=$("${mica[@]}" devices 2>&1)
    if ! grep '^cuda:0  ' <<< "$found" | grep -qv 'no CUDA'; then
        echo "nothing was run: $(grep -m1 -o 'no CUDA.*' <<< "$found" || head -1 <<< "$found")" | tee -a "$out/summary.txt"
        exit 1
    fi
    # Memory that is in use and clocks of that card, while parts run.
    nvidia-smi -i "$card" --query-gpu=timestamp,memory.used,utilization.gpu,clocks.sm,power.draw --format=csv,noheader -lms 100 > "$out/samples.csv" 2> /dev/null &
    sampler=$!
    trap 'kill $sampler 2> /dev/null' EXIT
    sleep 1
    { echo "commit $commit"; date -u +%FT%TZ; echo "$groups"; } >> "$out/summary.txt"
fi

# part NAME SECONDS COMMAND...: the output goes to a file of its own, cut where it is long, the outcome into the summary.
part() {
    local name=$1 seconds=$2 begin=$SECONDS left=$((deadline - SECONDS)) first
    shift 2
    if ((left < 5)); then printf '%-24s SKIPPED, no time left\n' "$name" | tee -a "$out/summary.txt"; return 1; fi
    first=$(wc -l < "$out/samples.csv")
    ((seconds > left)) && seconds=$left
    timeout -k 5 "$seconds" "$@" 2>&1 | grep --line-buffered -v ' started\.$' | stdbuf -oL cut -c1-500 > "$out/$name.txt"
    local code=${PIPESTATUS[0]}
    printf '%-24s %s, %d s, most memory %s\n' "$name" "$([[ $code == 0 ]] && echo ok || echo "FAILED ($code)")" $((SECONDS - begin)) \
        "$(most $((first + 1)))" | tee -a "$out/summary.txt"
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

deadline=$((SECONDS + ${SECONDS_IN_ALL:-100000}))
[[ $groups != bars ]] || deadline=$((SECONDS + ${SECONDS_IN_ALL:-300}))
most() { # FIRST_LINE: the most of samples.csv from there on, above its first line
    awk -F, -v from="$1" '{ gsub(/[^0-9.]/, "", $2); if ($2 == "") next; if (!any++) idle = $2 + 0 }
        NR >= from { count++; if ($2 + 0 > most) most = $2 + 0 }
        END { if (count) print most - idle " MiB"; else print "not measured" }' "$out/samples.csv"
}

# Of the bundle, where no MODEL is named: random weights.
makeSmall() {
    [[ -e $model/model_index.json ]] || part tiny-model 20 "${mica[@]}" bench synth "$model" --size tiny --random
}

first() {
    makeSmall
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
    ( decompose small-job 40 --model "$model" --seed 1
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
    MICA_CUDA_CONVOLUTIONS=0 bench vae-patches 40 vae --dtype bf16
    bench text 60 text --dtype bf16
}

# The published sizes, weights that read as zeros: memory and copies are those of the real model, clocks may be a little higher.
full=${FULL_MODEL:-$(dirname "$out")/mica-full-model}
makeFull() {
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
    makeSmall
    MICA_JOBS=200 part two-hundred-jobs 120 "${tests[@]}" 'CUDAGoldenTests.*jobsLeaveNothingBehind'
    part out-of-memory 60 "${tests[@]}" 'CUDAGoldenTests.*runsOutOfMemoryUnharmed'
    decompose after-out-of-memory 30 --model "$model" --seed 1
}

# What is open, the most valuable first. The figures that belong together come from runs right after each other.
bars() {
    local turn block=(block --image-tokens 9600 --text-tokens 256 --warmup 3 --repetitions 20)
    local sizes=(--resolution 640 --layers 4 --precision bfloat16)
    part devices 20 "${mica[@]}" devices
    makeFull &
    local maker=$! job
    # Alone: it looks at the driver's count, which others would move.
    part first-compiled 30 "${tests[@]}" 'CUDABackendTests'
    wait "$maker"
    part operations 45 "${tests[@]}" 'BackendTests.(OperationTests|ActivationTests|ConversionTests|WeightTests)' &
    part stored-forms 45 "${tests[@]}" 'StoredFormTests' &
    part goldens 45 "${tests[@]}" 'CUDAGoldenTests.*(everyStageEqualsTheReference|isAsCloseAsTheReference)' &
    for job in $(jobs -p); do [[ $job == "$sampler" ]] || wait "$job"; done
    # The first turn also finds the fastest ways of its products, which the others read.
    for turn in 1 2; do
        bench "block-bf16-$turn" 20 "${block[@]}" --dtype bf16
        part "reference-block-$turn" 40 python3 "$reference" --image-tokens 9600 --text-tokens 256
        bench "block-fp8-$turn" 20 "${block[@]}" --dtype fp8
    done
    MICA_CUDA_TIMING=0 bench block-bf16-untimed 15 "${block[@]}" --dtype bf16
    bench block-int8 15 "${block[@]}" --dtype int8
    local denoise=(bench denoise --model "$full" "${sizes[@]}" --steps 3 --prompt-tokens 256 --device cuda:0 --json)
    part denoise-resident 60 "${mica[@]}" "${denoise[@]}" --offload resident
    part denoise-4GiB 40 "${mica[@]}" "${denoise[@]}" --offload stream --budget 4GiB
    part plan-6GiB 40 "${mica[@]}" bench plan --model "$full" "${sizes[@]}" --steps 2 --true-cfg-scale 4 --offload stream \
        --budget 6GiB --device cuda:0 --json
    # An empty prompt has the model write a caption first.
    decompose whole-job-6GiB 110 --model "$full" "${sizes[@]:0:4}" --prompt '' --offload stream --budget 6GiB --steps 50 --true-cfg-scale 4 --seed 1
    part out-of-memory 30 "${tests[@]}" 'CUDAGoldenTests.*runsOutOfMemoryUnharmed'
    MICA_JOBS=200 part two-hundred-jobs 90 "${tests[@]}" 'CUDAGoldenTests.*jobsLeaveNothingBehind'
    # cuDNN's convolutions where they are the faster way, patches alone, and which way each shape went.
    bench vae 20 vae --dtype bf16
    MICA_CUDA_CONVOLUTIONS=0 bench vae-patches 20 vae --dtype bf16
    MICA_CUDA_LOG=1 bench vae-ways 20 vae --dtype bf16 --warmup 0 --repetitions 1
    MICA_CUDA_LOG=each bench block-times-fp8 15 "${block[@]}" --dtype fp8
    report
}

# The line of a part that ended well; nothing for one that failed, was skipped, or ran in an earlier session alone.
good() { awk -v name="$1" '/^commit / { line = "" } $1 == name { line = $2 == "ok," ? $0 : "" } END { print line }' "$out/summary.txt"; }
# The first number of that name in such a part's output; nothing if it is not there.
value() { # PART NAME
    [[ -z $(good "$1") ]] || sed -nE "s/.*\"$2\" ?: ?([0-9.e+-]+).*/\1/p" "$out/$1.txt" 2> /dev/null | head -1
}
memory() { good "$1" | sed -nE 's/.*most memory ([0-9.]+) MiB.*/\1/p'; }
bar() { # TEXT BOUND NUMERATOR DENOMINATOR
    awk -v text="$1" -v bound="$2" -v a="$3" -v b="$4" 'BEGIN {
        if (a == "" || b == "" || b + 0 == 0) printf "%-60s at most %-6s not measured\n", text, bound
        else printf "%-60s at most %-6s found %.3f  %s\n", text, bound, a / b, a / b <= bound + 0 ? "met" : "OPEN" }'
}
report() {
    local turn forecast
    {
        for turn in 1 2; do
            bar "bfloat16 / PyTorch, turn $turn" 0.75 "$(value block-bf16-$turn median_seconds)" "$(value reference-block-$turn median_seconds)"
            bar "FP8 / bfloat16, turn $turn" 0.75 "$(value block-fp8-$turn median_seconds)" "$(value block-bf16-$turn median_seconds)"
        done
        bar "timed / untimed ways of products" 1 "$(value block-bf16-2 median_seconds)" "$(value block-bf16-untimed median_seconds)"
        bar "VAE decode, cuDNN's way allowed / patches alone" 1 "$(value vae median_seconds)" "$(value vae-patches median_seconds)"
        bar "a step resident, of 0.803 s (602 ms at 75 %)" 1 "$(value denoise-resident seconds_per_step)" 0.803
        bar "streamed in 4 GiB / resident" 1.05 "$(value denoise-4GiB seconds_per_step)" "$(value denoise-resident seconds_per_step)"
        bar "streamed in 4 GiB, MiB by nvidia-smi / 4096" 1 "$(memory denoise-4GiB)" 4096
        bar "whole job with caption, MiB by nvidia-smi / 6144" 1 "$(memory whole-job-6GiB)" 6144
        forecast=$(value plan-6GiB forecast_held_bytes)
        bar "device's peak / forecast" 1.03 "$(memory plan-6GiB)" "$(awk -v b="$forecast" 'BEGIN { if (b) print b / 1048576 }')"
        bar "forecast / device's peak" 1.03 "$(awk -v b="$forecast" 'BEGIN { if (b) print b / 1048576 }')" "$(memory plan-6GiB)"
    } | tee "$out/bars.txt"
}

for group in $groups; do "$group"; done
[[ $groups != report ]] || exit 0
echo "most memory by nvidia-smi in all, above what was in use before: $(most 1)" | tee -a "$out/summary.txt"
grep -q FAILED "$out/summary.txt" || exit 0
for name in $(awk '/FAILED/ { print $1 }' "$out/summary.txt"); do
    echo "-- $name"
    grep -vE '^cuda: [0-9]+ times' "$out/$name.txt" | tail -8 | cut -c1-240
done
exit 1
