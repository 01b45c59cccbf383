//! `scp_statements.csv`: which statement belongs to which class.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::csv_table::Table;
use crate::labels::{Classes, LabelSets};
use crate::{Error, Result, statements};

/// The label sets of the published benchmark.
const LABEL_SETS: [&str; 6] = ["all", "diagnostic", "form", "rhythm", "sub", "super"];

/// The statements of a dataset by code.
#[derive(Clone, Debug)]
pub(crate) struct Statements {
    pub path: PathBuf,
    by_code: BTreeMap<String, Statement>,
}

/// What the table says about a statement.
#[derive(Clone, Debug)]
struct Statement {
    description: String,
    diagnostic: bool,
    form: bool,
    rhythm: bool,
    class: Option<String>,
    subclass: Option<String>,
}

impl Statements {
    pub fn open(root: &Path) -> Result<Self> {
        let mut table = Table::open(root.join("scp_statements.csv"))?;
        let code = table.first_column();
        let description = table.column("description")?;
        let diagnostic = table.column("diagnostic")?;
        let form = table.column("form")?;
        let rhythm = table.column("rhythm")?;
        let class = table.column("diagnostic_class")?;
        let subclass = table.column("diagnostic_subclass")?;
        let mut by_code = BTreeMap::new();
        while let Some(row) = table.next() {
            let row = row?;
            let flag = |column| {
                let read = |text: &str| match text {
                    "1" | "1.0" => Some(true),
                    "0" | "0.0" => Some(false),
                    _ => None,
                };
                Ok(row.optional(column, "1.0 or nothing", read)?.unwrap_or(false))
            };
            let text = |column| Some(row.text(column).to_owned()).filter(|text| !text.is_empty());
            let statement = Statement {
                description: row.text(description).to_owned(),
                diagnostic: flag(diagnostic)?,
                form: flag(form)?,
                rhythm: flag(rhythm)?,
                class: text(class),
                subclass: text(subclass),
            };
            let (key, line) = (row.required(code)?.to_owned(), row.line);
            if by_code.insert(key.clone(), statement).is_some() {
                return Err(Error::Duplicate { path: table.path, line, key: format!("statement `{key}`") });
            }
        }
        Ok(Self { path: table.path, by_code })
    }

    /// What a code says in English: our wording, or the table's for a statement of its own.
    pub fn english(&self, code: &str) -> Option<&str> {
        let statement = self.by_code.get(code)?;
        Some(statements::english(code).unwrap_or(&statement.description))
    }

    /// The label sets of the published benchmark: every code of a record counts, whatever its likelihood.
    pub fn label_sets(&self) -> LabelSets {
        LABEL_SETS.iter().map(|&name| (name.to_owned(), self.classes(name))).collect()
    }

    fn classes(&self, set: &str) -> Classes {
        let pairs = self.by_code.iter().filter_map(|(code, statement)| {
            let class = match set {
                "diagnostic" => statement.diagnostic.then_some(code),
                "form" => statement.form.then_some(code),
                "rhythm" => statement.rhythm.then_some(code),
                "sub" => statement.subclass.as_ref().filter(|_| statement.diagnostic),
                "super" => statement.class.as_ref().filter(|_| statement.diagnostic),
                _ => Some(code),
            };
            class.map(|class| (code.as_str(), class.as_str()))
        });
        Classes::new(&[], pairs)
    }
}
