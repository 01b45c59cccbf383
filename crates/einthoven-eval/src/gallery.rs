//! Stored embeddings, and the search for those nearest to a text or a recording.

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::embeddings::{Embeddings, dot};
use crate::error::{Error, Result, same_length};

/// Rows that are searched at a time, whatever the number of threads.
const BLOCK: usize = 4096;
/// The largest magnitude of a code.
const CODES: f32 = 127.0;
/// What a computation in single precision may be off, relative to numbers near one.
const ROUNDING: f32 = 1e-5;

/// Stored embeddings that are searched as often as one likes.
///
/// A search through a million embeddings takes as long as it takes to read them. So each is kept a second time in a quarter of the bytes, as
/// one scale and a code of eight bits for each number, and a search reads these. How far a product with the codes may be from the true
/// one is known for each row (Cauchy and Schwarz); only rows that can be among the nearest by that are compared as they are. What is
/// found is therefore exactly what comparing all of them would find, on any number of threads.
#[derive(Clone, Debug)]
pub struct Gallery {
    embeddings: Embeddings,
    /// `[rows, width]`.
    codes: Vec<i8>,
    rows: Vec<RowCode>,
}

/// How a row's codes are meant.
#[derive(Clone, Copy, Debug)]
struct RowCode {
    scale: f32,
    /// The length of what the codes leave out.
    left_out: f32,
    /// The length of what they stand for.
    length: f32,
}

/// A stored embedding that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Its row.
    pub row: usize,
    /// Its dot product with the query: the cosine, where both are of length one.
    pub cosine: f64,
}

impl Gallery {
    /// Embeddings to be searched.
    ///
    /// # Errors
    /// [`Error::NotFinite`] names a row with a number that is none.
    pub fn new(embeddings: Embeddings) -> Result<Self> {
        let width = embeddings.width().max(1);
        let mut codes = vec![0; embeddings.data().len()];
        let rows = embeddings.data().par_chunks(width).zip(codes.par_chunks_mut(width)).enumerate();
        let rows = rows.map(|(row, (values, codes))| encode(values, codes).ok_or(Error::NotFinite { row }));
        let rows = rows.collect::<Result<_>>()?;
        Ok(Self { embeddings, codes, rows })
    }

    /// The embeddings.
    pub fn embeddings(&self) -> &Embeddings {
        &self.embeddings
    }

    /// The `count` embeddings nearest to `query`, nearest first; of equals, the earlier.
    ///
    /// # Errors
    /// [`Error::Length`] if the query is of another width, [`Error::NotFinite`] if it holds a number that is none.
    pub fn nearest(&self, query: &[f32], count: usize) -> Result<Vec<Found>> {
        same_length("width of the query's embedding", self.embeddings.width(), query.len())?;
        let query_code = QueryCode::new(query).ok_or(Error::NotFinite { row: 0 })?;
        if count == 0 || query.is_empty() {
            return Ok(Vec::new());
        }
        let blocks: Vec<Block> = (0..self.rows.len().div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| self.search_block(block * BLOCK, &query_code, count))
            .collect();
        // The product that `count` rows reach for certain.
        let mut certain: Vec<f32> = blocks.iter().flat_map(|block| &block.lowest).copied().collect();
        let reached = nth_largest(&mut certain, count);
        let may_reach = blocks.iter().enumerate().flat_map(|(block, found)| {
            let rows = found.highest.iter().enumerate().filter(|(_, highest)| **highest >= reached);
            rows.map(move |(row, _)| block * BLOCK + row)
        });
        let candidates: Vec<usize> = may_reach.collect();
        let mut found: Vec<Found> = candidates
            .into_par_iter()
            .with_min_len(256)
            .map(|row| Found { row, cosine: dot(self.embeddings.row(row), query) })
            .collect();
        let order = |a: &Found, b: &Found| b.cosine.total_cmp(&a.cosine).then(a.row.cmp(&b.row));
        if count < found.len() {
            found.select_nth_unstable_by(count, order);
            found.truncate(count);
        }
        found.sort_by(order);
        Ok(found)
    }

    fn search_block(&self, start: usize, query: &QueryCode, count: usize) -> Block {
        let width = self.embeddings.width();
        let rows = &self.rows[start..self.rows.len().min(start + BLOCK)];
        let codes = &self.codes[start * width..(start + rows.len()) * width];
        let mut products = vec![0; rows.len()];
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (product, codes) in products.iter_mut().zip(codes.chunks_exact(width)) {
                    *product = product_of_codes(codes, &query.codes);
                }
            },
        );
        let mut highest = Vec::with_capacity(rows.len());
        let mut lowest = Vec::with_capacity(rows.len());
        for (row, product) in rows.iter().zip(products) {
            let about = row.scale * query.scale * product as f32;
            let off = row.left_out * query.length + row.length * query.left_out;
            let off = off + ROUNDING * (1.0 + row.length) * (1.0 + query.length);
            highest.push(about + off);
            lowest.push(about - off);
        }
        let reached = nth_largest(&mut lowest.clone(), count);
        lowest.retain(|lowest| *lowest >= reached);
        Block { highest, lowest }
    }
}

/// What is known of a block's products with the query.
struct Block {
    /// What the product with each row is at most.
    highest: Vec<f32>,
    /// What the products with the best rows are at least.
    lowest: Vec<f32>,
}

/// A query of up to 16 bits a number, so that no sum of products overflows.
struct QueryCode {
    codes: Vec<i16>,
    scale: f32,
    left_out: f32,
    length: f32,
}

impl QueryCode {
    fn new(query: &[f32]) -> Option<Self> {
        let most = (i32::MAX as f32 / CODES / query.len().max(1) as f32).min(f32::from(i16::MAX)).floor() * 0.99;
        let (scale, [left_out, length]) = scale(query, most)?;
        let codes = query.iter().map(|value| (value / scale).round() as i16).collect();
        Some(Self { codes, scale, left_out, length })
    }
}

/// Fills in a row's codes; none if a number is not finite.
fn encode(values: &[f32], codes: &mut [i8]) -> Option<RowCode> {
    let (scale, [left_out, length]) = scale(values, CODES)?;
    for (code, value) in codes.iter_mut().zip(values) {
        *code = (value / scale).round() as i8;
    }
    Some(RowCode { scale, left_out, length })
}

/// What a code of one stands for when the largest is `most`, and the lengths of what codes leave out and of what they stand for.
fn scale(values: &[f32], most: f32) -> Option<(f32, [f32; 2])> {
    let largest = values.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    if !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let scale = if largest > 0.0 { (largest / most).max(f32::MIN_POSITIVE) } else { 1.0 };
    let (mut left_out, mut kept) = (0.0, 0.0);
    for value in values {
        let meant = f64::from((value / scale).round() * scale);
        left_out += (f64::from(*value) - meant).powi(2);
        kept += meant.powi(2);
    }
    Some((scale, [left_out.sqrt() as f32, kept.sqrt() as f32]))
}

/// The sum of the products, exactly.
#[inline(always)]
fn product_of_codes(row: &[i8], query: &[i16]) -> i32 {
    row.iter().zip(query).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

/// The `n`th largest value, the smallest if there are fewer.
fn nth_largest(values: &mut [f32], n: usize) -> f32 {
    let order = |a: &f32, b: &f32| -> Ordering { b.total_cmp(a) };
    match values.len().checked_sub(1) {
        None => f32::NEG_INFINITY,
        Some(last) => *values.select_nth_unstable_by(last.min(n - 1), order).1,
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    fn random(rows: usize, width: usize, seed: u64) -> Vec<f32> {
        let mut stream = einthoven_random::Streams::new(seed).stream("gallery", &[]);
        (0..rows * width).map(|_| stream.random_range(-1.0..1.0)).collect()
    }

    fn of_all(embeddings: &Embeddings, query: &[f32], count: usize) -> Vec<Found> {
        let products = embeddings.cosines_with(query).into_iter().enumerate();
        let mut all: Vec<Found> = products.map(|(row, cosine)| Found { row, cosine }).collect();
        all.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.row.cmp(&b.row)));
        all.truncate(count);
        all
    }

    #[test]
    fn what_is_found_is_what_comparing_all_finds() {
        for (rows, width) in [(1, 1), (7, 3), (10_000, 17), (9000, 64), (4097, 768)] {
            let mut data = random(rows, width, 1);
            // Rows that are all but equal, equal, large, small and zero.
            for row in (0..rows).step_by(3).skip(1) {
                let (before, rest) = data.split_at_mut(row * width);
                rest[..width].copy_from_slice(&before[..width]);
                rest[0] += (row % 5) as f32 * 1e-6;
            }
            data[(rows / 2) * width..][..width].iter_mut().for_each(|value| *value *= 1e4);
            data[(rows / 3) * width..][..width].iter_mut().for_each(|value| *value *= 1e-6);
            data[(rows - 1) * width..].fill(0.0);
            let gallery = Gallery::new(Embeddings::new(rows, width, data).unwrap()).unwrap();
            for seed in 2..6 {
                let query = random(1, width, seed);
                for count in [0, 1, 10, 5000] {
                    let expected = of_all(gallery.embeddings(), &query, count);
                    assert_eq!(gallery.nearest(&query, count).unwrap(), expected, "{rows} x {width}, {count}");
                }
            }
            let zero = vec![0.0; width];
            assert_eq!(gallery.nearest(&zero, 3).unwrap(), of_all(gallery.embeddings(), &zero, 3));
        }
    }

    #[test]
    fn few_rows_are_compared_as_they_are() {
        let (rows, width) = (50_000, 128);
        let gallery = Gallery::new(Embeddings::new(rows, width, random(rows, width, 1)).unwrap()).unwrap();
        let code = QueryCode::new(&random(1, width, 2)).unwrap();
        let blocks: Vec<Block> =
            (0..rows.div_ceil(BLOCK)).map(|block| gallery.search_block(block * BLOCK, &code, 10)).collect();
        let mut certain: Vec<f32> = blocks.iter().flat_map(|block| &block.lowest).copied().collect();
        let reached = nth_largest(&mut certain, 10);
        let candidates = blocks.iter().flat_map(|block| &block.highest).filter(|highest| **highest >= reached);
        let candidates = candidates.count();
        assert!(candidates < rows / 100, "{candidates}");
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let broken = Embeddings::new(2, 2, vec![0.0, 1.0, f32::NAN, 0.0]).unwrap();
        assert!(matches!(Gallery::new(broken), Err(Error::NotFinite { row: 1 })));
        let gallery = Gallery::new(Embeddings::new(1, 2, vec![0.0, 1.0]).unwrap()).unwrap();
        assert!(gallery.nearest(&[1.0], 1).is_err());
        assert!(gallery.nearest(&[1.0, f32::INFINITY], 1).is_err());
        let none = Gallery::new(Embeddings::new(0, 2, vec![]).unwrap()).unwrap();
        assert!(none.nearest(&[1.0, 0.0], 3).unwrap().is_empty());
    }
}
