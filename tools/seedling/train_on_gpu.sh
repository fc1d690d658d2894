#!/bin/bash
# The whole of the default model in about 25 minutes on one machine with a GPU and no internet: pools, VAE, transformer,
# evaluation, export. Needs Python with requirements.txt installed (torch with CUDA), rsvg-convert, and Debian's fonts and
# clip art (packages.txt). Each part resumes where it stood: run the same line again after an interruption.
#
#   tools/seedling/train_on_gpu.sh WORK_FOLDER [VAE.pt to start from]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${1:?a folder for pools and states}
start=${2:-}
python=${PYTHON:-python3}
cores=$(nproc)
export PYTHONPATH=$here OMP_NUM_THREADS=1
mkdir -p "$work"

pool() { # NAME COUNT SIZE SEED [--held-out]
    [ -f "$work/$1/text.npy" ] || "$python" -m scenes.pool "$work/$1" --count "$2" --size "$3" --seed "$4" \
        --workers "$cores" "${@:5}"
}
# 24,000 of each at 288 pixels: 32 GB on the GPU, 15 minutes of one core each 7,000; POOL_COUNT for a smaller card.
pool held 200 192 900 --held-out &
pool train "${POOL_COUNT:-24000}" 288 1
wait

"$python" "$here/train_vae.py" "$work/vae.pt" --pool "$work/train" --held "$work/held" ${start:+--init "$start"} \
    --device cuda --crop 128 --batch 96 --compile --minutes "${VAE_MINUTES:-6}"
"$python" "$here/train_transformer.py" "$work/transformer.pt" --config "$here/configs/gpu.json" --vae "$work/vae.pt" \
    --pool "$work/train" --held "$work/held" --device cuda --compile --minutes "${TRANSFORMER_MINUTES:-13}"
"$python" "$here/evaluate.py" --model "$work/transformer.pt" --vae "$work/vae.pt" --held "$work/held" \
    --sizes 192,256 --steps 1,2,4 --layers 3,2,4 --sheets "$work" --threads "$cores" | tee "$work/figures.md"
"$python" "$here/export.py" "$work/seedling" --model "$work/transformer.pt" --vae "$work/vae.pt" \
    --settings "$here/configs/mica.json"
