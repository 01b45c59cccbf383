//! Cells of vectors that lie together, so that a search looks into few of them.

use einthoven_random::Streams;
use rand::seq::index::sample;
use rayon::prelude::*;

use super::vectors::dot;

/// Vectors for each cell, on average.
const PER_CELL: usize = 512;
/// Vectors for each cell that its centre is learnt from.
const SAMPLE_PER_CELL: usize = 32;
/// Rounds of k-means: the centres only have to be near.
const ROUNDS: usize = 6;
/// The part of the cells that a search looks into, and the least number of them.
const PROBED: (usize, usize) = (64, 24);
/// Vectors that are compared with the centres at once. It is fixed, so that the sums do not depend on the number of threads.
const BLOCK: usize = 256;

/// An inverted file (Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", 2011) with whole vectors.
#[derive(Debug, PartialEq)]
pub(super) struct Cells {
    dimension: usize,
    /// The cells' centres, of length one.
    centres: Vec<f32>,
    /// The cell of each vector.
    cell_of: Vec<u32>,
    /// The vectors of each cell.
    members: Vec<Vec<u32>>,
}

impl Cells {
    /// The cells of vectors of length one, found by spherical k-means on a sample.
    pub fn new(dimension: usize, values: &[f32]) -> Self {
        let count = values.len() / dimension;
        let cells = (count / PER_CELL).max(1);
        let row = |index: usize| &values[index * dimension..(index + 1) * dimension];
        let mut stream = Streams::new(0).stream("cells", &[count as u64]);
        let mut chosen = sample(&mut stream, count, (cells * SAMPLE_PER_CELL).min(count)).into_vec();
        let first: Vec<usize> = chosen.iter().copied().take(cells).collect();
        let mut centres: Vec<f32> = first.iter().flat_map(|&index| row(index)).copied().collect();
        chosen.sort_unstable();
        let sampled: Vec<f32> = chosen.iter().flat_map(|&index| row(index)).copied().collect();
        for _ in 0..ROUNDS {
            let nearest = nearest_centres(dimension, &sampled, &centres);
            recentre(dimension, &sampled, &nearest, &mut centres);
        }
        let cell_of = nearest_centres(dimension, values, &centres);
        Self::from_parts(dimension, centres, cell_of)
    }

    /// Cells as they were saved.
    pub fn from_parts(dimension: usize, centres: Vec<f32>, cell_of: Vec<u32>) -> Self {
        let mut members = vec![Vec::new(); centres.len() / dimension];
        for (index, &cell) in cell_of.iter().enumerate() {
            members[cell as usize].push(index as u32);
        }
        Self { dimension, centres, cell_of, members }
    }

    pub fn centres(&self) -> &[f32] {
        &self.centres
    }

    pub fn cell_of(&self) -> &[u32] {
        &self.cell_of
    }

    /// The vectors of the cells nearest to a query.
    pub fn near(&self, query: &[f32]) -> Vec<u32> {
        let mut cells: Vec<(f32, usize)> =
            self.centres.chunks_exact(self.dimension).map(|centre| dot(query, centre)).zip(0..).collect();
        let probed = (cells.len() / PROBED.0).max(PROBED.1).min(cells.len());
        cells.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        cells[..probed].iter().flat_map(|&(_, cell)| self.members[cell].iter().copied()).collect()
    }
}

/// The nearest centre of each vector; of equals, the first.
fn nearest_centres(dimension: usize, values: &[f32], centres: &[f32]) -> Vec<u32> {
    let cells = centres.len() / dimension;
    let blocks = values.par_chunks(BLOCK * dimension);
    let nearest = blocks.flat_map_iter(|block| {
        let products = products(dimension, block, centres);
        let best =
            |row: &[f32]| (0..cells).fold(0, |best, cell| if row[cell] > row[best] { cell } else { best }) as u32;
        products.chunks_exact(cells).map(best).collect::<Vec<_>>()
    });
    nearest.collect()
}

/// The products of each vector with each centre, `[vectors, centres]`.
fn products(dimension: usize, values: &[f32], centres: &[f32]) -> Vec<f32> {
    let (rows, columns) = (values.len() / dimension, centres.len() / dimension);
    let mut products = vec![0.0f32; rows * columns];
    // SAFETY: the three matrices lie in their slices with these strides, and the result in no other.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            dimension,
            products.as_mut_ptr(),
            1,
            columns as isize,
            false,
            values.as_ptr(),
            1,
            dimension as isize,
            centres.as_ptr(),
            dimension as isize,
            1,
            0.0f32,
            1.0f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
    products
}

/// Moves each centre to the middle of its vectors; one without vectors stays.
fn recentre(dimension: usize, values: &[f32], nearest: &[u32], centres: &mut [f32]) {
    let mut sums = vec![0.0f32; centres.len()];
    for (vector, &cell) in values.chunks_exact(dimension).zip(nearest) {
        let sum = &mut sums[cell as usize * dimension..][..dimension];
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
    }
    for (centre, sum) in centres.chunks_exact_mut(dimension).zip(sums.chunks_exact(dimension)) {
        let length = dot(sum, sum).sqrt();
        if length > 0.0 {
            centre.iter_mut().zip(sum).for_each(|(centre, sum)| *centre = sum / length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn every_vector_is_in_the_cell_of_its_nearest_centre() {
        let mut stream = Streams::new(1).stream("test", &[]);
        let values: Vec<f32> = (0..2000 * 8).map(|_| stream.random_range(-1.0..1.0)).collect();
        let cells = Cells::new(8, &values);
        assert_eq!(cells.members.len(), 3);
        for (index, vector) in values.chunks_exact(8).enumerate() {
            let near = |cell: u32| dot(vector, &cells.centres[cell as usize * 8..][..8]);
            let own = near(cells.cell_of[index]);
            assert!((0..3).all(|cell| near(cell) <= own + 1e-5));
            assert!(cells.members[cells.cell_of[index] as usize].contains(&(index as u32)));
        }
    }
}
