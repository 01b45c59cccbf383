//! Waves: movements of the heart's dipole, each a Gaussian in time.
//!
//! The model is that of McSharry, Clifford, Tarassenko and Smith (IEEE Trans. Biomed. Eng. 50:289, 2003) in the
//! three-dimensional form of Sameni, Clifford, Jutten and Shamsollahi (EURASIP J. Adv. Signal Process. 2007:043407).

/// One phase of a beat: `vector` times a Gaussian that may rise and fall at different speeds.
///
/// The vector is the dipole in Frank's frame, or what it makes of `N` leads.
#[derive(Clone, Debug)]
pub(super) struct Wave<const N: usize = 3> {
    /// The dipole, or the leads, at the peak, mV.
    pub vector: [f64; N],
    /// Time of the peak in seconds, from the onset of the complex it belongs to.
    pub peak: f64,
    /// Standard deviation before the peak, s.
    pub rise: f64,
    /// Standard deviation after the peak, s.
    pub fall: f64,
}

impl<const N: usize> Wave<N> {
    /// A symmetric wave.
    pub fn new(vector: [f64; N], peak: f64, width: f64) -> Self {
        Self { vector, peak, rise: width, fall: width }
    }

    /// The factor of the wave's vector at `time`.
    pub fn at(&self, time: f64) -> f64 {
        let distance = time - self.peak;
        let width = if distance < 0.0 { self.rise } else { self.fall };
        let z = distance / width;
        (-0.5 * z * z).exp()
    }

    /// Adds the wave to a dipole sampled at `rate`, its complex beginning at `onset` seconds, `gain` times as large.
    pub fn add_to(&self, dipole: &mut [[f64; N]], rate: f64, onset: f64, gain: f64) {
        /// Beyond this many standard deviations a wave is below 0.004 % of its peak.
        const REACH: f64 = 4.5;
        let first = ((onset + self.peak - REACH * self.rise) * rate).ceil().max(0.0) as usize;
        let last = ((onset + self.peak + REACH * self.fall) * rate).floor();
        if last < 0.0 {
            return;
        }
        let last = (last as usize + 1).min(dipole.len());
        for (i, sample) in dipole.iter_mut().enumerate().take(last).skip(first) {
            let level = gain * self.at(i as f64 / rate - onset);
            for (axis, amplitude) in sample.iter_mut().zip(self.vector) {
                *axis += level * amplitude;
            }
        }
    }
}

/// The sum of waves at `time`.
pub(super) fn dipole_at<const N: usize>(waves: &[Wave<N>], time: f64) -> [f64; N] {
    waves.iter().fold([0.0; N], |sum, wave| {
        let level = wave.at(time);
        std::array::from_fn(|axis| sum[axis] + level * wave.vector[axis])
    })
}
