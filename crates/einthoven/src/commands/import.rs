//! `einthoven import`.

use std::process::ExitCode;

use einthoven::models::import::SignalSystem;
use einthoven::{Error, Result, import_encoder, import_esi, import_merl};
use serde_json::json;

use crate::cli::{Import, System};

pub fn import(options: &Import) -> Result<ExitCode> {
    let setting = |message: &str| Error::Setting { key: "--text".to_owned(), message: message.to_owned() };
    let (file, out) = (&options.file, &options.output);
    let imported = match (options.system, &options.text) {
        (System::Esi, Some(text)) => import_esi(file, text, out),
        (System::Esi, None) => Err(setting("name the text encoder's folder")),
        (System::Merl, Some(text)) => import_merl(file, text, out),
        (System::XResNet1d | System::EcgFm | System::EcgFounder, Some(_)) => {
            Err(setting("is for esi and merl; this system reads no texts"))
        }
        (System::Merl, None) => import_encoder(SignalSystem::Merl, file, out),
        (System::XResNet1d, None) => import_encoder(SignalSystem::XResNet1d, file, out),
        (System::EcgFm, None) => import_encoder(SignalSystem::EcgFm, file, out),
        (System::EcgFounder, None) => import_encoder(SignalSystem::EcgFounder, file, out),
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
