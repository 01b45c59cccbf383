//! What can be said of waves and intervals.

use super::Aspect;

/// The one and the other, by wave and interval.
pub(super) const WAVES: &[Aspect] = &[
    Aspect {
        name: "the ST segment",
        nouns: &["st"],
        poles: [
            &["elevat", "raised", "above", "lifted", "rises"],
            &["depress", "sag", "below", "beneath", "under", "dip", "downslop", "scoop", "lowered", "sunk", "pressed"],
        ],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the T wave",
        nouns: &["t"],
        poles: [
            &["tall", "upright", "peaked", "tented", "positive", "high", "upward"],
            &["invert", "inversion", "negative", "downward", "upside"],
        ],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the height of the T wave",
        nouns: &["t"],
        poles: [
            &["tall", "peaked", "tented", "pointed", "giant"],
            &["flat", "low", "sink", "vanish", "small", "reduc", "diminish"],
        ],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the polarity of the P wave",
        nouns: &["p"],
        poles: [&["upright", "positive", "upward"], &["invert", "negative", "retrograde", "downward"]],
        phrases: [&["sinus p"], &[]],
    },
    Aspect {
        name: "the shape of the P wave",
        nouns: &["p"],
        poles: [&["notch", "bifid", "tall", "peaked", "pointed", "broad", "wide"], &[]],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the width of the P wave",
        nouns: &["p"],
        poles: [&["broad", "wide"], &["narrow", "brief"]],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the health of the P wave",
        nouns: &["p"],
        poles: [
            &["normal", "ordinary", "unremarkable"],
            &["abnormal", "tall", "notch", "bifid", "broad", "wide", "negative", "invert", "peaked"],
        ],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the height of the P wave",
        nouns: &["p"],
        poles: [&["tall", "peaked", "pointed", "high", "prominent"], &["low", "flat", "small", "tiny"]],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the side of the frontal axis",
        nouns: &["axis"],
        poles: [&["left"], &["right"]],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the PR interval",
        nouns: &["pr", "p-r"],
        poles: [&["prolong", "long", "lengthen", "longer"], &["short", "shortened"]],
        phrases: [
            &["distance/interval/time/gap/space * p * qrs * long/longer/prolong~/wide/widened/increas~"],
            &["distance/interval/time/gap/space * p * qrs * short~/brief/small/reduced"],
        ],
    },
    Aspect {
        name: "the health of the PR interval",
        nouns: &["pr", "p-r"],
        poles: [&["normal"], &["prolong", "long", "lengthen", "longer", "short", "shortened"]],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the health of the QT interval",
        nouns: &["qt", "qtc"],
        poles: [&["normal"], &["prolong", "long", "lengthen", "short"]],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the QT interval",
        nouns: &["qt", "qtc"],
        poles: [&["prolong", "long", "lengthen", "stretch"], &["short", "brief", "abbreviat", "shrunk"]],
        phrases: [
            &[
                "t wave/waves end/ends/come/comes * late/later",
                "interval/time/distance * qrs * end * t * long~/prolong~",
            ],
            &[
                "t wave/waves end/ends/come/comes * early/earlier/soon/sooner",
                "interval/time/distance * qrs * end * t * short~",
            ],
        ],
    },
    Aspect {
        name: "the QRS duration",
        nouns: &["qrs", "complex", "complexes", "beat", "beats"],
        poles: [&["broad", "wide", "prolong", "bizarre"], &["narrow", "slender", "slim", "thin"]],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the voltage",
        nouns: &["qrs", "complex", "complexes", "voltage", "voltages", "amplitude", "amplitudes"],
        poles: [&["tall", "high", "increas", "huge"], &["small", "low", "reduc", "diminish", "tiny", "shrunk"]],
        phrases: [
            &[
                "r and s waves * tall/high/huge",
                "exceed~/above/over * upper limit/limits",
                "larger/higher/taller/greater than normal/usual",
                "complexes * large",
                "very/unusually/exceptionally/abnormally large/big",
            ],
            &["smaller/lower/less than normal/usual", "r and s waves * small/low/tiny"],
        ],
    },
    Aspect {
        name: "the ST segment of most leads",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "widespread/diffuse/diffusely/generalised/generalized * st * elevat~/raised",
                "st * widespread/diffuse/diffusely/generalised/generalized * elevat~/raised",
                "st * elevat~/raised * most/nearly all/almost all leads",
                "st * elevat~/raised * nearly/almost all",
                "st * elevat~/raised , * , in most",
            ],
            &[
                "widespread/diffuse/diffusely/generalised/generalized * st * depress~/lowered",
                "st * widespread/diffuse/diffusely/generalised/generalized * depress~/lowered",
                "st * depress~/lowered * most/nearly all/almost all leads",
                "st * depress~/lowered * nearly/almost all",
            ],
        ],
    },
    Aspect {
        name: "the shape of the ST segment",
        nouns: &["st"],
        poles: [&["concave", "saddle"], &["convex", "dome", "coved", "tombstone"]],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the health of the ST segment",
        nouns: &["st", "infarction", "injury"],
        poles: [
            &["normal", "isoelectric", "unchanged", "unremarkable", "level"],
            &[
                "elevat", "depress", "raised", "abnormal", "deviat", "shift", "sag", "scoop", "downslop", "above",
                "below",
            ],
        ],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the health of the T wave",
        nouns: &["t"],
        poles: [
            &["normal", "unchanged", "unremarkable"],
            &[
                "invert",
                "inversion",
                "negative",
                "flat",
                "low",
                "tall",
                "peaked",
                "tented",
                "abnormal",
                "biphasic",
                "deep",
            ],
        ],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "the growth of the R wave",
        nouns: &["progression", "r", "transition"],
        poles: [&["excellent", "quick", "good"], &["poor", "little", "fail", "slow", "late", "delayed"]],
        phrases: [
            &[
                "normal * progression/growth",
                "grow~/progress~ normally/briskly/quickly/rapidly/well",
                "taller/larger/higher * from v1",
                "grow~/increas~ * from v1",
            ],
            &[
                "do/does/not * grow/increase",
                "smaller/lower/shrink~/decreas~/lose/loses/diminish~/declin~ * v1/v2/v3/v4",
            ],
        ],
    },
    Aspect {
        name: "Q waves",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [&["q wave/waves"], &["no q", "no * q", "without * q", "absent * q", "q wave/waves is/are absent"]],
    },
    Aspect {
        name: "the time of the R peak",
        nouns: &["intrinsicoid", "peak"],
        poles: [&["late", "delay", "prolong", "long"], &["early", "short", "prompt", "normal"]],
        phrases: [&[], &["peak/peaks * on time/promptly/early"]],
    },
    Aspect {
        name: "the J point",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["j point * elevat~/raised/lifted/notched", "elevat~/raised/lifted j point"],
            &["j point * on/at the baseline", "j point * isoelectric/level/depress~"],
        ],
    },
    Aspect {
        name: "the frontal axis",
        nouns: &["axis"],
        poles: [&["normal"], &["left", "right", "extreme", "deviat", "superior", "abnormal", "indeterminate"]],
        phrases: [&[], &["northwest"]],
    },
    Aspect {
        name: "the direction of ST segment and T wave",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [&["opposite", "discordant", "away from"], &["same direction", "concordant"]],
    },
    Aspect {
        name: "the T and U waves",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "merge~/fuse~/blend~ * u",
                "u wave/waves * merge~/fuse~/blend~",
                "t and u * merge~/fuse~/blend~",
                "run/runs into * u",
                "t u fusion",
            ],
            &["separate~ * u", "u * separate~", "t and u * separate~/apart", "distinct * u", "u * distinct"],
        ],
    },
];
