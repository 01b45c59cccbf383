//! Classification by the nearest fitted records.

use rayon::prelude::*;

use super::{Classified, Scale, unit};
use crate::embeddings::Embeddings;
use crate::error::Result;
use crate::protocol::judge::{Asked, Labelled};
use crate::protocol::result::TaskResult;
use crate::protocol::task::Neighbours;

pub fn judge(asked: &Asked, task: &Neighbours) -> Result<Vec<TaskResult>> {
    let fitted = Labelled::new(asked.protocol, &asked.records.fitted, &task.labels, &asked.fitted)?;
    let judged = Labelled::new(asked.protocol, &asked.records.judged, &task.labels, &asked.judged)?;
    let moments = moments(&fitted.values);
    let references = unit(&standardised(&fitted.values, &moments)?)?;
    let queries = unit(&standardised(&judged.values, &moments)?)?;
    let classes = judged.labels.classes.len();
    let shares = |row: usize| -> Vec<f32> {
        let cosines = references.cosines_with(queries.row(row));
        let mut order: Vec<usize> = (0..cosines.len()).collect();
        // Of records equally near the first in the dataset's order counts.
        order.sort_by(|&a, &b| cosines[b].total_cmp(&cosines[a]));
        order.truncate(task.k);
        let positives = |class: usize| order.iter().filter(|&&record| fitted.targets[record][class]).count();
        (0..classes).map(|class| positives(class) as f32 / order.len().max(1) as f32).collect()
    };
    let scores: Vec<Vec<f32>> = (0..queries.rows()).into_par_iter().map(shares).collect();
    let classified = Classified {
        task: format!("{} nearest", task.k),
        variation: None,
        judged: &judged,
        runs: vec![Embeddings::new(queries.rows(), classes, scores.concat())?],
        scale: Scale::Probability,
        bins: task.k.min(10),
        subgroups: &[],
    };
    Ok(vec![classified.judge(asked)?])
}

/// Mean and standard deviation of each column; a column that never changes has deviation 1.
fn moments(values: &Embeddings) -> Vec<(f64, f64)> {
    let column = |column: usize| (0..values.rows()).map(move |row| f64::from(values.row(row)[column]));
    let of = |index: usize| {
        let count = values.rows() as f64;
        let mean = column(index).sum::<f64>() / count;
        let deviation = (column(index).map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        (mean, if deviation > 0.0 { deviation } else { 1.0 })
    };
    (0..values.width()).map(of).collect()
}

fn standardised(values: &Embeddings, moments: &[(f64, f64)]) -> Result<Embeddings> {
    let row = |row: usize| {
        let values = values.row(row).iter().zip(moments);
        values.map(|(&value, (mean, deviation))| ((f64::from(value) - mean) / deviation) as f32)
    };
    Embeddings::new(values.rows(), values.width(), (0..values.rows()).flat_map(row).collect())
}
