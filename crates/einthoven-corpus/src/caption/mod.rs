//! Captions: what is said about a record in the text that a model learns from.
//!
//! A caption holds statements, age and sex, and measurements where they are asked for, never an identifier or a date; an age over 89, which
//! would be one, is given as `90+`.

mod captions;
mod config;
mod forms;

pub use captions::{Captions, PartialCaption};
pub use config::{Age, CaptionConfig, CaptionTemplate, Described, Descriptions, Statements, StoreConfig};

/// Knows no description: for captions of statements alone.
pub fn no_descriptions(_statement: &str) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use einthoven_random::Streams;
    use einthoven_signal::Sex;
    use einthoven_signal::measure::{Measurements, measure};
    use einthoven_signal::simulate::{SimulatorConfig, simulate};

    use super::*;
    use crate::{Entry, Location};

    fn entry(statements: &[&str], age: Option<u8>, sex: Option<Sex>) -> Entry {
        Entry {
            id: "4711".into(),
            patient: "15709".into(),
            location: Location::File(PathBuf::from("4711.hea")),
            codes: Vec::new(),
            statements: statements.iter().map(|s| (*s).to_owned()).collect(),
            report: Some("sinusrhythmus, geschrieben am 9.11.1984".into()),
            age,
            sex,
            device: None,
            fold: Some(3),
        }
    }

    fn esi_of(entry: &Entry, descriptions: &impl Fn(&str) -> Option<String>) -> Option<String> {
        CaptionConfig::default().caption(entry, None, descriptions)
    }

    #[test]
    fn esi_captions_have_the_published_form() {
        let describe = |statement: &str| match statement {
            "sinus rhythm" => Some("A P wave before\nevery QRS complex.".to_owned()),
            "left ventricular hypertrophy" => Some("Tall R waves in V5 and V6.".to_owned()),
            _ => None,
        };
        let statements = ["sinus rhythm", "high QRS voltage", "left ventricular hypertrophy"];
        assert_eq!(
            esi_of(&entry(&statements, Some(63), Some(Sex::Female)), &describe).unwrap(),
            "This patient is a 63 year-old female. ECG Findings: sinus rhythm, high QRS voltage, left ventricular \
             hypertrophy.\nPotential ECG waveforms: \nA P wave before every QRS complex.\nTall R waves in V5 and V6."
        );
    }

    #[test]
    fn all_statements_of_a_record_may_be_described_together() {
        let config = CaptionConfig { described: Described::Combination, ..CaptionConfig::default() };
        let entry = entry(&["sinus rhythm", "inverted T waves"], None, None);
        let describe = |asked: &str| (asked == "sinus rhythm; inverted T waves").then(|| "Both.".to_owned());
        let expected = "ECG Findings: sinus rhythm, inverted T waves.\nPotential ECG waveforms: \nBoth.";
        assert_eq!(config.caption(&entry, None, &describe).as_deref(), Some(expected));
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let caption = |age, sex| esi_of(&entry(&["sinus rhythm"], age, sex), &no_descriptions).unwrap();
        assert_eq!(
            caption(Some(41), Some(Sex::Male)),
            "This patient is a 41 year-old male. ECG Findings: sinus rhythm."
        );
        assert_eq!(caption(Some(41), None), "This patient is 41 years old. ECG Findings: sinus rhythm.");
        assert_eq!(caption(None, Some(Sex::Female)), "This patient is female. ECG Findings: sinus rhythm.");
        assert_eq!(caption(None, None), "ECG Findings: sinus rhythm.");
        assert_eq!(esi_of(&entry(&[], Some(41), None), &no_descriptions), None);
    }

    #[test]
    fn captions_hold_no_identifiers() {
        let caption = esi_of(&entry(&["sinus rhythm"], Some(93), Some(Sex::Male)), &no_descriptions);
        assert_eq!(caption.unwrap(), "This patient is a 90+ year-old male. ECG Findings: sinus rhythm.");
    }

    #[test]
    fn findings_are_the_statements_alone() {
        let entry = entry(&["sinus rhythm", "inverted T waves"], Some(50), None);
        let config = CaptionConfig { template: CaptionTemplate::Findings, ..CaptionConfig::default() };
        let caption = |measured| config.caption(&entry, measured, &no_descriptions).unwrap();
        assert_eq!(caption(None), "sinus rhythm, inverted T waves");
        // Numbers are said where they are asked for, and nowhere else.
        assert_eq!(caption(Some(&measured())), "sinus rhythm, inverted T waves");
    }

    #[test]
    fn narratives_are_sentences() {
        let config = CaptionConfig { template: CaptionTemplate::Narrative, ..CaptionConfig::default() };
        let caption = |entry: &Entry| config.caption(entry, None, &no_descriptions);
        let rhythm = ["sinus rhythm"];
        for (age, sex, whose) in [
            (Some(63), Some(Sex::Female), " of a 63 year-old female patient"),
            (Some(80), Some(Sex::Male), " of an 80 year-old male patient"),
            (Some(18), None, " of an 18 year-old patient"),
            (Some(108), None, " of a 90+ year-old patient"),
            (None, Some(Sex::Male), " of a male patient"),
            (None, None, ""),
        ] {
            assert_eq!(caption(&entry(&rhythm, age, sex)).unwrap(), format!("The ECG{whose} shows sinus rhythm."));
        }
        assert_eq!(caption(&entry(&[], Some(63), None)), None);
        let describe = |statement: &str| match statement {
            "sinus rhythm" => Some("A P wave before\nevery QRS complex.".to_owned()),
            "high QRS voltage" => None,
            _ => Some("Tall R waves in V5 and V6".to_owned()),
        };
        let all = entry(&["sinus rhythm", "high QRS voltage", "left ventricular hypertrophy"], None, None);
        assert_eq!(
            config.caption(&all, None, &describe).unwrap(),
            "The ECG shows sinus rhythm, high QRS voltage and left ventricular hypertrophy. A P wave before every QRS complex. \
             Tall R waves in V5 and V6."
        );
    }

    #[test]
    fn ages_may_be_given_by_the_decade() {
        for template in [CaptionTemplate::Esi, CaptionTemplate::Narrative] {
            let config = CaptionConfig { template, age: Age::Decades, ..CaptionConfig::default() };
            for (age, said) in [(0, " 0 to 9 year"), (60, " 60 to 69 year"), (89, " 80 to 89 year"), (90, " 90+ year")]
            {
                let entry = entry(&["sinus rhythm"], Some(age), Some(Sex::Male));
                let caption = config.caption(&entry, None, &no_descriptions).unwrap();
                assert!(caption.contains(said), "{caption}");
                assert!(age != 89 || !caption.contains(" a 8") || template == CaptionTemplate::Esi, "{caption}");
            }
        }
    }

    fn measured() -> Measurements {
        measure(&simulate(&SimulatorConfig::default(), &Streams::new(1), 0).unwrap().record).unwrap()
    }

    #[test]
    fn measurements_are_said_rounded_and_only_where_there_are_any() {
        let mut measured = measured();
        measured.rate.heart_rate = Some(71.4);
        measured.intervals.pr_ms = Some(159.6);
        measured.intervals.qrs_ms = None;
        measured.intervals.qtc_bazett_ms = Some(f64::NAN);
        measured.axes.qrs = Some(-0.3);
        let entry = entry(&["sinus rhythm"], None, None);
        let caption = |template, measured: Option<&Measurements>| {
            let config = CaptionConfig { template, measurements: true, ..CaptionConfig::default() };
            config.caption(&entry, measured, &|_| Some("P before QRS.".to_owned())).unwrap()
        };
        for (template, expected) in [
            (
                CaptionTemplate::Esi,
                "ECG Findings: sinus rhythm. Measurements: heart rate 71 bpm, PR interval 160 ms, QRS axis 0 degrees.\n\
                 Potential ECG waveforms: \nP before QRS.",
            ),
            (CaptionTemplate::Findings, "sinus rhythm, heart rate 71 bpm, PR interval 160 ms, QRS axis 0 degrees"),
            (
                CaptionTemplate::Narrative,
                "The ECG shows sinus rhythm, with a heart rate of 71 bpm, a PR interval of 160 ms and a QRS axis of 0 degrees. P \
                 before QRS.",
            ),
        ] {
            assert_eq!(caption(template, Some(&measured)), expected);
        }
        assert_eq!(caption(CaptionTemplate::Findings, None), "sinus rhythm");
    }

    #[test]
    fn the_configuration_knows_its_keys() {
        let text = "template = \"narrative\"\nage = \"decades\"\nmeasurements = true";
        let config: CaptionConfig = toml::from_str(text).unwrap();
        let expected = CaptionConfig {
            template: CaptionTemplate::Narrative,
            age: Age::Decades,
            measurements: true,
            ..CaptionConfig::default()
        };
        assert_eq!(config, expected);
        assert!(toml::from_str::<CaptionConfig>("templat = \"esi\"").is_err());
    }
}
