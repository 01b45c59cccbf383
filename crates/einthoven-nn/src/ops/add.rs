use candle_core::Tensor;

use super::{require, require_operands};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const OP: &str = "add";

/// Elements per task.
const CHUNK: usize = 1 << 14;

/// The sum of tensors of one shape, as of a residual connection. Every gradient is that of the result, and none is copied.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when there is no tensor, the shapes differ, a tensor is empty or more than three of them
/// are results of operations.
pub fn add(terms: &[&Tensor]) -> Result<Tensor> {
    require(OP, !terms.is_empty(), || "nothing to add".to_owned())?;
    require_operands(OP, terms)?;
    require(OP, terms.iter().all(|term| term.dims() == terms[0].dims()), || {
        let shapes: Vec<_> = terms.iter().map(|term| term.dims()).collect();
        format!("shapes {shapes:?} differ")
    })?;
    with_element_type!(OP, terms[0].dtype(), T => run::<T>(terms))
}

fn run<T: Real>(terms: &[&Tensor]) -> Result<Tensor> {
    let dense = terms.iter().map(|term| dense(term)).collect::<Result<Vec<_>>>()?;
    let views = dense.iter().map(|term| view::<T>(OP, term)).collect::<Result<Vec<_>>>()?;
    let values: Vec<&[T]> = views.iter().map(|view| &**view).collect();
    let sum = parallel::fill(
        terms[0].elem_count(),
        CHUNK,
        #[inline(always)]
        |start, sum: &mut [T]| {
            for values in &values {
                for (sum, value) in sum.iter_mut().zip(&values[start..]) {
                    *sum += *value;
                }
            }
        },
    );
    record(OP, T::storage(sum), terms[0].shape(), terms, |gradient, wanted| {
        Ok(wanted.iter().map(|wanted| wanted.then(|| gradient.clone())).collect())
    })
}
