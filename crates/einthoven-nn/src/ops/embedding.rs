use candle_core::Tensor;

use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const OP: &str = "embedding";

/// Rows of the table `w` `[v, d]` chosen by `ids`, as `[shape.., d]`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when there are no ids, an id is not below `v` or `shape` does not hold `ids`.
pub fn embedding(w: &Tensor, ids: &[u32], shape: &[usize]) -> Result<Tensor> {
    require_operands(OP, &[w])?;
    let fits = w.rank() == 2 && !ids.is_empty() && shape.iter().product::<usize>() == ids.len();
    require(OP, fits, || format!("table {:?}, {} ids and shape {shape:?} do not fit", w.dims(), ids.len()))?;
    let count = w.dims()[0];
    if let Some(id) = ids.iter().find(|id| **id as usize >= count) {
        return require(OP, false, || format!("id {id} in a table of {count} rows")).map(|()| w.clone());
    }
    with_element_type!(OP, w.dtype(), T => run::<T>(w, ids, shape))
}

fn run<T: Real>(w: &Tensor, ids: &[u32], shape: &[usize]) -> Result<Tensor> {
    let (count, width) = w.dims2()?;
    let y = {
        let ws = dense(w)?;
        let ws = view::<T>(OP, &ws)?;
        parallel::fill_rows(
            ids.len(),
            width,
            #[inline(always)]
            |row, y: &mut [T]| y.copy_from_slice(&ws[ids[row] as usize * width..][..width]),
        )
    };
    let mut shape = shape.to_vec();
    shape.push(width);
    let ids = ids.to_vec();
    record(OP, T::storage(y), shape, &[w], move |gradient, _| {
        let dy = view::<T>(OP, gradient)?;
        let mut dw = vec![T::ZERO; count * width];
        for (id, dy) in ids.iter().zip(dy.chunks_exact(width)) {
            for (dw, dy) in dw[*id as usize * width..][..width].iter_mut().zip(dy) {
                *dw += *dy;
            }
        }
        Ok(vec![Some(tensor(dw, (count, width))?)])
    })
}
