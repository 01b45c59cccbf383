//! Networks that tests export: every kind, small and as published.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;

use candle_core::{DType, Device, Tensor};
use einthoven_models::{
    AnyEncoder, BertConfig, ChannelNorm, ConvNextConfig, ConvNextSize, DecoderConfig, Esi, EsiConfig, MerlConfig,
    MerlEncoder, Mode, Net1dConfig, ResNetConfig, SignalConfig, SignalEncoder, VitConfig, Wav2Vec2Config,
    XResNetConfig,
};
use einthoven_nn::{Parameters, Pass, without_gradients};
use einthoven_random::Streams;
use einthoven_signal::{InputContract, Scaling};

use crate::{Network, SignalModel};

/// What is exported.
pub enum Case {
    Encoder(SignalConfig),
    Esi(Box<EsiConfig>),
}

pub fn small() -> Vec<(&'static str, usize, Case)> {
    let convnext = |norm| {
        let size = ConvNextSize::Custom { depths: [1, 2, 1, 1], widths: [4, 6, 8, 12] };
        SignalConfig::ConvNext(ConvNextConfig { size, norm })
    };
    let xresnet = |expansion, layers| {
        SignalConfig::XResNet(XResNetConfig {
            expansion,
            layers,
            stem: [3, 5, 6],
            widen: 0.0625,
            ..XResNetConfig::default()
        })
    };
    let resnet = |bottleneck| ResNetConfig { bottleneck, layers: vec![2, 1, 1], width: 4 };
    let vit = VitConfig { width: 24, depth: 2, heads: 2, mlp: 32, patch: 20, positions: 12 };
    let merl = |encoder, steps| SignalConfig::Merl(MerlConfig { encoder, projection: 8, steps, hidden: 10 });
    let wav2vec2 = |channels, position_kernel| {
        SignalConfig::Wav2Vec2(Wav2Vec2Config {
            channels,
            convolutions: 3,
            width: 16,
            depth: 2,
            heads: 4,
            mlp: 24,
            position_kernel,
            position_groups: 4,
        })
    };
    let net1d = |kernel| {
        let (widths, layers) = (vec![8, 8, 20], vec![2, 1, 2]);
        SignalConfig::Net1d(Net1dConfig { stem: 4, widths, layers, kernel, group_width: 4 })
    };
    let esi = |mode, signal| {
        let text = BertConfig {
            vocab_size: 200,
            hidden_size: 16,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            intermediate_size: 32,
            ..BertConfig::default()
        };
        let decoder = DecoderConfig { depth: 1, heads: 3, dim_head: 4, ff_mult: 2 };
        Case::Esi(Box::new(EsiConfig {
            mode,
            signal,
            text,
            decoder,
            latents: 10,
            signal_tokens: 3,
            ..EsiConfig::default()
        }))
    };
    vec![
        ("convnext", 331, Case::Encoder(convnext(None))),
        ("convnext-time", 331, Case::Encoder(convnext(Some(ChannelNorm::Time)))),
        ("xresnet", 251, Case::Encoder(xresnet(4, vec![1, 2, 1]))),
        ("xresnet-plain", 250, Case::Encoder(xresnet(1, vec![2, 1]))),
        ("resnet", 201, Case::Encoder(SignalConfig::ResNet(resnet(false)))),
        ("resnet-bottleneck", 203, Case::Encoder(SignalConfig::ResNet(resnet(true)))),
        ("vit", 213, Case::Encoder(SignalConfig::Vit(vit.clone()))),
        ("merl-resnet", 201, Case::Encoder(merl(MerlEncoder::ResNet(resnet(false)), 26))),
        ("merl-vit", 240, Case::Encoder(merl(MerlEncoder::Vit(vit), 1))),
        ("wav2vec2", 331, Case::Encoder(wav2vec2(8, 8))),
        ("wav2vec2-odd", 330, Case::Encoder(wav2vec2(16, 7))),
        ("net1d", 203, Case::Encoder(net1d(6))),
        ("net1d-odd", 200, Case::Encoder(net1d(5))),
        ("esi-paper", 330, esi(Mode::Paper, convnext(None))),
        ("esi-corrected", 330, esi(Mode::Corrected, convnext(None))),
        ("esi-corrected-xresnet", 251, esi(Mode::Corrected, xresnet(4, vec![1, 1]))),
        ("esi-corrected-wav2vec2", 331, esi(Mode::Corrected, wav2vec2(8, 8))),
        ("esi-paper-net1d", 203, esi(Mode::Paper, net1d(6))),
    ]
}

pub fn full() -> Vec<(&'static str, usize, Case)> {
    let merl = |encoder, steps| SignalConfig::Merl(MerlConfig { encoder, projection: 256, steps, hidden: 256 });
    let text = BertConfig { vocab_size: 200, num_hidden_layers: 1, ..BertConfig::default() };
    let esi = |mode| Case::Esi(Box::new(EsiConfig { mode, text: text.clone(), ..EsiConfig::default() }));
    vec![
        ("xresnet1d101", 250, Case::Encoder(SignalConfig::XResNet(XResNetConfig::default()))),
        ("merl-resnet18", 5000, Case::Encoder(merl(MerlEncoder::ResNet(ResNetConfig::default()), 313))),
        ("merl-vit-tiny", 5000, Case::Encoder(merl(MerlEncoder::Vit(VitConfig::default()), 1))),
        ("ecg-fm", 2500, Case::Encoder(SignalConfig::Wav2Vec2(Wav2Vec2Config::default()))),
        ("ecgfounder", 5000, Case::Encoder(SignalConfig::Net1d(Net1dConfig::default()))),
        ("esi-base-paper", 5000, esi(Mode::Paper)),
        ("esi-base-corrected", 5000, esi(Mode::Corrected)),
    ]
}

/// A network with weights among which none is zero or one by chance of its start.
pub struct Built {
    pub name: &'static str,
    pub case: Case,
    pub contract: InputContract,
    pub parameters: BTreeMap<String, Tensor>,
    pub encoder: AnyEncoder,
    pub esi: Option<Esi>,
}

impl Built {
    pub fn new((name, samples, case): (&'static str, usize, Case)) -> Self {
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(7));
        let (encoder, esi) = match &case {
            Case::Encoder(config) => {
                (AnyEncoder::new(config, 12, ChannelNorm::Channels, None, &parameters.root()).unwrap(), None)
            }
            Case::Esi(config) => {
                let esi = Esi::new(config, &parameters.root()).unwrap();
                (esi.signal_encoder().clone(), Some(esi))
            }
        };
        let moved = parameters.tensors().into_iter().map(|(name, tensor)| {
            let is_vector = tensor.dims().iter().filter(|&&length| length > 1).count() < 2;
            let seed = name.len() as f32;
            let shift = (0..tensor.elem_count()).map(|i| 0.3 * (i as f32 * 0.7 + seed).sin());
            let shift = Tensor::from_iter(shift, &Device::Cpu).unwrap().reshape(tensor.shape()).unwrap();
            let moved = if is_vector { (&tensor + shift).unwrap() } else { tensor.copy().unwrap() };
            (name, moved)
        });
        parameters.load(&moved.collect::<HashMap<_, _>>()).unwrap();
        let contract = InputContract::twelve_leads(500.0, samples, Scaling::None);
        Self { name, case, contract, parameters: parameters.tensors(), encoder, esi }
    }

    pub fn model(&self) -> SignalModel<'_> {
        let network = match &self.case {
            Case::Encoder(config) => Network::Encoder { config, leads: 12 },
            Case::Esi(config) => Network::Esi(config),
        };
        SignalModel { system: self.name, network, contract: &self.contract, parameters: &self.parameters }
    }

    /// Inputs of three recordings and the outputs that are expected for them.
    pub fn expected(&self, takes_valid: bool) -> BTreeMap<String, Tensor> {
        let samples = self.contract.samples;
        let values = (0..3 * 12 * samples).map(|i| (i as f32 * 0.137).sin() + 0.5 * (i as f32 * 0.011).cos());
        let signals = Tensor::from_iter(values, &Device::Cpu).unwrap().reshape((3, 12, samples)).unwrap();
        let valid = [samples, samples / 2 + 3, samples / 3];
        let told = takes_valid.then_some(&valid[..]);
        let mut tensors = BTreeMap::from([("signals".to_owned(), signals.clone())]);
        if takes_valid {
            let valid = valid.map(|count| count as i64);
            tensors.insert("valid".to_owned(), Tensor::new(&valid, &Device::Cpu).unwrap());
        }
        let features = without_gradients(|| self.encoder.forward(&signals, told, &Pass::evaluate())).unwrap();
        tensors.insert("pooled".to_owned(), features.pooled);
        if let Some(esi) = &self.esi {
            tensors.insert("embedding".to_owned(), esi.encode_signals(&signals, Some(&valid)).unwrap());
        }
        tensors
    }
}

/// The Python that has these modules, if `EINTHOVEN_PYTHON` names one.
pub fn python(modules: &str) -> Option<Command> {
    let Some(python) = std::env::var_os("EINTHOVEN_PYTHON") else {
        println!("skipped: EINTHOVEN_PYTHON names no interpreter");
        return None;
    };
    let found = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        println!("skipped: not all of Python's {modules} are installed");
        return None;
    }
    Some(Command::new(python))
}

/// What a script of `tests/` prints about a folder; it must succeed.
pub fn check(mut python: Command, script: &str, folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script);
    let output = python.arg("-B").arg(script).arg(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{text}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    text
}
