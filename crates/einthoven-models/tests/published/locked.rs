//! Encoders of which only the uppermost layers learn.

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use einthoven_models::import::SignalSystem;
use einthoven_models::{
    AnyEncoder, ChannelNorm, ConvNextConfig, ConvNextSize, Features, SignalConfig, SignalEncoder, load_pytorch,
};
use einthoven_nn::{Gradients, Parameters, Pass, backward};
use einthoven_random::Streams;

use crate::common::{parameters, values};
use crate::parity::{SMALL, fixtures, import, signal};

/// An encoder, what tells its layers, and a recording that it takes.
struct Case {
    name: &'static str,
    config: SignalConfig,
    parameters: Parameters,
    encoder: AnyEncoder,
    signals: Tensor,
}

fn cases() -> impl Iterator<Item = Case> {
    let imported = SMALL.into_iter().map(|(name, system): (_, SignalSystem)| {
        let expected = load_pytorch(&fixtures().join(format!("{name}.out.pt"))).unwrap();
        let imported = import(fixtures(), name, system);
        let (parameters, encoder) = imported.build().unwrap();
        Case { name, config: imported.config, parameters, encoder, signals: signal(&values(&expected["shape"])) }
    });
    let convnext = || {
        let size = ConvNextSize::Custom { depths: [1, 1, 2, 1], widths: [8, 8, 16, 16] };
        let config = SignalConfig::ConvNext(ConvNextConfig { size, norm: None });
        let parameters = parameters(5);
        let encoder = AnyEncoder::new(&config, 12, ChannelNorm::Channels, None, &parameters.root()).unwrap();
        Case { name: "convnext", config, parameters, encoder, signals: signal(&[2.0, 12.0, 320.0]) }
    };
    imported.chain(std::iter::once_with(convnext))
}

/// The gradients of a loss of the pooled vector and, where there is a sequence apart from it, of that.
fn gradients(features: &Features) -> Gradients {
    let along = |tensor: &Tensor| {
        let weights = Tensor::from_iter((0..tensor.elem_count()).map(|i| (i as f32 * 0.7).sin()), &Device::Cpu);
        (tensor * weights.unwrap().reshape(tensor.shape()).unwrap()).unwrap().sum_all().unwrap()
    };
    backward(&(along(&features.pooled) + along(&features.sequence)).unwrap()).unwrap()
}

#[test]
fn only_the_uppermost_layers_get_gradients_and_these_are_the_same() {
    for Case { name, config, parameters, encoder, signals } in cases() {
        let features = |learning| encoder.forward_locked(&signals, None, learning, &Pass::evaluate()).unwrap();
        let free = features(usize::MAX);
        let wanted = gradients(&free);
        let layers = parameters.trainable().iter().map(|(name, _)| config.layers_above(name) + 1).max().unwrap();
        assert!(layers > 2, "{name}: {layers} layers");
        for learning in 0..=layers {
            let locked = features(learning);
            assert_eq!(values(&locked.pooled), values(&free.pooled), "{name}");
            assert_eq!(values(&locked.sequence), values(&free.sequence), "{name}");
            assert_eq!(locked.pooled.track_op(), learning > 0, "{name}");
            let found = gradients(&locked);
            for (parameter, variable) in parameters.trainable() {
                let found = found.get(&variable).map(values);
                let learns = config.layers_above(&parameter) < learning;
                assert_eq!(
                    found,
                    wanted.get(&variable).filter(|_| learns).map(values),
                    "{name}, {learning}: {parameter}"
                );
                assert!(!learns || found.unwrap().iter().all(|x| x.is_finite()), "{name}: {parameter}");
            }
        }
    }
}

/// Batch norms of locked layers use their statistics and leave them as they are; those above move them.
#[test]
fn batch_statistics_rest_with_their_layers() {
    let mut seen = 0;
    for Case { name, config, parameters, encoder, signals } in cases() {
        let is_trainable: HashMap<String, _> = parameters.trainable().into_iter().collect();
        let buffers = || -> Vec<(String, Vec<f64>)> {
            let buffers = parameters.tensors().into_iter().filter(|(name, _)| !is_trainable.contains_key(name));
            buffers.map(|(name, tensor)| (name, values(&tensor))).collect()
        };
        for learning in 0..3 {
            let before = buffers();
            let pass = Pass::train(Streams::new(3).stream("dropout", &[0]));
            encoder.forward_locked(&signals, None, learning, &pass).unwrap();
            for ((buffer, before), (_, after)) in before.into_iter().zip(buffers()) {
                let learns = config.layers_above(&buffer) < learning;
                assert_eq!(before != after, learns, "{name}, {learning}: {buffer}");
                seen += 1;
            }
        }
    }
    assert!(seen > 0);
}
