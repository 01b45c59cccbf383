//! `scp_statements.csv`: which statement belongs to which class.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::table::Table;
use crate::{Entry, Error, LabelSet, Result, statements};

/// The label sets of the published benchmark.
pub(crate) const LABEL_SETS: [&str; 6] = ["all", "diagnostic", "form", "rhythm", "sub", "super"];

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
        let code = table.first_column("code");
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

    /// The label set `name` over `entries`; none if there is no such set.
    ///
    /// As the published benchmark defines it: every code of a record counts, whatever its likelihood.
    pub fn label_set(&self, name: &str, entries: &[Entry]) -> Option<LabelSet> {
        type Class = for<'a> fn(&'a str, &'a Statement) -> Option<&'a str>;
        let class: Class = match name {
            "all" => |code, _| Some(code),
            "diagnostic" => |code, statement| statement.diagnostic.then_some(code),
            "form" => |code, statement| statement.form.then_some(code),
            "rhythm" => |code, statement| statement.rhythm.then_some(code),
            "sub" => |_, statement| statement.subclass.as_deref().filter(|_| statement.diagnostic),
            "super" => |_, statement| statement.class.as_deref().filter(|_| statement.diagnostic),
            _ => return None,
        };
        let classes: BTreeSet<&str> =
            self.by_code.iter().filter_map(|(code, statement)| class(code, statement)).collect();
        let members = entries.iter().map(|entry| {
            entry.codes.iter().filter_map(|code| {
                let (code, statement) = self.by_code.get_key_value(&code.code)?;
                class(code, statement)
            })
        });
        Some(LabelSet::new(name, classes, members))
    }
}
