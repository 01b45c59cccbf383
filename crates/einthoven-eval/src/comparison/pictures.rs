//! Maps and explained cases on the page of a comparison.

use serde::Serialize;

use crate::error::Result;
use crate::map;
use crate::protocol::{ExplainedCase, Outcome, SubjectResult};

/// What there is to see of a subject.
#[derive(Serialize)]
pub(super) struct PictureView<'a> {
    subject: &'a str,
    maps: Vec<String>,
    /// The words above them, and the cases.
    cases: Vec<(&'static str, Vec<CaseView<'a>>)>,
}

#[derive(Serialize)]
struct CaseView<'a> {
    caption: String,
    drawing: &'a str,
}

/// The pictures of subjects that have some.
pub(super) fn pictures(results: &[SubjectResult]) -> Result<Vec<PictureView<'_>>> {
    let mut views = Vec::new();
    for result in results {
        let subject = result.subject.name.as_str();
        let mut view = PictureView { subject, maps: Vec::new(), cases: Vec::new() };
        for task in &result.tasks {
            match &task.outcome {
                Outcome::Map(found) => {
                    let labels = task.labels.as_deref().unwrap_or_default();
                    let title = format!("{subject}, {labels}");
                    view.maps.push(map::svg(&found.map, &title, &found.classes, &found.of)?);
                }
                Outcome::Cases(found) => {
                    view.cases.push(("Most right", found.best.iter().map(case).collect()));
                    view.cases.push(("Most wrong", found.worst.iter().map(case).collect()));
                }
                _ => {}
            }
        }
        if !view.maps.is_empty() || !view.cases.is_empty() {
            views.push(view);
        }
    }
    Ok(views)
}

fn case(case: &ExplainedCase) -> CaseView<'_> {
    let ExplainedCase { record, class, text, rank, drawing } = case;
    let caption = format!(
        "{record} has {class}; \u{201c}{text}\u{201d} fits it better than {:.0} % of the recordings without",
        100.0 * rank
    );
    CaseView { caption, drawing }
}
