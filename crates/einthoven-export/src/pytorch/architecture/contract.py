"""From a recording to a model's input, as `contract.json` says."""

from fractions import Fraction

import numpy as np


def prepare(contract, millivolts, leads, rate):
    """An array [leads, samples] in millivolts to (model input [leads, samples], samples that are not padding)."""
    found = {lead.upper(): np.asarray(row, np.float32) for lead, row in zip(leads, millivolts, strict=True)}
    if contract["limb_leads"] == "derived" and "I" in found and "II" in found:
        one, two = found["I"], found["II"]
        derived = {"III": two - one, "AVR": -(one + two) / 2, "AVL": one - two / 2, "AVF": two - one / 2}
        found = {**derived, **found}
    missing = [lead for lead in contract["leads"] if lead.upper() not in found]
    if missing:
        raise ValueError(f"the recording lacks {', '.join(missing)}")
    rows = [filled(contract, lead, found[lead.upper()]).astype(np.float64) for lead in contract["leads"]]
    x = np.stack([resampled(row, rate, contract["sampling_rate"]) for row in rows])
    if contract.get("filter"):
        from scipy.signal import butter, sosfiltfilt

        band = contract["filter"]
        edges = [band["low_hz"], band["high_hz"]]
        x = sosfiltfilt(butter(band["order"], edges, "bandpass", fs=contract["sampling_rate"], output="sos"), x)
    length = contract["samples"]
    valid = min(x.shape[1], length)
    start = (x.shape[1] - valid) // 2 if contract["crop"] == "center" else 0
    x = scaled(contract, x[:, start : start + valid].astype(np.float32).astype(np.float64))
    before = (length - valid) // 2 if contract["pad"] == "both" else 0
    x = np.pad(x, ((0, 0), (before, length - valid - before)))
    return x.astype(np.float32), valid


def filled(contract, lead, row):
    """The row with the mean of the lead in place of missing samples."""
    gaps = np.isnan(row)
    if not gaps.any():
        return row
    if gaps.all():
        if contract["missing"] == "lead-mean":
            raise ValueError(f"{lead} has no sample at all")
        return np.zeros_like(row)
    return np.where(gaps, row[~gaps].astype(np.float64).mean(), row)


def resampled(row, rate, wanted):
    if rate == wanted:
        return row
    from scipy.signal import resample_poly

    ratio = Fraction(wanted / rate).limit_denominator(1000)
    return resample_poly(row, ratio.numerator, ratio.denominator)


def scaled(contract, x):
    def standardised(x):
        std = x.std(ddof=1) if x.size > 1 else 0.0
        return (x - x.mean()) / (std + 1e-6)

    match contract["scaling"]:
        case "none":
            return x * contract["gain"]
        case "z-score-record":
            return standardised(x)
        case "z-score-lead":
            return np.stack([standardised(row) for row in x])
        case "min-max-record":
            range_ = x.max() - x.min()
            return (x - x.min()) / (range_ if range_ > 0 else 1.0)
