//! What holds of all operations: NaN passes on, operands that do not fit are errors, and only what is asked for is recorded.

use candle_core::{DType, Device, Tensor};
use einthoven_nn as nn;
use einthoven_nn::{Activation, Attention, Conv1d, Layer, ParallelBlockWeights, Spans};

use crate::support::values;

#[test]
fn nan_is_not_swallowed() {
    let nan = |shape: &[usize]| Tensor::full(f32::NAN, shape, &Device::Cpu).unwrap();
    let one = |shape: &[usize]| Tensor::ones(shape, DType::F32, &Device::Cpu).unwrap();
    let is_nan = |y: Tensor| {
        let values: Vec<f32> = y.flatten_all().unwrap().to_vec1().unwrap();
        assert!(values.iter().any(|v| v.is_nan()));
    };
    is_nan(nn::linear(&nan(&[1, 2]), &one(&[2, 2]), None).unwrap());
    is_nan(nn::gelu(&nan(&[1])).unwrap());
    is_nan(nn::silu(&nan(&[1])).unwrap());
    is_nan(nn::relu(&nan(&[1])).unwrap());
    is_nan(nn::layer_norm(&nan(&[1, 2]), &one(&[2]), None, 1e-5).unwrap());
    is_nan(nn::time_norm(&nan(&[1, 2, 1]), &one(&[1]), &one(&[1]), 1e-6).unwrap());
    is_nan(nn::grn(&nan(&[1, 2, 1]), &one(&[1]), &one(&[1]), 1e-6).unwrap());
    is_nan(nn::max_pool1d(&nan(&[1, 2, 1]), 2, 1, 0).unwrap());
    is_nan(nn::cross_entropy(&nan(&[1, 2]), &[0]).unwrap());
    is_nan(nn::l2_normalize(&nan(&[1, 2]), 1e-12).unwrap());
    let options = Attention { heads: 1, key_heads: 1, causal: false, dropout: None };
    let spans = Spans::even(1, 1).unwrap();
    is_nan(nn::self_attention(&nan(&[1, 3]), &spans, &options).unwrap());
    is_nan(nn::cross_attention(&nan(&[1, 1]), &one(&[1, 2]), &spans, &spans, &options).unwrap());
    is_nan(nn::rotary(&nan(&[1, 2]), &spans, 1, 2).unwrap());
}

#[test]
fn operands_that_do_not_fit_are_errors() {
    let t = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    assert!(nn::linear(&t(&[0, 3]), &t(&[2, 3]), None).is_err());
    assert!(nn::linear(&t(&[1, 3]), &t(&[2, 4]), None).is_err());
    assert!(nn::linear(&t(&[1, 3]).to_dtype(DType::F64).unwrap(), &t(&[2, 3]), None).is_err());
    assert!(nn::gelu(&Tensor::zeros(3, DType::U32, &Device::Cpu).unwrap()).is_err());
    assert!(nn::patch_conv1d(&t(&[1, 3, 2]), &t(&[2, 2, 4]), None).is_err());
    assert!(nn::conv1d(&t(&[1, 3, 2]), &t(&[2, 2, 5]), None, Conv1d::default()).is_err());
    let standing = Conv1d { stride: 0, ..Conv1d::default() };
    assert!(nn::conv1d(&t(&[1, 3, 2]), &t(&[2, 2, 3]), None, standing).is_err());
    let odd = Conv1d { groups: 2, ..Conv1d::default() };
    assert!(nn::conv1d(&t(&[1, 3, 2]), &t(&[3, 1, 3]), None, odd).is_err());
    assert!(nn::depthwise_conv1d(&t(&[1, 3, 2]), &t(&[2, 1, 4]), None).is_err());
    assert!(nn::layer_norm(&t(&[2, 3]), &t(&[2]), None, 1e-5).is_err());
    assert!(nn::time_norm(&t(&[1, 1, 2]), &t(&[2]), &t(&[2]), 1e-6).is_err());
    assert!(nn::grn(&t(&[0, 1, 2]), &t(&[2]), &t(&[2]), 1e-6).is_err());
    assert!(nn::swiglu(&t(&[1, 3])).is_err());
    assert!(nn::max_pool1d(&t(&[1, 2, 1]), 5, 1, 1).is_err());
    assert!(nn::mean_over_time(&t(&[1, 2, 1]), Some(&[3])).is_err());
    assert!(nn::mean_over_time(&t(&[1, 2, 1]), Some(&[0])).is_err());
    assert!(nn::embedding(&t(&[2, 3]), &[2], &[1]).is_err());
    assert!(nn::embedding(&t(&[2, 3]), &[], &[0]).is_err());
    assert!(nn::cross_entropy(&t(&[1, 2]), &[2]).is_err());
    assert!(nn::linear_cross_entropy(&t(&[1, 2]), &t(&[3, 2]), &[0], Some(0)).is_err());
    assert!(nn::info_nce(&t(&[2, 2]), &t(&[3, 2]), &t(&[1]), None).is_err());
    assert!(nn::siglip(&t(&[2, 2]), &t(&[2, 2]), &t(&[1]), &t(&[2]), None).is_err());
    assert!(nn::siglip(&t(&[2, 2]), &t(&[2, 2]), &t(&[1]), &t(&[1]), Some(&[0u32][..])).is_err());
    assert!(nn::binary_cross_entropy(&t(&[2, 2]), &[true; 3]).is_err());
    assert!(nn::dropout(&t(&[2]), 1.0, &nn::Pass::evaluate()).is_err());
    assert!(nn::dropout_views(&t(&[2]), 0.1, 1.0, &nn::Pass::evaluate()).is_err());
    assert!(nn::dropout_views(&t(&[2, 2]), 1.0, 1.0, &nn::Pass::evaluate()).is_err());
    assert!(Spans::packed(&[]).is_err());
    assert!(Spans::packed(&[1, 0]).is_err());
    assert!(Spans::padded(&[3], 2).is_err());
    let spans = |lengths: &[usize]| Spans::packed(lengths).unwrap();
    assert!(nn::mean_over_spans(&t(&[3, 2]), &spans(&[2])).is_err());
    assert!(nn::rotary(&t(&[2, 6]), &spans(&[2]), 2, 3).is_err());
    assert!(nn::rotary(&t(&[2, 6]), &spans(&[2]), 2, 4).is_err());
    assert!(nn::rotary(&t(&[3, 6]), &spans(&[2]), 1, 4).is_err());
    let options = |heads, key_heads| Attention { heads, key_heads, causal: true, dropout: None };
    assert!(nn::self_attention(&t(&[2, 6]), &spans(&[3]), &options(1, 1)).is_err());
    assert!(nn::self_attention(&t(&[2, 7]), &spans(&[2]), &options(1, 1)).is_err());
    assert!(nn::self_attention(&t(&[2, 14]), &spans(&[2]), &options(3, 2)).is_err());
    assert!(nn::self_attention(&t(&[2, 2]), &spans(&[2]), &options(0, 1)).is_err());
    let (three, two) = (spans(&[3]), spans(&[2]));
    assert!(nn::cross_attention(&t(&[3, 2]), &t(&[2, 4]), &three, &two, &options(1, 1)).is_err());
    assert!(nn::cross_attention(&t(&[3, 2]), &t(&[3, 4]), &three, &spans(&[1, 2]), &options(1, 1)).is_err());
    assert!(nn::joint_linear(&t(&[1, 3]), &[]).is_err());
    assert!(nn::joint_linear(&t(&[1, 3]), &[(&t(&[2, 3]), &t(&[3]))]).is_err());
    let (wide, narrow) = (t(&[3, 2]), t(&[2, 3]));
    let layer = |weight| Layer { weight, bias: None };
    assert!(nn::feed_forward(&t(&[1, 2]), layer(&wide), layer(&narrow), Activation::SwiGlu).is_err());
    assert!(nn::feed_forward(&t(&[1, 2]), layer(&wide), layer(&wide), Activation::Gelu).is_err());
    let weights =
        ParallelBlockWeights { fused: &t(&[8, 2]), attention_out: &t(&[2, 2]), feed_forward_out: &t(&[2, 2]) };
    assert!(nn::parallel_block(&t(&[2, 2]), weights, &two, &options(1, 1)).is_err());
}

#[test]
fn parameter_gradients_outside_backward_are_an_error() {
    let w = candle_core::Var::from_tensor(&values(0, &[2, 3])).unwrap();
    let loss = nn::linear(&values(1, &[4, 3]), &w, None).unwrap().sum_all().unwrap();
    #[allow(clippy::disallowed_methods)]
    let lost = loss.backward();
    assert!(lost.is_err());
    assert!(nn::backward(&loss).unwrap().get(&w).is_some());
}

#[test]
fn nothing_is_recorded_without_gradients() {
    let w = candle_core::Var::from_tensor(&values(0, &[2, 3])).unwrap();
    let y = nn::without_gradients(|| nn::linear(&values(1, &[4, 3]), &w, None)).unwrap();
    assert!(!y.track_op());
    assert!(nn::linear(&values(1, &[4, 3]), &w, None).unwrap().track_op());
}
