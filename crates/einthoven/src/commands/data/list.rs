//! `einthoven data list`.

use std::process::ExitCode;

use einthoven::Result;
use einthoven::corpus::DatasetCard;

use crate::cli::data::List;

pub fn list(options: &List) -> Result<ExitCode> {
    let names = || DatasetCard::built_in().map(str::to_owned).collect();
    let names: Vec<String> = options.dataset.clone().map_or_else(names, |name| vec![name]);
    let cards = names.iter().map(|name| Ok(DatasetCard::open(name)?)).collect::<Result<Vec<_>>>()?;
    if options.json {
        crate::commands::print_json(&cards)?;
    } else if options.dataset.is_some() {
        cards.iter().try_for_each(|card| crate::commands::print(&show(card)))?;
    } else {
        let width = names.iter().map(String::len).max().unwrap_or(0);
        for card in &cards {
            let records = card.size.map_or("-".to_owned(), |size| size.records.to_string());
            let line = format!("  {:<width$}  {records:>7}  {:<16}  {}", card.name, card.licence, card.title);
            crate::commands::print(&line)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(card: &DatasetCard) -> String {
    let mut lines = vec![format!("{} {}: {}", card.name, card.version, card.title), card.description.clone()];
    lines.push(format!("  licence      {}", card.licence));
    if let Some(source) = &card.source {
        lines.push(format!("  source       {} (doi {})", source.url, source.doi));
    }
    if let Some(size) = card.size {
        let patients = size.patients.map_or(String::new(), |patients| format!(" of {patients} patients"));
        lines.push(format!("  size         {} records{patients}", size.records));
    }
    if !card.signals.leads.is_empty() {
        let leads: Vec<&str> = card.signals.leads.iter().map(|lead| lead.name()).collect();
        lines.push(format!("  leads        {}", leads.join(", ")));
    }
    for (name, what) in &card.label_sets {
        lines.push(format!("  labels       {name}: {what}"));
    }
    if !card.citation.is_empty() {
        lines.push(format!("  cite         {}", card.citation));
    }
    lines.join("\n")
}
