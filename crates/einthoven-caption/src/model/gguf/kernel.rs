//! The innermost loop: sixteen rows of weights times a few rows of numbers.
//!
//! A body for AVX-512 VNNI, one for AVX2 and one for every machine. Products of integers are exact, and the sums over groups
//! are taken in one order without fused operations, so that all give the same bits.

use std::ops::Range;

use super::blocks::{Form, Zero};
use super::matrix::Rows;

/// Rows of weights that lie interleaved.
pub(super) const TILE: usize = 16;

/// Sixteen rows of weights.
pub(super) struct Tile<'a> {
    pub form: Form,
    /// Four integers of each row in turn; where two share a byte, the next four are in the upper halves.
    pub quants: &'a [u8],
    /// For each group, the scales of the sixteen rows.
    pub scales: &'a [f32],
    /// Likewise the offsets; empty where zero is an integer.
    pub offsets: &'a [f32],
}

/// The rows that are multiplied.
struct Inputs<'a, const M: usize> {
    words: [&'a [i32]; M],
    scales: [&'a [f32]; M],
    sums: [&'a [i32]; M],
}

/// Multiplies the tile with `rows` of `input`: `[rows, 16]`.
pub(super) fn multiply(tile: &Tile<'_>, input: &Rows, rows: Range<usize>, product: &mut [f32]) {
    let mut at = rows.start;
    while at < rows.end {
        let product = &mut product[(at - rows.start) * TILE..];
        at += match rows.end - at {
            8.. => several::<8>(tile, input, at, product),
            4.. => several::<4>(tile, input, at, product),
            2.. => several::<2>(tile, input, at, product),
            _ => several::<1>(tile, input, at, product),
        };
    }
}

fn several<const M: usize>(tile: &Tile<'_>, input: &Rows, first: usize, product: &mut [f32]) -> usize {
    let inputs = Inputs::<M> {
        words: std::array::from_fn(|row| input.words(first + row)),
        scales: std::array::from_fn(|row| input.scales(first + row)),
        sums: std::array::from_fn(|row| input.sums(first + row)),
    };
    let (lanes, _) = product[..M * TILE].as_chunks_mut::<TILE>();
    match (tile.form.halves, tile.form.group) {
        (true, _) => on_this_machine::<M, 8, true>(tile, &inputs, lanes),
        (false, 16) => on_this_machine::<M, 4, false>(tile, &inputs, lanes),
        (false, _) => on_this_machine::<M, 8, false>(tile, &inputs, lanes),
    }
    M
}

/// `W` words of four integers make a group; `HALVES` if two integers share a byte.
fn on_this_machine<const M: usize, const W: usize, const HALVES: bool>(
    tile: &Tile<'_>,
    inputs: &Inputs<'_, M>,
    lanes: &mut [[f32; TILE]],
) {
    #[cfg(target_arch = "x86_64")]
    {
        if x86::has_vnni() {
            // SAFETY: the machine has the instructions.
            return unsafe { x86::vnni::<M, W, HALVES>(tile, inputs, lanes) };
        }
        if x86::has_avx2() {
            // SAFETY: the machine has the instructions.
            return unsafe { x86::avx2::<M, W, HALVES>(tile, inputs, lanes) };
        }
    }
    anywhere::<M, W, HALVES>(tile, inputs, lanes);
}

impl Tile<'_> {
    fn zero(&self) -> i32 {
        match self.form.zero {
            Zero::At(zero) => zero.into(),
            Zero::Offsets => 0,
        }
    }
}

impl<const M: usize> Inputs<'_, M> {
    /// The sum of a group's integers.
    #[inline(always)]
    fn sum<const W: usize>(&self, row: usize, group: usize) -> i32 {
        self.sums[row][group * W / 4..][..W / 4].iter().sum()
    }

    #[inline(always)]
    fn scale<const W: usize>(&self, row: usize, group: usize) -> f32 {
        self.scales[row][group * W / 8]
    }
}

/// For every machine.
fn anywhere<const M: usize, const W: usize, const HALVES: bool>(
    tile: &Tile<'_>,
    inputs: &Inputs<'_, M>,
    lanes: &mut [[f32; TILE]],
) {
    let (words, _) = tile.quants.as_chunks::<{ 4 * TILE }>();
    for (row, lanes) in lanes.iter_mut().enumerate() {
        *lanes = [0.0; TILE];
        for group in 0..tile.scales.len() / TILE {
            let sum = inputs.sum::<W>(row, group);
            let mut sums = [-tile.zero() * sum; TILE];
            for word in 0..W {
                let numbers = inputs.words[row][group * W + word].to_le_bytes();
                let (weights, shift) = if HALVES {
                    (&words[(group * W + word) / 2], 4 * (word % 2))
                } else {
                    (&words[group * W + word], 0)
                };
                let mask = if HALVES { 15 } else { 255 };
                for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<4>().0) {
                    for (weight, number) in weights.iter().zip(numbers) {
                        *sum += i32::from(weight >> shift & mask) * i32::from(number.cast_signed());
                    }
                }
            }
            let scale = inputs.scale::<W>(row, group);
            for (lane, value) in lanes.iter_mut().enumerate() {
                *value += sums[lane] as f32 * (tile.scales[group * TILE + lane] * scale);
                if !tile.offsets.is_empty() {
                    *value += tile.offsets[group * TILE + lane] * (scale * sum as f32);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Inputs, TILE, Tile};

    /// The bytes of a word of each row.
    type Word = [u8; 4 * TILE];

    pub fn has_vnni() -> bool {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni")
    }

    pub fn has_avx2() -> bool {
        is_x86_feature_detected!("avx2")
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn load(word: &Word) -> __m512i {
        // SAFETY: 64 bytes, wherever they lie.
        unsafe { _mm512_loadu_si512(word.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx512f")]
    fn load_numbers(numbers: &[f32; TILE]) -> __m512 {
        // SAFETY: sixteen numbers, wherever they lie.
        unsafe { _mm512_loadu_ps(numbers.as_ptr()) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub fn vnni<const M: usize, const W: usize, const HALVES: bool>(
        tile: &Tile<'_>,
        inputs: &Inputs<'_, M>,
        lanes: &mut [[f32; TILE]],
    ) {
        let (words, _) = tile.quants.as_chunks::<{ 4 * TILE }>();
        let (scales, _) = tile.scales.as_chunks::<TILE>();
        let (offsets, _) = tile.offsets.as_chunks::<TILE>();
        let low = _mm512_set1_epi8(15);
        let zero = tile.zero();
        let per_group = if HALVES { W / 2 } else { W };
        let mut totals = [_mm512_setzero_ps(); M];
        for (group, (scale, words)) in scales.iter().zip(words.chunks_exact(per_group)).enumerate() {
            let integers: [&[i32]; M] = std::array::from_fn(|row| &inputs.words[row][group * W..][..W]);
            let mut sums: [__m512i; M] =
                std::array::from_fn(|row| _mm512_set1_epi32(-zero * inputs.sum::<W>(row, group)));
            for (at, word) in words.iter().enumerate() {
                let weights = load(word);
                if HALVES {
                    let (first, second) =
                        (_mm512_and_si512(weights, low), _mm512_and_si512(_mm512_srli_epi16::<4>(weights), low));
                    for row in 0..M {
                        sums[row] = _mm512_dpbusd_epi32(sums[row], first, _mm512_set1_epi32(integers[row][2 * at]));
                        sums[row] =
                            _mm512_dpbusd_epi32(sums[row], second, _mm512_set1_epi32(integers[row][2 * at + 1]));
                    }
                } else {
                    for row in 0..M {
                        sums[row] = _mm512_dpbusd_epi32(sums[row], weights, _mm512_set1_epi32(integers[row][at]));
                    }
                }
            }
            let scale = load_numbers(scale);
            for row in 0..M {
                let own = inputs.scale::<W>(row, group);
                let both = _mm512_mul_ps(scale, _mm512_set1_ps(own));
                totals[row] = _mm512_add_ps(totals[row], _mm512_mul_ps(_mm512_cvtepi32_ps(sums[row]), both));
                if let Some(offset) = offsets.get(group) {
                    let sum = _mm512_set1_ps(own * inputs.sum::<W>(row, group) as f32);
                    totals[row] = _mm512_add_ps(totals[row], _mm512_mul_ps(load_numbers(offset), sum));
                }
            }
        }
        for (lanes, total) in lanes.iter_mut().zip(totals) {
            // SAFETY: sixteen numbers, wherever they lie.
            unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), total) };
        }
    }

    /// Half the rows of a tile at a time.
    #[target_feature(enable = "avx2")]
    pub fn avx2<const M: usize, const W: usize, const HALVES: bool>(
        tile: &Tile<'_>,
        inputs: &Inputs<'_, M>,
        lanes: &mut [[f32; TILE]],
    ) {
        let (words, _) = tile.quants.as_chunks::<32>();
        let (scales, _) = tile.scales.as_chunks::<8>();
        let (offsets, _) = tile.offsets.as_chunks::<8>();
        let low = _mm256_set1_epi8(15);
        let zero = tile.zero();
        let bytes = zero == 128;
        // SAFETY: 32 bytes or eight numbers, wherever they lie.
        let load = |word: &[u8; 32]| unsafe { _mm256_loadu_si256(word.as_ptr().cast()) };
        let load_numbers = |numbers: &[f32; 8]| unsafe { _mm256_loadu_ps(numbers.as_ptr()) };
        for half in 0..2 {
            let mut totals = [_mm256_setzero_ps(); M];
            for group in 0..scales.len() / 2 {
                let mut sums: [__m256i; M] = if bytes {
                    [_mm256_setzero_si256(); M]
                } else {
                    std::array::from_fn(|row| _mm256_set1_epi32(-zero * inputs.sum::<W>(row, group)))
                };
                for word in 0..W {
                    let weights = if HALVES {
                        let both = load(&words[(group * W + word) / 2 * 2 + half]);
                        _mm256_and_si256(if word % 2 == 0 { both } else { _mm256_srli_epi16::<4>(both) }, low)
                    } else {
                        load(&words[(group * W + word) * 2 + half])
                    };
                    for (sum, words) in sums.iter_mut().zip(inputs.words) {
                        let numbers = _mm256_set1_epi32(words[group * W + word]);
                        let pairs = if bytes {
                            // Products of whole bytes would not fit in pairs, those of magnitudes up to 128 do.
                            let signed = _mm256_xor_si256(weights, _mm256_set1_epi8(-128));
                            _mm256_maddubs_epi16(_mm256_abs_epi8(signed), _mm256_sign_epi8(numbers, signed))
                        } else {
                            _mm256_maddubs_epi16(weights, numbers)
                        };
                        let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
                        *sum = _mm256_add_epi32(*sum, fours);
                    }
                }
                let scale = load_numbers(&scales[group * 2 + half]);
                for row in 0..M {
                    let own = inputs.scale::<W>(row, group);
                    let both = _mm256_mul_ps(scale, _mm256_set1_ps(own));
                    totals[row] = _mm256_add_ps(totals[row], _mm256_mul_ps(_mm256_cvtepi32_ps(sums[row]), both));
                    if let Some(offset) = offsets.get(group * 2 + half) {
                        let sum = _mm256_set1_ps(own * inputs.sum::<W>(row, group) as f32);
                        totals[row] = _mm256_add_ps(totals[row], _mm256_mul_ps(load_numbers(offset), sum));
                    }
                }
            }
            for (lanes, total) in lanes.iter_mut().zip(totals) {
                // SAFETY: eight numbers, wherever they lie.
                unsafe { _mm256_storeu_ps(lanes[8 * half..].as_mut_ptr(), total) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use einthoven_random::Streams;
    use rand::RngExt;

    use super::*;

    /// The product of random weights and rows by each body that the machine has, after those in 64-bit numbers.
    fn check<const W: usize, const HALVES: bool>(group: usize, zero: Zero) {
        const M: usize = 4;
        const COLUMNS: usize = 96;
        let mut stream = Streams::new(0).stream("kernel", &[group as u64]);
        let mut number = || stream.random_range(-1.0f32..1.0);
        let groups = COLUMNS / group;
        let scales: Vec<f32> = (0..groups * TILE).map(|_| number()).collect();
        let offsets: Vec<f32> = (0..if zero == Zero::Offsets { groups * TILE } else { 0 }).map(|_| number()).collect();
        let rows: Vec<f32> = (0..M * COLUMNS).map(|_| number()).collect();
        let input = Rows::new(&rows, COLUMNS);
        // The ends of the range, where sums of products are greatest, among all.
        let most = if HALVES || zero == Zero::At(128) { 255 } else { 31 };
        let bytes = COLUMNS * TILE / if HALVES { 2 } else { 1 };
        let quants: Vec<u8> =
            (0..bytes).map(|at| if at % 3 == 0 { [0, most][at % 2] } else { (at * 89) as u8 & most }).collect();
        let tile =
            Tile { form: Form { group, halves: HALVES, zero }, quants: &quants, scales: &scales, offsets: &offsets };
        let quant = |lane: usize, column: usize| {
            if HALVES {
                quants[(column / 8 * TILE + lane) * 4 + column % 4] >> (4 * (column / 4 % 2)) & 15
            } else {
                quants[(column / 4 * TILE + lane) * 4 + column % 4]
            }
        };
        let inputs = Inputs::<M> {
            words: std::array::from_fn(|row| input.words(row)),
            scales: std::array::from_fn(|row| input.scales(row)),
            sums: std::array::from_fn(|row| input.sums(row)),
        };
        let mut found = [[0.0; TILE]; M];
        anywhere::<M, W, HALVES>(&tile, &inputs, &mut found);
        for (row, lanes) in found.iter().enumerate() {
            for (lane, found) in lanes.iter().enumerate() {
                let product = |column: usize| {
                    let at = column / group * TILE + lane;
                    let offset = offsets.get(at).copied().unwrap_or(-scales[at] * tile.zero() as f32);
                    let weight = f64::from(scales[at]) * f64::from(quant(lane, column)) + f64::from(offset);
                    let number = input.words(row)[column / 4].to_le_bytes()[column % 4].cast_signed();
                    weight * f64::from(number) * f64::from(input.scales(row)[column / 32])
                };
                let right: f64 = (0..COLUMNS).map(product).sum();
                assert!((f64::from(*found) - right).abs() < 1e-5 * (100.0 + right.abs()), "{found} instead of {right}");
            }
        }
        #[cfg(target_arch = "x86_64")]
        {
            let mut again = [[0.0; TILE]; M];
            if x86::has_avx2() {
                // SAFETY: the machine has the instructions.
                unsafe { x86::avx2::<M, W, HALVES>(&tile, &inputs, &mut again) };
                assert_eq!(
                    found.map(|lanes| lanes.map(f32::to_bits)),
                    again.map(|lanes| lanes.map(f32::to_bits)),
                    "AVX2"
                );
            }
            if x86::has_vnni() {
                // SAFETY: the machine has the instructions.
                unsafe { x86::vnni::<M, W, HALVES>(&tile, &inputs, &mut again) };
                assert_eq!(
                    found.map(|lanes| lanes.map(f32::to_bits)),
                    again.map(|lanes| lanes.map(f32::to_bits)),
                    "VNNI"
                );
            }
        }
    }

    #[test]
    fn all_bodies_give_the_same_bits() {
        check::<8, true>(32, Zero::At(8));
        check::<8, true>(32, Zero::Offsets);
        check::<8, false>(32, Zero::At(16));
        check::<8, false>(32, Zero::Offsets);
        check::<8, false>(32, Zero::At(128));
        check::<4, false>(16, Zero::At(32));
    }
}
