#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{DType, Device, Tensor, Var};
use einthoven_random::Streams;
use rand::RngExt;
use rayon::ThreadPoolBuilder;

use crate::autograd::backward;
use crate::{
    Attention, Conv1d, Error, MatmulPrecision, Spans, conv1d, linear, linear_cross_entropy, matmul_precision,
    self_attention, set_matmul_precision,
};

/// Values in `[-1, 1)`.
fn values(index: u64, count: usize) -> Vec<f32> {
    let mut stream = Streams::new(5).stream("values", &[index]);
    (0..count).map(|_| 2.0 * stream.random::<f32>() - 1.0).collect()
}

/// To the nearest of 8 significant bits, ties to even.
fn rounded(value: f32) -> f64 {
    let bits = value.to_bits();
    f64::from(f32::from_bits((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000))
}

/// An operand by its strides from row to row and from column to column.
struct Operand {
    data: Vec<f32>,
    strides: [usize; 2],
}

impl Operand {
    fn new(index: u64, [rows, columns]: [usize; 2], is_transposed: bool, gap: usize) -> Self {
        let (length, strides) = if is_transposed {
            ((rows + gap) * columns, [1, rows + gap])
        } else {
            ((columns + gap) * rows, [columns + gap, 1])
        };
        Self { data: values(index, length), strides }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        rounded(self.data[row * self.strides[0] + column * self.strides[1]])
    }

    fn raw(&self) -> (*const f32, usize, usize) {
        (self.data.as_ptr(), self.strides[0], self.strides[1])
    }
}

fn is_skipped() -> bool {
    let is_skipped = !super::is_supported();
    if is_skipped {
        println!("skipped: this processor has no AVX512-BF16");
    }
    is_skipped
}

#[test]
fn products_are_those_of_rounded_operands() {
    if is_skipped() {
        return;
    }
    let sizes = [
        (1, 1, 1),
        (1, 7, 50),
        (9, 1, 17),
        (7, 2, 1),
        (8, 32, 48),
        (17, 33, 49),
        (65, 1101, 193),
        (130, 64, 16),
        (5, 31, 3201),
    ];
    for (case, (m, k, n)) in sizes.into_iter().enumerate() {
        for option in 0..16 {
            let [a_is_transposed, b_is_transposed, accumulate, parallel] = [1, 2, 4, 8].map(|bit| option & bit != 0);
            let gap = case % 3;
            let a = Operand::new(1, [m, k], a_is_transposed, gap);
            let b = Operand::new(2, [k, n], b_is_transposed, gap);
            let (stride, factor) = (n + gap, 0.75);
            let before = values(3, m * stride);
            let mut out = before.clone();
            // SAFETY: operands and result are as long as their sizes and strides say, and the processor has bf16.
            unsafe {
                super::product((m, k, n), out.as_mut_ptr(), stride, accumulate, a.raw(), b.raw(), factor, parallel);
            }
            for (index, (found, before)) in out.iter().zip(&before).enumerate() {
                let (row, column) = (index / stride, index % stride);
                if column >= n {
                    assert_eq!(found, before, "between the rows");
                    continue;
                }
                let terms = (0..k).map(|term| f64::from(factor) * a.at(row, term) * b.at(term, column));
                let start = if accumulate { f64::from(*before) } else { 0.0 };
                let (sum, size) = terms.fold((start, start.abs()), |(sum, size), term| (sum + term, size + term.abs()));
                let close = (f64::from(*found) - sum).abs() <= 1e-5 * size;
                assert!(close, "{m}×{k}×{n}, option {option}, element {row}, {column}: {found}, should be {sum}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    if is_skipped() {
        return;
    }
    for (m, k, n) in [(70, 1100, 400), (300, 64, 50), (16, 40, 3500)] {
        let (a, b) = (Operand::new(1, [m, k], false, 0), Operand::new(2, [k, n], true, 0));
        let run = |parallel| {
            let mut out = vec![0f32; m * n];
            // SAFETY: as above.
            unsafe { super::product((m, k, n), out.as_mut_ptr(), n, false, a.raw(), b.raw(), 1.0, parallel) }
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let one = run(false);
        for threads in [1, 2, 3] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(pool.install(|| run(true)) == one, "{m}×{k}×{n}: {threads} threads give other bits than one");
        }
    }
}

#[test]
fn nan_and_infinity_pass_through() {
    if is_skipped() {
        return;
    }
    let (m, k, n) = (8, 5, 20);
    let (mut a, b) = (vec![1f32; m * k], vec![1f32; k * n]);
    (a[0], a[k], a[2 * k], a[3 * k + 4]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX);
    let mut out = vec![0f32; m * n];
    // SAFETY: operands and result are as long as their sizes say.
    unsafe { super::product((m, k, n), out.as_mut_ptr(), n, false, (a.as_ptr(), k, 1), (b.as_ptr(), n, 1), 1.0, false) }
    let rows: Vec<&[f32]> = out.chunks_exact(n).collect();
    assert!(rows[0].iter().all(|value| value.is_nan()));
    assert_eq!(rows[1], [f32::INFINITY; 20]);
    assert_eq!(rows[2], [f32::NEG_INFINITY; 20]);
    // The nearest bf16 to the largest f32 is infinite.
    assert_eq!(rows[3], [f32::INFINITY; 20]);
    assert_eq!(rows[4], [5.0; 20]);
}

/// The one test that changes the setting of the process, which the others do not look at.
#[test]
fn the_setting_rounds_products_of_f32_alone() {
    assert_eq!(matmul_precision(), MatmulPrecision::F32);
    if is_skipped() {
        assert!(matches!(set_matmul_precision(MatmulPrecision::Bf16), Err(Error::Precision)));
        assert_eq!(matmul_precision(), MatmulPrecision::F32);
        return;
    }
    let results = |dtype| -> Vec<Vec<f64>> {
        // Weights are small enough for attention to look at more than one key.
        let variable = |index, scale: f64, shape: &[usize]| {
            let values = Tensor::from_vec(values(index, shape.iter().product()), shape, &Device::Cpu).unwrap();
            Var::from_tensor(&(values.to_dtype(dtype).unwrap() * scale).unwrap()).unwrap().into_inner()
        };
        let (x, w, kernel) =
            (variable(1, 1.0, &[2, 64, 32]), variable(2, 0.25, &[96, 32]), variable(3, 0.25, &[32, 32, 5]));
        let y = conv1d(&x, &kernel, None, Conv1d { padding: 2, ..Conv1d::default() }).unwrap();
        let y = linear(&y.reshape((128, 32)).unwrap(), &w, None).unwrap();
        let options = Attention { heads: 1, key_heads: 1, causal: false, dropout: None };
        let y = self_attention(&y, &Spans::even(2, 64).unwrap(), &options).unwrap();
        let words = variable(4, 1.0, &[40, 32]);
        let targets: Vec<u32> = (0..128).map(|row| row % 40).collect();
        let loss = linear_cross_entropy(&y, &words, &targets, None).unwrap();
        let gradients = backward(&loss).unwrap();
        let all = [&x, &w, &kernel, &words].map(|variable| gradients.get(variable).unwrap().clone());
        let numbers = |tensor: &Tensor| tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        all.iter().chain([&loss]).map(numbers).collect()
    };
    let [f32s, f64s] = [DType::F32, DType::F64].map(results);
    set_matmul_precision(MatmulPrecision::Bf16).unwrap();
    let rounded = results(DType::F32);
    let unrounded = results(DType::F64);
    set_matmul_precision(MatmulPrecision::F32).unwrap();
    assert_eq!(unrounded, f64s);
    assert_eq!(results(DType::F32), f32s);
    for (index, (rounded, exact)) in rounded.iter().zip(&f32s).enumerate() {
        let norm = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>().sqrt();
        let difference: Vec<f64> = rounded.iter().zip(exact).map(|(rounded, exact)| rounded - exact).collect();
        let off = norm(&difference) / norm(exact);
        // A value is off by 2⁻⁹ at most; that of a chain of products by a few times as much.
        assert!(off > 1e-7 && off < 8.0 / 512.0, "result {index} is off by {off:.1e}");
    }
}
