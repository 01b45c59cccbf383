#!/usr/bin/env bash
# Systems side by side under one protocol: ESI as published and corrected and a supervised xresnet1d101 are trained on the sample of PTB-XL,
# and judged with random weights and measurements beside them.
#
#   experiments/comparison.sh FOLDER     runs, results and the page FOLDER/comparison.html; what has ended is not repeated
#
# Wants `einthoven` on the path, and what ptbxl-sample.toml wants: the recordings and scripts/fetch-minilm.sh.
set -euo pipefail
out=$(realpath -m "${1:?the folder for runs and results}")
cd "$(dirname "$0")/.."
mkdir -p "$out"

train() {
    local command=$1 name=$2 experiment=$3
    [ -e "$out/$name/judgement.json" ] || einthoven "$command" "experiments/$experiment.toml" --resume --out "$out/$name"
}
train pretrain esi-paper ptbxl-sample-paper
train pretrain esi-corrected ptbxl-sample
train finetune xresnet1d ptbxl-sample-xresnet1d

einthoven evaluate --protocol ptbxl-sample --root ptbxl-sample --out "$out/results" \
    "esi-paper=$out/esi-paper" "esi-corrected=$out/esi-corrected" "xresnet1d=$out/xresnet1d"
einthoven compare "$out/results" --html "$out/comparison.html" --csv "$out/comparison.csv" --json "$out/comparison.json" --latex "$out/comparison.tex"
