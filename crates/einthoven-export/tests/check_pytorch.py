"""Uses the folders for PyTorch below a folder, and compares them with what Einthoven computed.

    python3 check_pytorch.py FOLDER

A folder of a model holds load.py and `expected.safetensors`: `signals`, `valid`, `embedding` or, without one, `pooled`, and of an ESI the
embeddings of texts.json as `texts`. A folder of a contract holds contract.py and `recording.safetensors`. Prints a line for each with the
largest difference relative to the largest value; fails beyond 1e-4.
"""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

TOLERANCE = 1e-4


def compare(name, what, found, wanted):
    assert found.shape == wanted.shape, (name, what, found.shape, wanted.shape)
    off = float(np.abs(found - wanted).max() / np.abs(wanted).max())
    print(f"{name}: {what} differs by {off:.1e}")
    assert off <= TOLERANCE, name


def check_model(folder):
    import torch

    sys.path.insert(0, str(folder))
    import load

    model = load.load()
    expected = load_file(folder / "expected.safetensors")
    signals, valid = torch.from_numpy(expected["signals"]), torch.from_numpy(expected["valid"])
    wanted = expected.get("embedding", expected["pooled"])
    compare(folder.name, "embedding", model.embed(signals, valid).numpy(), wanted)
    compare(folder.name, "embedding of one", model.embed(signals[1:2], valid[1:2]).numpy(), wanted[1:2])
    if "texts" in expected and importlib.util.find_spec("transformers"):
        texts = json.loads((folder / "texts.json").read_text())
        compare(folder.name, "texts", model.embed_texts(texts).numpy(), expected["texts"])
    # The next folder has modules of the same names.
    sys.path.pop(0)
    for module in [name for name in sys.modules if name == "load" or name.split(".")[0] == "architecture"]:
        del sys.modules[module]


def check_contract(folder):
    sys.path.insert(0, str(folder))
    from contract import prepare

    expected = load_file(folder / "recording.safetensors")
    contract, leads = (json.loads((folder / f"{name}.json").read_text()) for name in ("contract", "leads"))
    found, valid = prepare(contract, expected["millivolts"], leads, 500.0)
    assert valid == expected["valid"], (folder, valid)
    compare(folder.name, "prepared recording", found, expected["prepared"])
    sys.path.pop(0)


for folder in sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_dir()):
    check_model(folder) if (folder / "load.py").exists() else check_contract(folder)
