//! What the signal encoders do, at their shapes: `[batch, time, channels]`, 16 records.

use candle_core::{D, DType, Device, Tensor};
use einthoven::nn::{self, BatchNormState, Conv1d, ConvNextBlockWeights, Parameters};
use einthoven::random::Streams;
use serde_json::json;

use super::Case;
use super::operation::{data, weight};
use crate::Result;

const BATCH: usize = 16;

/// All of them.
pub fn all() -> Result<Vec<Case>> {
    let mut cases = convolutions();
    cases.extend(norms()?);
    cases.extend(element_wise());
    cases.extend(pooling());
    cases.extend([(40, 1250), (80, 625), (160, 312), (320, 156), (128, 1250), (512, 312), (1024, 156)].map(block));
    Ok(cases)
}

fn shape(time: usize, channels: usize) -> String {
    format!("{BATCH}×{time}×{channels}")
}

fn convolutions() -> Vec<Case> {
    let mut cases = Vec::new();
    for (c, t) in [(40, 1250), (128, 1250), (512, 312), (1024, 156)] {
        let inputs = vec![data(&[BATCH, t, c]), weight(&[c, 1, 7]), weight(&[c])];
        cases.push(Case::new("depthwise_conv1d", format!("{}, kernel 7", shape(t, c)), inputs, |i| {
            Ok(nn::depthwise_conv1d(&i[0], &i[1], Some(&i[2]))?)
        }));
    }
    // The stem's input is the signal, which needs no gradient.
    for (t, from, to, kernel) in [(5000, 12, 40, 4), (5000, 12, 128, 4), (1250, 40, 80, 2), (1250, 128, 256, 2)] {
        let x = data(&[BATCH, t, from]);
        let x = if from == 12 { x.fixed() } else { x };
        let inputs = vec![x, weight(&[to, from, kernel]), weight(&[to])];
        let case = Case::new("patch_conv1d", format!("{} to {to}, kernel {kernel}", shape(t, from)), inputs, |i| {
            Ok(nn::patch_conv1d(&i[0], &i[1], Some(&i[2]))?)
        });
        cases.push(case.options(json!({ "stride": kernel })));
    }
    for (t, from, to, stride) in [(5000, 12, 32, 2), (1250, 64, 64, 1)] {
        let inputs = vec![data(&[BATCH, t, from]), weight(&[to, from, 5]), weight(&[to])];
        let case = Case::new("conv1d", format!("{} to {to}, kernel 5, stride {stride}", shape(t, from)), inputs, {
            move |i| Ok(nn::conv1d(&i[0], &i[1], Some(&i[2]), Conv1d { stride, padding: 2, ..Conv1d::default() })?)
        });
        cases.push(case.options(json!({ "stride": stride, "padding": 2 })));
    }
    cases
}

fn norms() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (rows, width) in [(20_000, 40), (20_000, 128), (2048, 768)] {
        let inputs = vec![data(&[rows, width]), weight(&[width]), weight(&[width])];
        let case = Case::new("layer_norm", format!("{rows}×{width}"), inputs, |i| {
            Ok(nn::layer_norm(&i[0], &i[1], Some(&i[2]), 1e-6)?)
        });
        cases.push(case.stock(|i| {
            let centred = i[0].broadcast_sub(&i[0].mean_keepdim(D::Minus1)?)?;
            let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + 1e-6)?.sqrt()?;
            centred.broadcast_div(&deviation)?.broadcast_mul(&i[1])?.broadcast_add(&i[2])
        }));
    }
    for (c, t) in [(40, 1250), (128, 1250)] {
        let inputs = vec![data(&[BATCH, t, c]), weight(&[c]), weight(&[c])];
        cases.push(Case::new("time_norm", shape(t, c), inputs, |i| Ok(nn::time_norm(&i[0], &i[1], &i[2], 1e-6)?)));
    }
    for (h, t) in [(160, 1250), (512, 1250)] {
        let inputs = vec![data(&[BATCH, t, h]), weight(&[h]), weight(&[h])];
        let case = Case::new("grn", shape(t, h), inputs, |i| Ok(nn::grn(&i[0], &i[1], &i[2], 1e-6)?));
        cases.push(case.stock(|i| {
            let norm = i[0].sqr()?.sum_keepdim(1)?.sqrt()?;
            let ratio = norm.broadcast_div(&(norm.mean_keepdim(D::Minus1)? + 1e-6)?)?;
            i[0].broadcast_mul(&ratio)?.broadcast_mul(&i[1])?.broadcast_add(&i[2])? + &i[0]
        }));
    }
    let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(1));
    let state = BatchNormState {
        mean: parameters.root().buffer("mean", 64, 0.0)?,
        var: parameters.root().buffer("var", 64, 1.0)?,
    };
    let inputs = vec![data(&[BATCH, 1250, 64]), weight(&[64]), weight(&[64])];
    cases.push(Case::new("batch_norm", shape(1250, 64), inputs, move |i| {
        Ok(nn::batch_norm(&i[0], &i[1], &i[2], &state, 0.1, 1e-5, true)?)
    }));
    Ok(cases)
}

fn element_wise() -> Vec<Case> {
    let x = |width| vec![data(&[BATCH, 1250, width])];
    vec![
        Case::new("gelu", shape(1250, 512), x(512), |i| Ok(nn::gelu(&i[0])?)).stock(|i| i[0].gelu_erf()),
        Case::new("silu", shape(1250, 512), x(512), |i| Ok(nn::silu(&i[0])?)).stock(|i| i[0].silu()),
        Case::new("relu", shape(1250, 256), x(256), |i| Ok(nn::relu(&i[0])?)).stock(|i| i[0].relu()),
    ]
}

fn pooling() -> Vec<Case> {
    let x = |time, channels| vec![data(&[BATCH, time, channels])];
    vec![
        Case::new("max_pool1d", format!("{}, kernel 3, stride 2", shape(2500, 64)), x(2500, 64), |i| {
            Ok(nn::max_pool1d(&i[0], 3, 2, 1)?)
        })
        .options(json!({ "kernel": 3, "stride": 2, "padding": 1 })),
        Case::new("avg_pool1d", format!("{}, kernel 2", shape(1250, 256)), x(1250, 256), |i| {
            Ok(nn::avg_pool1d(&i[0], 2, true)?)
        })
        .options(json!({ "kernel": 2 })),
        Case::new("mean_over_time", shape(156, 1024), x(156, 1024), |i| Ok(nn::mean_over_time(&i[0], None)?))
            .stock(|i| i[0].mean(1)),
        Case::new("max_over_time", shape(156, 1024), x(156, 1024), |i| Ok(nn::max_over_time(&i[0], None)?)),
    ]
}

fn block((c, t): (usize, usize)) -> Case {
    let h = 4 * c;
    let shapes: [&[usize]; 10] = [&[c, 1, 7], &[c], &[c], &[c], &[h, c], &[h], &[1, 1, h], &[1, 1, h], &[c, h], &[c]];
    let mut inputs = vec![data(&[BATCH, t, c])];
    inputs.extend(shapes.map(weight));
    Case::new("convnext_block", shape(t, c), inputs, |i: &[Tensor]| {
        let weights = ConvNextBlockWeights {
            depthwise_weight: i[1].clone(),
            depthwise_bias: i[2].clone(),
            norm_weight: i[3].clone(),
            norm_bias: i[4].clone(),
            expand_weight: i[5].clone(),
            expand_bias: i[6].clone(),
            grn_gamma: i[7].clone(),
            grn_beta: i[8].clone(),
            contract_weight: i[9].clone(),
            contract_bias: i[10].clone(),
        };
        Ok(nn::convnext_block(&i[0], &weights)?)
    })
}
