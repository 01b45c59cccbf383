//! Milliseconds per operation, forward and backward, at the shapes of the models.
//!
//! `RAYON_NUM_THREADS=2 cargo run --release -p einthoven-nn --example ops [NAME]`

use std::time::Instant;

use candle_core::{DType, Device, Tensor, Var};
use einthoven_nn as nn;
use einthoven_random::Streams;
use nn::{Init, Parameters};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

struct Bench {
    parameters: Parameters,
    only: Option<String>,
    made: std::cell::Cell<usize>,
}

impl Bench {
    fn variable(&self, shape: &[usize]) -> Result<Tensor, Failure> {
        self.made.set(self.made.get() + 1);
        let name = format!("{}", self.made.get());
        Ok(self.parameters.root().parameter(&name, shape, Init::Normal { std: 0.1 })?)
    }

    /// The least time of the operation and of its backward pass from a random gradient.
    fn time(
        &self,
        name: &str,
        shapes: &[&[usize]],
        op: impl Fn(&[Tensor]) -> nn::Result<Tensor>,
    ) -> Result<(), Failure> {
        if self.only.as_ref().is_some_and(|only| !name.contains(only)) {
            return Ok(());
        }
        let inputs = shapes.iter().map(|shape| self.variable(shape)).collect::<Result<Vec<_>, _>>()?;
        let weights = self.variable(&[1, op(&inputs)?.elem_count()])?.detach();
        let (mut forward, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..15 {
            let start = Instant::now();
            let y = op(&inputs)?;
            forward.push(start.elapsed().as_secs_f64() * 1e3);
            // A scalar whose gradient costs little.
            let loss = if y.rank() == 0 { y } else { nn::linear(&y.flatten_all()?, &weights, None)? };
            let middle = Instant::now();
            let gradients = nn::backward(&loss)?;
            let back = middle.elapsed().as_secs_f64() * 1e3;
            drop(gradients);
            whole.push(forward[forward.len() - 1] + back);
        }
        let least = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        println!("{name:<44} {:8.2} forward {:8.2} both", least(&forward), least(&whole));
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(1));
    let bench = Bench { parameters, only: std::env::args().nth(1), made: std::cell::Cell::new(0) };
    for (c, t) in [(128, 1250), (512, 312), (1024, 156)] {
        bench.time(&format!("depthwise k7 {c}x{t}"), &[&[16, t, c], &[c, 1, 7], &[c]], |i| {
            nn::depthwise_conv1d(&i[0], &i[1], Some(&i[2]))
        })?;
    }
    bench.time("stem 12 to 128", &[&[16, 5000, 12], &[128, 12, 4], &[128]], |i| {
        nn::patch_conv1d(&i[0].detach(), &i[1], Some(&i[2]))
    })?;
    bench.time("down 128", &[&[16, 1250, 128], &[256, 128, 2], &[256]], |i| {
        nn::patch_conv1d(&i[0], &i[1], Some(&i[2]))
    })?;
    bench.time("gelu 10.2 M", &[&[16, 1250, 512]], |i| nn::gelu(&i[0]))?;
    for (rows, width) in [(20_000, 128), (2048, 768)] {
        bench.time(&format!("layer norm {rows}x{width}"), &[&[rows, width], &[width], &[width]], |i| {
            nn::layer_norm(&i[0], &i[1], Some(&i[2]), 1e-6)
        })?;
    }
    bench.time("grn 512x1250", &[&[16, 1250, 512], &[512], &[512]], |i| nn::grn(&i[0], &i[1], &i[2], 1e-6))?;
    bench.time("time norm 40x1250", &[&[16, 1250, 40], &[40], &[40]], |i| nn::time_norm(&i[0], &i[1], &i[2], 1e-6))?;
    for (heads, t, d) in [(12, 128, 64), (12, 96, 32)] {
        let options = nn::Attention { heads, key_heads: heads, causal: true, dropout: None };
        let spans = nn::Spans::even(16, t)?;
        bench.time(&format!("attention 16x{heads}x{t}x{d}"), &[&[16 * t, 3 * heads * d]], |i| {
            nn::self_attention(&i[0], &spans, &options)
        })?;
    }
    {
        let options = nn::Attention { heads: 8, key_heads: 1, causal: true, dropout: None };
        let spans = nn::Spans::even(16, 96)?;
        let shapes: [&[usize]; 4] = [&[1536, 384], &[640 + 3072, 384], &[384, 512], &[384, 1536]];
        bench.time("parallel block 1536x384", &shapes, |i| {
            let weights = nn::ParallelBlockWeights { fused: &i[1], attention_out: &i[2], feed_forward_out: &i[3] };
            nn::parallel_block(&i[0], weights, &spans, &options)
        })?;
    }
    let shapes: [&[usize]; 5] = [&[1536, 384], &[1536, 384], &[1536], &[384, 1536], &[384]];
    bench.time("feed-forward 1536x384", &shapes, |i| {
        let (expand, contract) =
            (nn::Layer { weight: &i[1], bias: Some(&i[2]) }, nn::Layer { weight: &i[3], bias: Some(&i[4]) });
        nn::feed_forward(&i[0], expand, contract, nn::Activation::Gelu)
    })?;
    let ids: Vec<u32> = (0..2048).map(|i| i * 7919 % 28_895).collect();
    bench.time("embedding 28895x768", &[&[28_895, 768]], |i| nn::embedding(&i[0], &ids, &[2048]))?;
    bench.time("cross-entropy 2048x28895", &[&[2048, 28_895]], |i| nn::cross_entropy(&i[0], &ids))?;
    bench.time("linear cross-entropy 2048x768x28895", &[&[2048, 768], &[28_895, 768]], |i| {
        nn::linear_cross_entropy(&i[0], &i[1], &ids, None)
    })?;
    let ids: Vec<u32> = (0..1600).map(|i| i * 7919 % 30_522).collect();
    bench.time("linear cross-entropy 1600x384x30522", &[&[1600, 384], &[30_522, 384]], |i| {
        nn::linear_cross_entropy(&i[0], &i[1], &ids, None)
    })?;
    for (rows, inner, outer) in [(2048, 768, 3072), (1600, 384, 1536), (1600, 384, 384), (20_000, 40, 160)] {
        bench.time(&format!("linear {rows}x{inner}x{outer}"), &[&[rows, inner], &[outer, inner], &[outer]], |i| {
            nn::linear(&i[0], &i[1], Some(&i[2]))
        })?;
    }
    for (c, t) in [(40, 1250), (80, 625), (160, 312), (320, 156), (128, 1250), (512, 312), (1024, 156)] {
        let h = 4 * c;
        let shapes: [&[usize]; 11] =
            [&[16, t, c], &[c, 1, 7], &[c], &[c], &[c], &[h, c], &[h], &[1, 1, h], &[1, 1, h], &[c, h], &[c]];
        bench.time(&format!("ConvNeXt block {c}x{t}"), &shapes, |i| {
            let weights = nn::ConvNextBlockWeights {
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
            nn::convnext_block(&i[0], &weights)
        })?;
    }
    update(&bench)
}

/// One AdamW step of 30 million parameters.
fn update(bench: &Bench) -> Result<(), Failure> {
    if bench.only.as_ref().is_some_and(|only| only != "adamw") {
        return Ok(());
    }
    let parameters: Vec<(String, Var)> = (0..3)
        .map(|i| Ok((i.to_string(), Var::zeros((10_000, 1000), DType::F32, &Device::Cpu)?)))
        .collect::<Result<_, Failure>>()?;
    let mut loss = Tensor::new(0f32, &Device::Cpu)?;
    for (_, variable) in &parameters {
        loss = (loss + variable.as_tensor().sum_all()?)?;
    }
    let gradients = nn::backward(&loss)?;
    let group = nn::ParameterGroup { parameters, weight_decay: 0.01, learning_rate_scale: 1.0 };
    let mut optimizer = nn::AdamW::new(vec![group], nn::AdamWConfig::default())?;
    let mut times = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        optimizer.step(&gradients, 1e-3)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!("{:<44} {:8.2}", "adamw 30 M", times[4]);
    Ok(())
}
