#!/bin/bash
# The whole of the default model in about 17 minutes on one machine with a large GPU, a dozen cores and no internet: pools, VAE,
# transformer, the last minutes on pixels, evaluation. The next part gets ready (imports, compilation) while one trains, and scenes
# are drawn all the while. Needs Python with torch for CUDA, numpy, pillow, matplotlib; fonts and clip art from packages.txt or from
# `python -m scenes.bundle`. export.py then writes the folder.
#
# VAE_INIT=FILE.pt starts from a trained VAE. The model in the repository: VAE_INIT after one minute, then 2, 7.5 and 4.5 minutes.
# MODEL_INIT=FOLDER goes on from seedling.pt and seedling-vae.pt there (restore.py makes them of a checkpoint): pixels alone, all the
# time, with the settings of CONFIG.
#
#   VAE_MINUTES=5 TRANSFORMER_MINUTES=9 PIXEL_MINUTES=4 tools/seedling/train_on_gpu.sh WORK_FOLDER
#   MODEL_INIT=FOLDER CONFIG=tools/seedling/configs/gpu-four.json PIXEL_MINUTES=20 tools/seedling/train_on_gpu.sh WORK_FOLDER
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${1:?a folder for pools and states}
python=${PYTHON:-python3}
shared=$(df --output=avail -k /dev/shm 2>/dev/null | tail -1)
[ "${shared:-0}" -gt 40000000 ] && pools=${POOLS:-/dev/shm/seedling} || pools=${POOLS:-$work} # 26 GB for 16,000 of each group
count=${POOL_COUNT:-16000}
export PYTHONPATH=$here OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1 TORCHINDUCTOR_COMPILE_THREADS=6
config=$(realpath "${CONFIG:-$here/configs/gpu.json}")
init=${MODEL_INIT:+$(realpath "$MODEL_INIT")}
mkdir -p "$work" "$pools"
cd "$work" || exit 1
workers=$(($(nproc) > 4 ? $(nproc) - 3 : 1))

( "$python" -m scenes.pool "$pools/held" --count 96 --size 288 --seed 900 --held-out --workers 4
  "$python" -m scenes.pool "$pools/train" --count "$count" --size 320 --seed 1 --parts --workers $workers ) > pool.log 2>&1 &

if [ -n "$init" ]; then
    cp "$init/seedling.pt" transformer.pt && cp "$init/seedling-vae.pt" vae.pt && touch transformer.done
else
    "$python" "$here/train_vae.py" vae.pt --pool "$pools/train" --parts 6000 --held "$pools/held" --base "${VAE_BASE:-32}" \
        ${VAE_INIT:+--init "$VAE_INIT"} --stages "${VAE_STAGES:-0.7:128:64,1:256:16}" --device cuda --compile --minutes "${VAE_MINUTES:-5}" > vae.log 2>&1 \
        && touch vae.done &
    sleep 20 # the first compiler has the machine to itself
    "$python" "$here/train_transformer.py" transformer.pt --config "$config" --vae vae.pt --pool "$pools/train" --parts "$count" \
        --held "$pools/held" --device cuda --compile --minutes "${TRANSFORMER_MINUTES:-9}" --after vae.done > transformer.log 2>&1 \
        && touch transformer.done &
    sleep 150
fi
"$python" "$here/train_pixels.py" seedling.pt --config "$config" --model transformer.pt --vae vae.pt --pool "$pools/train" \
    --parts 6000 --held "$pools/held" --device cuda --compile --minutes "${PIXEL_MINUTES:-4}" --after transformer.done \
    > pixels.log 2>&1 &
wait
"$python" "$here/evaluate.py" --model seedling.pt --vae seedling-vae.pt --held "$pools/held" --no-posters --device cuda \
    --sizes 256,192,320 --steps 1,4 --layers 3,2,4 --sheets . --threads 4 > figures.md 2> evaluate.log
touch done
