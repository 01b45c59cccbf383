//! The audit of a store.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use einthoven_caption::audit::{Audit, Coverage};
use einthoven_caption::model::Usage;
use einthoven_caption::store::{Fault, Origin, Record, Source, StoreWriter};
use tempfile::TempDir;

#[test]
fn an_audit_counts_and_draws() {
    let record = |statement: &str, description: Option<&str>, source, faults: &[&str]| Record {
        statement: statement.into(),
        origin: Origin { model: "test:<a>".into(), prompt: "p".into(), knowledge: "k".into() },
        description: description.map(Into::into),
        source,
        asked: faults.len() as u32 + u32::from(source == Source::Model),
        faults: faults.iter().map(|kind| Fault { kind: (*kind).into(), reason: format!("it is {kind}") }).collect(),
        usage: Usage { input: 10, output: 2 },
        cost_usd: Some(0.25),
    };
    let folder = TempDir::new().unwrap();
    let mut writer = StoreWriter::open(folder.path()).unwrap();
    let records = [
        record("a", Some("P waves before each QRS complex"), Source::Model, &[]),
        record("b", Some("P waves before each QRS complex"), Source::Model, &["refusal"]),
        record("c", Some("No P waves <script>"), Source::Knowledge, &["refusal", "off-topic", "refusal"]),
        record("d", None, Source::Nobody, &["off-topic", "empty", "empty"]),
    ];
    writer.append(records).unwrap();
    let audit = Audit::of(writer.store(), None).unwrap();
    assert_eq!(audit.coverage, Coverage { model: 2, knowledge: 1, nobody: 1 });
    assert_eq!((audit.statements, audit.answers, audit.usage), (4, 9, Usage { input: 40, output: 8 }));
    assert_eq!(audit.cost_usd, Some(1.0));
    let faults: Vec<_> = audit.faults.iter().map(|fault| (fault.kind.as_str(), fault.count)).collect();
    assert_eq!(faults, [("refusal", 3), ("empty", 2), ("off-topic", 2)]);
    assert_eq!((audit.diversity.distinct, audit.diversity.vocabulary), (2, 8));
    // Five pairs twice, and "no p", "p waves", "waves <script>", of which the second is there already.
    assert!((audit.diversity.distinct_2 - 7.0 / 13.0).abs() < 1e-12);
    assert_eq!((audit.length.min, audit.length.median, audit.length.p95, audit.length.max), (4, 6, 6, 6));
    assert_eq!(audit.length.histogram, [3]);
    assert_eq!(audit.undescribed, ["d"]);
    let html = audit.to_html().unwrap();
    assert!(html.contains("test:&lt;a&gt;") && !html.contains("<script>"), "{html}");
    assert!(html.contains("2 by the model, 1 by the knowledge base instead, 1 by nobody"), "{html}");
    assert!(html.contains("it is off-topic"));
}
