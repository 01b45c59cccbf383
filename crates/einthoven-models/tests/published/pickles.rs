//! Pickles and archives as `torch.save` writes them, and as nobody should.

use std::io::{Cursor, Write};

use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// A pickle of protocol 2 in the making.
pub struct Pickle(Vec<u8>);

impl Pickle {
    pub fn new() -> Self {
        Self(vec![0x80, 2])
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    pub fn int(self, number: u32) -> Self {
        self.raw(b"J").raw(&number.to_le_bytes())
    }

    pub fn name(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    fn numbers(self, numbers: &[u32]) -> Self {
        numbers.iter().fold(self.raw(b"("), |pickle, &number| pickle.int(number)).raw(b"t")
    }

    /// A tensor over storage `key` of `count` numbers.
    pub fn tensor(self, key: &str, count: u32, shape: &[u32], strides: &[u32]) -> Self {
        self.name("torch._utils", "_rebuild_tensor_v2")
            .raw(b"((")
            .text("storage")
            .name("torch", "FloatStorage")
            .text(key)
            .text("cpu")
            .int(count)
            .raw(b"tQ")
            .int(0)
            .numbers(shape)
            .numbers(strides)
            .raw(b"\x89")
            .name("collections", "OrderedDict")
            .raw(b")RtR")
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.push(b'.');
        self.0
    }
}

/// `{"weight": tensor}` of six numbers.
pub fn state_dict(count: u32, shape: &[u32], strides: &[u32]) -> Vec<u8> {
    Pickle::new().raw(b"}(").text("weight").tensor("0", count, shape, strides).raw(b"u").end()
}

/// An archive of uncompressed entries.
pub fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in entries {
        writer.start_file(*name, stored).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// An archive as `torch.save` makes it, of a pickle and one storage of the numbers 0 to 5.
pub fn checkpoint(pickle: &[u8]) -> Vec<u8> {
    let numbers: Vec<u8> = (0..6u8).flat_map(|number| f32::from(number).to_le_bytes()).collect();
    archive(&[("archive/data.pkl", pickle), ("archive/byteorder", b"little"), ("archive/data/0", &numbers)])
}
