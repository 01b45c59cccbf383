//! The fused block of ConvNeXt.

use candle_core::{Result as TensorResult, Tensor};
use einthoven_nn as nn;

use crate::norms::{naive_grn, naive_layer_norm};
use crate::products::naive_depthwise;
use crate::support::{check, check_threads};

fn block(i: &[Tensor]) -> nn::ConvNextBlockWeights {
    nn::ConvNextBlockWeights {
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
    }
}

#[test]
fn convnext_block_equals_its_composition() {
    let naive = |i: &[Tensor]| -> TensorResult<Tensor> {
        let y = naive_depthwise(&i[0], &i[1], Some(&i[2]))?;
        let y = naive_layer_norm(&[y, i[3].clone(), i[4].clone()], 1e-6)?;
        let (batch, time, channels) = y.dims3()?;
        let y = y.reshape((batch * time, channels))?.matmul(&i[5].t()?)?.broadcast_add(&i[6])?;
        let y = y.gelu_erf()?.reshape((batch, time, ()))?;
        let y = naive_grn(&y, &i[7], &i[8])?;
        let y = y.flatten_to(1)?.matmul(&i[9].t()?)?.broadcast_add(&i[10])?;
        &i[0] + y.reshape((batch, time, channels))?
    };
    let op = |i: &[Tensor]| nn::convnext_block(&i[0], &block(i));
    let shapes = |batch: usize, time: usize, c: usize, kernel: usize| -> Vec<Vec<usize>> {
        let h = 4 * c;
        vec![
            vec![batch, time, c],
            vec![c, 1, kernel],
            vec![c],
            vec![c],
            vec![c],
            vec![h, c],
            vec![h],
            vec![1, 1, h],
            vec![1, 1, h],
            vec![c, h],
            vec![c],
        ]
    };
    for (batch, time, c, kernel) in [(2, 9, 3, 7), (1, 1, 5, 7), (2, 4, 5, 3)] {
        let shapes = shapes(batch, time, c, kernel);
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        check("convnext_block", &shapes, &op, &naive);
    }
    let shapes = shapes(3, 400, 40, 7);
    let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    check_threads("convnext_block", &shapes, &op);
}
