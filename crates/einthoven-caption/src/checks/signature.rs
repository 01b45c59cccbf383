//! Signs that few conditions have: an answer that shows one of which its pages know nothing is about another condition.

use super::aside::{affirmed, direct};
use super::text::{Clause, Token, clauses, find, words, words_and_commas};
use super::topic::page_text;
use crate::Page;

/// A sign that only some pages know.
struct Signature {
    /// How an answer tells it.
    said: &'static [&'static str],
    /// By what a page that knows it is recognised.
    known: &'static [&'static str],
}

const SIGNATURES: &[Signature] = &[
    // Of the atria.
    Signature {
        said: &["sawtooth", "saw tooth", "flutter wave/waves"],
        known: &["sawtooth", "saw", "flutter", "tachycardia", "atrial arrhythmia/arrhythmias"],
    },
    Signature { said: &["fibrillatory", "fibrillation waves"], known: &["fibrillat~"] },
    Signature {
        said: &["chaotic~", "disorganised/disorganized"],
        known: &["chaotic~", "disorganised/disorganized", "fibrillat~"],
    },
    Signature {
        said: &["irregularly irregular", "completely/totally/entirely/wholly irregular"],
        known: &["irregular~", "fibrillat~"],
    },
    Signature { said: &["bifid", "notched p", "p * notched"], known: &["bifid", "notch~", "p"] },
    Signature { said: &["p pulmonale", "peaked p", "p * tall * peaked"], known: &["tall", "peaked", "p"] },
    // Of conduction.
    Signature {
        said: &[
            "delta wave/waves",
            "initial slurring",
            "slur~ * start/onset/beginning/upstroke * qrs",
            "qrs * @begins * slur~",
        ],
        known: &["delta", "slur~"],
    },
    Signature {
        said: &[
            "pr interval/intervals * @gradual @longer",
            "pr interval/intervals * @longer @gradual",
            "@gradual @longer * pr",
            "pr interval/intervals * longer from/with/and",
        ],
        known: &["pr * @longer", "@longer * pr", "lengthening", "longest"],
    },
    Signature {
        said: &["long/prolonged pr", "pr * above/exceed~/over 200", "pr interval is * long/prolonged"],
        known: &["pr", "@longer", "av"],
    },
    Signature {
        said: &["dropped", "not conducted", "blocked p", "fails to conduct"],
        known: &["drop~", "not/non conducted", "block~", "conduct~"],
    },
    Signature {
        said: &["dissociat~", "independent~", "no relation"],
        known: &["dissociat~", "independent~", "relation", "unrelated", "ventricular"],
    },
    Signature { said: &["rsr'", "second r", "rabbit"], known: &["rsr'", "second r", "r'", "right bundle"] },
    Signature { said: &["spike/spikes"], known: &["spike/spikes", "pac~", "stimul~"] },
    // Of single beats.
    Signature {
        said: &["premature", "extrasystol~"],
        known: &["premature", "extrasystol~", "early", "ectopic", "beats"],
    },
    Signature {
        said: &["bigemin~", "every second beat"],
        known: &["bigemin~", "every/each second/other", "alternat~", "premature"],
    },
    Signature { said: &["trigemin~", "every third beat"], known: &["trigemin~", "third", "premature"] },
    Signature { said: &["pause/pauses"], known: &["pause/pauses", "block~", "drop~", "premature", "miss~"] },
    // Of ventricles.
    Signature { said: &["torsad~", "twist~"], known: &["torsad~", "twist~"] },
    Signature { said: &["alternans"], known: &["alternans", "alternat~"] },
    Signature { said: &["low voltage", "voltage is low"], known: &["low~", "small", "voltage~", "amplitude~"] },
    Signature { said: &["qs complex/complexes", "qs"], known: &["qs", "q", "r", "left bundle"] },
    Signature { said: &["pathological q", "q wave/waves * 30/40 ms/wide"], known: &["q"] },
    Signature { said: &["s1q3t3"], known: &["s1q3t3", "pulmonary"] },
    // Of recovery.
    Signature { said: &["epsilon"], known: &["epsilon"] },
    Signature { said: &["osborn", "j wave/waves"], known: &["osborn", "j wave/waves", "notch~"] },
    Signature { said: &["coved"], known: &["coved", "convex", "infarct~", "aneurysm"] },
    Signature { said: &["saddle~"], known: &["saddle~", "concave"] },
    Signature { said: &["sine wave"], known: &["sine"] },
    Signature {
        said: &["t wave/waves * tent~", "tent~ * t wave/waves"],
        known: &["tent~", "peaked t", "t * peaked/narrow"],
    },
    Signature {
        said: &["pr segment/segments * depress~", "pr segment depression", "pr depression"],
        known: &["pr segment/depression"],
    },
    Signature { said: &["u wave/waves"], known: &["u"] },
    Signature { said: &["long/prolonged qt/qtc", "short/shortened qt/qtc"], known: &["qt", "qtc"] },
    // Of other examinations.
    Signature {
        said: &[
            "echocardiogra~/transthoracic/transesophageal/parasternal/ultrasound/doppler",
            "angiogra~/tomogra~/mri/radiogra~/spirometr~/biops~/auscultat~/murmur~/stethoscope",
            "x ray/rays",
            "chest film/films",
        ],
        known: &["echocardiogra~/ultrasound/radiogra~/spirometr~"],
    },
    // Of the recording.
    Signature { said: &["muscle tremor/tension/noise/activity"], known: &["muscle", "noise"] },
    Signature { said: &["baseline * drift~/wander~", "drift~ * baseline"], known: &["drift~", "wander~", "noise"] },
];

/// Words after a sign that take it back.
const TAKEN_BACK: [&str; 8] = ["not", "lacking", "absent", "missing", "replaced", "never", "cease", "rare"];

/// Whether a clause shows a sign that the pages do not know.
pub(super) fn is_foreign(direct_clauses: &[Clause], pages: &[&Page]) -> bool {
    let is_said = |signature: &&Signature| direct_clauses.iter().any(|clause| is_shown(clause, signature.said));
    let mut said = SIGNATURES.iter().filter(is_said).peekable();
    if said.peek().is_none() {
        return false;
    }
    let own: Vec<Clause> = pages.iter().flat_map(|page| direct(&clauses(&page_text(page)))).collect();
    let is_known = |phrase: &&str| own.iter().any(|clause| find(&words(clause), phrase).is_some());
    said.any(|signature| !signature.known.iter().any(is_known))
}

/// Whether a clause shows a sign.
fn is_shown(clause: &[Token], phrases: &[&str]) -> bool {
    let affirmed = affirmed(clause);
    let words = words_and_commas(&affirmed);
    phrases.iter().any(|phrase| {
        find(&words, phrase).is_some_and(|(_, end)| !words[end..].iter().take(3).any(|word| TAKEN_BACK.contains(word)))
    })
}
