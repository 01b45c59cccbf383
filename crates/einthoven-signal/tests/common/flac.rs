//! FLAC streams (RFC 9639) without compression, made by an encoder of the tests' own.

/// Samples of a block.
const BLOCK: usize = 16;

/// A stream of channels of the same length, of `bits` (8, 16 or 24) a sample.
pub fn encode(bits: u32, channels: &[Vec<i32>]) -> Vec<u8> {
    let length = channels[0].len();
    let mut stream = b"fLaC\x80\x00\x00\x22".to_vec();
    let mut info = Bits::default();
    info.push(BLOCK as u64, 16);
    info.push(BLOCK as u64, 16);
    info.push(0, 48);
    info.push(1000, 20);
    info.push(channels.len() as u64 - 1, 3);
    info.push(u64::from(bits) - 1, 5);
    info.push(length as u64, 36);
    stream.extend(info.bytes);
    stream.extend([0; 16]);
    for (number, start) in (0..length).step_by(BLOCK).enumerate() {
        let end = (start + BLOCK).min(length);
        let mut frame = Bits::default();
        frame.push(0xfff8, 16);
        // An explicit block size of 8 bits, and the stream's sampling rate.
        frame.push(0x60, 8);
        frame.push(channels.len() as u64 - 1, 4);
        frame.push([1, 4, 6][(bits / 8 - 1) as usize], 3);
        frame.push(0, 1);
        assert!(number < 128, "longer numbers are written in UTF-8's way");
        frame.push(number as u64, 8);
        frame.push((end - start - 1) as u64, 8);
        frame.push(crc(&frame.bytes, 8, 0x07), 8);
        for channel in channels {
            // A verbatim subframe.
            frame.push(0x02, 8);
            for &sample in &channel[start..end] {
                frame.push(sample as u64 & ((1 << bits) - 1), bits);
            }
        }
        frame.push(crc(&frame.bytes, 16, 0x8005), 16);
        stream.extend(frame.bytes);
    }
    stream
}

fn crc(bytes: &[u8], bits: u32, polynomial: u64) -> u64 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u64::from(byte) << (bits - 8), |crc, _| {
            let shifted = crc << 1;
            (if shifted >> bits & 1 == 1 { shifted ^ polynomial } else { shifted }) & ((1 << bits) - 1)
        })
    })
}

/// Bits, the highest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u64, count: u32) {
        for i in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> i & 1) as u8) << (7 - self.used % 8);
            self.used += 1;
        }
    }
}
