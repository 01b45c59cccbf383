//! ONNX: the signal encoder as a graph that any runtime carries out.

mod attention;
mod convnext;
mod encoder;
mod esi;
mod graph;
mod layers;
mod merl;
mod net1d;
mod padding;
mod proto;
mod resnet;
#[cfg(test)]
mod tests;
mod vit;
mod wav2vec2;
mod xresnet;

use einthoven_models::{ChannelNorm, Mode};
use prost::Message;

use self::graph::Graph;
use self::layers::Signal;
use crate::{Error, Network, Result, SignalModel};

/// What protobuf allows, less some for the nodes.
const LARGEST: usize = (1 << 31) - (1 << 24);

/// The signal encoder as the content of an `.onnx` file (opset 17), with weights of single precision under their own names.
///
/// Inputs are `signals` `[batch, leads, samples]`, prepared by the input contract, and for encoders that tell padding from recording
/// `valid` `[batch]`, the number of samples of each that are not padding. Outputs are `pooled` `[batch, width]`, the vector that the
/// encoder makes of a recording, and for an ESI `embedding` `[batch, latents]`, of length 1, which is compared with those of texts.
/// The model's metadata hold the input contract (`contract`) and the network's shape (`network`) in JSON, and the `system`.
///
/// # Errors
/// [`Error::MissingParameter`] if the weights are another network's; [`Error::Contract`] for a contract that the network cannot take;
/// [`Error::TooLarge`] from 2 GiB on.
pub fn onnx(model: &SignalModel) -> Result<Vec<u8>> {
    let graph = build(model)?;
    let bytes = graph.initializer.iter().map(|tensor| tensor.raw_data.len()).sum();
    if bytes > LARGEST {
        return Err(Error::TooLarge { bytes });
    }
    let entry = |key: &str, value: String| proto::Entry { key: key.to_owned(), value };
    let network = match model.network {
        Network::Encoder { config, .. } => serde_json::to_string(config)?,
        Network::Esi(config) => serde_json::to_string(config)?,
    };
    let model = proto::Model {
        ir_version: proto::IR_VERSION,
        producer_name: "einthoven".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: format!("Signal encoder of {}. Research software, no medical device.", model.system),
        graph: Some(graph),
        // The default set of operators has no name, which has to be said.
        opset_import: vec![proto::OperatorSet { domain: Some(String::new()), version: graph::OPSET }],
        metadata_props: vec![
            entry("system", model.system.to_owned()),
            entry("contract", serde_json::to_string(model.contract)?),
            entry("network", network),
        ],
    };
    Ok(model.encode_to_vec())
}

fn build(model: &SignalModel) -> Result<proto::Graph> {
    let (leads, samples) = (model.contract.leads.len(), model.contract.samples);
    if leads != model.network.leads() {
        let message = format!("it has {leads} leads, the network takes {}", model.network.leads());
        return Err(Error::Contract { message });
    }
    let mut graph = Graph::new(model.parameters);
    let x = Signal { value: graph.signals(), channels: leads, time: samples };
    let pooled = "what the encoder makes of a recording, [batch, width]";
    match model.network {
        Network::Encoder { config, .. } => {
            let features = encoder::features(&mut graph, x, config, ChannelNorm::Channels, "", true)?;
            graph.output(&features.pooled, "pooled");
            Ok(graph.finish(model.system, leads, samples, &[("pooled", features.width, pooled)]))
        }
        Network::Esi(config) => {
            let (norm, padded) = match config.mode {
                Mode::Paper => (ChannelNorm::Time, false),
                Mode::Corrected => (ChannelNorm::Channels, true),
            };
            let features = encoder::features(&mut graph, x, &config.signal, norm, "img_encoder.", padded)?;
            let embedding = esi::embedding(&mut graph, &features, config)?;
            graph.output(&features.pooled, "pooled");
            graph.output(&embedding, "embedding");
            let shared = "what is compared with the embeddings of texts, of length 1, [batch, latents]";
            let outputs = [("pooled", features.width, pooled), ("embedding", config.latents, shared)];
            Ok(graph.finish(model.system, leads, samples, &outputs))
        }
    }
}
