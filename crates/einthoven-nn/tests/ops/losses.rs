//! Losses.

use candle_core::{DType, Device, Result as TensorResult, Tensor};
use einthoven_nn as nn;
use einthoven_nn::Negatives;

use crate::support::{check, check_threads, values};

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
    for negatives in [Negatives::default(), Negatives { groups: None, largest_cosine: Some(0.1) }] {
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
fn all_negatives() -> [Negatives<'static>; 4] {
    let groups = Some(&[0u32, 1, 0, 2][..]);
    let near = Negatives { groups: None, largest_cosine: Some(0.1) };
    [None.into(), groups.into(), near, Negatives { groups, ..near }]
}

/// One for each pair that does not count, zero elsewhere.
fn left_out(text: &Tensor, negatives: Negatives) -> TensorResult<Tensor> {
    let cosines: Vec<f64> = text.matmul(&text.t()?)?.flatten_all()?.to_vec1()?;
    let n = text.dim(0)?;
    let out = (0..n * n).map(|at| {
        let (a, b) = (at / n, at % n);
        let same = negatives.groups.is_some_and(|groups| groups[a] == groups[b]);
        let near = negatives.largest_cosine.is_some_and(|limit| cosines[at] > limit);
        f64::from(a != b && (same || near))
    });
    Tensor::from_iter(out, &Device::Cpu)?.reshape((n, n))
}

#[test]
fn sigmoid_contrastive() {
    let text = values(0, &[4, 3]);
    for (negatives, pairs) in all_negatives().into_iter().zip([0..1, 2..3, 2..11, 3..12]) {
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
