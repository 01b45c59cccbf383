//! `einthoven caption index`.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use einthoven::caption::KnowledgeBase;
use einthoven::caption::retrieval::{EncoderConfig, Index};
use einthoven::{Error, Result};
use serde_json::json;

use crate::cli::caption as cli;
use crate::commands::{print, print_json};

pub fn index(options: &cli::Index) -> Result<ExitCode> {
    let base = match &options.knowledge {
        Some(folder) => KnowledgeBase::open(folder)?,
        None => KnowledgeBase::built_in()?,
    };
    let encoder = encoder(options)?;
    let is_terminal = std::io::stderr().is_terminal();
    let built = Index::build(&options.folder, &base, &options.documents, encoder.as_ref(), |done, all| {
        let end = if is_terminal && done < all { "\r" } else { "\n" };
        eprint!("encoded {done} of {all} passages{end}");
    })?;
    if options.json {
        print_json(&json!({ "folder": options.folder, "built": built }))?;
    } else {
        let encoded = match encoder {
            Some(_) => format!(", {} encoded now and {} before", built.encoded, built.kept),
            None => ", found by their words; --encoder or --server would find them by their meaning too".to_owned(),
        };
        let blank = match built.blank {
            0 => String::new(),
            pages => {
                format!("; pages of PDF files without text, as in scans: {pages} (run text recognition over them)")
            }
        };
        print(&format!("{}: {} passages{encoded}{blank}", options.folder.display(), built.chunks))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The encoder that the options name. Its folder is kept as an absolute path, so that the index can be asked from anywhere.
fn encoder(options: &cli::Index) -> Result<Option<EncoderConfig>> {
    Ok(match (&options.encoder, &options.server, &options.model) {
        (Some(path), ..) => {
            let absolute = std::path::absolute(path);
            let path = absolute.map_err(|source| Error::File { action: "find", path: path.clone(), source })?;
            Some(EncoderConfig::Folder { path })
        }
        (None, Some(url), Some(model)) => Some(EncoderConfig::Server { url: url.clone(), model: model.clone() }),
        _ => None,
    })
}
