//! Trained and random networks.

use candle_core::{DType, Device, Tensor};
use einthoven_eval::Embeddings;
use einthoven_eval::protocol::{Answer, FineTuned, Lesson, Recording, Rows, Subject, SubjectCard};
use einthoven_eval::saliency::Method;
use einthoven_models::{BertConfig, Esi, EsiConfig, Mode, SignalEncoder, Tokenizer, Towers};
use einthoven_nn::{Parameters, Pass, without_gradients};
use einthoven_random::Streams;
use einthoven_signal::draw::{DrawOptions, highlighted_svg};
use einthoven_signal::{InputContract, Missing};
use einthoven_train::ProgressDisplay;

use super::fed;
use super::learner::Learner;
use crate::fingerprint::fingerprint;
use crate::model::opening;
use crate::supervised::Start;
use crate::{Encoder, Experiment, Model, Pair, Result};

/// A network that embeds recordings and, with a text tower, texts; `display` of its constructors says whether it shows how it is
/// fine-tuned.
pub struct Network {
    card: SubjectCard,
    contract: InputContract,
    body: Body,
    learner: Learner,
}

enum Body {
    /// ESI; the tokenizer, and how many tokens of a text are read, where its words mean anything.
    Esi { network: Box<Esi>, texts: Option<(Box<Tokenizer>, usize)> },
    /// An import.
    Encoder(Box<Encoder>),
}

impl Network {
    /// A model of a run.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) if its contract cannot be written as JSON.
    pub fn of_model(name: String, model: Model, display: ProgressDisplay) -> Result<Self> {
        let contract = model.checkpoint.contract().clone();
        let kind = match (model.is_fresh, model.network.config().mode) {
            (true, _) => "random encoder",
            (false, Mode::Paper) => "ESI, paper",
            (false, Mode::Corrected) => "ESI, corrected",
        };
        let start = Start::of_esi(model.network.config(), &model.parameters, &contract, name.clone());
        let card = card(name, kind.to_owned(), &contract, fingerprint(&contract, &[&model.parameters])?);
        // Fresh weights give words no meaning.
        let texts = (!model.is_fresh).then_some((Box::new(model.tokenizer), model.experiment.train.max_tokens));
        let body = Body::Esi { network: Box::new(model.network), texts };
        Ok(Self { card, contract, body, learner: Learner::new(start, display) })
    }

    /// An imported encoder.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) if its contract cannot be written as JSON.
    pub fn of_encoder(name: String, encoder: Encoder, display: ProgressDisplay) -> Result<Self> {
        let contract = encoder.contract.clone();
        let kind = if encoder.is_fresh { "random encoder".to_owned() } else { encoder.system.clone() };
        let learner = Learner::new(Start::of_encoder(&encoder, name.clone()), display);
        let card = card(name, kind, &contract, encoder.fingerprint()?);
        Ok(Self { card, contract, body: Body::Encoder(Box::new(encoder)), learner })
    }

    /// The encoder of an experiment with fresh weights of `seed`.
    ///
    /// # Errors
    /// Those of a configuration that makes no model.
    pub fn of_experiment(name: String, experiment: Experiment, seed: u64, display: ProgressDisplay) -> Result<Self> {
        // Its text tower is never asked anything.
        let text = BertConfig {
            vocab_size: 8,
            hidden_size: 8,
            num_hidden_layers: 1,
            num_attention_heads: 1,
            intermediate_size: 8,
            ..BertConfig::default()
        };
        let config = EsiConfig { leads: experiment.contract.leads.len(), text, ..experiment.model };
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(seed));
        let network = Box::new(Esi::new(&config, &parameters.root())?);
        let fingerprint = fingerprint(&experiment.contract, &[&parameters])?;
        let start = Start::of_esi(&config, &parameters, &experiment.contract, name.clone());
        let card = card(name, "random encoder".to_owned(), &experiment.contract, fingerprint);
        let (body, learner) = (Body::Esi { network, texts: None }, Learner::new(start, display));
        Ok(Self { card, contract: experiment.contract, body, learner })
    }

    fn rows(&self, recordings: &[Recording]) -> Result<Rows> {
        let towers: &dyn Towers = match &self.body {
            Body::Esi { network, .. } => network.as_ref(),
            Body::Encoder(encoder) => match &encoder.text {
                Some(text) => &text.towers,
                None => {
                    let forward = |signals: &Tensor, valid: &[usize]| {
                        let forward = || encoder.network.forward(signals, Some(valid), &Pass::evaluate());
                        Ok(without_gradients(forward)?.pooled)
                    };
                    return fed::rows(&self.contract, recordings, encoder.network.width(), forward);
                }
            },
        };
        let forward = |signals: &Tensor, valid: &[usize]| Ok(towers.encode_signals(signals, Some(valid))?);
        fed::rows(&self.contract, recordings, towers.latents(), forward)
    }

    /// What answers texts, if words mean anything to it.
    fn pair(&self) -> Option<Pair<'_>> {
        match &self.body {
            Body::Esi { network, texts } => texts.as_ref().map(|(tokenizer, max_tokens)| Pair {
                towers: network.as_ref(),
                tokenizer,
                max_tokens: *max_tokens,
                contract: &self.contract,
                reference: None,
            }),
            Body::Encoder(encoder) => encoder.pair(),
        }
    }
}

impl Subject for Network {
    fn card(&self) -> SubjectCard {
        self.card.clone()
    }

    fn embed(&self, recordings: &[Recording]) -> Answer<Rows> {
        Ok(self.rows(recordings)?)
    }

    fn embed_texts(&self, texts: &[String]) -> Answer<Option<Embeddings>> {
        Ok(self.pair().map(|pair| pair.embed_texts(texts)).transpose()?)
    }

    fn fine_tune(&self, lesson: &Lesson) -> Answer<FineTuned> {
        self.learner.fine_tune(lesson)
    }

    fn explain(&self, (name, record): &Recording, text: &str, title: &str) -> Answer<Option<String>> {
        let Some(pair) = self.pair() else { return Ok(None) };
        let contract = InputContract { missing: Missing::LeadMeanOrZero, ..self.contract.clone() };
        let whole = fed::completed(&contract, record)?;
        let found = Pair { contract: &contract, ..pair }.explain(name, &whole, text, Method::IntegratedGradients)?;
        let subtitle = format!("cosine {:+.3}, of a flat line {:+.3}", found.score, found.flat_score);
        let options = DrawOptions { title: title.to_owned(), subtitle };
        Ok(Some(highlighted_svg(record, &options, &found.highlights(&contract, record)?)?))
    }

    fn captions(&self, recordings: &[Recording]) -> Answer<Option<Vec<String>>> {
        let Body::Esi { network, texts: Some((tokenizer, _)) } = &self.body else { return Ok(None) };
        let opening = opening(network.config().mode);
        let prompt = tokenizer.prompt(opening)?;
        let write = |signals: &Tensor, valid: &[usize]| -> Result<Vec<String>> {
            let captions = network.generate(signals, Some(valid), &prompt, tokenizer.sep(), LONGEST_CAPTION)?;
            Ok(captions.iter().map(|caption| tokenizer.decode(caption)).collect::<std::result::Result<_, _>>()?)
        };
        Ok(Some(fed::texts(&self.contract, recordings, write)?))
    }
}

/// Tokens of the longest caption.
const LONGEST_CAPTION: usize = 128;

pub(super) fn card(name: String, kind: String, contract: &InputContract, fingerprint: String) -> SubjectCard {
    SubjectCard { name, kind, fed: fed::described(contract), fingerprint }
}
