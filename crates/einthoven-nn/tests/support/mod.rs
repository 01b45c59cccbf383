//! Checks that every operation has to pass.

use candle_core::{DType, Device, Result as TensorResult, Tensor, Var};
use einthoven_nn::{Result, backward};
use einthoven_random::Streams;
use rand::RngExt;

/// An operation under test, as a function of its tensor inputs.
pub type Op<'a> = &'a dyn Fn(&[Tensor]) -> Result<Tensor>;

/// The same in plain tensor arithmetic.
pub type Naive<'a> = &'a dyn Fn(&[Tensor]) -> TensorResult<Tensor>;

/// Values in `[-1, 1)`, different for every `index`.
pub fn values(index: u64, shape: &[usize]) -> Tensor {
    let mut stream = Streams::new(11).stream("values", &[index]);
    let count = shape.iter().product();
    let values: Vec<f64> = (0..count).map(|_| 2.0 * stream.random::<f64>() - 1.0).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn inputs(shapes: &[&[usize]], dtype: DType) -> Vec<Tensor> {
    let values = shapes.iter().enumerate().map(|(i, shape)| values(i as u64, shape));
    values.map(|tensor| tensor.to_dtype(dtype).unwrap()).collect()
}

fn variables(inputs: &[Tensor]) -> Vec<Tensor> {
    inputs.iter().map(|x| Var::from_tensor(&x.copy().unwrap()).unwrap().into_inner()).collect()
}

/// A fixed random projection of the result, so that no gradient cancels.
fn loss(y: &Tensor) -> Tensor {
    let weights = values(99, y.dims()).to_dtype(y.dtype()).unwrap();
    (y * weights).unwrap().sum_all().unwrap()
}

fn numbers(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Asserts that `found` differs from `wanted` by at most `tolerance` times the largest magnitude.
pub fn assert_close(what: &str, found: &Tensor, wanted: &Tensor, tolerance: f64) {
    assert_eq!(found.dims(), wanted.dims(), "{what}: shape");
    let (found, wanted) = (numbers(found), numbers(wanted));
    let largest = wanted.iter().fold(1e-3f64, |a, b| a.max(b.abs()));
    for (i, (f, w)) in found.iter().zip(&wanted).enumerate() {
        let close = (f - w).abs() <= tolerance * largest;
        assert!(close, "{what}: element {i} is {f}, should be {w} (largest {largest})");
    }
}

/// The gradients of all inputs when those marked are variables, the others constants.
fn gradients(op: Op, inputs: &[Tensor], marked: &[bool]) -> Vec<Option<Tensor>> {
    let variables = variables(inputs);
    let mixed: Vec<Tensor> =
        variables.iter().zip(marked).map(|(v, marked)| if *marked { v.clone() } else { v.detach() }).collect();
    let gradients = backward(&loss(&op(&mixed).unwrap())).unwrap();
    mixed.iter().map(|v| gradients.get(v).cloned()).collect()
}

/// Everything that must hold for an operation at the given input shapes.
pub fn check(name: &str, shapes: &[&[usize]], op: Op, naive: Naive) {
    let exact = inputs(shapes, DType::F64);
    let y = op(&exact).unwrap();
    assert_close(&format!("{name} against plain arithmetic"), &y, &naive(&exact).unwrap(), 1e-10);

    let all = vec![true; exact.len()];
    let wanted: Vec<Tensor> = gradients(op, &exact, &all).into_iter().map(|g| g.expect("a gradient")).collect();
    for (i, (x, gradient)) in exact.iter().zip(&wanted).enumerate() {
        let numeric = finite_differences(op, &exact, i);
        let what = format!("{name}, gradient of input {i} against finite differences");
        assert_close(&what, &gradient.reshape(x.dims()).unwrap(), &numeric, 1e-6);
    }

    // Each input frozen in turn: the others keep their gradients.
    for frozen in 0..exact.len() {
        let marked: Vec<bool> = (0..exact.len()).map(|i| i != frozen).collect();
        if !marked.contains(&true) {
            continue;
        }
        for (i, gradient) in gradients(op, &exact, &marked).iter().enumerate() {
            if i != frozen {
                let what = format!("{name}, input {i} with {frozen} frozen");
                let gradient = gradient.as_ref().expect("a gradient");
                assert_close(&what, gradient, &wanted[i], 1e-12);
            }
        }
    }

    // Inputs that are results of other operations, up to the number that candle can track.
    for first in 0..exact.len() {
        let leaves = variables(&exact);
        let results: Vec<Tensor> = leaves
            .iter()
            .enumerate()
            .map(|(i, v)| if (first..first + 3).contains(&i) { (v * 1.0).unwrap() } else { v.clone() })
            .collect();
        let found = backward(&loss(&op(&results).unwrap())).unwrap();
        for (i, leaf) in leaves.iter().enumerate() {
            let what = format!("{name}, input {i} through other operations");
            assert_close(&what, found.get(leaf).expect("a gradient"), &wanted[i], 1e-12);
        }
    }

    // Inputs that are not contiguous.
    let strided: Vec<Tensor> = exact
        .iter()
        .map(|x| {
            let last = x.rank().max(1) - 1;
            if x.rank() < 2 {
                return Tensor::cat(&[x, x], 0).unwrap().narrow(0, x.elem_count(), x.elem_count()).unwrap();
            }
            x.transpose(0, last).unwrap().contiguous().unwrap().transpose(0, last).unwrap()
        })
        .collect();
    assert_close(&format!("{name}, strided inputs"), &op(&strided).unwrap(), &y, 1e-14);

    // Single precision.
    let single = inputs(shapes, DType::F32);
    assert_close(&format!("{name} in f32"), &op(&single).unwrap(), &y, 2e-6);
    for (i, gradient) in gradients(op, &single, &all).into_iter().enumerate() {
        let what = format!("{name}, gradient of input {i} in f32");
        assert_close(&what, &gradient.expect("a gradient"), &wanted[i], 5e-6);
    }
}

fn finite_differences(op: Op, inputs: &[Tensor], index: usize) -> Tensor {
    const STEP: f64 = 1e-5;
    let x = numbers(&inputs[index]);
    let value = |x: Vec<f64>| -> f64 {
        let mut inputs = inputs.to_vec();
        let shape = inputs[index].shape().clone();
        inputs[index] = Tensor::from_vec(x, shape, &Device::Cpu).unwrap();
        loss(&op(&inputs).unwrap()).to_scalar().unwrap()
    };
    let slopes: Vec<f64> = (0..x.len())
        .map(|i| {
            let at = |step: f64| {
                let mut x = x.clone();
                x[i] += step;
                value(x)
            };
            (8.0 * (at(STEP) - at(-STEP)) - (at(2.0 * STEP) - at(-2.0 * STEP))) / (12.0 * STEP)
        })
        .collect();
    Tensor::from_vec(slopes, inputs[index].shape(), &Device::Cpu).unwrap()
}

/// Asserts that values and gradients are the same bits with one, two and three threads.
pub fn check_threads(name: &str, shapes: &[&[usize]], op: &(dyn Fn(&[Tensor]) -> Result<Tensor> + Sync)) {
    let run = |threads: usize| -> Vec<Vec<u32>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let variables = variables(&inputs(shapes, DType::F32));
            let y = op(&variables).unwrap();
            let gradients = backward(&loss(&y)).unwrap();
            let all = variables.iter().map(|v| gradients.get(v).unwrap()).chain([&y]);
            all.map(|t| {
                let values: Vec<f32> = t.flatten_all().unwrap().to_vec1().unwrap();
                values.into_iter().map(f32::to_bits).collect()
            })
            .collect()
        })
    };
    let one = run(1);
    for threads in [2, 3] {
        assert!(run(threads) == one, "{name}: {threads} threads give other bits than one");
    }
}
