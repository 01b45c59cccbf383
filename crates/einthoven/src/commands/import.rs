//! `einthoven import`.

use std::process::ExitCode;

use einthoven::models::import::SignalSystem;
use einthoven::{Error, Result, import_encoder, import_esi, import_merl};
use serde_json::json;

use crate::cli::{Import, System};

pub fn import(options: &Import) -> Result<ExitCode> {
    let encoder = |system| import_encoder(system, &options.file, &options.output);
    let imported = match options.system {
        System::Esi => {
            let missing =
                || Error::Setting { key: "--text".to_owned(), message: "name the text encoder's folder".to_owned() };
            import_esi(&options.file, options.text.as_deref().ok_or_else(missing)?, &options.output)
        }
        System::Merl => match &options.text {
            Some(text) => import_merl(&options.file, text, &options.output),
            None => encoder(SignalSystem::Merl),
        },
        System::XResNet1d => encoder(SignalSystem::XResNet1d),
        System::EcgFm => encoder(SignalSystem::EcgFm),
        System::EcgFounder => encoder(SignalSystem::EcgFounder),
    }?;
    if options.json {
        super::print_json(&json!({
            "run": imported.run,
            "parameters": imported.parameters,
            "left_out": imported.left_out,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!("{}: {} parameters", imported.run.display(), imported.parameters);
    if !imported.left_out.is_empty() {
        let count = imported.left_out.len();
        let first: Vec<&str> = imported.left_out.iter().take(3).map(String::as_str).collect();
        let rest = if count > first.len() { ", …" } else { "" };
        text.push_str(&format!(
            "\n  {count} tensors are no part of the model and were left out: {}{rest}",
            first.join(", ")
        ));
    }
    super::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
