//! Records ranked by score: everything that depends on their order alone.

use serde::{Deserialize, Serialize};

use crate::error::{Result, no_nan, same_length};

/// Records sorted once by descending score, from which every threshold metric follows in one pass.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// The records' indices, strongest first.
    order: Vec<u32>,
    /// Whether the record at that place is a positive.
    positive: Vec<bool>,
    /// Scores at that place.
    scores: Vec<f64>,
    /// Whether the record at that place is the last of those that share its score.
    last: Vec<bool>,
}

/// The metrics of one ranking that need no threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankMetrics {
    /// Area under the ROC curve; `None` without a positive or without a negative.
    pub auroc: Option<f64>,
    /// Average precision; `None` without a positive.
    pub average_precision: Option<f64>,
    /// Greatest F1 over all thresholds; `None` without a positive.
    pub f1_max: Option<f64>,
}

/// The greatest F1 and where it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct F1Max {
    /// The greatest F1.
    pub value: f64,
    /// The smallest threshold that reaches it; a record is called positive when `score >= threshold`.
    pub threshold: f64,
}

/// A receiver operating characteristic, from (0, 0) to (1, 1) by falling threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RocCurve {
    /// False-positive rates.
    pub fpr: Vec<f64>,
    /// True-positive rates.
    pub tpr: Vec<f64>,
    /// Thresholds; the first is +∞ (`null` in JSON).
    #[serde(with = "infinite_as_null")]
    pub thresholds: Vec<f64>,
}

/// A precision-recall curve by rising threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrCurve {
    /// Precisions, ending with 1.
    pub precision: Vec<f64>,
    /// Recalls, ending with 0.
    pub recall: Vec<f64>,
    /// Thresholds, one fewer than the points: the closing point (1, 0) has none.
    pub thresholds: Vec<f64>,
}

impl Ranking {
    /// Ranks records by `scores`; `targets` says which are positives.
    pub fn new(targets: &[bool], scores: &[f64]) -> Result<Self> {
        same_length("scores for the targets", targets.len(), scores.len())?;
        no_nan(scores)?;
        let mut order: Vec<u32> = (0..scores.len() as u32).collect();
        // -0 and +0 are one score, as they are in a comparison: adding +0 makes them one.
        let score = |index: u32| scores[index as usize] + 0.0;
        order.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
        let sorted: Vec<f64> = order.iter().map(|&index| score(index)).collect();
        Ok(Self {
            positive: order.iter().map(|&index| targets[index as usize]).collect(),
            last: (0..sorted.len()).map(|place| sorted.get(place + 1) != Some(&sorted[place])).collect(),
            scores: sorted,
            order,
        })
    }

    /// How many records are ranked.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is nothing to rank.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// How many of them are positives.
    pub fn positives(&self) -> usize {
        self.positive.iter().filter(|&&positive| positive).count()
    }

    /// The records, by index, that are positives or that are not.
    pub(crate) fn records_of(&self, positive: bool) -> Vec<usize> {
        let mut records: Vec<usize> = (0..self.len())
            .filter(|&place| self.positive[place] == positive)
            .map(|place| self.order[place] as usize)
            .collect();
        records.sort_unstable();
        records
    }

    /// The metrics, each record counted once.
    pub fn metrics(&self) -> RankMetrics {
        self.metrics_where(|_| 1)
    }

    /// The metrics when record `i` occurs `times[i]` times, as in a bootstrap resample.
    pub fn metrics_resampled(&self, times: &[u32]) -> Result<RankMetrics> {
        same_length("records in the resample", self.len(), times.len())?;
        Ok(self.metrics_where(|record| times[record as usize]))
    }

    fn metrics_where(&self, times: impl Fn(u32) -> u32) -> RankMetrics {
        let total: u64 = (0..self.len())
            .filter(|&place| self.positive[place])
            .map(|place| u64::from(times(self.order[place])))
            .sum();
        let (mut tp, mut fp, mut new_tp, mut new_fp) = (0u64, 0u64, 0u64, 0u64);
        // Twice the pairs ranked right: a tied pair is half a pair.
        let mut pairs = 0u64;
        let (mut precision_sum, mut f1_max) = (0.0, 0.0);
        for place in 0..self.len() {
            let count = u64::from(times(self.order[place]));
            if self.positive[place] {
                new_tp += count;
            } else {
                new_fp += count;
            }
            if self.last[place] {
                pairs += new_fp * (2 * tp + new_tp);
                tp += new_tp;
                fp += new_fp;
                if new_tp > 0 {
                    precision_sum += new_tp as f64 * (tp as f64 / (tp + fp) as f64);
                    f1_max = f64::max(f1_max, f1(tp, fp, total));
                }
                (new_tp, new_fp) = (0, 0);
            }
        }
        RankMetrics {
            auroc: (tp > 0 && fp > 0).then(|| pairs as f64 / (2 * tp * fp) as f64),
            average_precision: (tp > 0).then(|| precision_sum / tp as f64),
            f1_max: (tp > 0).then_some(f1_max),
        }
    }

    /// The greatest F1 and the smallest threshold that reaches it; `None` without a positive.
    pub fn f1_max(&self) -> Option<F1Max> {
        let total = self.positives() as u64;
        let mut best: Option<F1Max> = None;
        for (threshold, tp, fp) in self.steps().filter(|step| step.1 > 0) {
            let value = f1(tp, fp, total);
            if best.is_none_or(|best| value >= best.value) {
                best = Some(F1Max { value, threshold });
            }
        }
        best
    }

    /// The ROC curve without the points that lie evenly between their neighbours (scikit-learn's
    /// default); `None` without a positive or without a negative.
    pub fn roc_curve(&self) -> Option<RocCurve> {
        let steps: Vec<(f64, u64, u64)> = self.steps().collect();
        let &(_, positives, negatives) = steps.last()?;
        if positives == 0 || negatives == 0 {
            return None;
        }
        let mut curve = RocCurve { fpr: vec![0.0], tpr: vec![0.0], thresholds: vec![f64::INFINITY] };
        for (index, &(threshold, tp, fp)) in steps.iter().enumerate() {
            let even = index > 0
                && steps.get(index + 1).is_some_and(|next| {
                    let before = steps[index - 1];
                    next.1 - tp == tp - before.1 && next.2 - fp == fp - before.2
                });
            if !even {
                curve.fpr.push(fp as f64 / negatives as f64);
                curve.tpr.push(tp as f64 / positives as f64);
                curve.thresholds.push(threshold);
            }
        }
        Some(curve)
    }

    /// The precision-recall curve; `None` without a positive.
    pub fn pr_curve(&self) -> Option<PrCurve> {
        let steps: Vec<(f64, u64, u64)> = self.steps().collect();
        let positives = steps.last().map(|step| step.1).filter(|&positives| positives > 0)?;
        let rising = || steps.iter().rev();
        Some(PrCurve {
            precision: rising().map(|&(_, tp, fp)| tp as f64 / (tp + fp) as f64).chain([1.0]).collect(),
            recall: rising().map(|&(_, tp, _)| tp as f64 / positives as f64).chain([0.0]).collect(),
            thresholds: rising().map(|&(threshold, _, _)| threshold).collect(),
        })
    }

    /// True and false positives at every distinct score taken as threshold, by falling threshold.
    fn steps(&self) -> impl Iterator<Item = (f64, u64, u64)> {
        let (mut tp, mut fp) = (0, 0);
        (0..self.len()).filter_map(move |place| {
            if self.positive[place] {
                tp += 1;
            } else {
                fp += 1;
            }
            self.last[place].then_some((self.scores[place], tp, fp))
        })
    }
}

impl RocCurve {
    /// Youden's threshold: the greatest one that maximises `tpr − fpr` (+∞ where the curve never rises above chance).
    pub fn youden_threshold(&self) -> f64 {
        let mut best = (f64::NEG_INFINITY, f64::INFINITY);
        for ((tpr, fpr), &threshold) in self.tpr.iter().zip(&self.fpr).zip(&self.thresholds) {
            if tpr - fpr > best.0 {
                best = (tpr - fpr, threshold);
            }
        }
        best.1
    }
}

/// The harmonic mean of precision and recall, in the order of operations that is usual for it.
fn f1(tp: u64, fp: u64, positives: u64) -> f64 {
    let precision = tp as f64 / (tp + fp) as f64;
    let recall = tp as f64 / positives as f64;
    2.0 * precision * recall / (precision + recall)
}

/// JSON has no infinity.
mod infinite_as_null {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| value.is_finite().then_some(*value)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let values = Vec::<Option<f64>>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|value| value.unwrap_or(f64::INFINITY)).collect())
    }
}
