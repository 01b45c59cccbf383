//! `einthoven data fetch`.

use std::process::ExitCode;

use einthoven::Result;
use einthoven::corpus::DatasetCard;
use einthoven::corpus::fetch::{FetchConfig, plan};

use super::progress::Progress;
use crate::cli::data::Fetch;

pub fn fetch(options: &Fetch) -> Result<ExitCode> {
    let card = DatasetCard::open(&options.dataset)?;
    let credentials = std::env::var("EINTHOVEN_USER").ok().zip(std::env::var("EINTHOVEN_PASSWORD").ok());
    let config = FetchConfig {
        connections: options.connections,
        only: options.only.clone(),
        credentials,
        ..FetchConfig::default()
    };
    let plan = plan(&card, options.url.as_deref(), &options.output, &config)?;
    let size = plan.bytes.map_or("of unknown size".to_owned(), |bytes| {
        format!("{}{:.1} MB", if plan.estimated { "about " } else { "" }, bytes as f64 / 1e6)
    });
    let free = plan.free.map_or(String::new(), |free| format!("; {:.1} MB are free", free as f64 / 1e6));
    eprintln!("{}: {} files, {size}{free}", card.name, plan.files);
    let progress = Progress::new(plan.files as u64, "files");
    let fetched = plan.run(&|| progress.add(1))?;
    drop(progress);
    let text = format!(
        "{}: {} files fetched and verified, {} were there",
        options.output.display(),
        fetched.fetched,
        fetched.present
    );
    crate::commands::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
