#!/usr/bin/env bash
# pilah-small 0.5 and pilah-inception-v3 0.5, from public data to the bundles. The shipped files are
# 0.4 after studies/recalibrate.py; a run that is exported now needs no more than `pilah export`.
#     studies/lineage/taught.sh CELEBA FAIRFACE HELD_OUT.csv INCEPTION.onnx TO
# CELEBA holds CelebA's own files, FAIRFACE those of its train part. HELD_OUT.csv names photos of
# people who are kept out (columns file,gender, or a manifest). INCEPTION.onnx is pilah-inception-v3
# 0.3, in this repository's history; the recipes inception_v3_faces, pilah_inception_v3 and
# pilah_inception_v3_light made it from 0.1, for which there is no recipe. `learn.py` is much faster on a machine with a GPU: it
# needs PyTorch only, and the folder TO/carried. What TO has already is kept.
set -euo pipefail
celeba=$(realpath "$1") fairface=$(realpath "$2") held_out=$(realpath "$3") inception=$(realpath "$4")
to=$5
here=$(dirname "$(realpath "$0")")/..
mkdir -p "$to"

prepared() { # NAME SOURCE: a manifest of a source's own split, of its images as they are
    [ -e "$to/$1/manifest.csv" ] || pilah prepare "$2" --crops --split official --to "$to/$1"
}
trained() { # MANIFEST RECIPE START DATA: a run of a recipe from weights
    [ -e "$to/$2/scores.csv" ] ||
        pilah train "$to/$1/manifest.csv" --recipe "$2" --to "$to/$2" --pretrained "$3" --pretrained-on "$4"
}
faces() { # NAME OPTIONS...: a list of faces, and its manifest
    local name=$1
    shift
    python "$here/training_faces.py" "$to/$name.csv" --fairface "$fairface" "$@"
    prepared "$name" "$to/$name.csv"
}

# The starts of the small network: FairFace, then CelebA too, at growing sizes
prepared celeba "$celeba"
faces fairface
faces few --celeba "$celeba" --per-person 3 --without "$held_out"
faces all --celeba "$celeba" --without "$held_out"
faces balanced --celeba "$celeba" --per-person 3 --without "$held_out" --weigh --balance 1 --harder Black=2
faces taught --celeba "$celeba" --without "$held_out" --weigh
trained fairface pilah_small_fairface imagenet ImageNet
trained few pilah_small "$to/pilah_small_fairface" "ImageNet, then FairFace"
trained all pilah_small_longer "$to/pilah_small" "ImageNet, then FairFace and CelebA"
trained balanced pilah_small_fairer "$to/pilah_small_longer" "ImageNet, then FairFace and CelebA"

# The teacher learns from labels, then both students at once from the teacher
cp "$inception" "$to/pilah-inception-v3-0.3.onnx"
mkdir -p "$to/runs"
ln -sfn "../pilah_small_fairer" "$to/runs/pilah_small_fairer" # as the recipe names its start
(
    cd "$to"
    [ -e carried ] || python "$here/on_gpu/carry.py" taught/manifest.csv --to carried \
        --attributes "$celeba/list_attr_celeba.txt" --ages "$fairface/fairface_label_train.csv" \
        teacher=teacher small=pilah_small_taught inception=pilah_inception_v3_taught
    [ -e brought ] || python "$here/on_gpu/learn.py" carried --to brought
)

back() { # STUDENT RECIPE MODEL: a student's run folder and its bundle
    [ -e "$to/$2/scores.csv" ] || python "$here/on_gpu/bring_back.py" "$to/brought/$1" --recipe "$2" \
        --manifest "$to/taught/manifest.csv" --to "$to/$2"
    pilah export "$to/$2" --to "$to/$3.onnx" --name "$3" --model-version 0.5 --int8 --max-error 0.03 \
        --licence "non-commercial research, as CelebA's terms ask" \
        --frame-from "$to/celeba/manifest.csv" --frame-zoom 0.75
}
back small pilah_small_taught pilah-small
back inception pilah_inception_v3_taught pilah-inception-v3
