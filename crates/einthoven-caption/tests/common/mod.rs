//! What the tests share: the built-in pages, the real data, and what a text says about sides, walls and leads.
#![allow(clippy::unwrap_used)]
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use einthoven_caption::{Certainty, Finding, KnowledgeBase, Reading, Wall};

pub static KNOWLEDGE: LazyLock<KnowledgeBase> = LazyLock::new(|| KnowledgeBase::built_in().unwrap());

/// A file or folder of the real data; where it is absent, says so.
pub fn data(name: &str) -> Option<PathBuf> {
    let data = std::env::var_os("EINTHOVEN_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = data.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} not found", path.display());
    None
}

/// A reading in one line: `inferior-myocardial-infarction?` is possible, `~` probable, `!` denied.
pub fn line(reading: &Reading<'_>) -> String {
    let finding = |finding: &Finding<'_>| {
        let sign = match finding.certainty {
            Certainty::Certain => "",
            Certainty::Probable => "~",
            Certainty::Possible => "?",
            Certainty::Denied => "!",
        };
        let walls = finding.location.walls.iter().map(|wall| wall.name());
        let leads = finding.location.leads.iter().map(|lead| lead.name());
        let diffuse = finding.location.diffuse.then_some("diffuse");
        let place: Vec<_> = walls.chain(leads).chain(diffuse).collect();
        let place = if place.is_empty() { String::new() } else { format!("[{}]", place.join(" ")) };
        format!("{}{sign}{place}", finding.page.slug)
    };
    let unknown = reading.unknown.iter().map(|word| format!("<{word}>"));
    reading.findings.iter().map(finding).chain(unknown).collect::<Vec<_>>().join(" ")
}

/// The words of a text in lower case.
pub fn tokens(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The walls that a text names, in words of its own: fascicles and the posterior axillary line are no walls.
pub fn walls(text: &str) -> BTreeSet<Wall> {
    let mut text = tokens(text).join(" ").replace("ant septal", "anteroseptal").replace("pmi", "posterior");
    for other in ["anterior fascic", "posterior fascic", "anterior hemi", "posterior hemi"] {
        text = text.replace(other, "");
    }
    let stems: [(Wall, &[&str]); 5] = [
        (Wall::Septal, &["septal"]),
        (Wall::Anterior, &["anterior", "antero"]),
        (Wall::Lateral, &["lateral"]),
        (Wall::Inferior, &["inferior", "infero"]),
        (Wall::Posterior, &["posterior", "postero"]),
    ];
    let named = |stems: &[&str]| stems.iter().any(|stem| text.contains(stem));
    stems.into_iter().filter(|(_, stems)| named(stems)).map(|(wall, _)| wall).collect()
}

/// The sides that a text names, abbreviations included.
pub fn sides(text: &str) -> BTreeSet<&'static str> {
    const LEFT: [&str; 12] =
        ["left", "leftward", "lbbb", "ilbbb", "clbbb", "lvh", "lae", "lao", "lad", "lafb", "lpfb", "left-sided"];
    const RIGHT: [&str; 9] = ["right", "rightward", "rbbb", "irbbb", "crbbb", "rvh", "rae", "rao", "rad"];
    let words = tokens(text);
    let named = |side: &[&str]| words.iter().any(|word| side.contains(&word.as_str()));
    let mut sides = BTreeSet::new();
    if named(&LEFT) {
        sides.insert("left");
    }
    if named(&RIGHT) {
        sides.insert("right");
    }
    sides
}

/// The leads that a text names, those between `V1 to V4` included.
pub fn leads(text: &str) -> BTreeSet<String> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let chest = |word: &str| word.strip_prefix('V').and_then(|n| n.parse::<u8>().ok()).filter(|n| (1..=9).contains(n));
    let mut leads = BTreeSet::new();
    for (i, word) in words.iter().enumerate() {
        if ["I", "II", "III", "aVR", "aVL", "aVF"].contains(word) {
            leads.insert((*word).to_owned());
        }
        if let Some(number) = chest(word) {
            let to = (words.get(i + 1) == Some(&"to")).then(|| words.get(i + 2).and_then(|word| chest(word))).flatten();
            (number..=to.unwrap_or(number)).for_each(|number| leads.extend([format!("V{number}")]));
        }
    }
    leads
}
