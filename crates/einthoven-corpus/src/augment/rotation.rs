//! Turning the heart in the chest: a rotation of the vectorcardiogram.

use einthoven_random::Stream;
use einthoven_signal::Lead;

use super::gaussian;

type Matrix = [[f64; 3]; 3];

/// Turns what the leads have in common with a dipole about a random axis by an angle of standard deviation `degrees`.
///
/// The dipole is the one that fits the leads best (least squares over Dower's transformation); each lead changes by what
/// the turned dipole adds to it, and keeps what no dipole explains. Leads outside of the twelve stay as they are, and so
/// do all where fewer than three independent ones are known.
pub(super) fn turn(samples: &mut [f32], leads: &[Lead], degrees: f32, stream: &mut Stream) {
    let angle = f64::from(degrees * gaussian(stream)).to_radians();
    let axis = [(); 3].map(|()| f64::from(gaussian(stream)));
    let known: Vec<(usize, [f64; 3])> =
        leads.iter().enumerate().filter_map(|(row, lead)| Some((row, lead.vector()?))).collect();
    let Some(inverse) = invert(gram(&known)) else { return };
    let change = change(axis, angle);
    let length = samples.len() / leads.len().max(1);
    for i in 0..length {
        let mut seen = [0.0; 3];
        for (row, vector) in &known {
            let value = f64::from(samples[row * length + i]);
            seen = std::array::from_fn(|axis| seen[axis] + vector[axis] * value);
        }
        let moved = apply(&change, &apply(&inverse, &seen));
        for (row, vector) in &known {
            samples[row * length + i] += dot(vector, &moved) as f32;
        }
    }
}

/// Whether a dipole can be told from these leads.
pub(super) fn is_possible(leads: &[Lead]) -> bool {
    let known: Vec<_> = leads.iter().filter_map(|lead| Some((0, lead.vector()?))).collect();
    invert(gram(&known)).is_some()
}

/// The sum of the leads' vectors times themselves.
fn gram(known: &[(usize, [f64; 3])]) -> Matrix {
    let entry = |i: usize, j: usize| known.iter().map(|(_, vector)| vector[i] * vector[j]).sum();
    std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)))
}

/// Cramer's rule; none for a matrix that is singular or nearly so.
fn invert(m: Matrix) -> Option<Matrix> {
    let minor = |i: usize, j: usize| {
        let (a, b, c, d) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let determinant: f64 = (0..3).map(|j| m[0][j] * minor(0, j)).sum();
    let inverse = std::array::from_fn(|i| std::array::from_fn(|j| minor(j, i) / determinant));
    (determinant > 1e-3).then_some(inverse)
}

/// A rotation by `angle` about `axis` (Rodrigues), less the identity.
fn change(axis: [f64; 3], angle: f64) -> Matrix {
    let length = dot(&axis, &axis).sqrt();
    let [x, y, z] = if length > 0.0 { axis.map(|part| part / length) } else { [1.0, 0.0, 0.0] };
    let cross = [[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]];
    let (sin, cos) = angle.sin_cos();
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let twice: f64 = (0..3).map(|k| cross[i][k] * cross[k][j]).sum();
            sin * cross[i][j] + (1.0 - cos) * twice
        })
    })
}

fn apply(matrix: &Matrix, vector: &[f64; 3]) -> [f64; 3] {
    matrix.map(|row| dot(&row, vector))
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use einthoven_random::Streams;

    use super::*;

    const LENGTH: usize = 300;

    /// A dipole that goes round.
    fn dipole(i: usize) -> [f64; 3] {
        let time = i as f64 / 20.0;
        [time.sin(), (1.7 * time).cos(), 0.5 * (0.3 * time).sin()]
    }

    fn twelve() -> Vec<f32> {
        let lead = |lead: &Lead| {
            let vector = lead.vector().unwrap();
            (0..LENGTH).map(move |i| dot(&vector, &dipole(i)) as f32)
        };
        Lead::TWELVE.iter().flat_map(lead).collect()
    }

    fn fitted(samples: &[f32], i: usize) -> [f64; 3] {
        let known: Vec<_> = Lead::TWELVE.iter().enumerate().map(|(row, lead)| (row, lead.vector().unwrap())).collect();
        let seen = known.iter().fold([0.0; 3], |seen, (row, vector)| {
            std::array::from_fn(|axis| seen[axis] + vector[axis] * f64::from(samples[row * LENGTH + i]))
        });
        apply(&invert(gram(&known)).unwrap(), &seen)
    }

    #[test]
    fn the_dipole_turns_by_one_angle_and_keeps_its_length() {
        for index in 0..20 {
            let mut samples = twelve();
            turn(&mut samples, &Lead::TWELVE, 15.0, &mut Streams::new(4).stream("test", &[index]));
            for i in 0..LENGTH {
                let (before, after) = (dipole(i), fitted(&samples, i));
                assert!((dot(&before, &before) - dot(&after, &after)).abs() < 1e-4);
                let [one, two, three] = [0, 1, 2].map(|row| samples[row * LENGTH + i]);
                assert!((one + three - two).abs() < 1e-4, "Einthoven's law");
                let (a, b) = (dipole((i + 7) % LENGTH), fitted(&samples, (i + 7) % LENGTH));
                assert!((dot(&before, &a) - dot(&after, &b)).abs() < 1e-4, "all moments turn alike");
            }
        }
    }

    #[test]
    fn what_no_dipole_explains_and_other_leads_stay() {
        let mut leads = Lead::TWELVE.to_vec();
        leads.push(Lead::Other("V9".to_owned()));
        let mut samples = twelve();
        samples.extend(vec![0.25; LENGTH]);
        let mut plus: Vec<f32> = samples.clone();
        // V3 alone jumps, which no dipole does.
        let odd = 8 * LENGTH + 11;
        plus[odd] += 1.0;
        let draw = || Streams::new(4).stream("test", &[1]);
        turn(&mut samples, &leads, 10.0, &mut draw());
        turn(&mut plus, &leads, 10.0, &mut draw());
        assert_eq!(samples[12 * LENGTH..], [0.25; LENGTH]);
        let kept = plus[odd] - samples[odd];
        assert!((0.9..1.1).contains(&kept), "{kept}");
        let mut one = vec![1.0_f32; LENGTH];
        turn(&mut one, &[Lead::II], 10.0, &mut draw());
        assert_eq!(one, [1.0; LENGTH]);
    }
}
