//! A classifier's head and loss against the numbers that `scripts/classifier-head.py` had of PyTorch.

use candle_core::{DType, Device, Tensor, Var};
use einthoven_models::{Classifier, ClassifierConfig, HeadConfig, SignalConfig, XResNetConfig};
use einthoven_nn::{Parameters, Pass, backward, binary_cross_entropy};
use einthoven_random::Streams;

use crate::common::values;

const RECORDS: usize = 5;
const WIDTH: usize = 6;
const CLASSES: usize = 3;

const TRAINING: [f64; RECORDS * CLASSES] = [
    0.526_357_348_515,
    0.138_440_952_103,
    0.899_625_275_318,
    0.703_188_773_683,
    0.018_771_780_841,
    0.948_303_783_454,
    0.230_877_312_199,
    0.521_063_969_002,
    0.474_073_402_480,
    0.546_469_518_296,
    0.122_778_471_028,
    0.909_028_184_694,
    0.706_519_374_272,
    0.010_967_026_973,
    0.959_680_809_780,
];
const EVALUATION: [f64; RECORDS * CLASSES] = [
    0.464_094_438_245,
    0.259_713_187_983,
    0.733_357_365_690,
    0.796_194_741_498,
    0.020_489_089_012,
    0.852_061_643_390,
    0.579_030_547_546,
    0.177_036_351_536,
    0.774_221_181_099,
    0.466_665_742_459,
    0.254_330_522_909,
    0.740_929_396_044,
    0.799_458_569_795,
    0.017_850_025_223,
    0.853_770_984_813,
];
const LOSS: f64 = 0.890_739_378_117;
const SLOPES: [f64; RECORDS * WIDTH] = [
    0.001_145_240_916,
    0.002_078_178_026,
    -0.000_250_727_257,
    -0.003_704_106_986,
    -0.001_342_710_732,
    -0.001_191_684_264,
    0.000_343_407_362,
    0.000_876_855_508,
    0.004_009_172_943,
    0.002_747_692_599,
    -0.000_450_299_677,
    -0.000_257_302_486,
    0.000_033_685_542,
    -0.002_222_654_460,
    -0.005_127_414_455,
    0.000_682_048_379,
    0.000_394_413_158,
    0.000_418_471_979,
    -0.001_154_963_211,
    -0.001_451_856_749,
    -0.003_478_294_226,
    -0.003_921_749_465,
    0.000_772_870_181,
    0.000_935_621_275,
    -0.000_367_370_608,
    0.000_719_477_674,
    0.004_847_262_996,
    0.004_196_115_472,
    0.000_625_727_071,
    0.000_094_893_496,
];
const GRADIENTS: [(&str, &[f64]); 8] = [
    (
        "bn0.weight",
        &[
            -0.000_370_925_552,
            0.002_054_896_510,
            0.001_158_455_817,
            -0.002_228_136_819,
            -0.001_830_241_610,
            0.001_135_849_855,
        ],
    ),
    (
        "bn0.bias",
        &[
            -0.000_273_355_780,
            0.002_050_750_592,
            0.003_410_356_917,
            0.003_166_019_095,
            0.001_432_653_023,
            -0.000_974_512_152,
        ],
    ),
    (
        "linear0.weight",
        &[
            -0.000_001_418_441,
            -0.000_003_848_253,
            -0.000_005_303_404,
            -0.000_003_412_448,
            0.000_000_325_751,
            0.000_001_987_391,
            0.012_002_000_220,
            0.012_939_854_791,
            0.006_021_229_472,
            -0.006_904_801_100,
            -0.012_567_350_801,
            -0.010_349_549_211,
            -0.000_021_080_442,
            0.000_025_802_578,
            0.000_084_116_918,
            0.000_094_567_054,
            0.000_042_642_511,
            0.000_005_832_901,
            0.000_010_288_219,
            0.000_024_275_371,
            0.000_031_268_711,
            0.000_018_133_643,
            -0.000_004_172_676,
            -0.000_013_224_737,
        ],
    ),
    ("linear0.bias", &[-0.000_000_728_184, 0.007_020_229_533, -0.000_039_064_362, 0.000_005_497_085]),
    ("bn1.weight", &[-0.092_498_025_906, 0.028_643_689_452, -0.098_510_994_846, 0.171_711_275_919]),
    ("bn1.bias", &[-0.065_262_159_033, -0.007_921_543_607, 0.053_144_697_554, 0.089_216_157_047]),
    (
        "linear1.weight",
        &[
            0.037_030_909_663,
            0.008_845_401_799,
            -0.095_771_582_607,
            0.136_402_959_844,
            -0.130_020_847_804,
            0.024_786_069_595,
            0.068_261_022_988,
            -0.140_387_677_535,
            -0.041_304_584_106,
            -0.118_867_890_925,
            0.045_559_594_398,
            0.116_050_154_167,
        ],
    ),
    ("linear1.bias", &[0.077_195_968_056, 0.046_669_482_894, 0.165_590_199_409]),
];
/// The running statistics after one batch.
const STATISTICS: [(&str, &[f64]); 4] = [
    (
        "bn0.running_mean",
        &[
            0.004_428_653_696,
            -0.002_525_675_814,
            -0.008_292_140_523,
            -0.010_158_681_976,
            -0.007_247_436_562,
            -0.000_927_608_489,
        ],
    ),
    (
        "bn0.running_var",
        &[
            0.917_246_626_740,
            0.918_176_551_664,
            0.913_793_181_725,
            0.911_373_199_072,
            0.914_933_933_936,
            0.918_564_332_452,
        ],
    ),
    ("bn1.running_mean", &[0.111_525_223_203, 0.060_799_549_674, 0.041_270_437_815, 0.087_511_926_861]),
    ("bn1.running_var", &[1.133_219_922_798, 1.057_056_367_404, 0.931_952_920_365, 1.043_605_521_305]),
];

/// The script's sines.
fn sines(shape: &[usize], seed: f64, offset: f64) -> Tensor {
    let count: usize = shape.iter().product();
    let values = (0..count).map(|i| offset + 0.5 * (0.7 * i as f64 + seed).sin());
    Tensor::from_iter(values, &Device::Cpu).unwrap().reshape(shape).unwrap()
}

fn assert_close(what: &str, found: &Tensor, wanted: &[f64]) {
    let found = values(found);
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (found, wanted) in found.iter().zip(wanted) {
        // The script prints twelve digits.
        assert!((found - wanted).abs() < 2e-12, "{what}: {found}, {wanted}");
    }
}

#[test]
fn head_and_loss_are_those_of_pytorch() {
    let parameters = Parameters::new(DType::F64, &Device::Cpu, Streams::new(1));
    // The encoder, which is not asked here, has three channels: six numbers for the head.
    let signal =
        XResNetConfig { expansion: 1, layers: vec![1], stem: [2, 2, 3], widen: 3.0 / 64.0, ..XResNetConfig::default() };
    let head = HeadConfig { hidden: vec![4], batch_norm: true, dropout: 0.0 };
    let config = ClassifierConfig { signal: SignalConfig::XResNet(signal), head, crop: None };
    let classifier = Classifier::new(&config, 2, CLASSES, &parameters.root()).unwrap();
    let variable = |name: &str| {
        let name = format!("head.{name}");
        parameters.trainable().into_iter().find(|(known, _)| *known == name).unwrap().1
    };
    for (seed, (name, _)) in GRADIENTS.iter().enumerate() {
        let variable = variable(name);
        let is_gain = name.starts_with("bn") && name.ends_with("weight");
        variable.set(&sines(variable.dims(), seed as f64, f64::from(is_gain))).unwrap();
    }
    let pooled = Var::from_tensor(&sines(&[RECORDS, WIDTH], 10.0, 0.0)).unwrap();
    let targets: Vec<bool> =
        (0..RECORDS).flat_map(|record| (0..CLASSES).map(move |label| (record + 2 * label) % 3 == 0)).collect();

    let logits = classifier.logits(&pooled, &Pass::train(Streams::new(1).stream("dropout", &[]))).unwrap();
    assert_close("training logits", &logits, &TRAINING);
    let loss = binary_cross_entropy(&logits, &targets).unwrap();
    assert_close("loss", &loss, &[LOSS]);
    let gradients = backward(&loss).unwrap();
    assert_close("gradient of pooled", gradients.get(&pooled).unwrap(), &SLOPES);
    for (name, wanted) in GRADIENTS {
        assert_close(name, gradients.get(&variable(name)).unwrap(), wanted);
    }
    for (name, wanted) in STATISTICS {
        assert_close(name, &parameters.tensors()[&format!("head.{name}")], wanted);
    }
    assert_close("evaluation logits", &classifier.logits(&pooled, &Pass::evaluate()).unwrap(), &EVALUATION);
}
