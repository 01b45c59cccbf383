"""Loads the model in this folder with PyTorch; needs numpy, torch and safetensors.

    from load import load

    model = load()                                       # or load("the/folder")
    signals, valid = model.prepare([(millivolts, ["I", "II", ...], 500.0)])
    embeddings = model.embed(signals, valid)             # [recordings, width]

A recording is an array [leads, samples] in millivolts with the names of its leads and its sampling rate in Hz. Resampling and filters need
scipy. Of an ESI, `model.embed_texts(texts)` gives what texts are compared by, and needs transformers and tokenizers. The network itself,
for fine-tuning, is `model.network`. Research software, no medical device.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from architecture import network, prepare


class Model:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.config = json.loads((self.folder / "network.json").read_text())
        self.contract = json.loads((self.folder / "contract.json").read_text())
        self.network = network(self.config)
        weights = load_file(self.folder / "model.safetensors")
        missing, _ = self.network.load_state_dict(weights, strict=False)
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        if missing:
            raise ValueError(f"model.safetensors lacks {missing}")
        self.network.eval()
        self.weights = weights

    def prepare(self, recordings):
        """Recordings as (array, leads, rate) to signals `[batch, leads, samples]` and how many samples of each are not padding."""
        prepared = [prepare(self.contract, *recording) for recording in recordings]
        signals = torch.from_numpy(np.stack([signal for signal, _ in prepared]))
        return signals, torch.tensor([valid for _, valid in prepared])

    @torch.inference_mode()
    def embed(self, signals, valid=None):
        """Prepared signals to embeddings: of an ESI those of length 1 that texts are compared with, else the encoder's pooled vector."""
        found = self.network(signals, valid)
        return found if torch.is_tensor(found) else found[0]

    @torch.inference_mode()
    def embed_texts(self, texts):
        """Embeddings of length 1; their products with those of signals are cosines."""
        from architecture.texts import embed_texts

        return embed_texts(self.config, self.weights, self.folder / "text" / "tokenizer.json", texts)


def load(folder=Path(__file__).parent):
    return Model(folder)
