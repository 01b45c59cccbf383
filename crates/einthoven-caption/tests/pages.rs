//! The built-in pages: complete, in bounds, and of one mind about sides, walls, leads and numbers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{KNOWLEDGE, leads, sides, tokens, walls};
use einthoven_caption::{KnowledgeBase, Page, Quantity, Section};
use einthoven_corpus::statements;

fn word_count(text: &str) -> usize {
    text.split_whitespace().count()
}

fn text(page: &Page) -> String {
    Section::ALL.map(|section| page.section(section)).join(" ")
}

#[test]
fn every_scp_statement_has_its_page_under_the_name_that_captions_use() {
    let codes: Vec<&str> = statements::codes().collect();
    assert_eq!(codes.len(), 71);
    for code in &codes {
        let page = KNOWLEDGE.by_scp(code).unwrap_or_else(|| panic!("{code} has no page"));
        assert_eq!(page.name, statements::english(code).unwrap());
    }
    let claimed: usize = KNOWLEDGE.pages().map(|page| page.codes.scp.len()).sum();
    assert_eq!(claimed, 71, "a page claims a code that is none");
}

/// A page added without building the crate anew would be missing.
#[test]
fn the_built_in_pages_are_those_of_the_repository() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/knowledge");
    let base = KnowledgeBase::open(folder).unwrap();
    assert!(base.pages().eq(KNOWLEDGE.pages()));
}

#[test]
fn pages_are_found_by_code_name_and_synonym() {
    let slug = |page: Option<&Page>| page.map(|page| page.slug.clone()).unwrap_or_default();
    assert_eq!(slug(KNOWLEDGE.by_scp("LAO/LAE")), "left-atrial-overload-or-enlargement");
    assert_eq!(slug(KNOWLEDGE.by_snomed("164889003")), "atrial-fibrillation");
    assert_eq!(slug(KNOWLEDGE.by_name("1st degree A-V block")), "first-degree-av-block");
    assert_eq!(slug(KNOWLEDGE.by_name("Premature Ventricular Contractions")), "ventricular-premature-complex");
    assert_eq!(slug(KNOWLEDGE.by_name("ischaemic ST-T changes in the anterior leads")), "");
    assert_eq!(slug(KNOWLEDGE.page("atrial-flutter")), "atrial-flutter");
}

#[test]
fn snomed_codes_are_numbers() {
    for page in KNOWLEDGE.pages() {
        for code in &page.codes.snomed {
            assert!(
                code.bytes().all(|b| b.is_ascii_digit()) && (6..=18).contains(&code.len()),
                "{}: {code}",
                page.slug
            );
        }
    }
}

#[test]
fn pages_and_waveforms_keep_their_length() {
    for page in KNOWLEDGE.pages() {
        let words = word_count(&text(page));
        assert!((120..=250).contains(&words), "{}: {words} words", page.slug);
        let words = word_count(page.waveform());
        assert!((25..=60).contains(&words), "{}: {words} words of waveform", page.slug);
        let sentences = page.waveform().matches(". ").count() + 1;
        assert!(page.waveform().ends_with('.') && sentences <= 3, "{}: {sentences} sentences", page.slug);
        assert!(!page.sources.is_empty() && !page.leads.is_empty(), "{}", page.slug);
    }
}

/// Doubt is for the reader of a statement to find; a name that holds it would hide it.
#[test]
fn names_do_not_hedge() {
    let hedges = ["possible", "possibly", "probable", "probably", "consider", "suggests", "suggested", "no"];
    for page in KNOWLEDGE.pages() {
        for name in std::iter::once(&page.name).chain(&page.synonyms) {
            let words = tokens(&name.replace("no further", ""));
            let hedge = words.into_iter().find(|word| hedges.contains(&word.as_str()));
            assert!(hedge.is_none(), "{}: `{name}`", page.slug);
        }
    }
}

#[test]
fn walls_leads_and_waveforms_agree() {
    for page in KNOWLEDGE.pages() {
        let named = walls(&page.name);
        if !named.is_empty() && page.name != "septal hypertrophy" {
            let is_fascicle = page.name.contains("fascicular");
            assert!(is_fascicle || named == page.walls, "{}: walls {:?}", page.slug, page.walls);
        }
        if page.walls.is_empty() {
            continue;
        }
        let expected: BTreeSet<String> =
            page.walls.iter().flat_map(|wall| wall.leads()).map(|lead| lead.name().to_owned()).collect();
        let listed: BTreeSet<String> = page.leads.iter().map(|lead| lead.name().to_owned()).collect();
        assert_eq!(listed, expected, "{}", page.slug);
        for clause in page.waveform().split([';', '.']) {
            let direct = clause.split("reciprocal").next().unwrap();
            let strange: Vec<_> = leads(direct).difference(&expected).cloned().collect();
            assert!(strange.is_empty(), "{}: {strange:?} in `{clause}`", page.slug);
        }
        let shown = leads(page.waveform());
        for wall in &page.walls {
            let is_shown = wall.leads().iter().any(|lead| shown.contains(lead.name()));
            assert!(is_shown, "{}: no lead of the {} wall", page.slug, wall.name());
        }
    }
}

/// A page that is placed by the statement must not name places of its own.
#[test]
fn regional_waveforms_leave_the_place_open() {
    for page in KNOWLEDGE.pages().filter(|page| page.regional) {
        let text = page.waveform().split("reciprocal").next().unwrap();
        let is_chest_only = page.slug == "precordial-lead-reversal";
        assert!(is_chest_only || leads(text).is_empty(), "{}: {:?}", page.slug, leads(text));
        assert!(page.walls.is_empty(), "{}", page.slug);
    }
}

#[test]
fn waveforms_keep_to_the_side_of_the_name() {
    let mut checked = 0;
    for page in KNOWLEDGE.pages() {
        let named = sides(&page.name);
        if named.len() == 1 {
            checked += 1;
            assert!(sides(page.waveform()).is_subset(&named), "{}: {}", page.slug, page.waveform());
            for synonym in &page.synonyms {
                assert!(sides(synonym).is_subset(&named), "{}: `{synonym}`", page.slug);
            }
        }
    }
    assert!(checked >= 15, "{checked}");
    let shows = |slug: &str, lead: &str| leads(KNOWLEDGE.page(slug).unwrap().waveform()).contains(lead);
    assert!(shows("complete-left-bundle-branch-block", "V6") && shows("left-ventricular-hypertrophy", "V5"));
    assert!(shows("complete-right-bundle-branch-block", "V1") && shows("right-ventricular-hypertrophy", "V1"));
}

#[test]
fn waveforms_keep_the_polarity_of_the_name() {
    let rules: [(&str, &[&str]); 11] = [
        ("elevation", &["elevated", "above", "raised"]),
        ("depression", &["depressed", "below"]),
        ("inverted", &["negative", "inverted"]),
        ("tall", &["tall"]),
        ("high", &["exceed", "tall", "successive"]),
        ("low", &["small", "low"]),
        ("prolonged", &["longer", "too long", "wider", "prolonged"]),
        ("short", &["short", "less than"]),
        ("irregular", &["unequal", "irregular"]),
        ("broad", &["broad"]),
        ("wide", &["broad", "wide"]),
    ];
    let mut checked = 0;
    for page in KNOWLEDGE.pages() {
        let waveform = page.waveform().to_lowercase();
        for (word, signs) in rules {
            if tokens(&page.name).iter().any(|token| token == word) {
                checked += 1;
                assert!(signs.iter().any(|sign| waveform.contains(sign)), "{}: {word}", page.slug);
            }
        }
    }
    assert!(checked >= 11, "{checked}");
}

#[test]
fn rates_fit_the_names() {
    for page in KNOWLEDGE.pages() {
        let rate = page.ranges.get(&Quantity::RateBpm);
        if page.name.contains("bradycardia") {
            assert!(rate.unwrap().contains(45.0) && !rate.unwrap().contains(61.0), "{}", page.slug);
        }
        if page.name.contains("tachycardia") {
            assert!(rate.unwrap().contains(140.0) && !rate.unwrap().contains(99.0), "{}", page.slug);
        }
        if page.name.contains("bundle branch block") {
            let qrs = page.ranges[&Quantity::QrsMs];
            let is_complete = page.name.starts_with("complete");
            assert_eq!((qrs.contains(150.0), qrs.contains(115.0)), (is_complete, !is_complete), "{}", page.slug);
        }
    }
}

/// Each end of a range is a number that the text gives: `119` is the text's "under 120".
#[test]
fn ranges_are_those_of_the_text() {
    for page in KNOWLEDGE.pages() {
        let text = text(page);
        let numbers: BTreeSet<i64> =
            text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
        for (quantity, range) in &page.ranges {
            for end in [range.min, range.max].into_iter().flatten() {
                let end = end.abs() as i64;
                let is_given = (end - 1..=end + 1).any(|number| numbers.contains(&number));
                assert!(is_given, "{}: {quantity:?} {end} is not in the text", page.slug);
            }
        }
    }
}
