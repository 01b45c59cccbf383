//! What can be said of the heart, the recording and their history as a whole.

use super::Aspect;

/// The one and the other, of heart and recording.
pub(super) const WHOLES: &[Aspect] = &[
    Aspect {
        name: "the size of the atria",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "atrium/atria/ventricle/ventricles * normal size",
                "atrium/atria/ventricle/ventricles * not enlarged",
                "normal size",
            ],
            &["enlarge~", "dilat~", "overload~", "hypertroph~", "thick~"],
        ],
    },
    Aspect {
        name: "the electrolyte",
        nouns: &["potassium", "calcium"],
        poles: [&["high", "raised", "elevat", "increas", "excess"], &["low", "reduc", "decreas", "deficien"]],
        phrases: [&[], &[]],
    },
    Aspect {
        name: "where the spikes are",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "spike/spikes/stimulus * before/precede/precedes/by/ahead * p/atrial",
                "p wave/waves * preceded by * spike/stimulus",
            ],
            &[
                "spike/spikes/stimulus * before/precede/precedes/by/ahead * qrs/ventricular",
                "qrs * preceded by * spike/stimulus",
            ],
        ],
    },
    Aspect {
        name: "the length of the run",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "more/longer than 30",
                "over/beyond/exceed~ 30",
                "without end",
                "incessant~",
                "permanent~",
                "never * ends/stops",
            ],
            &[
                "less/fewer/shorter than 30",
                "within/under/below 30",
                "end~/stop~/terminat~ * itself/themselves/spontaneously/own",
                "spontaneous~ * end~/stop~/terminat~",
                "non sustained/nonsustained",
                "self terminat~",
            ],
        ],
    },
    Aspect {
        name: "the quality of the recording",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "excellent/good/high/perfect * quality",
                "quality is * excellent/good/high/perfect",
                "free of * noise/artefact/artifact",
                "no noise/artefact/artifact/interference/drift",
                "steady/clean baseline",
                "baseline * clean",
                "read/measured/judged * reliably/confidence",
                "baseline * steady/flat/straight/stable",
            ],
            &["noise/noisy/poor/drift~/unreliable/tremor/interference/loose/obscure~/wander~/distort~"],
        ],
    },
    Aspect {
        name: "the verdict",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "nothing * abnormal",
                "every~/all * within normal",
                "all/every~ * normal limits",
                "entirely/completely/perfectly/wholly/quite normal",
                "harmless",
                "benign",
                "healthy",
            ],
            &["abnormal~", "outside", "pathological", "grave", "malignant", "disease", "ill~", "lethal"],
        ],
    },
    Aspect {
        name: "the age",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [&["young~", "child~", "adolescen~", "juvenile"], &["elderly", "old age", "aged", "old people"]],
    },
    Aspect {
        name: "the electrodes",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["is/are/were correct~/proper~ * place~/position~/applied/connected", "right place"],
            &["exchang~", "revers~", "swap~", "misplac~", "interchang~", "wrong~ * place~/position~"],
        ],
    },
    Aspect {
        name: "the age of the infarct",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["acute~", "hyperacute", "fresh~", "hour/hours", "new"],
            &["old", "healed", "chronic", "years", "long ago"],
        ],
    },
    Aspect {
        name: "the spread",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["widespread", "diffuse~", "most * leads", "all leads", "many leads", "nearly/almost every lead"],
            &["localised/localized", "confined", "limited to", "restricted", "single lead", "only one lead"],
        ],
    },
];
