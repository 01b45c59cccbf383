#!/usr/bin/env bash
# What the descriptions of the Cardio Query Assistant are worth: the same experiments with captions of bare labels and with captions
# of descriptions from a store, three seeds each. Prints a Markdown table of zero-shot macro AUROC with 95 % bootstrap intervals.
#
#   experiments/captions-ablation.sh FOLDER     runs and stores are kept there; a run that has ended is not repeated
#
# Wants `einthoven` on the path, python3, and what ptbxl-sample.toml wants: the recordings and scripts/fetch-minilm.sh.
set -euo pipefail
out=$(realpath -m "${1:?the folder for the runs}")
cd "$(dirname "$0")/.."
mkdir -p "$out"

for experiment in quickstart ptbxl-sample; do
    store="$out/$experiment-captions"
    # ESI's format in both arms, so that nothing but the description differs.
    format=(--set data.caption.template=esi)
    [ -e "$store" ] || einthoven caption build "experiments/$experiment.toml" --out "$store"
    for seed in 0 1 2; do
        for arm in labels descriptions; do
            run="$out/$experiment-$arm-$seed"
            [ -e "$run/judgement.json" ] && continue
            from=()
            [ $arm = labels ] || from=(--set data.caption.descriptions=store --set "data.caption.store.path=$store")
            einthoven pretrain "experiments/$experiment.toml" --resume --out "$run" --set seed=$seed "${format[@]}" "${from[@]}" > "$run.log" 2>&1
        done
    done
done

python3 - "$out" <<'PYTHON'
import json, statistics, sys

print("| experiment | captions | seed 0 | seed 1 | seed 2 | mean |\n|---|---|---|---|---|---|")
for experiment in "quickstart", "ptbxl-sample":
    for arm in "labels", "descriptions":
        runs = [json.load(open(f"{sys.argv[1]}/{experiment}-{arm}-{seed}/judgement.json")) for seed in range(3)]
        scores = [run["zero_shot"]["macro"]["auroc"] for run in runs]
        cells = [f"{s['value']:.3f} ({s['interval']['low']:.3f}–{s['interval']['high']:.3f})" for s in scores]
        mean = statistics.mean(s["value"] for s in scores)
        print(f"| `{experiment}.toml` | {arm} | {' | '.join(cells)} | {mean:.3f} |")
PYTHON
