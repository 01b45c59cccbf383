//! The signal encoder against tensors of the published ConvNeXt V2.
#![allow(clippy::unwrap_used)] // a failure here is the test's finding

mod common;

use candle_core::{Device, Tensor, Var};
use common::{Golden, channels_first, parameters};
use einthoven_models::{ChannelNorm, ConvNext, ConvNextConfig, ConvNextSize, SignalEncoder, canonical_names};
use einthoven_nn::{Pass, backward, depthwise_conv1d, gelu, grn, layer_norm, linear, time_norm};

fn four(golden: &Golden, key: &str) -> [usize; 4] {
    let list = golden.hyper(key).as_array().unwrap();
    let list: Vec<usize> = list.iter().map(|value| value.as_u64().unwrap() as usize).collect();
    list.try_into().unwrap()
}

#[test]
fn forward_stages_and_gradients_equal_the_published_ones() {
    for golden in common::open("esi-convnextv2") {
        let size = ConvNextSize::Custom { depths: four(&golden, "depths"), widths: four(&golden, "dims") };
        let config = ConvNextConfig { size, norm: Some(ChannelNorm::Time) };
        let parameters = parameters(1);
        let (leads, classes) = (golden.number("in_chans"), golden.number("num_classes"));
        let model = ConvNext::new(&config, leads, Some(classes), &parameters.root()).unwrap();
        parameters.load(&canonical_names(golden.below("param."))).unwrap();

        let signal = golden.tensor("in.signal"); // [batch, time, lead]
        let mut x = signal.clone();
        for stage in 0..4 {
            x = model.downsample(stage, &x).unwrap();
            golden.assert_close(&channels_first(&x), &format!("mid.downsample.{stage}"));
            if stage == 0 {
                assert_block_equals(&golden, &x);
            }
            x = model.stage(stage, &x).unwrap();
            golden.assert_close(&channels_first(&x), &format!("mid.stage.{stage}"));
            assert_eq!(golden.hyper("stage_lengths")[stage], x.dim(1).unwrap());
        }

        let input = Var::from_tensor(&channels_first(signal)).unwrap();
        let features = model.forward(&input, None, &Pass::evaluate()).unwrap();
        golden.assert_close(&channels_first(&features.sequence), "mid.stage.3");
        golden.assert_close(&features.pooled, "out.embedding");
        golden.assert_close(&model.classify(&features.pooled).unwrap().unwrap(), "out.logits");
        let terms = (&features.pooled * golden.tensor("in.R")).unwrap();
        golden.assert_sum_close(&terms, "out.loss");
        let loss = terms.sum_all().unwrap();

        let gradients = backward(&loss).unwrap();
        let of_input = channels_first(gradients.get(&input).unwrap());
        golden.assert_close(&of_input, "grad.in.signal");
        golden.assert_gradients(&gradients, &parameters, "", &golden.names("no_gradient"));
    }
}

/// The operations of the first block one by one, on the first recording.
fn assert_block_equals(golden: &Golden, x: &Tensor) {
    let parameter = |name: &str| golden.tensor(&format!("param.stages.0.0.{name}"));
    let flat = |name: &str| parameter(name).flatten_all().unwrap();
    let x = x.narrow(0, 0, 1).unwrap();
    let x = depthwise_conv1d(&x, parameter("dwconv.weight"), Some(parameter("dwconv.bias"))).unwrap();
    golden.assert_close(&channels_first(&x), "mid.block00.dwconv");
    let x = layer_norm(&x, parameter("norm.weight"), Some(parameter("norm.bias")), 1e-6).unwrap();
    golden.assert_close(&x, "mid.block00.norm");
    let x = linear(&x, parameter("pwconv1.weight"), Some(parameter("pwconv1.bias"))).unwrap();
    golden.assert_close(&x, "mid.block00.pwconv1");
    let x = gelu(&x).unwrap();
    golden.assert_close(&x, "mid.block00.act");
    let x = grn(&x, &flat("grn.gamma"), &flat("grn.beta"), 1e-6).unwrap();
    golden.assert_close(&x, "mid.block00.grn");
    let x = linear(&x, parameter("pwconv2.weight"), Some(parameter("pwconv2.bias"))).unwrap();
    golden.assert_close(&x, "mid.block00.pwconv2");
}

#[test]
fn the_norm_over_time_equals_the_published_one_on_constant_channels() {
    for golden in common::open("esi-convnextv2") {
        let variable = |name: &str| {
            let tensor = golden.tensor(&format!("edge.ln_cf.{name}"));
            Var::from_tensor(tensor).unwrap()
        };
        let (x, weight, bias) = (variable("in"), variable("weight"), variable("bias"));
        let out =
            time_norm(&x.transpose(1, 2).unwrap(), &weight.flatten_all().unwrap(), &bias.flatten_all().unwrap(), 1e-6)
                .unwrap();
        let out = out.transpose(1, 2).unwrap();
        golden.assert_close(&out, "edge.ln_cf.out");
        let loss = (out * golden.tensor("edge.ln_cf.R")).unwrap().sum_all().unwrap();
        let gradients = backward(&loss).unwrap();
        golden.assert_close(gradients.get(&weight).unwrap(), "edge.ln_cf.grad_weight");
        golden.assert_close(gradients.get(&bias).unwrap(), "edge.ln_cf.grad_bias");
        // A constant channel's gradient is six orders of magnitude above the others', so each channel is judged alone.
        let found = gradients.get(&x).unwrap();
        let wanted = golden.tensor("edge.ln_cf.grad_in");
        for (row, (found, wanted)) in common::values(found).chunks(9).zip(common::values(wanted).chunks(9)).enumerate()
        {
            let largest = wanted.iter().fold(1e-3f64, |a, b| a.max(b.abs()));
            for (a, b) in found.iter().zip(wanted) {
                assert!((a - b).abs() <= 1e-4 * largest, "channel {row}: {a} for {b}");
            }
        }
    }
}

#[test]
fn grn_equals_the_published_one_on_a_silent_channel() {
    for golden in common::open("esi-convnextv2") {
        let variable = |name: &str| {
            let tensor = golden.tensor(&format!("edge.grn.{name}"));
            Var::from_tensor(tensor).unwrap()
        };
        let (x, gamma, beta) = (variable("in"), variable("gamma"), variable("beta"));
        let flat = |tensor: &Tensor| tensor.flatten_all().unwrap();
        let out = grn(&x, &flat(&gamma), &flat(&beta), 1e-6).unwrap();
        golden.assert_close(&out, "edge.grn.out");
        let loss = (out * golden.tensor("edge.grn.R")).unwrap().sum_all().unwrap();
        let gradients = backward(&loss).unwrap();
        golden.assert_close(gradients.get(&x).unwrap(), "edge.grn.grad_in");
        golden.assert_close(gradients.get(&gamma).unwrap(), "edge.grn.grad_gamma");
        golden.assert_close(gradients.get(&beta).unwrap(), "edge.grn.grad_beta");
    }
}

#[test]
fn the_sizes_have_the_published_numbers_of_parameters() {
    let wanted = [(ConvNextSize::Atto, 3_177_325), (ConvNextSize::Nano, 14_266_965), (ConvNextSize::Tiny, 26_817_989)];
    for (size, count) in wanted {
        let parameters = parameters(1);
        let config = ConvNextConfig { size, norm: None };
        ConvNext::new(&config, 12, Some(5), &parameters.root()).unwrap();
        assert_eq!(parameters.count(), count, "{size:?}");
    }
}

#[test]
fn padding_moves_the_corrected_embedding_only_near_its_edge() {
    let parameters = parameters(3);
    let size = ConvNextSize::Custom { depths: [1; 4], widths: [8, 12, 16, 24] };
    let config = ConvNextConfig { size, norm: Some(ChannelNorm::Channels) };
    let model = ConvNext::new(&config, 2, None, &parameters.root()).unwrap();
    let wave: Vec<f32> = (0..2 * 640).map(|i| (i as f32 * 0.05).sin() + 0.3).collect();
    let whole = Tensor::from_vec(wave, (1, 2, 640), &Device::Cpu).unwrap();
    let padded = whole.pad_with_zeros(2, 0, 640).unwrap();
    let pass = Pass::evaluate();
    let plain = model.forward(&whole, None, &pass).unwrap();
    let masked = model.forward(&padded, Some(&[640]), &pass).unwrap();
    assert_eq!(masked.lengths, Some(vec![20]));
    let unmasked = model.forward(&padded, None, &pass).unwrap();
    let distance = |a: &Tensor, b: &Tensor| {
        let squares = (a - b).unwrap().sqr().unwrap().sum_all().unwrap();
        squares.to_scalar::<f32>().unwrap().sqrt()
    };
    let (with, without) = (distance(&plain.pooled, &masked.pooled), distance(&plain.pooled, &unmasked.pooled));
    assert!(with < 0.5 * without, "masked {with}, unmasked {without}");
}
