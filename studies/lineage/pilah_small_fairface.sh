#!/usr/bin/env bash
# pilah-small-fairface 0.2, from public data to the bundle: FairFace alone, whose terms are CC BY 4.0.
#     studies/lineage/pilah_small_fairface.sh FAIRFACE TO
# FAIRFACE holds fairface_label_train.csv and the images that it names. What TO has already is kept.
set -euo pipefail
fairface=$(realpath "$1") to=$2
here=$(dirname "$(realpath "$0")")/..
mkdir -p "$to"

python "$here/training_faces.py" "$to/fairface.csv" --fairface "$fairface"
[ -e "$to/faces/manifest.csv" ] ||
    pilah prepare "$to/fairface.csv" --split official --to "$to/faces"
[ -e "$to/pilah_small_fairface/scores.csv" ] ||
    pilah train "$to/faces/manifest.csv" --recipe pilah_small_fairface --to "$to/pilah_small_fairface"
pilah export "$to/pilah_small_fairface" --to "$to/pilah-small-fairface.onnx" \
    --name pilah-small-fairface --model-version 0.2 --int8 --max-error 0.07 \
    --licence "CC BY 4.0, as FairFace is"
