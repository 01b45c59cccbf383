//! Matrices of quantized weights, and their products with rows of numbers.

use rayon::prelude::*;

use super::blocks::{Form, Zero};
use super::file::Stored;
use super::kernel::{self, TILE, Tile};
use super::maths::vectorised;

/// Columns are filled up with zeros to a multiple of this, and share a scale in rows that are rounded.
pub(super) const GROUP: usize = 32;
/// Rows that are multiplied together: each weight that is read is used as often.
const TOGETHER: usize = 8;
/// Tiles that one task multiplies with few rows.
const TILES: usize = 8;

/// Weights, `[rows, columns]`.
///
/// Sixteen rows lie interleaved, four weights of each in turn, so that one instruction takes sixteen products further.
pub(super) struct Matrix {
    rows: usize,
    columns: usize,
    padded: usize,
    form: Form,
    quants: Vec<u8>,
    scales: Vec<f32>,
    /// Empty unless the form has offsets.
    offsets: Vec<f32>,
}

/// Rows of numbers rounded to 8 bits, each group of [`GROUP`] with a scale.
pub(super) struct Rows {
    rows: usize,
    padded: usize,
    /// Four integers in each.
    words: Vec<i32>,
    scales: Vec<f32>,
    /// Sums of sixteen integers.
    sums: Vec<i32>,
}

impl Matrix {
    /// Brings stored weights into the order in which they are used.
    pub fn new(stored: &Stored<'_>) -> Self {
        let (rows, columns, form) = (stored.rows, stored.columns, stored.kind.form());
        let padded = columns.next_multiple_of(GROUP);
        let (tiles, groups) = (rows.div_ceil(TILE), padded / form.group);
        let bytes = stored.bytes.len() / rows.max(1);
        let per_tile = TILE * padded / if form.halves { 2 } else { 1 };
        let with_offsets = form.zero == Zero::Offsets;
        let mut quants = vec![0u8; tiles * per_tile];
        let mut scales = vec![0.0; tiles * groups * TILE];
        let mut offsets = vec![0.0; if with_offsets { scales.len() } else { 0 }];
        let fill = |tile: usize, quants: &mut [u8], scales: &mut [f32], mut offsets: Option<&mut [f32]>| {
            for lane in 0..TILE.min(rows - tile * TILE) {
                let at = (tile * TILE + lane) * bytes;
                let row = stored.kind.row(&stored.bytes[at..at + bytes]);
                for (column, quant) in row.quants.iter().enumerate() {
                    if form.halves {
                        let (eight, place) = (column / 8, column % 8);
                        quants[(eight * TILE + lane) * 4 + place % 4] |= quant << (4 * (place / 4));
                    } else {
                        quants[(column / 4 * TILE + lane) * 4 + column % 4] = *quant;
                    }
                }
                for (group, scale) in row.scales.iter().enumerate() {
                    scales[group * TILE + lane] = *scale;
                }
                if let Some(offsets) = &mut offsets {
                    for (group, offset) in row.offsets.iter().enumerate() {
                        offsets[group * TILE + lane] = *offset;
                    }
                }
            }
        };
        let parts = quants.par_chunks_mut(per_tile).zip(scales.par_chunks_mut(groups * TILE)).enumerate();
        if with_offsets {
            let parts = parts.zip(offsets.par_chunks_mut(groups * TILE));
            parts.for_each(|((tile, (quants, scales)), offsets)| fill(tile, quants, scales, Some(offsets)));
        } else {
            parts.for_each(|(tile, (quants, scales))| fill(tile, quants, scales, None));
        }
        Self { rows, columns, padded, form, quants, scales, offsets }
    }

    /// The weights of one row.
    pub fn row(&self, row: usize) -> Vec<f32> {
        let (tile, lane) = (self.tile(row / TILE), row % TILE);
        let weight = |column: usize| {
            let quant = if self.form.halves {
                tile.quants[(column / 8 * TILE + lane) * 4 + column % 4] >> (4 * (column % 8 / 4)) & 15
            } else {
                tile.quants[(column / 4 * TILE + lane) * 4 + column % 4]
            };
            let group = column / self.form.group * TILE + lane;
            let scale = tile.scales[group];
            match self.form.zero {
                Zero::At(zero) => scale * (f32::from(quant) - f32::from(zero)),
                Zero::Offsets => scale * f32::from(quant) + tile.offsets[group],
            }
        };
        (0..self.columns).map(weight).collect()
    }

    /// The product with each row of `input`: `[input rows, rows]`.
    ///
    /// Each sum has one order, whatever the threads and however many rows are multiplied together.
    pub fn product(&self, input: &Rows) -> Vec<f32> {
        debug_assert_eq!(self.padded, input.padded);
        if input.rows > TOGETHER { self.product_of_many(input) } else { self.product_of_few(input) }
    }

    /// Threads share the weights.
    fn product_of_few(&self, input: &Rows) -> Vec<f32> {
        let tiles = self.rows.div_ceil(TILE);
        let width = input.rows * TILE;
        let mut parts = vec![0.0; tiles * width];
        parts.par_chunks_mut(TILES * width).enumerate().for_each(|(first, parts)| {
            for (tile, part) in parts.chunks_exact_mut(width).enumerate() {
                kernel::multiply(&self.tile(first * TILES + tile), input, 0..input.rows, part);
            }
        });
        if input.rows == 1 {
            parts.truncate(self.rows);
            return parts;
        }
        let mut product = Vec::with_capacity(input.rows * self.rows);
        for row in 0..input.rows {
            let lanes = parts.chunks_exact(width).flat_map(|part| &part[row * TILE..][..TILE]);
            product.extend(lanes.take(self.rows));
        }
        product
    }

    /// Threads share the rows.
    fn product_of_many(&self, input: &Rows) -> Vec<f32> {
        let share = input.rows.div_ceil(2 * rayon::current_num_threads()).next_multiple_of(TOGETHER);
        let mut product = vec![0.0; input.rows * self.rows];
        product.par_chunks_mut(share * self.rows).enumerate().for_each(|(part, product)| {
            let mut lanes = [0.0; TOGETHER * TILE];
            for tile in 0..self.rows.div_ceil(TILE) {
                let weights = self.tile(tile);
                let used = TILE.min(self.rows - tile * TILE);
                for (chunk, product) in product.chunks_mut(TOGETHER * self.rows).enumerate() {
                    let (first, count) = (part * share + chunk * TOGETHER, product.len() / self.rows);
                    kernel::multiply(&weights, input, first..first + count, &mut lanes);
                    for (row, lanes) in product.chunks_exact_mut(self.rows).zip(lanes.chunks_exact(TILE)) {
                        row[tile * TILE..][..used].copy_from_slice(&lanes[..used]);
                    }
                }
            }
        });
        product
    }

    fn tile(&self, tile: usize) -> Tile<'_> {
        let (quants, scales) =
            (TILE * self.padded / if self.form.halves { 2 } else { 1 }, self.padded / self.form.group * TILE);
        let offsets = if self.offsets.is_empty() { 0 } else { scales };
        Tile {
            form: self.form,
            quants: &self.quants[tile * quants..][..quants],
            scales: &self.scales[tile * scales..][..scales],
            offsets: &self.offsets[tile * offsets..][..offsets],
        }
    }
}

impl Rows {
    /// Rounds rows of `columns` numbers.
    pub fn new(values: &[f32], columns: usize) -> Self {
        let (rows, padded) = (values.len() / columns, columns.next_multiple_of(GROUP));
        let mut words = vec![0; rows * padded / 4];
        let mut scales = vec![0.0; rows * padded / GROUP];
        let mut sums = vec![0; rows * padded / 16];
        let parts = words.par_chunks_mut(padded / 4).zip(scales.par_chunks_mut(padded / GROUP));
        let parts = parts.zip(sums.par_chunks_mut(padded / 16)).zip(values.par_chunks_exact(columns));
        parts.with_min_len(16).for_each(|(((words, scales), sums), values)| {
            vectorised(
                #[inline(always)]
                || round(values, words, scales, sums),
            );
        });
        Self { rows, padded, words, scales, sums }
    }

    /// The integers of a row, four in each.
    pub fn words(&self, row: usize) -> &[i32] {
        &self.words[row * self.padded / 4..][..self.padded / 4]
    }

    pub fn scales(&self, row: usize) -> &[f32] {
        &self.scales[row * self.padded / GROUP..][..self.padded / GROUP]
    }

    pub fn sums(&self, row: usize) -> &[i32] {
        &self.sums[row * self.padded / 16..][..self.padded / 16]
    }
}

#[inline(always)]
fn round(values: &[f32], words: &mut [i32], scales: &mut [f32], sums: &mut [i32]) {
    // Added to a number below 2^22, it leaves the nearest integer in the lowest bits.
    const SHIFT: f32 = 12_582_912.0;
    for (group, values) in values.chunks(GROUP).enumerate() {
        let mut full = [0.0f32; GROUP];
        full[..values.len()].copy_from_slice(values);
        let mut most = [0.0f32; 16];
        for (at, value) in full.iter().enumerate() {
            most[at % 16] = most[at % 16].max(value.abs());
        }
        let most = most.iter().fold(0.0f32, |most, value| most.max(*value));
        let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
        scales[group] = most / 127.0;
        let mut quants = [0u8; GROUP];
        for (quant, value) in quants.iter_mut().zip(&full) {
            *quant = (value * inverse + SHIFT).to_bits() as u8;
        }
        for (at, half) in quants.chunks_exact(16).enumerate() {
            sums[2 * group + at] = half.iter().map(|&quant| i32::from(quant.cast_signed())).sum();
        }
        for (at, four) in quants.chunks_exact(4).enumerate() {
            words[GROUP / 4 * group + at] = i32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        }
    }
}
