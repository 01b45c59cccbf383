"""Writes the cases that einthoven-eval's captioning metrics, identification and principal components are tested on, with
the values that independent implementations give.

    python scripts/judging-fixture.py crates/einthoven-eval/tests/fixtures/judging.json

Needs nltk, numpy, pycocoevalcap, rouge-score, sacrebleu, scikit-learn and scipy. The cases are drawn from fixed seeds. BLEU is
sacrebleu's without smoothing, ROUGE-L rouge-score's F1, METEOR NLTK's with Snowball stems and without WordNet, CIDEr-D
pycocoevalcap's; all over the same words: runs of letters and digits in lower case.
"""

import json
import re
import sys
from importlib.metadata import version

import numpy as np
from nltk.stem.snowball import SnowballStemmer
from nltk.translate.meteor_score import meteor_score
from pycocoevalcap.cider.cider import Cider
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.decomposition import PCA
from sklearn.metrics import f1_score, precision_score, recall_score, roc_curve

PHRASES = [
    "Sinus rhythm", "sinus bradycardia", "Atrial fibrillation", "atrial flutter", "Left bundle branch block",
    "right bundle-branch block", "inferior infarction", "possible inferior infarct", "first degree AV block",
    "ST elevation in V1, V2", "ST-depression of 1.5 mm", "T wave inversions", "left axis deviation", "normal ECG",
    "premature ventricular complexes", "low voltage", "prolonged QT interval", "the rate is 72 per minute",
]


class NoWordNet:
    """Knows no synonyms."""

    def synsets(self, word):
        return []


def words(text):
    return re.findall(r"[a-z0-9]+", text.lower())


def text(rng, least, most):
    chosen = rng.choice(PHRASES, size=rng.integers(least, most + 1), replace=False)
    return ". ".join(chosen) + "."


def changed(rng, original):
    """A caption as a model might write it: words lost, doubled, out of place, or another phrase at the end."""
    kept = [word for word in original.split() if rng.random() > 0.2]
    if kept and rng.random() < 0.3:
        kept.insert(int(rng.integers(len(kept))), kept[-1])
    if rng.random() < 0.5:
        kept.append(str(rng.choice(PHRASES)))
    return " ".join(kept)


def captioning(rng, records, most_references):
    references = [[text(rng, 1, 4) for _ in range(rng.integers(1, most_references + 1))] for _ in range(records)]
    generated = [changed(rng, texts[0]) for texts in references]
    generated[0], generated[1] = references[0][0], ""
    stemmer = SnowballStemmer("english")
    rouge = RougeScorer(["rougeL"], use_stemmer=False)
    split = [words(caption) for caption in generated]
    others = [[words(reference) for reference in texts] for texts in references]
    columns = max(map(len, references))
    streams = [[" ".join(texts[i]) if i < len(texts) else None for texts in others] for i in range(columns)]
    bleu = BLEU(smooth_method="none", tokenize="none", force=True)
    everything = {str(i): [" ".join(texts) for texts in others[i]] for i in range(records)}
    ciders = Cider().compute_score(everything, {str(i): [" ".join(split[i])] for i in range(records)})[1]
    return {
        "generated": generated,
        "references": references,
        "bleu_4": bleu.corpus_score([" ".join(caption) for caption in split], streams).score / 100,
        "rouge_l": [rouge.score_multi(texts, caption)["rougeL"].fmeasure for texts, caption in zip(references, generated)],
        "meteor": [meteor_score(texts, caption, stemmer=stemmer, wordnet=NoWordNet()) for texts, caption in zip(others, split)],
        "cider_d": [float(score) for score in ciders],
    }


def concepts(rng):
    named, expected = rng.random((60, 9)) < 0.25, rng.random((60, 9)) < 0.2
    expected[:, :5] |= named[:, :5] & (rng.random((60, 5)) < 0.7)
    named[:, 7] = expected[:, 7] = False
    named[:, 8] = False
    occurring = (named | expected).any(axis=0)
    truth, guess = expected[:, occurring].astype(int), named[:, occurring].astype(int)
    return {
        "named": [[int(i) for i in np.flatnonzero(row)] for row in named],
        "expected": [[int(i) for i in np.flatnonzero(row)] for row in expected],
        "micro_precision": precision_score(truth, guess, average="micro"),
        "micro_recall": recall_score(truth, guess, average="micro"),
        "micro_f1": f1_score(truth, guess, average="micro"),
        "macro_f1": f1_score(truth, guess, average="macro", zero_division=0),
    }


def identification(rng, patients, noise, levels):
    """Embeddings on a grid of `levels` have equal cosines."""
    counts = rng.integers(1, 4, size=patients)
    who = np.repeat(np.arange(patients), counts)
    rng.shuffle(who)
    centres = rng.normal(size=(patients, 8))
    rows = centres[who] + noise * rng.normal(size=(len(who), 8))
    if levels:
        rows = np.clip(np.round(rows), -levels, levels)
    rows = rows.astype(np.float32)
    gallery, probes = {}, []
    for row, patient in enumerate(who):
        if patient in gallery:
            probes.append(row)
        else:
            gallery[patient] = row
    cosines = rows[probes].astype(float) @ rows[list(gallery.values())].astype(float).T
    own = np.array([[who[probe] == patient for patient in gallery] for probe in probes])
    ranks = [1 + int(np.sum(row[~mine] >= row[mine][0])) for row, mine in zip(cosines, own)]
    accepted, found, _ = roc_curve(own.ravel(), cosines.ravel(), drop_intermediate=False)
    # Along the curve, since parts of it rise straight up.
    length = interp1d(np.arange(len(accepted)), np.stack([accepted, found]))
    place = brentq(lambda at: length(at)[0] - (1 - length(at)[1]), 0, len(accepted) - 1, xtol=1e-14)
    return {
        "patients": [int(patient) for patient in who],
        "rows": [[float(x) for x in row] for row in rows],
        "probes": len(probes),
        "rank_1": float(np.mean(np.array(ranks) <= 1)),
        "rank_5": float(np.mean(np.array(ranks) <= 5)),
        "equal_error_rate": float((length(place)[0] + 1 - length(place)[1]) / 2),
    }


def components(rng):
    values = rng.normal(size=(40, 7)) @ rng.normal(size=(7, 7)) + rng.normal(size=7)
    model = PCA(n_components=3, svd_solver="full").fit(values)
    signs = np.sign(np.take_along_axis(model.components_, np.abs(model.components_).argmax(axis=1)[:, None], axis=1))
    return {
        "values": values.tolist(),
        "scores": (model.transform(values) * signs.T).tolist(),
        "variances": model.explained_variance_.tolist(),
        "explained": float(model.explained_variance_ratio_.sum()),
    }


def main():
    packages = ["sacrebleu", "rouge-score", "nltk", "pycocoevalcap", "scikit-learn", "scipy", "numpy"]
    rng = np.random.default_rng(20)
    cases = {
        "made_by": "scripts/judging-fixture.py, " + ", ".join(f"{name} {version(name)}" for name in packages),
        "captioning": [captioning(rng, 40, 1), captioning(rng, 25, 3)],
        "concepts": concepts(rng),
        "identification": [
            identification(rng, 30, 0.8, 0),
            identification(rng, 25, 2.0, 0),
            identification(rng, 40, 0.7, 1),
        ],
        "components": components(rng),
    }
    with open(sys.argv[1], "w") as file:
        json.dump(cases, file, separators=(",", ":"))
        file.write("\n")


main()
