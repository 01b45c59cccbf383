//! Everything, written down: each table goes into the README as soon as it is measured.

use clap::Args;

use crate::sizes::Model;
use crate::table::Table;
use crate::{Common, Result, chart, length, machine, ops, readme, search, step, threads};

/// What all of it has in common.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,
    /// Models
    #[arg(long, value_delimiter = ',', default_value = "atto-minilm,nano-minilm,base-bert")]
    pub model: Vec<Model>,
    /// Samples of each of the 12 leads, where it is not they that grow
    #[arg(long, default_value_t = 5000)]
    pub samples: usize,
}

/// Measures and writes.
pub fn run(options: &Options) -> Result<()> {
    let &Options { ref common, ref model, samples } = options;
    let step = step::Options {
        common: common.clone(),
        model: model.clone(),
        batch: Vec::new(),
        samples,
        tokens: None,
        compile: true,
        tuned: true,
        bf16: false,
    };
    if machine::IS_AVX2 {
        return record("step-avx2", &[step::run(&step)?]);
    }
    let ops = ops::run(&ops::Options { common: common.clone(), name: None })?;
    record("ops", &[ops])?;
    let search =
        search::Options { common: common.clone(), vectors: 1_000_000, dimension: 384, questions: 1000, compared: 200 };
    record("search", &[search::run(&search)?])?;
    let length = length::Options {
        common: common.clone(),
        model: Model::AttoMinilm,
        lengths: vec![1000, 2000, 5000, 10_000, 20_000],
        batches: vec![1, 2, 4, 8, 16],
        models: model.clone(),
        samples,
        batch: 4,
    };
    record("length", &length::run(&length)?)?;
    let threads =
        threads::Options { common: common.clone(), counts: Vec::new(), model: Model::AttoMinilm, batch: 16, samples };
    record("threads", &[threads::run(&threads)?])?;
    record("step", &[step::run(&step)?])?;
    if machine::has_bf16() {
        let rounded = step::Options { bf16: true, compile: false, tuned: false, ..step };
        record("step-bf16", &[step::run(&rounded)?])?;
    }
    Ok(())
}

/// Prints the tables, draws their ratios, and puts both into the README.
fn record(name: &str, tables: &[Table]) -> Result<()> {
    let mut text = Vec::new();
    for table in tables {
        println!("{table}");
        text.push(table.to_string());
        if !table.bars.is_empty() {
            let file = format!("{name}.svg");
            readme::write(&file, &chart::bars(&table.title, &table.bars))?;
            text.push(format!("![{}]({file})\n", table.title));
        }
    }
    readme::replace(name, &text.join("\n"))
}
