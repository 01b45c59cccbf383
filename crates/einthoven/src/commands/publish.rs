//! `einthoven publish` and `einthoven pull`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::process::ExitCode;

use einthoven::hub::{Fingerprint, Hub, ModelName, Progress};
use einthoven::{Publication, Result};
use serde_json::json;

use super::table::Table;
use crate::cli::{Publish, Pull};

pub fn publish(options: &Publish) -> Result<ExitCode> {
    let name: ModelName = options.to.parse()?;
    let publication = Publication::prepare(&options.run, &name, options.allow_restricted)?;
    let files = publication.bundle.fingerprints();
    let visibility = if options.public { "public" } else { "private" };
    if options.dry_run {
        if options.json {
            super::print_json(
                &json!({ "name": name.to_string(), "visibility": visibility, "files": files, "card": publication.card }),
            )?;
        } else {
            super::print(&format!(
                "{}\n{}Nothing was sent: without --dry-run, these files become one revision of {name} ({visibility}).",
                publication.card,
                show(&files)
            ))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut line = ProgressLine::new("sent");
    let published = Hub::from_env().publish(&name, &publication.bundle, options.public, &mut |heard| line.hear(heard));
    line.end();
    let published = published?;
    if options.json {
        super::print_json(
            &json!({ "name": name.to_string(), "visibility": visibility, "revision": published.revision, "page": published.page, "files": files }),
        )?;
    } else {
        super::print(&format!("{}{} ({visibility})\nrevision {}", show(&files), published.page, published.revision))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub fn pull(options: &Pull) -> Result<ExitCode> {
    let name: ModelName = options.name.parse()?;
    let mut line = ProgressLine::new("received");
    let pulled = Hub::from_env().pull(&name, &mut |heard| line.hear(heard));
    line.end();
    let pulled = pulled?;
    if options.json {
        super::print_json(
            &json!({ "name": name.to_string(), "revision": pulled.revision, "folder": pulled.folder, "receipt": pulled.receipt }),
        )?;
    } else {
        super::print(&format!(
            "{}{name}: every file is what the receipt says\nrevision {}\nfolder   {}",
            show(&pulled.receipt.files),
            pulled.revision,
            pulled.folder.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Files with size and hash.
fn show(files: &BTreeMap<String, Fingerprint>) -> String {
    let mut table = Table::new(&["file", "bytes", "SHA-256"]);
    for (file, print) in files {
        table.row(&[file.clone(), print.size.to_string(), print.sha256.clone()]);
    }
    table.to_string()
}

/// How much has gone over the line, for people who wait.
struct ProgressLine {
    verb: &'static str,
    bytes: u64,
    shown: bool,
    terminal: bool,
}

impl ProgressLine {
    fn new(verb: &'static str) -> Self {
        Self { verb, bytes: 0, shown: false, terminal: std::io::stderr().is_terminal() }
    }

    fn hear(&mut self, progress: Progress<'_>) {
        if let (true, Progress::Sent(file, bytes)) = (self.terminal, progress) {
            self.bytes += bytes;
            self.shown = true;
            eprint!("\r{:.1} MB {} ({file})\x1b[K", self.bytes as f64 / 1e6, self.verb);
        }
    }

    fn end(&self) {
        if self.shown {
            eprintln!();
        }
    }
}
