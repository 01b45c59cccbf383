//! A subject for tests: no network, but numbers of the recording.

use einthoven_corpus::Leftovers;

use super::{Answer, FineTuned, LabelledDataset, Lesson, Protocol, Recording, Rows, Subject, SubjectCard};
use crate::embeddings::Embeddings;
use crate::probe::LinearHeads;

/// The width of what it makes of recordings and texts.
const WIDTH: usize = 13;

/// Embeds a recording as the logarithms of its leads' powers, and how often lead II crosses its mean.
#[derive(Clone)]
pub struct Toy {
    pub name: &'static str,
    pub has_texts: bool,
    /// What the powers are multiplied by before noise of the same size is added.
    pub sharpness: f32,
    /// Refuses the record of this id.
    pub refuses: Option<String>,
    /// The decay of the linear heads that it becomes when it is fine-tuned, if it can be.
    pub learns: Option<f64>,
}

/// A toy with linear heads.
struct Taught {
    toy: Toy,
    labels: String,
    heads: LinearHeads,
}

impl Toy {
    pub fn new(name: &'static str) -> Self {
        Self { name, has_texts: false, sharpness: 1.0, refuses: None, learns: None }
    }
}

impl Subject for Toy {
    fn card(&self) -> SubjectCard {
        SubjectCard {
            name: self.name.to_owned(),
            kind: "toy".to_owned(),
            fed: "everything".to_owned(),
            fingerprint: format!("{} {}", self.has_texts, self.sharpness),
        }
    }

    fn embed(&self, recordings: &[Recording]) -> Answer<Rows> {
        let (mut kept, mut data, mut refused) = (Vec::new(), Vec::new(), Leftovers::default());
        for (place, (name, record)) in recordings.iter().enumerate() {
            if self.refuses.as_ref() == Some(name) {
                refused.push(name, "it is not liked");
                continue;
            }
            kept.push(place);
            let mut row = vec![0.0; WIDTH];
            let leads = record.leads().len().min(WIDTH - 1);
            for (lead, value) in row.iter_mut().enumerate().take(leads) {
                let power = record.row(lead).iter().map(|x| x * x).sum::<f32>() / record.len() as f32;
                *value = self.sharpness * (power + 1e-6).ln() + (power * 1e6).sin();
            }
            let middle = record.row(record.leads().len().min(2) - 1);
            row[WIDTH - 1] = middle.windows(2).filter(|pair| pair[0] * pair[1] < 0.0).count() as f32;
            data.extend(row);
        }
        Ok(Rows { values: Embeddings::new(kept.len(), WIDTH, data)?, kept, refused })
    }

    fn embed_texts(&self, texts: &[String]) -> Answer<Option<Embeddings>> {
        if !self.has_texts {
            return Ok(None);
        }
        let number = |text: &String, i: usize| (text.bytes().map(f32::from).sum::<f32>() * (i + 1) as f32).sin();
        let data = texts.iter().flat_map(|text| (0..WIDTH).map(move |i| number(text, i))).collect();
        Ok(Some(Embeddings::new(texts.len(), WIDTH, data)?))
    }

    fn fine_tune(&self, lesson: &Lesson) -> Answer<FineTuned> {
        let Some(decay) = self.learns else {
            return Ok(FineTuned::NotApplicable { reason: "it is dull".to_owned() });
        };
        let LabelledDataset { dataset, labels } = &lesson.fitted;
        let recordings =
            (0..dataset.len()).map(|index| Ok((dataset.entries[index].id.clone(), dataset.record(index)?)));
        let rows = self.embed(&recordings.collect::<einthoven_corpus::Result<Vec<_>>>()?)?;
        let heads = LinearHeads::fit(labels.classes.clone(), &rows.values, &labels.targets, decay)?;
        Ok(FineTuned::Classifier(Box::new(Taught { toy: self.clone(), labels: labels.name.clone(), heads })))
    }
}

impl Subject for Taught {
    fn card(&self) -> SubjectCard {
        self.toy.card()
    }

    fn embed(&self, recordings: &[Recording]) -> Answer<Rows> {
        self.toy.embed(recordings)
    }

    fn scores(&self, recordings: &[Recording], labels: &str, classes: &[String]) -> Answer<Option<Rows>> {
        if labels != self.labels {
            return Ok(None);
        }
        let Rows { kept, values, refused } = self.embed(recordings)?;
        let names = kept.iter().map(|&place| recordings[place].0.clone()).collect();
        let logits = self.heads.scores(names, &values)?;
        let probabilities = (0..kept.len()).flat_map(|row| logits.row(row)).map(|logit| 1.0 / (1.0 + (-logit).exp()));
        let data = probabilities.map(|probability| probability as f32).collect();
        Ok(Some(Rows { values: Embeddings::new(kept.len(), classes.len(), data)?, kept, refused }))
    }
}

/// A protocol over a few simulated patients that asks everything.
pub fn protocol() -> Protocol {
    let text = r#"
name = "toy"
version = 1
about = "For tests."
seed = 3
[data]
dataset = "simulated"
fitted = [1, 2, 3, 4, 5, 6]
judged = [9, 10]
[data.simulated]
records = 400
simulator = { sampling_rate = 100.0 }
[bootstrap]
resamples = 50
level = 0.95
[[tasks]]
kind = "zero-shot"
labels = "super"
prompts = "ptb-xl-super"
[[tasks]]
kind = "classifier"
labels = "super"
[[tasks]]
kind = "probe"
labels = "super"
shares = [0.1, 1.0]
seeds = 2
decay = 0.01
subgroups = ["sex", "age", "device"]
[[tasks]]
kind = "neighbours"
labels = "super"
k = 5
[[tasks]]
kind = "retrieval"
[[tasks]]
kind = "varied"
labels = "super"
prompts = "ptb-xl-super"
decay = 0.01
variations = [{ leads = 3 }, { noise-db = 0.0 }]
"#;
    Protocol::parse(text, std::path::Path::new("toy.toml")).unwrap()
}
