//! The prompt files of the program, and files of a user.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use einthoven_corpus::statements;
use einthoven_eval::Error;
use einthoven_eval::zero_shot::PromptSet;
use einthoven_signal::simulate::Condition;

#[test]
fn every_built_in_set_is_well_formed_and_says_each_thing_once() {
    for name in PromptSet::built_in() {
        let set = PromptSet::open(name).unwrap();
        assert_eq!(set.name, name);
        for (code, phrasings) in &set.labels {
            assert!((2..=8).contains(&phrasings.len()), "{name} {code}");
            let distinct: std::collections::BTreeSet<_> = phrasings.iter().collect();
            assert_eq!(distinct.len(), phrasings.len(), "{name} {code}");
            assert!(phrasings.iter().all(|phrasing| phrasing.trim() == phrasing), "{name} {code}");
        }
    }
}

#[test]
fn phrasings_go_into_every_template() {
    let set = PromptSet::open("simulated").unwrap();
    let texts = set.texts("CLBBB").unwrap();
    assert_eq!(
        texts,
        [
            "complete left bundle branch block",
            "ECG Findings: complete left bundle branch block.",
            "left bundle branch block",
            "ECG Findings: left bundle branch block."
        ]
    );
}

#[test]
fn label_sets_find_their_prompts() {
    let codes = |set: &str| PromptSet::for_labels(set).unwrap().labels.into_keys().collect::<Vec<_>>();
    assert_eq!(codes("super"), ["CD", "HYP", "MI", "NORM", "STTC"]);
    assert_eq!(codes("conditions").len(), 69);
    for subclass in ["STTC", "ISCA", "ISCI", "LAFB/LPFB", "_AVB", "AMI", "NST_"] {
        assert!(codes("sub").contains(&subclass.to_owned()), "{subclass}");
    }
    assert_eq!(codes("all"), codes("rhythm"));
}

#[test]
fn a_label_is_first_called_what_captions_call_it() {
    let scp = PromptSet::open("scp-statements").unwrap();
    let mut codes = 0;
    for code in statements::codes() {
        assert_eq!(Some(scp.phrasings(code).unwrap()[0].as_str()), statements::english(code));
        codes += 1;
    }
    assert_eq!(codes, 71);
    let simulated = PromptSet::open("simulated").unwrap();
    assert_eq!(simulated.labels.len(), Condition::ALL.len());
    for condition in Condition::ALL {
        assert_eq!(simulated.phrasings(condition.code()).unwrap()[0], condition.statement());
    }
}

#[test]
fn a_missing_code_is_named() {
    let error = PromptSet::open("ptb-xl-super").unwrap().texts("AFIB").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("ptb-xl-super") && text.contains("AFIB"), "{text}");
}

#[test]
fn bad_files_are_refused_with_the_reason() {
    let parse = |text: &str| PromptSet::parse(text, Path::new("mine.toml")).unwrap_err();
    let head = "name = \"mine\"\nabout = \"\"\n";
    let said = |error: &Error| {
        let source = std::error::Error::source(error).map(ToString::to_string);
        format!("{error} {}", source.unwrap_or_default())
    };
    let unknown = parse(&format!("{head}templates = [\"{{}}\"]\nlabel = 3\n[labels]\n"));
    assert!(said(&unknown).contains("unknown field `label`"), "{}", said(&unknown));
    let template = parse(&format!("{head}templates = [\"ECG\"]\n[labels]\n"));
    assert!(said(&template).contains("exactly once"), "{}", said(&template));
    let none = parse(&format!("{head}templates = []\n[labels]\n"));
    assert!(said(&none).contains("no template"), "{}", said(&none));
    let empty = parse(&format!("{head}templates = [\"{{}}\"]\n[labels]\nMI = [\" \"]\n"));
    assert!(said(&empty).contains("MI has no phrasing"), "{}", said(&empty));
    for error in [&unknown, &template, &none, &empty] {
        assert!(error.to_string().contains("mine.toml"), "{error}");
    }
    let absent = PromptSet::open("no/such/file.toml").unwrap_err();
    assert!(absent.to_string().contains("no/such/file.toml"), "{absent}");
}

#[test]
fn a_file_of_the_user_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let text = "name = \"mine\"\nabout = \"\"\ntemplates = [\"{} on the ECG\"]\n[labels]\nX = [\"waves\"]\n";
    std::fs::write(&path, text).unwrap();
    let set = PromptSet::open(path.to_str().unwrap()).unwrap();
    assert_eq!(set.texts("X").unwrap(), ["waves on the ECG"]);
}
