use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use candle_core::{CpuStorage, WithDType};

/// An element type of the operations: `f32` for work, `f64` for exact tests.
///
/// The functions for `f32` have no branches and vectorise. All let NaN through.
pub(crate) trait Real:
    WithDType
    + Copy
    + Debug
    + PartialOrd
    + Send
    + Sync
    + Sum
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    const ZERO: Self;
    const ONE: Self;
    const NEG_INFINITY: Self;

    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
    /// `self · a + b`, rounded once.
    fn fma(self, a: Self, b: Self) -> Self;
    fn sqrt(self) -> Self;
    /// `eˣ`; for `f32` within 2 units in the last place on `[-87, 88]` and clamped beyond.
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    /// The cumulative normal distribution and `exp(-x²/2)`.
    fn normal(self) -> (Self, Self);
    fn storage(values: Vec<Self>) -> CpuStorage;

    /// The larger of two numbers; NaN if either is.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        // One comparison keeps a NaN of `self`, the other one of `other`.
        if self > other || self.is_nan() { self } else { other }
    }

    #[allow(clippy::eq_op)] // the definition of NaN
    #[inline(always)]
    fn is_nan(self) -> bool {
        self != self
    }

    /// `1/(1 + e⁻ˣ)`.
    #[inline(always)]
    fn sigmoid(self) -> Self {
        Self::ONE / (Self::ONE + (-self).exp())
    }

    /// `x·Φ(x)`.
    #[inline(always)]
    fn gelu(self) -> Self {
        self * self.normal().0
    }

    /// `x·Φ(x)` and its derivative.
    #[inline(always)]
    fn gelu_and_slope(self) -> (Self, Self) {
        let (phi, e) = self.normal();
        const INV_SQRT_TAU: f64 = 0.398_942_280_401_432_7;
        (self * phi, (self * Self::of(INV_SQRT_TAU)).fma(e, phi))
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NEG_INFINITY: Self = f32::NEG_INFINITY;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn fma(self, a: Self, b: Self) -> Self {
        self.mul_add(a, b)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }

    #[inline(always)]
    fn exp(self) -> Self {
        // x = n·ln 2 + r with |r| ≤ ln 2 / 2; eʳ by a polynomial (Cephes expf), 2ⁿ through the exponent bits.
        // Comparisons instead of min/max, which would swallow NaN.
        let x = if self < -87.336_54 { -87.336_54 } else { self };
        let x = if x > 88.376_26 { 88.376_26 } else { x };
        // Adding 1.5·2²³ rounds to an integer, which then stands in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
        let n = shifted - ROUND;
        let r = n.mul_add(-0.693_359_4, x);
        let r = n.mul_add(2.121_944_4e-4, r);
        let mut p = 1.987_569_1e-4_f32;
        p = p.mul_add(r, 1.398_199_9e-3);
        p = p.mul_add(r, 8.333_452e-3);
        p = p.mul_add(r, 4.166_579_6e-2);
        p = p.mul_add(r, 1.666_666_5e-1);
        p = p.mul_add(r, 0.5);
        let p = (r * r).mul_add(p, r + 1.0);
        let exponent = shifted.to_bits().wrapping_add(127).wrapping_shl(23);
        p * f32::from_bits(exponent)
    }

    #[inline(always)]
    fn ln(self) -> Self {
        f32::ln(self)
    }

    #[inline(always)]
    fn normal(self) -> (Self, Self) {
        // Φ(-a) = e^(-a²/2) · erfcx(a/√2)/2, erfcx as t·P(t) with t = 1/(1 + 0.3·a/√2), fitted to 2e-8.
        let a = self.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / a.mul_add(0.3, 1.0);
        let e = Real::exp(-0.5 * self * self);
        let mut p = -0.064_761_37_f32;
        p = p.mul_add(t, 0.242_781_22);
        p = p.mul_add(t, -0.256_138_24);
        p = p.mul_add(t, 0.273_859_1);
        p = p.mul_add(t, -0.047_324_743);
        p = p.mul_add(t, 0.107_462_77);
        p = p.mul_add(t, 0.074_169_65);
        p = p.mul_add(t, 0.085_357_61);
        p = p.mul_add(t, 0.084_594_004);
        let tail = p * t * e;
        (if self >= 0.0 { 1.0 - tail } else { tail }, e)
    }

    fn storage(values: Vec<Self>) -> CpuStorage {
        CpuStorage::F32(values)
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NEG_INFINITY: Self = f64::NEG_INFINITY;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }

    #[inline(always)]
    fn fma(self, a: Self, b: Self) -> Self {
        self.mul_add(a, b)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }

    #[inline(always)]
    fn exp(self) -> Self {
        f64::exp(self)
    }

    #[inline(always)]
    fn ln(self) -> Self {
        f64::ln(self)
    }

    #[inline(always)]
    fn normal(self) -> (Self, Self) {
        let phi = 0.5 * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2);
        (phi, f64::exp(-0.5 * self * self))
    }

    fn storage(values: Vec<Self>) -> CpuStorage {
        CpuStorage::F64(values)
    }
}
