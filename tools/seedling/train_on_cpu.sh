#!/bin/bash
# The transformer on two cores, at the lowest priority: one process draws and encodes pictures, two train one model.
# Run the same line again after an interruption: everything resumes.
#
#   tools/seedling/train_on_cpu.sh WORK_FOLDER VAE.pt MINUTES
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${1:?a folder for pools and states}
vae=${2:?a trained VAE}
minutes=${3:-60}
python=${PYTHON:-python3}
export PYTHONPATH=$here OMP_NUM_THREADS=1
mkdir -p "$work"
[ -f "$work/held/text.npy" ] || nice -n 19 "$python" -m scenes.pool "$work/held" --count 160 --size 192 --seed 900 --held-out
[ -f "$work/train/text.npy" ] || nice -n 19 "$python" -m scenes.pool "$work/train" --count 4000 --size 192 --seed 1
nice -n 19 "$python" "$here/make_latents.py" "$work/latents" --vae "$vae" --pool "$work/train" --minutes "$minutes" \
    --seed "$(date +%s)" >"$work/latents.log" 2>&1 &
for partner in 0 1; do
    nice -n 19 "$python" "$here/train_transformer.py" "$work/transformer.pt" --partner $partner \
        --config "$here/configs/cpu.json" --vae "$vae" --latents "$work/latents" --held "$work/held" \
        --minutes "$minutes" >>"$work/train.$partner.log" 2>&1 &
done
wait
