//! Embeddings as plain matrices, so that judging needs no network.

use rayon::prelude::*;

use crate::error::{Error, Result, same_length};

/// Embeddings of records or of texts, `[rows, width]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    rows: usize,
    width: usize,
    data: Vec<f32>,
}

impl Embeddings {
    /// Embeddings from row-major `data`.
    pub fn new(rows: usize, width: usize, data: Vec<f32>) -> Result<Self> {
        same_length("numbers in the embeddings", rows * width, data.len())?;
        Ok(Self { rows, width, data })
    }

    /// No embeddings, of no width.
    pub(crate) fn empty() -> Self {
        Self { rows: 0, width: 0, data: Vec::new() }
    }

    /// How many there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many numbers each has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All numbers, row-major.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// One embedding.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.width..(row + 1) * self.width]
    }

    /// The embeddings at `rows`, in that order.
    pub fn select(&self, rows: &[usize]) -> Self {
        let data = rows.iter().flat_map(|&row| self.row(row)).copied().collect();
        Self { rows: rows.len(), width: self.width, data }
    }

    /// The mean of the embeddings, scaled to length one; `None` when it is zero or there are none.
    pub fn centroid(&self) -> Option<Vec<f32>> {
        let mut mean = vec![0.0; self.width];
        for row in 0..self.rows {
            for (sum, &value) in mean.iter_mut().zip(self.row(row)) {
                *sum += f64::from(value);
            }
        }
        let length = mean.iter().map(|value| value * value).sum::<f64>().sqrt();
        (length != 0.0).then(|| mean.iter().map(|value| (value / length) as f32).collect())
    }

    /// Dot products with every row of `others`, `[rows, others.rows]`: cosines, where both are of length one.
    pub fn cosines(&self, others: &Embeddings) -> Result<Vec<f64>> {
        self.same_width(others)?;
        let mut products = vec![0.0; self.rows * others.rows];
        if others.rows > 0 {
            products.par_chunks_mut(others.rows).enumerate().for_each(|(row, products)| {
                products.copy_from_slice(&others.cosines_with(self.row(row)));
            });
        }
        Ok(products)
    }

    /// Dot products of every row with one embedding of the same width.
    pub(crate) fn cosines_with(&self, other: &[f32]) -> Vec<f64> {
        (0..self.rows).map(|row| dot(self.row(row), other)).collect()
    }

    pub(crate) fn same_width(&self, others: &Embeddings) -> Result<()> {
        if self.width == others.width {
            Ok(())
        } else {
            Err(Error::Length { what: "width of the embeddings", expected: self.width, found: others.width })
        }
    }
}

/// A dot product in `f64`, in eight interleaved sums of fixed order.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0; 8];
    let (chunks_a, chunks_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = chunks_a.remainder().iter().zip(chunks_b.remainder());
    for (a, b) in chunks_a.zip(chunks_b) {
        for lane in 0..8 {
            sums[lane] += f64::from(a[lane]) * f64::from(b[lane]);
        }
    }
    sums.iter().sum::<f64>() + rest.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_are_dot_products_of_rows() {
        let width = 11;
        let values = |offset: f32| (0..3 * width).map(|i| (i as f32 + offset).sin()).collect();
        let a = Embeddings::new(3, width, values(0.0)).unwrap();
        let b = Embeddings::new(3, width, values(5.0)).unwrap();
        let cosines = a.cosines(&b).unwrap();
        for (index, cosine) in cosines.iter().enumerate() {
            let pairs = a.row(index / 3).iter().zip(b.row(index % 3));
            let naive: f64 = pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            assert!((cosine - naive).abs() < 1e-12);
        }
        assert!(a.cosines(&Embeddings::new(1, 2, vec![0.0; 2]).unwrap()).is_err());
        assert!(Embeddings::new(2, 2, vec![0.0; 3]).is_err());
    }

    #[test]
    fn a_centroid_has_length_one() {
        let two = Embeddings::new(2, 2, vec![1.0, 0.0, 0.0, 1.0]).unwrap();
        let half = 0.5f32.sqrt();
        assert_eq!(two.centroid().unwrap(), [half, half]);
        assert_eq!(Embeddings::new(2, 1, vec![1.0, -1.0]).unwrap().centroid(), None);
        assert_eq!(Embeddings::new(0, 2, vec![]).unwrap().centroid(), None);
        assert_eq!(two.select(&[1]).row(0), [0.0, 1.0]);
    }
}
