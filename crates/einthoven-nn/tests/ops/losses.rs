//! Losses.

use candle_core::{DType, Device, Result as TensorResult, Tensor};
use einthoven_nn as nn;
use einthoven_nn::Negatives;
use einthoven_random::Streams;

use crate::support::{assert_close, check, check_threads, values};

fn naive_cross_entropy(logits: &Tensor, targets: &[u32]) -> TensorResult<Tensor> {
    let shifted = logits.broadcast_sub(&logits.max_keepdim(1)?)?;
    let targets = Tensor::from_slice(targets, (targets.len(), 1), &Device::Cpu)?;
    let log_sums = shifted.exp()?.sum_keepdim(1)?.log()?;
    (log_sums - shifted.contiguous()?.gather(&targets, 1)?)?.mean_all()
}

#[test]
fn cross_entropies() {
    let targets = [2u32, 0, 4];
    check("cross_entropy", &[&[3, 5]], &|i| nn::cross_entropy(&i[0], &targets), &|i| {
        naive_cross_entropy(&i[0], &targets)
    });
    check("cross_entropy of one", &[&[1, 1]], &|i| nn::cross_entropy(&i[0], &[0]), &|i| {
        naive_cross_entropy(&i[0], &[0])
    });
    let many: Vec<u32> = (0..300).map(|i| i * 7 % 200).collect();
    check_threads("cross_entropy", &[&[300, 200]], &|i| nn::cross_entropy(&i[0], &many));

    let targets = [2u32, 9, 0, 9, 6];
    let kept = Tensor::new(&[0u32, 2, 4], &Device::Cpu).unwrap();
    let op = |i: &[Tensor]| nn::linear_cross_entropy(&i[0], &i[1], &targets, Some(9));
    check("linear_cross_entropy", &[&[5, 3], &[7, 3]], &op, &|i| {
        let x = i[0].contiguous()?.index_select(&kept, 0)?;
        naive_cross_entropy(&x.matmul(&i[1].t()?)?, &[2, 0, 6])
    });
    check(
        "linear_cross_entropy of all",
        &[&[2, 4], &[3, 4]],
        &|i| nn::linear_cross_entropy(&i[0], &i[1], &[1, 2], None),
        &|i| naive_cross_entropy(&i[0].matmul(&i[1].t()?)?, &[1, 2]),
    );
    check_threads("linear_cross_entropy", &[&[300, 32], &[200, 32]], &|i| {
        nn::linear_cross_entropy(&i[0], &i[1], &many, Some(7))
    });
}

#[test]
fn contrastive() {
    check("l2_normalize", &[&[3, 5]], &|i| nn::l2_normalize(&i[0], 1e-12), &|i| {
        i[0].broadcast_div(&i[0].sqr()?.sum_keepdim(1)?.sqrt()?)
    });
    check("l2_normalize below the floor", &[&[3, 5]], &|i| nn::l2_normalize(&i[0], 10.0), &|i| &i[0] / 10.0);
    for negatives in all_negatives() {
        let what = format!("info_nce, {negatives:?}");
        check(&what, &[&[4, 3], &[4, 3], &[1]], &|i| nn::info_nce(&i[0], &i[1], &i[2], negatives), &|i| {
            let logits = i[0].matmul(&i[1].t()?)?.broadcast_mul(&i[2].reshape((1, 1))?)?;
            let logits = (logits + (left_out(&i[0], negatives)? * -1e30)?)?;
            let ids = [0u32, 1, 2, 3];
            let sum = naive_cross_entropy(&logits, &ids)? + naive_cross_entropy(&logits.t()?.contiguous()?, &ids)?;
            sum? * 0.5
        });
    }
    for negatives in [Negatives::default(), Negatives { largest_cosine: Some(0.1), ..Negatives::default() }] {
        // More rows than one part of a column's sum has.
        check_threads("info_nce", &[&[150, 48], &[150, 48], &[1]], &|i| nn::info_nce(&i[0], &i[1], &i[2], negatives));
        check(
            "info_nce of many",
            &[&[70, 2], &[70, 2], &[1]],
            &|i| nn::info_nce(&i[0], &i[1], &i[2], negatives),
            &|i| {
                let logits = i[0].matmul(&i[1].t()?)?.broadcast_mul(&i[2].reshape((1, 1))?)?;
                let logits = (logits + (left_out(&i[0], negatives)? * -1e30)?)?;
                let ids: Vec<u32> = (0..70).collect();
                let sum = naive_cross_entropy(&logits, &ids)? + naive_cross_entropy(&logits.t()?.contiguous()?, &ids)?;
                sum? * 0.5
            },
        );
    }
}

/// With texts that [`check`] draws, some pairs are and some are not more alike than 0.1.
fn all_negatives() -> [Negatives<'static>; 6] {
    let groups = Some(&[0u32, 1, 0, 2][..]);
    let near = Negatives { largest_cosine: Some(0.1), ..Negatives::default() };
    // Text 0 is true of signal 2, but not the other way round; each is true of its own, which counts all the same.
    let is_true = |text: usize, signal: usize| text == signal || [(0, 2), (3, 0), (1, 3)].contains(&(text, signal));
    let pairs: Vec<bool> = (0..16).map(|at| is_true(at / 4, at % 4)).collect();
    let told = Negatives { true_texts: Some(pairs.leak()), ..Negatives::default() };
    [None.into(), groups.into(), near, Negatives { groups, ..near }, told, Negatives { groups, ..told }]
}

/// One for each pair that does not count, zero elsewhere.
fn left_out(text: &Tensor, negatives: Negatives) -> TensorResult<Tensor> {
    let cosines: Vec<f64> = text.matmul(&text.t()?)?.flatten_all()?.to_vec1()?;
    let n = text.dim(0)?;
    let out = (0..n * n).map(|at| {
        let (a, b) = (at / n, at % n);
        let same = negatives.groups.is_some_and(|groups| groups[a] == groups[b]);
        let near = negatives.largest_cosine.is_some_and(|limit| cosines[at] > limit);
        let is_true = negatives.true_texts.is_some_and(|pairs| pairs[at]);
        f64::from(a != b && (same || near || is_true))
    });
    Tensor::from_iter(out, &Device::Cpu)?.reshape((n, n))
}

#[test]
fn sigmoid_contrastive() {
    let text = values(0, &[4, 3]);
    for (negatives, pairs) in all_negatives().into_iter().zip([0..1, 2..3, 2..11, 3..12, 3..4, 4..5]) {
        let count = left_out(&text, negatives).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        assert!(pairs.contains(&(count as usize)), "{negatives:?}: {count}");
    }
    for negatives in all_negatives() {
        let what = format!("siglip, {negatives:?}");
        let op = |i: &[Tensor]| nn::siglip(&i[0], &i[1], &i[2], &i[3], negatives);
        check(&what, &[&[4, 3], &[4, 3], &[1], &[1]], &op, &|i| {
            let logits = i[0].matmul(&i[1].t()?)?.broadcast_mul(&i[2].reshape((1, 1))?)?;
            let logits = logits.broadcast_add(&i[3].reshape((1, 1))?)?;
            let sign = ((Tensor::eye(4, DType::F64, &Device::Cpu)? * -2.0)? + 1.0)?;
            let lost = ((logits * sign)?.exp()? + 1.0)?.log()?;
            (lost * (1.0 - left_out(&i[0], negatives)?)?)?.sum_all()? / 4.0
        });
    }
    check_threads("siglip", &[&[70, 48], &[70, 48], &[1], &[1]], &|i| nn::siglip(&i[0], &i[1], &i[2], &i[3], None));
    // Far from the decision: nothing overflows, and small losses are not rounded away.
    let number = |value: f32| Tensor::new(&[value], &Device::Cpu).unwrap();
    let one = Tensor::new(&[[1f32]], &Device::Cpu).unwrap();
    let loss =
        |bias: f32| nn::siglip(&one, &one, &number(0.0), &number(bias), None).unwrap().to_scalar::<f32>().unwrap();
    for (bias, wanted) in [(20.0, 2.061_153_6e-9f32), (-20.0, 20.0), (-200.0, 200.0)] {
        assert!((loss(bias) - wanted).abs() <= 2e-6 * wanted, "{bias}: {}", loss(bias));
    }
}

#[test]
fn binary_cross_entropy() {
    let targets: Vec<bool> = (0..12).map(|i| i % 3 == 0 || i == 7).collect();
    let truth = Tensor::from_iter(targets.iter().map(|&target| f64::from(target)), &Device::Cpu).unwrap();
    let truth = truth.reshape((4, 3)).unwrap();
    check("binary cross-entropy", &[&[4, 3]], &|i| nn::binary_cross_entropy(&i[0], &targets), &|i| {
        let lost = (((i[0].exp()? + 1.0)?.log()? - (&truth * &i[0])?)?).sum_all()?;
        lost / 12.0
    });
    let many: Vec<bool> = (0..700 * 71).map(|i| i % 5 == 0).collect();
    check_threads("binary cross-entropy", &[&[700, 71]], &|i| nn::binary_cross_entropy(&i[0], &many));
    // Far from the decision: nothing overflows, and small losses are not rounded away.
    let loss = |logit: f32, target: bool| {
        let logit = Tensor::new(&[[logit]], &Device::Cpu).unwrap();
        nn::binary_cross_entropy(&logit, &[target]).unwrap().to_scalar::<f32>().unwrap()
    };
    for (logit, wanted) in [(20.0, 2.061_153_6e-9f32), (-20.0, 20.0), (-200.0, 200.0)] {
        assert!((loss(logit, true) - wanted).abs() <= 2e-6 * wanted, "{logit}: {}", loss(logit, true));
        assert_eq!(loss(-logit, false), loss(logit, true));
    }
}

/// A pass whose dropout draws the same each time.
fn views_pass() -> nn::Pass {
    nn::Pass::train(Streams::new(11).stream("views", &[0]))
}

/// Two views of `x` in plain arithmetic.
fn naive_views(x: &Tensor, rate: f64) -> TensorResult<[Tensor; 2]> {
    let pass = views_pass();
    let view = || {
        let factors = nn::dropout(&x.ones_like()?, rate, &pass).unwrap();
        let view = (x * factors)?;
        view.broadcast_div(&view.sqr()?.sum_keepdim(1)?.sqrt()?)
    };
    Ok([view()?, view()?])
}

#[test]
fn dropout_views() {
    for (rate, shape) in [(0.3, [5usize, 4]), (0.0, [3, 7]), (0.5, [1, 9])] {
        let ids: Vec<u32> = (0..shape[0] as u32).collect();
        let op = |i: &[Tensor]| nn::dropout_views(&i[0], rate, 3.0, &views_pass());
        check(&format!("dropout_views, {rate}"), &[&shape], &op, &|i| {
            let [first, second] = naive_views(&i[0], rate)?;
            let logits = (first.matmul(&second.t()?)? * 3.0)?;
            let sum = naive_cross_entropy(&logits, &ids)? + naive_cross_entropy(&logits.t()?.contiguous()?, &ids)?;
            sum? * 0.5
        });
    }
    check_threads("dropout_views", &[&[150, 480]], &|i| nn::dropout_views(&i[0], 0.1, 3.0, &views_pass()));
}

/// The same in NumPy and PyTorch, in `f64`: with `v = normalize(x · mask / 0.9)` and `s = v₀ v₁ᵀ / 0.07`, the mean of
/// `cross_entropy(s, arange(4))` and `cross_entropy(sᵀ, arange(4))`, and its gradient. The masks come from a ChaCha8 written in
/// Python, so they also hold the draws of a named stream to what they were.
#[test]
fn dropout_views_are_those_of_another_program() {
    let x = Tensor::from_iter((0..48).map(|k| (0.7 * f64::from(k) + 0.3).sin()), &Device::Cpu).unwrap();
    let x = candle_core::Var::from_tensor(&x.reshape((4, 12)).unwrap()).unwrap();
    let pass = views_pass();
    for wanted in [
        ["111111101111", "010111011111", "110111111111", "111101101111"],
        ["101110111111", "111110111111", "011111111111", "110111101111"],
    ] {
        let factors = nn::dropout(&x.ones_like().unwrap(), 0.1, &pass).unwrap().flatten_all().unwrap();
        let kept = factors.to_vec1::<f64>().unwrap().into_iter().map(|f| if f == 0.0 { '0' } else { '1' });
        assert_eq!(kept.collect::<String>(), wanted.concat());
    }
    let loss = nn::dropout_views(&x, 0.1, 1.0 / 0.07, &views_pass()).unwrap();
    assert!((loss.to_scalar::<f64>().unwrap() - 0.361_227_287_254_921_37).abs() < 1e-13, "{loss}");
    let gradients = nn::backward(&loss).unwrap();
    let gradient = gradients.get(&x).unwrap();
    let first = [
        0.030_991_796_823_64,
        0.349_214_309_146_49,
        -0.465_881_897_739_19,
        -0.057_124_591_694_57,
        -0.039_659_262_642_28,
        -0.265_485_095_768_75,
        0.026_686_455_600_66,
        -0.139_278_361_775_08,
        0.054_369_488_889_69,
        0.030_179_484_345_96,
        -0.008_204_403_253_12,
        -0.042_729_631_804_92,
    ];
    assert_close("gradient", &gradient.get(0).unwrap(), &Tensor::new(&first, &Device::Cpu).unwrap(), 1e-12);
    let norm = gradient.sqr().unwrap().sum_all().unwrap().sqrt().unwrap().to_scalar::<f64>().unwrap();
    assert!((norm - 0.754_727_091_218_007).abs() < 1e-13, "{norm}");
}
