//! What can be said of single beats, of pauses and of spikes.

use super::Aspect;

/// The one and the other, of beats.
pub(super) const BEATS: &[Aspect] = &[
    Aspect {
        name: "the likeness of the premature beats",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "@each * same/identical/one shape/form/morphology",
                "identical/same shape/form/morphology",
                "look/looks alike",
                "uniform",
                "unifocal",
                "monomorphic",
                "one/single focus/origin",
                "same shape/form/morphology",
            ],
            &[
                "different/several/various/multiple/differing/two * shape/shapes/forms/morphologies/focus/foci",
                "more than one shape/form/morphology/focus",
                "multiform/multifocal/polymorphic",
            ],
        ],
    },
    Aspect {
        name: "premature beats",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["@early * beat/beats/complex/complexes", "extrasystole~"],
            &["no/without @early", "no/without * @early beats/complexes", "no extrasystole/extrasystoles"],
        ],
    },
    Aspect {
        name: "the pause",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["compensatory pause", "followed by * pause", "pause follows/arises/results/ensues"],
            &["no * pause", "without * pause", "not * pause"],
        ],
    },
    Aspect {
        name: "the missing of beats",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["cycle/cycles/beat/beats * missing/drop/drops/dropped/omitted/lost", "pause/pauses"],
            &["no p wave/beat/cycle * missing/dropped/omitted/lost", "no pause/pauses"],
        ],
    },
    Aspect {
        name: "the onset",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["@sudden * onset/begin~/start~/end~", "@begins * @sudden", "@sudden * @begins"],
            &[
                "gradual~ * onset/begin~/start~/end~",
                "@begins * gradual~/slowly",
                "fades/ends/slows * gradual~",
                "gradual~ * @begins",
            ],
        ],
    },
    Aspect {
        name: "which beat comes early",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "every/each second/other",
                "alternat~",
                "follows every/each * sinus/normal",
                "every/each * sinus/normal beat * followed",
            ],
            &["every/each third", "two sinus/normal/basic beats * one", "groups of three", "in threes"],
        ],
    },
    Aspect {
        name: "whether beats come as a pair or as a run",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "two * beats/complexes * row/succession",
                "two consecutive/successive * beats/complexes",
                "couplet",
                "paired",
            ],
            &[
                "four/five/six/seven/eight/nine/ten/many * beats/complexes * row/succession",
                "four/five/six/seven/eight/nine/ten/many consecutive/successive * beats/complexes",
            ],
        ],
    },
    Aspect {
        name: "how many beats come in a row",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["single", "isolated", "lone", "solitary", "one at a time", "singly"],
            &["two/three/pair * row/succession", "consecutive", "successive", "couplet"],
        ],
    },
    Aspect {
        name: "the time of the beats",
        nouns: &["beat", "beats", "extrasystole", "extrasystoles"],
        poles: [&["premature", "early", "earlier", "sooner"], &["late", "delayed", "overdue"]],
        phrases: [&["too early", "too soon"], &["too late", "later than expected"]],
    },
    Aspect {
        name: "the capture",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["@each * spike/spikes/stimulus/stimuli * captur~/followed/answered"],
            &[
                "fail~ * capture/sense",
                "not followed",
                "without * following",
                "spike/spikes * without * effect/response/capture",
                "no effect/response",
            ],
        ],
    },
    Aspect {
        name: "the width of the early beats",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["@early * @narrow", "@early * beat/beats/complex/complexes * @narrow", "@narrow @early"],
            &[
                "@early * @broad",
                "@early * beat/beats/complex/complexes * @broad",
                "@broad * @early",
                "@broad early/premature",
            ],
        ],
    },
    Aspect {
        name: "P waves in the pause",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "p wave/waves * go/goes/continue/continues/keep/keeps/march * pause",
                "p wave/waves * pause * no/not/none",
            ],
            &[
                "pause * without/no p",
                "without * p wave/waves * pause",
                "no p wave/waves * pause",
                "no p wave/waves for",
            ],
        ],
    },
    Aspect {
        name: "the line between the waves",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "isoelectric baseline/line * between/seen/visible/separat~",
                "isoelectric interval/intervals",
                "separated by * isoelectric",
            ],
            &["no isoelectric", "without * isoelectric", "no flat"],
        ],
    },
];
