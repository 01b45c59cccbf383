//! `einthoven caption build`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use einthoven::caption::flow::{Estimate, Plan, Report};
use einthoven::caption::store::Store;
use einthoven::corpus::{CaptionConfig, CaptionTemplate, Dataset, Described, Leftovers, StoreConfig};
use einthoven::{Assistant, AssistantConfig, Data, DataConfig, Experiment, Result, captions_from_store};
use serde_json::{Value, json};

use super::progress::Progress;
use crate::cli::caption as cli;
use crate::commands::stop::{INTERRUPTED, stop_on_ctrl_c};
use crate::commands::{explain, print, print_json};

/// Withheld statements that are shown.
const SHOWN: usize = 5;

pub fn build(options: &cli::Build) -> Result<ExitCode> {
    let data = data(options)?;
    let dataset = Data::open(&data)?;
    let caption = data.caption;
    let store = match (&options.out, &caption.store) {
        (Some(out), _) => out.clone(),
        (None, Some(store)) => store.path.clone(),
        (None, None) => PathBuf::from("captions"),
    };
    let stop = stop_on_ctrl_c("waiting for the answers under way")?;
    let assistant = Assistant::new(&config(options)?, stop)?;
    let (plan, estimate) = assistant.plan(&dataset, &caption, &store)?;
    if options.dry_run {
        if options.json {
            print_json(&dry(&plan, &estimate))?
        } else {
            print(show_plan(&plan, &estimate).trim_end())?
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut progress = Progress::start();
    let ended = assistant.build(&dataset, &caption, &store, &mut |report| progress.show(report))?;
    drop(progress);
    super::warn_of_damage(&Store::open(&store)?);
    let records = Records::of(&dataset, &caption, &store, &ended.report)?;
    if options.json {
        print_json(&json!({
            "store": store,
            "report": ended.report,
            "records": records.json(),
            "ended": ended.early.as_ref().map(ToString::to_string),
        }))?;
    } else {
        print(&format!(
            "{}{}{}store:  {}",
            show(&ended.report),
            show_withheld(&plan),
            records.show(),
            store.display()
        ))?;
    }
    match ended.early {
        None => Ok(ExitCode::SUCCESS),
        Some(einthoven::caption::Error::Stopped) => {
            eprintln!("interrupted: all answers are saved; the same command goes on");
            Ok(ExitCode::from(INTERRUPTED))
        }
        Some(error) => {
            eprintln!("error: {}", explain(&error.into()));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The data of the experiment, or those that the options name.
fn data(options: &cli::Build) -> Result<DataConfig> {
    match (&options.experiment, &options.dataset) {
        (Some(experiment), _) => Ok(Experiment::load(experiment, &[])?.data),
        (None, dataset) => {
            let described = if options.combinations { Described::Combination } else { Described::Statement };
            let caption = CaptionConfig { described, ..CaptionConfig::default() };
            let dataset = dataset.clone().unwrap_or_default();
            Ok(DataConfig { root: options.root.clone(), caption, ..DataConfig::of(dataset) })
        }
    }
}

fn config(options: &cli::Build) -> Result<AssistantConfig> {
    let mut config = AssistantConfig::load(options.config.as_deref(), &options.overrides)?;
    if let Some(model) = &options.model {
        config.model.choose(model)?;
    }
    if options.base_url.is_some() {
        config.model.base_url.clone_from(&options.base_url);
    }
    Ok(config)
}

/// The captions that the store gives the records of the dataset.
struct Records {
    records: usize,
    captions: usize,
    described: usize,
    left_out: Leftovers,
}

impl Records {
    fn of(dataset: &Dataset, caption: &CaptionConfig, store: &Path, report: &Report) -> Result<Self> {
        // What is counted needs no measurements.
        let caption = CaptionConfig { template: CaptionTemplate::Esi, measurements: false, ..caption.clone() };
        // A dataset without a statement leaves a store without an origin.
        let stored = report.stored + report.by_model + report.by_knowledge + report.by_nobody;
        let (_, captions, left_out) = if stored > 0 {
            let config = StoreConfig { path: store.to_owned(), origin: Some(report.origin.id()) };
            captions_from_store(dataset, &caption, &config)?
        } else {
            caption.captions(dataset, &einthoven::corpus::caption::no_descriptions)
        };
        let described = captions.iter().filter(|caption| caption.contains('\n')).count();
        Ok(Self { records: dataset.len(), captions: captions.len(), described, left_out })
    }

    fn json(&self) -> Value {
        json!({
            "records": self.records,
            "captions": self.captions,
            "with_description": self.described,
            "left_out": self.left_out.records,
        })
    }

    fn show(&self) -> String {
        let mut text = format!(
            "  {} of {} records have a caption, {} with a description\n",
            self.captions, self.records, self.described
        );
        if !self.left_out.is_empty() {
            text.push_str(&format!("  {}\n", self.left_out));
        }
        text
    }
}

fn dry(plan: &Plan, estimate: &Estimate) -> Value {
    let withheld = plan.withheld.iter().map(|(reason, statements)| (reason.to_string(), json!(statements)));
    json!({
        "statements": plan.statements,
        "distinct": plan.distinct,
        "stored": plan.stored,
        "to_ask": plan.ask.len(),
        "withheld": withheld.collect::<serde_json::Map<_, _>>(),
        "input_tokens": estimate.usage.input,
        "output_tokens": estimate.usage.output,
        "cost_usd": estimate.cost_usd,
    })
}

fn show_plan(plan: &Plan, estimate: &Estimate) -> String {
    let cost = match estimate.cost_usd {
        Some(cost) => format!("about {cost:.4} USD"),
        None => "cost unknown: set model.prices".to_owned(),
    };
    format!(
        "{} statements, {} distinct; {} stored, {} to ask about\n  about {} tokens to read and {} to write; {cost}\n{}",
        plan.statements,
        plan.distinct,
        plan.stored,
        plan.ask.len(),
        estimate.usage.input,
        estimate.usage.output,
        show_withheld(plan),
    )
}

fn show_withheld(plan: &Plan) -> String {
    let lines = plan.withheld.iter().map(|(reason, statements)| {
        let shown: Vec<&str> = statements.iter().take(SHOWN).map(String::as_str).collect();
        let more = if statements.len() > SHOWN { "; …" } else { "" };
        format!("  withheld from models, {reason}: {} ({}{more})\n", statements.len(), shown.join("; "))
    });
    lines.collect()
}

fn show(report: &Report) -> String {
    let mut text = format!(
        "{}: {} statements, {} distinct, {} stored before\n  described by the model {}, by the knowledge base instead {}, \
         by nobody {}; not answered {}\n",
        report.origin.model,
        report.statements,
        report.distinct,
        report.stored,
        report.by_model,
        report.by_knowledge,
        report.by_nobody,
        report.unanswered,
    );
    let list = |counts: Vec<String>| counts.join(", ");
    if !report.faults.is_empty() {
        let faults = report.faults.iter().map(|(kind, count)| format!("{kind} {count}"));
        text.push_str(&format!("  rejected answers: {}\n", list(faults.collect())));
    }
    let traffic = &report.traffic;
    if traffic.requests > 0 {
        let failures = traffic.failures.iter().map(|(kind, count)| format!("{kind} {count}"));
        let failures = list(failures.collect());
        let failures = if failures.is_empty() { "none failed".to_owned() } else { format!("failed: {failures}") };
        let cost = traffic.cost_usd.map_or(String::new(), |cost| format!(", {cost:.4} USD"));
        let (input, output) = (traffic.usage.input, traffic.usage.output);
        text.push_str(&format!(
            "  {} requests, {failures}; {input} tokens read, {output} written{cost}\n",
            traffic.requests
        ));
    }
    text
}
