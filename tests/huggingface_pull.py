"""Pulls a model as other people's programs do, and prints what it found as JSON: NAME, from HF_ENDPOINT."""

import hashlib
import json
import sys
from pathlib import Path

from huggingface_hub import ModelCard, snapshot_download
from safetensors import safe_open

folder = Path(snapshot_download(sys.argv[1]))
files = {
    path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
    for path in folder.rglob("*")
    if path.is_file()
}
with safe_open(folder / "model.safetensors", framework="np") as model:
    shapes = [model.get_tensor(name).shape for name in model.keys()]

# Reads the front matter as the Hub's own library does; a model-index that it does not understand is an error.
card = ModelCard.load(folder / "README.md", ignore_metadata_errors=False)
results = card.data.eval_results
assert results, "no results in the front matter"
for result in results:
    assert result.metric_type and result.dataset_name and 0 <= result.metric_value <= 1, result
# Written anew, it says the same.
again = ModelCard(str(card)).data
assert again.to_dict() == card.data.to_dict()

json.dump(
    {
        "files": files,
        "tensors": len(shapes),
        "card": {key: value for key, value in card.data.to_dict().items() if key != "model-index"},
        "results": {result.metric_type: result.metric_value for result in results},
    },
    sys.stdout,
)
