//! SCP-ECG statements in English.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

const TABLE: &str = include_str!("../../../datasets/scp-statements.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    statements: BTreeMap<String, String>,
}

/// Code to English. The file is part of the program: a test proves that it parses.
static STATEMENTS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| toml::from_str::<Table>(TABLE).map_or_else(|_| BTreeMap::new(), |t| t.statements));

/// What the SCP-ECG statement `code` says, in English: `AFIB` is "atrial fibrillation".
///
/// Knows the 71 statements of PTB-XL.
pub fn english(code: &str) -> Option<&'static str> {
    STATEMENTS.get(code).map(String::as_str)
}

/// The codes that [`english`] knows, sorted.
pub fn codes() -> impl Iterator<Item = &'static str> {
    STATEMENTS.keys().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_all_71_statements_and_no_two_alike() {
        assert_eq!(codes().count(), 71);
        let texts: std::collections::BTreeSet<_> = STATEMENTS.values().collect();
        assert_eq!(texts.len(), 71);
        assert_eq!(english("1AVB"), Some("first degree AV block"));
        assert_eq!(english("PRC(S)"), Some("premature complex"));
        assert_eq!(english("afib"), None);
    }
}
