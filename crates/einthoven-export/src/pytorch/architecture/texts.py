"""ESI's text side, by Hugging Face's BertModel and tokenizers."""

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

PREFIX = "pretrained_text_encoder."


def embed_texts(config, weights, tokenizer, texts):
    shape = {key: value for key, value in config["text"].items() if value is not None}
    bert = BertModel(BertConfig(**shape), add_pooling_layer=False).eval()
    named = {name.removeprefix(PREFIX): value for name, value in weights.items() if name.startswith(PREFIX)}
    missing, _ = bert.load_state_dict(named, strict=False)
    missing = [name for name in missing if name != "embeddings.position_ids"]
    if missing:
        raise ValueError(f"model.safetensors lacks {missing}")
    tokenizer = Tokenizer.from_file(str(tokenizer))
    corrected = config["mode"] == "corrected"
    by_mean = (config.get("pooling") or ("mean" if corrected else "cls")) == "mean"
    rows = []
    for text in texts:
        ids, longest = tokenizer.encode(text).ids, shape["max_position_embeddings"]
        ids = ids if len(ids) <= longest else ids[: longest - 1] + ids[-1:]
        states = bert(torch.tensor([ids])).last_hidden_state
        row = states.mean(1) if by_mean else states[:, 0]
        if corrected:
            row = F.layer_norm(row - weights["text_centre"], row.shape[-1:], weights["text_cls_norm.gamma"])
        rows.append(F.normalize(row @ weights["text_to_latents.to_latents.weight"].T, dim=-1))
    return torch.cat(rows)
