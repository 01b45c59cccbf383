//! The files beside this crate that hold what was measured.

use std::path::Path;

use crate::Result;

/// Replaces what stands between `<!-- measured: name -->` and `<!-- end: name -->` in the README.
pub fn replace(name: &str, text: &str) -> Result<()> {
    let readme = std::fs::read_to_string(folder().join("README.md"))?;
    write("README.md", &replaced(&readme, name, text)?)
}

/// Writes a file of this folder; it is never half there.
pub fn write(file: &str, text: &str) -> Result<()> {
    Ok(einthoven::write_atomically(&folder().join(file), text.as_bytes())?)
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn replaced(readme: &str, name: &str, text: &str) -> Result<String> {
    let (start, end) = (format!("<!-- measured: {name} -->"), format!("<!-- end: {name} -->"));
    let parts = readme.split_once(&start).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("benches/README.md lacks `{start}` and `{end}`"))?;
    Ok(format!("{before}{start}\n{}\n{end}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::replaced;

    #[test]
    fn only_the_named_part_changes() {
        let readme = "a\n<!-- measured: x -->\nold\n<!-- end: x -->\nb\n<!-- measured: y -->\nkept\n<!-- end: y -->\n";
        let new = replaced(readme, "x", "new\n").unwrap();
        assert_eq!(new, readme.replace("old", "new"));
        assert!(replaced(readme, "z", "new").is_err());
    }
}
