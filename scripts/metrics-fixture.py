"""Writes the cases that einthoven-eval's metrics are tested on, with the values that scikit-learn and plain definitions give.

    python scripts/metrics-fixture.py crates/einthoven-eval/tests/fixtures/metrics.json

Needs numpy, scipy and scikit-learn. The cases are drawn from fixed seeds: ties, rare classes, single-class columns.
DeLong's variances come from the definition over all pairs of positives and negatives, not from ranks.
"""

import json
import sys

import numpy as np
import scipy
import sklearn
from scipy.stats import norm
from sklearn.metrics import average_precision_score, brier_score_loss, precision_recall_curve, roc_auc_score

BINS = 15
LEVEL = 0.95
RESAMPLES = 120
RESAMPLES_OF_CLASSES = 20_000


def f1_max(y, score):
    precision, recall, _ = precision_recall_curve(y, score)
    total = precision + recall
    return float(np.max(np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)))


def ranking(y, score):
    both = 0 < y.sum() < len(y)
    return {
        "auroc": float(roc_auc_score(y, score)) if both else None,
        "average_precision": float(average_precision_score(y, score)) if y.sum() else None,
        "f1_max": f1_max(y, score) if y.sum() else None,
    }


def calibration(y, p):
    edges = np.arange(1, BINS + 1) / BINS
    index = np.searchsorted(edges, p, side="left")
    gaps, counts = [], []
    for b in np.unique(index):
        inside = index == b
        gaps.append(abs(p[inside].mean() - y[inside].mean()))
        counts.append(inside.sum())
    return {"expected_error": float(np.dot(gaps, counts) / len(y)), "maximum_error": float(max(gaps))}


def placements(y, score):
    """Psi over all pairs: 1 where the positive scores higher, one half for a tie."""
    pairs = score[y == 1][:, None] - score[y == 0][None, :]
    psi = np.where(pairs > 0, 1.0, np.where(pairs == 0, 0.5, 0.0))
    return psi.mean(axis=1), psi.mean(axis=0)


def delong(y, first, second):
    if y.sum() < 2 or (1 - y).sum() < 2:
        return None
    positives, negatives = zip(placements(y, first), placements(y, second))
    covariance = np.cov(positives) / y.sum() + np.cov(negatives) / (1 - y).sum()
    difference = positives[0].mean() - positives[1].mean()
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    z = difference / np.sqrt(variance)
    return {
        "auroc": float(positives[0].mean()),
        "variance": float(covariance[0, 0]),
        "difference": float(difference),
        "difference_variance": float(variance),
        "z": float(z),
        "p": float(2 * norm.sf(abs(z))),
    }


def case(name, y, first, second):
    y = y.astype(int)
    return {
        "name": name,
        "targets": y.tolist(),
        "first": first.tolist(),
        "second": second.tolist(),
        "ranking": ranking(y, first),
        "brier": float(brier_score_loss(y, first, pos_label=1)),
        "calibration": calibration(y, first),
        "delong": delong(y, first, second),
    }


def scores(rng, y, separation, decimals=None):
    p = 1 / (1 + np.exp(-(rng.normal(size=len(y)) + separation * (y - 0.5))))
    return p if decimals is None else np.round(p, decimals)


def bootstrap(rng, y, score):
    """Percentile intervals over resamples in which positives and negatives are drawn apart."""
    draws = [
        np.concatenate([rng.choice(np.flatnonzero(y == kind), (y == kind).sum()) for kind in (1, 0)])
        for _ in range(RESAMPLES)
    ]
    values = [ranking(y[d], score[d]) for d in draws]
    ends = [50 * (1 - LEVEL), 50 * (1 + LEVEL)]
    return {
        "targets": y.astype(int).tolist(),
        "scores": score.tolist(),
        "level": LEVEL,
        "draws": [d.tolist() for d in draws],
        "intervals": {k: np.percentile([v[k] for v in values], ends).tolist() for k in values[0]},
    }


def classes(rng):
    """Percentile intervals of several classes and their mean; records are drawn apart by the rarest of their classes."""
    targets = np.array([rng.random(150) < share for share in (0.4, 0.08, 0.2)]).astype(int)
    score = np.array([np.round(scores(rng, y, 1.5), 2) for y in targets])
    rarity = np.argsort(targets.sum(axis=1))
    rarest = [next((c for c in rarity if targets[c, record]), -1) for record in range(targets.shape[1])]
    strata = [np.flatnonzero(np.array(rarest) == c) for c in sorted(set(rarest))]

    def values(records):
        of_class = [ranking(y[records], p[records]) | {"brier": float(np.mean((p - y)[records] ** 2))} for y, p in zip(targets, score)]
        return of_class + [{metric: float(np.mean([v[metric] for v in of_class])) for metric in of_class[0]}]

    point = values(np.arange(targets.shape[1]))
    drawn = [values(np.concatenate([rng.choice(s, len(s)) for s in strata])) for _ in range(RESAMPLES_OF_CLASSES)]
    ends = [50 * (1 - LEVEL), 50 * (1 + LEVEL)]
    rows = [
        {metric: [value, *np.percentile([v[row][metric] for v in drawn], ends).tolist()] for metric, value in of_row.items()}
        for row, of_row in enumerate(point)
    ]
    return {"targets": targets.tolist(), "scores": score.tolist(), "level": LEVEL, "classes": rows[:-1], "mean": rows[-1]}


def main(path):
    rng = np.random.default_rng(20240519)
    cases = []
    for name, records, share, separation, decimals in [
        ("smooth", 60, 0.4, 1.5, None),
        ("many ties", 60, 0.4, 1.5, 1),
        ("two values only", 40, 0.5, 1.0, 0),
        ("rare positives", 80, 0.05, 2.0, 2),
        ("rare negatives", 80, 0.95, 2.0, 2),
        ("worse than chance", 50, 0.3, -1.5, 2),
        ("no signal", 70, 0.2, 0.0, None),
    ]:
        y = (rng.random(records) < share).astype(int)
        y[:2], y[2:4] = 1, 0
        cases.append(case(name, y, scores(rng, y, separation, decimals), scores(rng, y, separation / 2, decimals)))
    for name, kind in [("positives only", 1), ("negatives only", 0)]:
        y = np.full(20, kind)
        cases.append(case(name, y, scores(rng, y, 1.0, 1), scores(rng, y, 1.0, 1)))
    y = np.array([1] + [0] * 19)
    cases.append(case("one positive", y, scores(rng, y, 1.0, 1), scores(rng, y, 1.0, 1)))
    edges = np.arange(31) / 30
    y = (rng.random(31) < edges).astype(int)
    y[:2], y[-2:] = 0, 1
    cases.append(case("on the edges of the bins", y, edges, scores(rng, y, 1.0)))

    y = (rng.random(40) < 0.25).astype(int)
    fixture = {
        "made_by": f"scripts/metrics-fixture.py, scikit-learn {sklearn.__version__}, scipy {scipy.__version__}, numpy {np.__version__}",
        "bins": BINS,
        "cases": cases,
        "bootstrap": bootstrap(rng, y, scores(rng, y, 1.0, 1)),
        "classes": classes(np.random.default_rng(20240520)),
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(fixture, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
