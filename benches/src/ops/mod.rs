//! Every operation with a backward pass, forward and backward, against PyTorch's and, where it has a right one, candle's own.

mod cases;
mod operation;
mod text_cases;
mod update;

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor, safetensors::load};
use clap::Args;
use einthoven::nn::MatmulPrecision;
use operation::{Input, Operation, Run};
use serde_json::{Value, json};
use tempfile::TempDir;
use update::Update;

use crate::measure::{geometric_mean, in_turn};
use crate::peer::Peer;
use crate::table::{Table, ms, ratio};
use crate::twin::{ROUNDED_TOLERANCE, TOLERANCE, difference};
use crate::{Common, Result, machine, python};

/// A turn repeats what is short, up to this many times or for as long as this.
const REPEATS: f64 = 20.0;
const TURN_SECONDS: f64 = 0.03;

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,
    /// Only operations whose name contains this
    pub name: Option<String>,
}

/// An operation at one shape.
struct Case {
    /// Its name in `pytorch/ops.py`.
    op: &'static str,
    shape: String,
    /// What the twin needs to know besides the inputs.
    options: Value,
    /// Of Einthoven's matrix products.
    precision: MatmulPrecision,
    work: Work,
}

impl Case {
    fn new(
        op: &'static str,
        shape: String,
        inputs: Vec<Input>,
        run: impl Fn(&[Tensor]) -> Result<Tensor> + 'static,
    ) -> Self {
        let work = Work::Operation { inputs, run: Box::new(run), stock: None };
        Self { op, shape, options: json!({}), precision: MatmulPrecision::F32, work }
    }

    fn options(self, options: Value) -> Self {
        Self { options, ..self }
    }

    /// With matrix products in bf16.
    fn in_bf16(self) -> Self {
        Self { precision: MatmulPrecision::Bf16, ..self }
    }

    /// With the same of candle's own parts.
    fn stock(mut self, own: impl Fn(&[Tensor]) -> candle_core::Result<Tensor> + 'static) -> Self {
        if let Work::Operation { stock, .. } = &mut self.work {
            *stock = Some(Box::new(move |inputs| Ok(own(inputs)?)));
        }
        self
    }
}

enum Work {
    Operation {
        inputs: Vec<Input>,
        run: Run,
        /// The same of candle's own parts.
        stock: Option<Run>,
    },
    /// An optimiser's step.
    Update,
}

/// One side of a comparison in this process.
trait Subject {
    /// What the twin gets.
    fn inputs(&self) -> BTreeMap<String, Tensor>;
    /// What is compared with the twin's.
    fn results(&mut self) -> Result<BTreeMap<String, Tensor>>;
    /// Seconds of the forward pass, and of both passes.
    fn time(&mut self) -> Result<[f64; 2]>;
}

/// Measures the operations.
pub fn run(options: &Options) -> Result<Table> {
    let common = &options.common;
    let mut table = Table {
        title: format!(
            "Operations, forward and backward, {} threads, medians of {} rounds",
            common.threads, common.rounds
        ),
        machine: machine::describe(common, true)?,
        head: vec![
            "op",
            "shape",
            "PyTorch forward ms",
            "both",
            "Einthoven forward ms",
            "both",
            "ratio",
            "candle both ms",
        ],
        ..Table::default()
    };
    let folder = TempDir::new()?;
    let mut twin = Peer::start(&mut python::script("ops.py", folder.path(), common))?;
    let cases = cases::all()?.into_iter().chain(text_cases::all()?);
    let cases = cases.filter(|case| case.precision == MatmulPrecision::F32 || machine::has_bf16());
    let mut ratios = Vec::new();
    for case in cases.filter(|case| options.name.as_ref().is_none_or(|name| case.op.contains(name))) {
        let label = format!("{} {}", case.op, case.shape);
        eprintln!("ops: {label}");
        let times =
            measure(&case, &mut twin, folder.path(), common.rounds).map_err(|error| format!("{label}: {error}"))?;
        let [[their_forward, theirs], [our_forward, ours]] = [times[0], times[1]];
        let mut row = vec![case.op.to_owned(), case.shape];
        // An optimiser's step has no forward pass.
        let time = |seconds: f64| if seconds > 0.0 { ms(seconds) } else { "–".to_owned() };
        row.extend([their_forward, theirs, our_forward, ours].map(time));
        row.push(ratio(theirs / ours));
        row.push(times.get(2).map_or("–".to_owned(), |[_, both]| ms(*both)));
        table.rows.push(row);
        table.bars.push((label, theirs / ours));
        ratios.push(theirs / ours);
    }
    twin.finish()?;
    if ratios.is_empty() {
        return Err("no operation has this name".into());
    }
    let lowest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    table
        .notes
        .push(format!("PyTorch / Einthoven: geometric mean {:.2}, lowest {lowest:.2}.", geometric_mean(&ratios)));
    Ok(table)
}

/// Compares all sides with PyTorch, then times them in turns: PyTorch, Einthoven, and candle where it takes part.
fn measure(case: &Case, twin: &mut Peer, folder: &Path, rounds: u32) -> Result<Vec<[f64; 2]>> {
    let mut subjects: Vec<Box<dyn Subject + '_>> = Vec::new();
    match &case.work {
        Work::Update => subjects.push(Box::new(Update::new()?)),
        Work::Operation { inputs, run, stock } => {
            let ours = Operation::new(inputs, run, case.precision)?;
            let stock = stock.as_ref().map(|stock| ours.done_by(stock));
            subjects.push(Box::new(ours));
            if let Some(stock) = stock {
                subjects.push(Box::new(stock));
            }
        }
    }
    safetensors::serialize_to_file(&subjects[0].inputs(), None, &folder.join("inputs.safetensors"))?;
    twin.ask(&json!({ "op": case.op, "options": case.options }).to_string())?;
    let tolerance = if case.precision == MatmulPrecision::Bf16 { ROUNDED_TOLERANCE } else { TOLERANCE };
    let expected = load(folder.join("results.safetensors"), &Device::Cpu)?;
    for subject in &mut subjects {
        compare(&subject.results()?, &expected, tolerance)?;
    }
    let once = json!({ "repeat": 1 }).to_string();
    let mut longest = seconds(&twin.ask(&once)?)?[1];
    for subject in &mut subjects {
        longest = longest.max(subject.time()?[1]);
    }
    let repeat = (TURN_SECONDS / longest).clamp(1.0, REPEATS) as usize;
    let request = json!({ "repeat": repeat }).to_string();
    in_turn(1 + subjects.len(), rounds, |side| {
        if side == 0 {
            return seconds(&twin.ask(&request)?);
        }
        let times = (0..repeat).map(|_| subjects[side - 1].time()).collect::<Result<Vec<_>>>()?;
        Ok(crate::measure::medians(&times))
    })
}

fn compare(
    found: &BTreeMap<String, Tensor>,
    expected: &std::collections::HashMap<String, Tensor>,
    tolerance: f64,
) -> Result<()> {
    if found.len() != expected.len() {
        return Err(format!("{} results, PyTorch has {}", found.len(), expected.len()).into());
    }
    for (name, tensor) in found {
        let twin = expected.get(name).ok_or_else(|| format!("PyTorch gives no `{name}`"))?;
        let off = difference(tensor, &twin.reshape(tensor.shape())?)?;
        if off.is_nan() || off > tolerance {
            return Err(format!("`{name}` differs from PyTorch's by {off:.1e} of the largest value").into());
        }
    }
    Ok(())
}

/// An answer of `pytorch/ops.py`.
fn seconds(answer: &Value) -> Result<[f64; 2]> {
    match (answer[0].as_f64(), answer[1].as_f64()) {
        (Some(forward), Some(both)) => Ok([forward, both]),
        _ => Err(format!("no times: {answer}").into()),
    }
}
