"""Makes a small cross-encoder with random weights, and its scores: with torch 2.15.0 and transformers 5.23.0."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification

HERE = Path(__file__).parent
QUESTION = "how does atrial flutter show in lead ii ?"
TEXTS = [
    "atrial flutter . saw ##tooth waves at 300 in ii , iii and avf",
    "left bundle branch block .",
    "sinus rhythm . a p wave before each qrs in lead ii",
    # Longer than the table of positions: cut off.
    "atrial flutter . " + "waves in lead v1 and ii . " * 12,
    "unheard",
]

words = sorted({word for text in [QUESTION, *TEXTS] for word in text.split()} - {"unheard"})
vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
tokenizer.save(str(HERE / "tokenizer.json"))

config = BertConfig(
    vocab_size=len(vocabulary),
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=48,
    num_labels=1,
)
torch.manual_seed(1)
model = BertForSequenceClassification(config).eval()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.add_(0.4 * torch.randn_like(parameter))
save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, HERE / "model.safetensors")
(HERE / "config.json").write_text(json.dumps(config.to_dict(), indent=1) + "\n")

tokenizer.enable_truncation(max_length=48)
scores = []
for text in [text.replace(" ##", "") for text in TEXTS]:
    encoded = tokenizer.encode(QUESTION, text)
    ids, types = torch.tensor([encoded.ids]), torch.tensor([encoded.type_ids])
    with torch.no_grad():
        score = model.double()(input_ids=ids, token_type_ids=types).logits.item()
    scores.append({"text": text, "tokens": len(encoded.ids), "score": score})
(HERE / "scores.json").write_text(json.dumps({"question": QUESTION, "scores": scores}, indent=1) + "\n")
