//! Number formats of GGUF tensors and their values as f32, with the same operations in the same order as the `gguf`
//! Python package, so that the results are the same to the bit.

use half::f16;

use crate::kernel::BlockFormat;
use crate::model::weights::NumberFormat;

/// Values in a K-quant's block.
const K: usize = 256;

/// A number format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types)]
pub(super) enum Quant {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4_K,
    Q5_K,
    Q6_K,
    /// Any other, by its tag: a tensor can be listed, but not read.
    Other(u32),
}

/// Tag in the file, format, name, values in a block, bytes of a block.
const FORMATS: [(u32, Quant, &str, usize, usize); 11] = [
    (0, Quant::F32, "F32", 1, 4),
    (1, Quant::F16, "F16", 1, 2),
    (2, Quant::Q4_0, "Q4_0", 32, 2 + 16),
    (3, Quant::Q4_1, "Q4_1", 32, 4 + 16),
    (6, Quant::Q5_0, "Q5_0", 32, 2 + 4 + 16),
    (7, Quant::Q5_1, "Q5_1", 32, 4 + 4 + 16),
    (8, Quant::Q8_0, "Q8_0", 32, 2 + 32),
    (12, Quant::Q4_K, "Q4_K", K, 4 + 12 + 128),
    (13, Quant::Q5_K, "Q5_K", K, 4 + 12 + 32 + 128),
    (14, Quant::Q6_K, "Q6_K", K, 128 + 64 + 16 + 2),
    (30, Quant::Bf16, "BF16", 1, 2),
];

/// Names of formats that are not read, to be named when refused: those of the tags from the first on.
const OTHERS: [(u32, &str); 4] = [
    (9, "Q8_1 Q2_K Q3_K"),
    (15, "Q8_K IQ2_XXS IQ2_XS IQ3_XXS IQ1_S IQ4_NL IQ3_S IQ2_S IQ4_XS I8 I16 I32 I64 F64 IQ1_M"),
    (31, "Q4_0_4_4 Q4_0_4_8 Q4_0_8_8 TQ1_0 TQ2_0"),
    (39, "MXFP4 NVFP4 Q1_0"),
];

impl Quant {
    /// The format with this tag.
    pub fn of(tag: u32) -> Self {
        FORMATS.iter().find(|(known, ..)| *known == tag).map_or(Self::Other(tag), |(_, quant, ..)| *quant)
    }

    /// Why a tensor of this format cannot be read, if so.
    pub fn unreadable(self) -> Option<String> {
        let Self::Other(tag) = self else { return None };
        let known = FORMATS.map(|(_, _, name, ..)| name).join(", ");
        Some(format!("number format {self} (type {tag}) is not supported; supported: {known}"))
    }

    /// The same in the terms of all weight files.
    pub fn stored(self) -> NumberFormat {
        match self {
            Quant::F32 => NumberFormat::F32,
            Quant::F16 => NumberFormat::F16,
            Quant::Bf16 => NumberFormat::Bf16,
            Quant::Other(_) => NumberFormat::Other(0),
            _ => NumberFormat::Quantised(self.format().0),
        }
    }

    fn other_name(self) -> &'static str {
        let Self::Other(tag) = self else { return "unknown" };
        let named = |(first, names): &(u32, &'static str)| names.split(' ').nth(tag.checked_sub(*first)? as usize);
        OTHERS.iter().find_map(named).unwrap_or("unknown")
    }

    /// Name, values in a block, bytes of a block.
    fn format(self) -> (&'static str, usize, usize) {
        FORMATS
            .iter()
            .find(|(_, quant, ..)| *quant == self)
            .map_or((self.other_name(), 1, 0), |(_, _, name, block, bytes)| (name, *block, *bytes))
    }

    /// How its values are widened as they are used; none of plain numbers, and of formats that are not read.
    pub fn blocks(self) -> Option<BlockFormat> {
        let widen: fn(&[u8], &mut [f32]) = match self {
            Quant::Q4_0 => |bytes, out| each(bytes, out, q4_0),
            Quant::Q4_1 => |bytes, out| each(bytes, out, q4_1),
            Quant::Q5_0 => |bytes, out| each(bytes, out, q5_0),
            Quant::Q5_1 => |bytes, out| each(bytes, out, q5_1),
            Quant::Q8_0 => |bytes, out| each(bytes, out, q8_0),
            Quant::Q4_K => |bytes, out| each(bytes, out, q4_k),
            Quant::Q5_K => |bytes, out| each(bytes, out, q5_k),
            Quant::Q6_K => |bytes, out| each(bytes, out, q6_k),
            Quant::F32 | Quant::F16 | Quant::Bf16 | Quant::Other(_) => return None,
        };
        let (name, values, bytes) = self.format();
        Some(BlockFormat { name, values, bytes, widen })
    }

    /// Values in a block.
    pub fn block(self) -> usize {
        self.format().1
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        self.format().2
    }

    /// Writes the values of whole blocks to `out`, which is as long as `bytes` has values.
    pub fn dequantize(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            Quant::F32 => each(bytes, out, |b: &[u8; 4], out: &mut [f32; 1]| out[0] = f32::from_le_bytes(*b)),
            Quant::F16 => each(bytes, out, |b: &[u8; 2], out: &mut [f32; 1]| out[0] = f16::from_le_bytes(*b).to_f32()),
            Quant::Bf16 => each(bytes, out, |b: &[u8; 2], out: &mut [f32; 1]| {
                out[0] = f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16);
            }),
            Quant::Q4_0 => each(bytes, out, q4_0),
            Quant::Q4_1 => each(bytes, out, q4_1),
            Quant::Q5_0 => each(bytes, out, q5_0),
            Quant::Q5_1 => each(bytes, out, q5_1),
            Quant::Q8_0 => each(bytes, out, q8_0),
            Quant::Q4_K => each(bytes, out, q4_k),
            Quant::Q5_K => each(bytes, out, q5_k),
            Quant::Q6_K => each(bytes, out, q6_k),
            Quant::Other(_) => {}
        }
    }
}

impl std::fmt::Display for Quant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.format().0)
    }
}

fn each<const B: usize, const N: usize>(bytes: &[u8], out: &mut [f32], block: impl Fn(&[u8; B], &mut [f32; N])) {
    let (blocks, values) = (bytes.as_chunks::<B>().0, out.as_chunks_mut::<N>().0);
    blocks.iter().zip(values).for_each(|(bytes, out)| block(bytes, out));
}

/// The half-precision number at `at`.
fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

/// Value `i` of 32 that lie in the low and then in the high halves of 16 bytes.
fn nibble(bytes: &[u8], i: usize) -> u8 {
    if i < 16 { bytes[i] & 0x0F } else { bytes[i - 16] >> 4 }
}

/// Bit `i` of 32.
fn bit(bytes: &[u8], i: usize) -> u8 {
    (bytes[i / 8] >> (i % 8)) & 1
}

fn q4_0(b: &[u8; 18], out: &mut [f32; 32]) {
    let d = half_at(b, 0);
    for (i, out) in out.iter_mut().enumerate() {
        *out = d * f32::from(nibble(&b[2..], i) as i8 - 8);
    }
}

fn q4_1(b: &[u8; 20], out: &mut [f32; 32]) {
    let (d, m) = (half_at(b, 0), half_at(b, 2));
    for (i, out) in out.iter_mut().enumerate() {
        *out = d * f32::from(nibble(&b[4..], i)) + m;
    }
}

fn q5_0(b: &[u8; 22], out: &mut [f32; 32]) {
    let d = half_at(b, 0);
    for (i, out) in out.iter_mut().enumerate() {
        *out = d * f32::from((nibble(&b[6..], i) | bit(&b[2..6], i) << 4) as i8 - 16);
    }
}

fn q5_1(b: &[u8; 24], out: &mut [f32; 32]) {
    let (d, m) = (half_at(b, 0), half_at(b, 2));
    for (i, out) in out.iter_mut().enumerate() {
        *out = d * f32::from(nibble(&b[8..], i) | bit(&b[4..8], i) << 4) + m;
    }
}

fn q8_0(b: &[u8; 34], out: &mut [f32; 32]) {
    let d = half_at(b, 0);
    for (out, &q) in out.iter_mut().zip(&b[2..]) {
        *out = f32::from(q as i8) * d;
    }
}

/// Scale and minimum of each eighth of a K-quant's block, six bits each in twelve bytes, times the block's own.
fn scales_and_minima(b: &[u8]) -> [(f32, f32); 8] {
    let (d, dmin, packed) = (half_at(b, 0), half_at(b, 2), &b[4..16]);
    std::array::from_fn(|j| {
        let (scale, min) = if j < 4 {
            (packed[j] & 0x3F, packed[j + 4] & 0x3F)
        } else {
            let (low, scale_top, min_top) = (packed[j + 4], packed[j - 4] >> 6, packed[j] >> 6);
            (low & 0x0F | scale_top << 4, low >> 4 | min_top << 4)
        };
        (d * f32::from(scale), dmin * f32::from(min))
    })
}

fn q4_k(b: &[u8; 144], out: &mut [f32; K]) {
    let scales = scales_and_minima(b);
    // Two eighths share their bytes. Loops over neighbours without a branch become vector instructions.
    for ((bytes, out), scales) in b[16..].chunks_exact(32).zip(out.chunks_exact_mut(64)).zip(scales.chunks_exact(2)) {
        let (low, high) = out.split_at_mut(32);
        for ((low, high), byte) in low.iter_mut().zip(high).zip(bytes) {
            *low = scales[0].0 * f32::from(byte & 0x0F) - scales[0].1;
            *high = scales[1].0 * f32::from(byte >> 4) - scales[1].1;
        }
    }
}

fn q5_k(b: &[u8; 176], out: &mut [f32; K]) {
    let scales = scales_and_minima(b);
    for (i, out) in out.iter_mut().enumerate() {
        let (eighth, lane) = (i / 32, i % 32);
        let low = (b[48 + eighth / 2 * 32 + lane] >> (eighth % 2 * 4)) & 0x0F;
        let high = (b[16 + lane] >> eighth) & 1;
        *out = scales[eighth].0 * f32::from(low | high << 4) - scales[eighth].1;
    }
}

fn q6_k(b: &[u8; 210], out: &mut [f32; K]) {
    let (ql, qh, scales, d) = (&b[..128], &b[128..192], &b[192..208], half_at(b, 208));
    for (sixteenth, out) in out.chunks_exact_mut(16).enumerate() {
        let (part, quarter, first) = (sixteenth / 8, sixteenth % 8 / 2, sixteenth % 2 * 16);
        let low = &ql[part * 64 + quarter % 2 * 32 + first..][..16];
        let high = &qh[part * 32 + first..][..16];
        let scale = d * f32::from(scales[sixteenth] as i8);
        for ((out, low), high) in out.iter_mut().zip(low).zip(high) {
            let (low, high) = ((low >> (quarter / 2 * 4)) & 0x0F, (high >> (quarter * 2)) & 0x03);
            *out = scale * f32::from((low | high << 4) as i8 - 32);
        }
    }
}
