//! What can be said of rhythms and of their beats.

use super::Aspect;

/// The one and the other, of rhythms and beats.
pub(super) const RHYTHMS: &[Aspect] = &[
    Aspect {
        name: "the activity of the atria",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["sawtooth", "saw tooth/teeth", "flutter wave/waves"],
            &[
                "irregularly irregular",
                "fibrillatory",
                "no * organised/organized/atrial activity",
                "chaotic/disorganised/disorganized * atrial/atria",
            ],
        ],
    },
    Aspect {
        name: "the rate",
        nouns: &[
            "rate",
            "response",
            "ventricles",
            "ventricular",
            "rhythm",
            "fires",
            "respond",
            "discharges",
            "beats",
            "pulse",
        ],
        poles: [&["fast", "rapid", "tachy", "quick", "swift"], &["slow", "brady", "sluggish"]],
        phrases: [
            &["above/over/exceeds/exceeding 100", "more/greater/faster than 100"],
            &["below/under 60", "less/slower than 60"],
        ],
    },
    Aspect {
        name: "the regularity of the rhythm",
        nouns: &["rhythm", "rr", "r-r", "r", "pp", "p-p", "intervals", "rate", "pulse", "complexes"],
        poles: [
            &["regular", "steady", "evenly"],
            &["irregular", "unequal", "uneven", "erratic", "chaotic", "unpredictable"],
        ],
        phrases: [
            &[
                "no variation",
                "does/do not vary/change",
                "pp interval/intervals * constant/equal/fixed/identical/same",
                "p p interval/intervals * constant/equal/fixed/identical/same",
                "rr interval/intervals * constant/equal/fixed/identical/same",
                "r r interval/intervals * constant/equal/fixed/identical/same",
                "intervals between * beats/complexes * constant/equal/fixed/identical/same",
            ],
            &[
                "rr/pp * vary/varies/varying/lengthen/unequal",
                "intervals vary",
                "p - p * vary/varies",
                "r - r * vary/varies",
                "irregularly irregular",
            ],
        ],
    },
    Aspect {
        name: "P waves",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "preceded by * p",
                "p wave/waves * precede/precedes",
                "p wave/waves * followed by",
                "each p wave",
                "every p wave",
                "p wave/waves of constant",
                "p wave/waves * lead/leads/ahead",
                "sinus p",
            ],
            &[
                "no p",
                "no * p wave/waves",
                "p wave/waves are/is absent/hidden/replaced",
                "absence of p",
                "absence of * p",
                "without * p wave/waves",
                "replace the p",
            ],
        ],
    },
    Aspect {
        name: "the conduction ratio",
        nouns: &["ratio"],
        poles: [&["constant", "fixed", "unchang", "same"], &["variable", "varying", "varies", "chang"]],
        phrases: [
            &["ratio never/not * changes/varies/vary", "fixed/constant * conduction/block", "every/each/all * reach~"],
            &["variable/varying/changing * conduction/block"],
        ],
    },
    Aspect {
        name: "the course of the PR interval",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "constant pr",
                "pr interval/intervals * constant/fixed/equal/same/identical/unchanged",
                "pr stays/remains constant/fixed/equal/unchanged",
            ],
            &[
                "pr interval/intervals lengthen/lengthens",
                "pr interval/intervals becom~/get~/grow~ * longer",
                "pr * longer and longer",
                "increas~/increment/increments of * pr",
                "prolongation/lengthening of the pr",
                "pr * varies/random",
                "progressive~ prolong~/lengthen~",
            ],
        ],
    },
    Aspect {
        name: "AV conduction",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "every/each/all p wave/waves * followed",
                "every/each/all p wave/waves * conduct~",
                "every/each/all * impulse/impulses * conduct~/reach~",
                "one to one",
                "1 1 conduction/conducted/relation",
                "conducted/conduction/relation 1 1",
                "one qrs * each/every/one p",
                "one p * each/every/one qrs",
                "qrs * follows each/every p",
                "are/is firmly/closely/tightly linked/coupled",
                "fixed relation",
                "no beat/beats",
                "no * dropped",
                "no non conducted/blocked",
                "no blocked/dropped",
            ],
            &[
                "no relation",
                "dissociat~",
                "independent~",
                "p waves blocked",
                "wave is * blocked",
                "waves are * blocked",
                "not followed",
                "not conducted",
                "fail/fails to conduct",
                "is dropped",
                "second p wave",
                "two/three/four p waves * each/every/one/per",
                "unrelated",
                "nothing to do with",
                "non conducted",
                "nonconducted",
            ],
        ],
    },
    Aspect {
        name: "the likeness of the P waves",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "p wave/waves * same/identical/uniform/alike/unchanging",
                "same/identical/uniform/unchanging * p wave/waves",
                "one p wave shape/morphology/form",
                "one and the same shape/form/morphology",
                "p wave/waves * single shape/form/morphology",
            ],
            &[
                "p wave/waves * vary/varies/varying/change/changes/changing",
                "varying/changing/several/multiple/three * p wave/waves",
                "three/several/different/various/multiple * shapes/morphologies/forms",
            ],
        ],
    },
    Aspect {
        name: "the likeness of the premature beats",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &[
                "all * same/identical/one shape/form/morphology",
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
        name: "the pause",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["compensatory pause", "followed by * pause", "pause follows/arises/results/ensues"],
            &["no * pause", "without * pause", "not * pause"],
        ],
    },
    Aspect {
        name: "the onset",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["sudden~/abrupt~ * onset/begin~/start~/end~", "begin~/start~/starts * abrupt~/sudden~"],
            &["gradual~ * onset/begin~/start~/end~", "begin~/start~ * gradual~"],
        ],
    },
    Aspect {
        name: "which beat comes early",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["every/each second/other", "alternat~"],
            &["every/each third", "two sinus/normal/basic beats * one"],
        ],
    },
    Aspect {
        name: "how many beats come in a row",
        nouns: &[],
        poles: [&[], &[]],
        phrases: [
            &["single", "isolated", "lone", "solitary"],
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
            &[
                "every/each spike/stimulus * capture~",
                "every/each spike/stimulus * followed",
                "all spikes/stimuli * capture~",
            ],
            &["fail~ * capture/sense", "not followed", "without * following"],
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
