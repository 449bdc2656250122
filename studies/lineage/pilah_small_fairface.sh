#!/usr/bin/env bash
# pilah-small-fairface 0.3, from public data to the bundle: FairFace alone, whose terms are CC BY 4.0.
#     studies/lineage/pilah_small_fairface.sh FAIRFACE TO
# FAIRFACE holds fairface_label_train.csv and the images that it names. What TO has already is kept.
# The shipped file's second part began from the bundle of 0.2, which the first part's run had become.
set -euo pipefail
fairface=$(realpath "$1") to=$2
here=$(dirname "$(realpath "$0")")/..
mkdir -p "$to"

trained() { # MANIFEST RECIPE START DATA: a run of a recipe from weights
    [ -e "$to/$2/scores.csv" ] ||
        pilah train "$to/$1/manifest.csv" --recipe "$2" --to "$to/$2" --pretrained "$3" --pretrained-on "$4"
}

# First its images as they are, then faces that are cut out of them
python "$here/training_faces.py" "$to/fairface.csv" --fairface "$fairface"
[ -e "$to/images/manifest.csv" ] ||
    pilah prepare "$to/fairface.csv" --crops --split official --to "$to/images"
trained images pilah_small_fairface imagenet ImageNet
python "$here/training_faces.py" "$to/weighed.csv" --fairface "$fairface" --weigh
[ -e "$to/faces/manifest.csv" ] || pilah prepare "$to/weighed.csv" --split official --to "$to/faces"
trained faces pilah_small_fairface_longer "$to/pilah_small_fairface" "ImageNet, then FairFace"
pilah export "$to/pilah_small_fairface_longer" --to "$to/pilah-small-fairface.onnx" \
    --name pilah-small-fairface --model-version 0.3 --int8 --max-error 0.07 \
    --licence "CC BY 4.0, as FairFace is"
