"""Heart rates of a PTB-XL folder by neurokit2: for each record its number, the rate of lead II and the median of all leads.

Usage: python neurokit_rates.py FOLDER > rates.csv
"""

import csv
import pathlib
import statistics
import sys
import warnings

import neurokit2
import numpy

RATE = 500


def rate(lead):
    """Beats per minute: 60 over the mean interval between neurokit2's R peaks."""
    clean = neurokit2.ecg_clean(lead, sampling_rate=RATE)
    peaks = neurokit2.ecg_peaks(clean, sampling_rate=RATE)[1]["ECG_R_Peaks"]
    return 60 * RATE / numpy.mean(numpy.diff(peaks)) if len(peaks) > 1 else None


warnings.filterwarnings("ignore")
folder = pathlib.Path(sys.argv[1])
out = csv.writer(sys.stdout)
with open(folder / "ptbxl_database.csv") as table:
    for row in csv.DictReader(table):
        # Format 16: twelve interleaved leads in microvolts.
        samples = numpy.fromfile(folder / (row["filename_hr"] + ".dat"), "<i2").reshape(-1, 12) / 1000
        rates = [rate(samples[:, lead]) for lead in range(12)]
        known = [r for r in rates if r is not None]
        out.writerow([row["ecg_id"], rates[1] or "", statistics.median(known) if known else ""])
