//! An index on disk: files named by their content, and one file that says which of them are valid.

use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::EncoderConfig;
use super::cells::Cells;
use super::chunk::Chunk;
use super::vectors::Vectors;
use crate::{Error, Result};

/// The version of the layout.
const FORMAT: u32 = 1;
const MANIFEST: &str = "index.json";
const LOCK: &str = "index.lock";
/// Beginnings of the names of the other files.
const PARTS: [&str; 4] = ["chunks-", "vectors-", "centres-", "cells-"];

/// What `index.json` says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: u32,
    /// What the other files are named by: a hash of the chunks and of the encoder.
    content: String,
    chunks: usize,
    /// The sum of the chunks' file, so that damage is found.
    sha256: String,
    pub vectors: Option<Dense>,
}

/// How the chunks were encoded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dense {
    pub encoder: EncoderConfig,
    pub identity: String,
    dimension: usize,
    /// How many cells the vectors are in: none in a small index.
    cells: usize,
}

/// What an index folder holds.
pub(super) struct Contents {
    pub manifest: Manifest,
    pub chunks: Vec<Chunk>,
    pub vectors: Option<Vectors>,
}

/// Reads an index folder.
pub(super) fn read(folder: &Path) -> Result<Contents> {
    let path = folder.join(MANIFEST);
    let text = match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::NoIndex { path: folder.to_owned() });
        }
        other => other.map_err(|source| Error::Read { path: path.clone(), source })?,
    };
    let damaged = |path: &Path, message: String| Error::Index { path: path.to_owned(), message };
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| damaged(&path, error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(damaged(&path, format!("format {}, expected {FORMAT}", manifest.format)));
    }
    let file = |part: &str| folder.join(format!("{part}{}", manifest.content));
    let path = file("chunks-");
    let bytes = std::fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    if hexadecimal(&Sha256::digest(&bytes)) != manifest.sha256 {
        return Err(damaged(&path, "its content has changed".to_owned()));
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let chunks: Vec<Chunk> = lines
        .map(serde_json::from_slice)
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| damaged(&path, error.to_string()))?;
    let vectors = match &manifest.vectors {
        None => None,
        Some(dense) => {
            let (count, dimension) = (chunks.len(), dense.dimension);
            let values = numbers(&file("vectors-"), count * dimension, f32::from_le_bytes)?;
            let cells = match dense.cells {
                0 => None,
                cells => {
                    let centres = numbers(&file("centres-"), cells * dimension, f32::from_le_bytes)?;
                    let cell_of = numbers(&file("cells-"), count, u32::from_le_bytes)?;
                    if cell_of.iter().any(|&cell| cell as usize >= cells) {
                        return Err(damaged(&file("cells-"), format!("a cell beyond the {cells}")));
                    }
                    Some(Cells::from_parts(dimension, centres, cell_of))
                }
            };
            Some(Vectors::from_parts(dimension, values, cells))
        }
    };
    Ok(Contents { manifest, chunks, vectors })
}

/// Reads as many numbers as are expected, piece by piece, so that the file does not lie in memory twice.
fn numbers<T>(path: &Path, count: usize, parse: impl Fn([u8; 4]) -> T) -> Result<Vec<T>> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length != 4 * count as u64 {
        return Err(Error::Index { path: path.to_owned(), message: format!("{length} bytes, expected {}", 4 * count) });
    }
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut numbers = Vec::with_capacity(count);
    let mut bytes = [0; 4];
    for _ in 0..count {
        reader.read_exact(&mut bytes).map_err(unreadable)?;
        numbers.push(parse(bytes));
    }
    Ok(numbers)
}

/// Holds the folder for one writer; another one waits.
pub(super) fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let lock = || {
        std::fs::create_dir_all(folder)?;
        let file = File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|source| Error::WriteIndex { path: path.clone(), source })
}

/// Writes an index, the manifest last, and removes the files of the one before.
pub(super) fn write(folder: &Path, chunks: &[Chunk], vectors: Option<(&Vectors, EncoderConfig, &str)>) -> Result<()> {
    let mut hash = Sha256::new();
    let mut lines = Vec::new();
    for chunk in chunks {
        hash.update(chunk.hash());
        serde_json::to_writer(&mut lines, chunk)
            .map_err(|error| Error::WriteIndex { path: folder.join(PARTS[0]), source: error.into() })?;
        lines.push(b'\n');
    }
    hash.update(vectors.as_ref().map_or("", |(_, _, identity)| identity));
    let content = hexadecimal(&hash.finalize())[..16].to_owned();
    let name = |part: &str| format!("{part}{content}");
    save(folder, &name("chunks-"), [&lines])?;
    let dense = match vectors {
        None => None,
        Some((vectors, encoder, identity)) => {
            save_numbers(folder, &name("vectors-"), vectors.values(), f32::to_le_bytes)?;
            if let Some(cells) = vectors.cells() {
                save_numbers(folder, &name("centres-"), cells.centres(), f32::to_le_bytes)?;
                save_numbers(folder, &name("cells-"), cells.cell_of(), u32::to_le_bytes)?;
            }
            let dimension = vectors.dimension();
            let cells = vectors.cells().map_or(0, |cells| cells.centres().len() / dimension);
            Some(Dense { encoder, identity: identity.to_owned(), dimension, cells })
        }
    };
    let manifest = Manifest {
        format: FORMAT,
        content: content.clone(),
        chunks: chunks.len(),
        sha256: hexadecimal(&Sha256::digest(&lines)),
        vectors: dense,
    };
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Error::WriteIndex { path: folder.join(MANIFEST), source: error.into() })?;
    save(folder, MANIFEST, [&text])?;
    remove_others(folder, &content)
}

fn save_numbers<T: Copy>(folder: &Path, name: &str, numbers: &[T], bytes: impl Fn(T) -> [u8; 4]) -> Result<()> {
    let blocks =
        numbers.chunks(1 << 18).map(|block| block.iter().flat_map(|&number| bytes(number)).collect::<Vec<u8>>());
    save(folder, name, blocks)
}

/// Writes a file atomically.
fn save(folder: &Path, name: &str, blocks: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<()> {
    let path = folder.join(name);
    let write = || {
        let mut file = NamedTempFile::new_in(folder)?;
        for block in blocks {
            file.write_all(block.as_ref())?;
        }
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(|source| Error::WriteIndex { path: path.clone(), source })
}

fn remove_others(folder: &Path, content: &str) -> Result<()> {
    let failed = |source| Error::WriteIndex { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let part = PARTS.iter().find_map(|part| name.strip_prefix(part));
        if part.is_some_and(|part| part != content) {
            std::fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
