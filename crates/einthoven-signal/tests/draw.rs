//! Drawings hold what was recorded, at the scale that they state.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use einthoven_random::Streams;
use einthoven_signal::draw::{DrawOptions, png, svg};
use einthoven_signal::simulate::{SimulatorConfig, simulate};
use einthoven_signal::{Lead, Record, Source};

/// A record whose lead `i` is a flat line with one spike of `i + 1` tenths of a millivolt at its middle.
fn spikes(leads: &[Lead], rate: f64, seconds: f64) -> Record {
    let length = (rate * seconds) as usize;
    let mut samples = vec![0.0; leads.len() * length];
    for lead in 0..leads.len() {
        samples[lead * length + length / 2] = 0.1 * (lead + 1) as f32;
    }
    Record::new(leads.to_vec(), rate, samples, Source::Memory).unwrap()
}

fn options() -> DrawOptions {
    DrawOptions { title: "Record <7> & co".into(), subtitle: "58 years, female: sinus rhythm".into() }
}

/// Width and height in pixels that a PNG file states.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn twelve_leads_are_drawn_in_three_rows_and_a_rhythm_strip() {
    let record = simulate(&SimulatorConfig::default(), &Streams::new(1), 0).unwrap().record;
    let drawing = svg(&record, &options()).unwrap();
    assert!(drawing.starts_with("<svg xmlns") && drawing.ends_with("</svg>"));
    assert!(drawing.contains(r#"width="270mm" height="145mm" viewBox="0 0 5400 2900""#));
    for lead in Lead::TWELVE {
        let names = drawing.matches(&format!(">{lead}</text>")).count();
        assert_eq!(names, if lead == Lead::II { 2 } else { 1 }, "{lead}");
    }
    for words in ["Record &lt;7&gt; &amp; co", "58 years, female: sinus rhythm", "25 mm/s   10 mm/mV", "10 s   500 Hz"]
    {
        assert!(drawing.contains(&format!(">{words}</text>")), "{words}");
    }
    for link in ["href", "url(", "id=", "<style"] {
        assert!(!drawing.contains(link), "{link}: stands alone, and beside others in one page");
    }
    // Compact: four rows of ten seconds in less than 48 kB.
    assert!(drawing.len() < 48_000, "{} bytes", drawing.len());
    assert_eq!(size(&png(&record, &options()).unwrap()), (1620, 870));
}

#[test]
fn columns_follow_each_other_in_time() {
    // 2.5 s to a column: the spike at 5 s is the first sample of the third, aligned with the rhythm strip's.
    let drawing = svg(&spikes(&Lead::TWELVE, 100.0, 10.0), &options()).unwrap();
    // V1 is the seventh lead: 0.7 mV are 7 mm or 140 units up; the column starts 140 mm from the left.
    assert!(drawing.contains("M2800 460l5 140"), "{drawing}");
    // In the rhythm strip lead II has a spike of 0.2 mV, 4 samples of 5 units wide at its foot.
    assert!(drawing.contains("M300 2400h2495l5-40 5 40h2490"), "{drawing}");
}

#[test]
fn the_calibration_pulse_is_a_millivolt_and_a_fifth_of_a_second() {
    let drawing = svg(&spikes(&[Lead::II], 100.0, 10.0), &options()).unwrap();
    assert!(drawing.contains("M100 600h40v-200h100v200h40"), "{drawing}");
}

#[test]
fn few_leads_have_the_whole_width() {
    let drawing = svg(&spikes(&[Lead::V5, Lead::II], 250.0, 4.0), &options()).unwrap();
    assert_eq!(drawing.matches(">II</text>").count(), 1);
    assert!(drawing.contains(r#"height="85mm""#));
    assert!(drawing.contains(">4 s   250 Hz</text>"));
    assert_eq!(size(&png(&spikes(&[Lead::II], 250.0, 4.0), &options()).unwrap()), (1620, 330));
}

#[test]
fn more_leads_make_more_rows_in_standard_order() {
    let mut leads = vec![Lead::V9, Lead::Other("MCL".into())];
    leads.extend(Lead::TWELVE.into_iter().rev());
    let drawing = svg(&spikes(&leads, 100.0, 10.0), &options()).unwrap();
    assert!(drawing.contains(r#"height="175mm""#));
    let place = |lead: &str| drawing.find(&format!(">{lead}</text>")).unwrap();
    assert!(place("I") < place("aVR") && place("V6") < place("V9") && place("V9") < place("MCL"));
}

#[test]
fn of_a_long_recording_the_beginning_is_drawn_and_said() {
    let drawing = svg(&spikes(&Lead::TWELVE, 100.0, 31.5), &options()).unwrap();
    assert!(drawing.contains(">first 10 s of 31.5 s   100 Hz</text>"));
}

#[test]
fn a_short_recording_fills_every_column() {
    // 5 s are two columns; the third and fourth show them again.
    let record = spikes(&Lead::TWELVE, 100.0, 5.0);
    let drawing = svg(&record, &options()).unwrap();
    assert!(drawing.contains("M1550 520l5 80"), "{drawing}");
    assert!(drawing.contains("M4050 400l5 200"), "{drawing}");
    for seconds in [0.01, 0.5, 2.5] {
        assert!(png(&spikes(&Lead::TWELVE, 100.0, seconds), &options()).is_ok());
    }
}

#[test]
fn offsets_are_taken_away_and_missing_samples_left_out() {
    let mut samples = vec![3.0; 1000];
    samples[400..500].fill(f32::NAN);
    let record = Record::new(vec![Lead::II], 100.0, samples, Source::Memory).unwrap();
    let drawing = svg(&record, &DrawOptions::default()).unwrap();
    assert!(drawing.contains("M300 600h1995M2800 600h2495"), "{drawing}");
    let nothing = Record::new(vec![Lead::II], 100.0, vec![f32::NAN; 1000], Source::Memory).unwrap();
    assert!(svg(&nothing, &DrawOptions::default()).is_ok());
    assert!(png(&nothing, &DrawOptions::default()).is_ok());
}

#[test]
fn absurd_voltages_stay_a_drawing() {
    let record = Record::new(vec![Lead::II], 100.0, vec![0.0, 1e30, -3e38, 3e38], Source::Memory).unwrap();
    assert!(svg(&record, &DrawOptions::default()).is_ok());
    assert!(png(&record, &DrawOptions::default()).is_ok());
}

#[test]
fn traces_and_words_are_in_the_bitmap() {
    // Dark pixels: more of them with words and more with a trace.
    let dark = |record: &Record, options: &DrawOptions| {
        let file = png(record, options).unwrap();
        let pixmap = tiny_skia::Pixmap::decode_png(&file).unwrap();
        pixmap.pixels().iter().filter(|pixel| pixel.red() < 90).count()
    };
    let words = options();
    let none = DrawOptions::default();
    let nothing = Record::new(vec![Lead::II], 100.0, vec![f32::NAN; 1000], Source::Memory).unwrap();
    let flat = Record::new(vec![Lead::II], 100.0, vec![0.0; 1000], Source::Memory).unwrap();
    assert!(dark(&flat, &none) > dark(&nothing, &none) + 1400);
    assert!(dark(&nothing, &words) > dark(&nothing, &none) + 500);
}
