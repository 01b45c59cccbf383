//! What the page's template is filled with: everything formatted, nothing left to compute.

use serde::Serialize;

use super::chart::{roc, whisker};
use super::learning::{Chart, charts};
use super::{Example, Facts, LeftOutRecords, Report, RetrievalSection, ZeroShotSection};
use crate::bootstrap::Estimate;
use crate::retrieval::Direction;

/// Captions may run to hundreds of words; matches are cut to this many characters.
const MATCH_LENGTH: usize = 260;

#[derive(Serialize)]
pub struct View<'a> {
    title: &'a str,
    subtitle: &'a str,
    figures: Vec<Figure>,
    summary: &'a [Facts],
    left_out: &'a [LeftOutRecords],
    charts: Vec<Chart>,
    zero_shot: Vec<ZeroShot<'a>>,
    retrieval: Option<Retrieval<'a>>,
    examples: Vec<ExampleView<'a>>,
    config: &'a str,
}

/// A figure that the page opens with.
#[derive(Serialize)]
struct Figure {
    name: String,
    value: String,
    detail: String,
}

#[derive(Serialize)]
struct ZeroShot<'a> {
    split: &'a str,
    labels: &'a str,
    prompts: &'a str,
    records: usize,
    rows: Vec<Row<'a>>,
    scale: String,
    left_out: Vec<String>,
    resamples: usize,
    level: String,
    skipped: Vec<String>,
    curves: Vec<Curve<'a>>,
}

/// A class, or the average of all.
#[derive(Serialize)]
struct Row<'a> {
    code: &'a str,
    words: &'a str,
    positives: Option<usize>,
    auroc: Cell,
    auprc: Cell,
    f1_max: Cell,
    whisker: String,
}

#[derive(Serialize)]
struct Cell {
    value: String,
    interval: String,
}

#[derive(Serialize)]
struct Curve<'a> {
    code: &'a str,
    auroc: String,
    svg: String,
}

#[derive(Serialize)]
struct Retrieval<'a> {
    split: &'a str,
    pairs: usize,
    distinct: usize,
    cutoffs: Vec<usize>,
    directions: Vec<DirectionView>,
}

#[derive(Serialize)]
struct DirectionView {
    name: &'static str,
    recall: Vec<Cell>,
    median_rank: String,
    reciprocal: String,
}

#[derive(Serialize)]
struct ExampleView<'a> {
    record: &'a str,
    drawing: String,
    caption: &'a str,
    generated: Option<&'a str>,
    matches: Vec<MatchView>,
}

#[derive(Serialize)]
struct MatchView {
    text: String,
    cosine: String,
    right: bool,
}

impl<'a> View<'a> {
    pub fn new(report: &'a Report) -> Self {
        Self {
            title: &report.title,
            subtitle: &report.subtitle,
            figures: figures(report),
            summary: &report.summary,
            left_out: &report.left_out,
            charts: charts(&report.log),
            zero_shot: report.zero_shot.iter().map(zero_shot).collect(),
            retrieval: report.retrieval.as_ref().map(retrieval),
            examples: report.examples.iter().map(example).collect(),
            config: &report.config,
        }
    }
}

fn figures(report: &Report) -> Vec<Figure> {
    let mut figures = Vec::new();
    for section in &report.zero_shot {
        let result = &section.result;
        let cell = cell(&result.r#macro.auroc);
        let interval = if cell.interval.is_empty() { String::new() } else { format!("{} · ", cell.interval) };
        figures.push(Figure {
            name: format!("zero-shot macro AUROC, {}", result.labels),
            value: cell.value,
            detail: format!(
                "{interval}{} classes, {} records of {}",
                result.classes.len(),
                result.records,
                section.split
            ),
        });
    }
    if let Some(section) = &report.retrieval {
        for (name, direction) in
            [("ECG to text", &section.result.signal_to_text), ("text to ECG", &section.result.text_to_signal)]
        {
            figures.extend(direction.recall.last().map(|recall| Figure {
                name: format!("Recall@{}, {name}", recall.k),
                value: shown(recall.value),
                detail: format!(
                    "chance {} · {} pairs of {}",
                    shown(recall.chance),
                    section.result.pairs,
                    section.split
                ),
            }));
        }
    }
    figures
}

fn zero_shot(section: &ZeroShotSection) -> ZeroShot<'_> {
    let result = &section.result;
    let all = || result.classes.iter().map(|class| &class.metrics).chain([&result.r#macro]);
    let lowest = all().filter_map(|metrics| metrics.auroc.interval).map(|interval| interval.low);
    let low = if lowest.fold(1.0, f64::min) < 0.4 { 0.0 } else { 0.4 };
    let row = |code, words, positives, metrics: &crate::bootstrap::Estimates| Row {
        code,
        words,
        positives,
        auroc: cell(&metrics.auroc),
        auprc: cell(&metrics.auprc),
        f1_max: cell(&metrics.f1_max),
        whisker: metrics.auroc.value.map_or_else(String::new, |value| {
            whisker(value, metrics.auroc.interval.map(|interval| (interval.low, interval.high)), low)
        }),
    };
    let classes = result.classes.iter();
    let mut rows: Vec<Row> =
        classes.map(|class| row(&class.code, &class.words, Some(class.positives), &class.metrics)).collect();
    rows.push(row("macro", "mean over these classes", None, &result.r#macro));
    let auroc_of = |code: &str| {
        let class = result.classes.iter().find(|class| class.code == code);
        shown(class.and_then(|class| class.metrics.auroc.value))
    };
    ZeroShot {
        split: &section.split,
        labels: &result.labels,
        prompts: &result.prompts,
        records: result.records,
        rows,
        scale: format!("{low:.1}"),
        left_out: result
            .left_out
            .iter()
            .map(|class| format!("{} ({} of {})", class.code, class.positives, class.positives + class.negatives))
            .collect(),
        resamples: result.bootstrap.resamples,
        level: format!("{:.0}", result.bootstrap.level * 100.0),
        skipped: result
            .classes
            .iter()
            .filter_map(|class| Some((class, class.metrics.auroc.interval?.skipped)))
            .filter(|(_, skipped)| *skipped > 0)
            .map(|(class, skipped)| format!("{} ({skipped})", class.code))
            .collect(),
        curves: section
            .curves
            .iter()
            .map(|class| Curve {
                code: &class.code,
                auroc: auroc_of(&class.code),
                svg: roc(&class.curve.fpr, &class.curve.tpr),
            })
            .collect(),
    }
}

fn retrieval(section: &RetrievalSection) -> Retrieval<'_> {
    let result = &section.result;
    let direction = |name, direction: &Direction| DirectionView {
        name,
        recall: direction
            .recall
            .iter()
            .map(|recall| Cell { value: shown(recall.value), interval: format!("chance {}", shown(recall.chance)) })
            .collect(),
        median_rank: direction.median_rank.map_or_else(|| "–".into(), |rank| format!("{rank:.1}")),
        reciprocal: shown(direction.mean_reciprocal_rank),
    };
    Retrieval {
        split: &section.split,
        pairs: result.pairs,
        distinct: result.distinct_captions,
        cutoffs: result.signal_to_text.recall.iter().map(|recall| recall.k).collect(),
        directions: vec![
            direction("ECG to text", &result.signal_to_text),
            direction("text to ECG", &result.text_to_signal),
        ],
    }
}

fn example(example: &Example) -> ExampleView<'_> {
    ExampleView {
        record: &example.record,
        drawing: data_url(&example.drawing),
        caption: &example.caption,
        generated: example.generated.as_deref(),
        matches: example
            .matches
            .iter()
            .map(|found| MatchView {
                text: shortened(&found.text),
                cosine: format!("{:.3}", found.cosine),
                right: found.right,
            })
            .collect(),
    }
}

fn cell(estimate: &Estimate) -> Cell {
    Cell {
        value: shown(estimate.value),
        interval: estimate
            .interval
            .map_or_else(String::new, |interval| format!("{:.3}–{:.3}", interval.low, interval.high)),
    }
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.3}"))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MATCH_LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

/// A drawing as an image of its own, so that names inside one drawing do not meet those of another.
pub(super) fn data_url(svg: &str) -> String {
    let mut url = String::from("data:image/svg+xml,");
    for character in svg.chars() {
        match character {
            '%' => url.push_str("%25"),
            '#' => url.push_str("%23"),
            '"' => url.push_str("%22"),
            '<' => url.push_str("%3C"),
            '>' => url.push_str("%3E"),
            '&' => url.push_str("%26"),
            '\n' => url.push_str("%0A"),
            other => url.push(other),
        }
    }
    url
}
