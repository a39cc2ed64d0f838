//! PNG: the scene at four times the image's resolution on plotters' bitmap backend, averaged down, so that every edge is
//! smooth. In print it has 300 pixels per inch, and says so. It is drawn band by band, which fit a processor's cache as the whole would
//! not, on all threads.

use super::paint::paint;
use super::scene::{Item, Scene};
use image::{ColorType, ImageEncoder, codecs::png::PngEncoder};
use plotters::prelude::BitMapBackend;
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind};
use rayon::prelude::*;
use std::io::{self, Write};
use std::ops::Range;

/// Pixels of the image per pixel of the scene.
const DENSITY: f64 = 2.0;
/// Pixels of the image per inch in print.
const PRINTED: f64 = 300.0;
/// Most samples of an image; a larger one has fewer for each pixel.
const SAMPLES: u64 = 48_000_000;
/// Bytes of the samples of a band, about.
const BAND: usize = 1 << 21;
/// Rows of pixels of a band at least: what lies on the edge of two is drawn in both.
const FEWEST_ROWS: usize = 16;

/// Writes the scene as a PNG of twice its size, or of its size in print.
pub fn png(scene: &Scene, out: &mut dyn Write) -> io::Result<()> {
    let density = scene.print.map_or(DENSITY, |_| scene.points_per_pixel() / 72.0 * PRINTED);
    let pixels = |of: u32| ((f64::from(of) * density).round() as u32).max(1);
    let (width, height) = (pixels(scene.width), pixels(scene.height));
    let samples = |factor: u32| u64::from(width) * u64::from(height) * u64::from(factor * factor);
    let factor = [4, 3, 2].into_iter().find(|&factor| samples(factor) <= SAMPLES).unwrap_or(1);
    let pixels = drawn(scene, density, (width, height), factor)?;
    let mut encoded = Vec::new();
    PngEncoder::new(&mut encoded).write_image(&pixels, width, height, ColorType::Rgb8).map_err(io::Error::other)?;
    match scene.print {
        None => out.write_all(&encoded),
        Some(_) => {
            // After the signature and the first chunk, which says how large the image is.
            let (head, rest) = encoded.split_at(encoded.len().min(8 + 25));
            [head, &resolution(PRINTED), rest].iter().try_for_each(|part| out.write_all(part))
        }
    }
}

/// Every pixel, the mean of `factor` × `factor` samples.
fn drawn(scene: &Scene, density: f64, (width, height): (u32, u32), factor: u32) -> io::Result<Vec<u8>> {
    let scale = density * f64::from(factor);
    let stride = width as usize * 3;
    let rows = (BAND / (stride * (factor * factor) as usize)).max(FEWEST_ROWS);
    let heights: Vec<Range<f64>> = scene.items.iter().map(Item::height).collect();
    let mut pixels = vec![0; stride * height as usize];
    pixels.par_chunks_mut(stride * rows).enumerate().try_for_each(|(number, pixels)| {
        let above = (number * rows) as u32 * factor;
        let size = (width * factor, (pixels.len() / stride) as u32 * factor);
        let (top, bottom) = (f64::from(above) / scale, f64::from(above + size.1) / scale);
        let items = scene.items.iter().zip(&heights);
        let items = items.filter(|(_, height)| height.start <= bottom && height.end >= top).map(|(item, _)| item);
        let mut fine = vec![255; size.0 as usize * size.1 as usize * 3];
        {
            let inner = BitMapBackend::with_buffer(&mut fine, size);
            let mut band = Band { inner, above: above as i32, size: (size.0, height * factor) };
            paint(items, &mut band, scale).map_err(|error| io::Error::other(error.to_string()))?;
        }
        average(&fine, pixels, width as usize, factor as usize);
        Ok::<(), io::Error>(())
    })?;
    Ok(pixels)
}

/// The chunk that says how many pixels there are to a metre (PNG specification, 11.3.5.3).
fn resolution(per_inch: f64) -> Vec<u8> {
    let per_metre = (per_inch / 0.0254).round() as u32;
    let mut body = b"pHYs".to_vec();
    body.extend(per_metre.to_be_bytes().repeat(2));
    // The unit is the metre.
    body.push(1);
    let mut chunk = (body.len() as u32 - 4).to_be_bytes().to_vec();
    chunk.extend(&body);
    chunk.extend(checksum(&body).to_be_bytes());
    chunk
}

/// CRC-32 of a chunk (PNG specification, annex D).
fn checksum(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), |sum, _| step(sum)))
}

/// Each pixel the mean of `factor` × `factor` samples.
fn average(fine: &[u8], pixels: &mut [u8], width: usize, factor: usize) {
    let stride = width * factor * 3;
    let area = (factor * factor) as u32;
    let mut sums = vec![0u32; width * 3];
    for (rows, pixels) in fine.chunks_exact(stride * factor).zip(pixels.chunks_exact_mut(width * 3)) {
        sums.fill(0);
        for row in rows.chunks_exact(stride) {
            for (samples, sums) in row.chunks_exact(factor * 3).zip(sums.chunks_exact_mut(3)) {
                for sample in samples.chunks_exact(3) {
                    sums.iter_mut().zip(sample).for_each(|(sum, &value)| *sum += u32::from(value));
                }
            }
        }
        pixels.iter_mut().zip(&sums).for_each(|(pixel, &sum)| *pixel = ((sum + area / 2) / area) as u8);
    }
}

/// A band of plotters' bitmap with polygons filled exactly (its own scan loses parts of those that are not convex) and lines joined
/// by round corners. Places are those of the whole.
struct Band<'b> {
    inner: BitMapBackend<'b>,
    /// Rows of the whole that are above it.
    above: i32,
    /// Of the whole.
    size: (u32, u32),
}

impl Band<'_> {
    /// Rows of the whole that it has.
    fn rows(&self) -> Range<i32> {
        self.above..self.above + self.inner.get_size().1 as i32
    }
}

type RasterError = <BitMapBackend<'static> as DrawingBackend>::ErrorType;
type Done = Result<(), DrawingErrorKind<RasterError>>;

impl DrawingBackend for Band<'_> {
    type ErrorType = RasterError;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Done {
        self.inner.ensure_prepared()
    }

    fn present(&mut self) -> Done {
        self.inner.present()
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Done {
        if !self.rows().contains(&y) {
            return Ok(());
        }
        self.inner.draw_pixel((x, y - self.above), color)
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Done {
        if from.0 >= to.0 || from.1 >= to.1 {
            return Ok(());
        }
        // What is outside of it, it leaves.
        self.inner.draw_rect((from.0, from.1 - self.above), (to.0, to.1 - self.above), style, fill)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Done {
        let points: Vec<BackendCoord> = path.into_iter().collect();
        let half = f64::from(style.stroke_width()) / 2.0;
        for pair in points.windows(2) {
            let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
            let (dx, dy) = (f64::from(x1 - x0), f64::from(y1 - y0));
            let length = dx.hypot(dy);
            if length == 0.0 {
                continue;
            }
            let (nx, ny) = (-dy / length * half, dx / length * half);
            let corner = |x: i32, y: i32, sign: f64| {
                ((f64::from(x) + sign * nx).round() as i32, (f64::from(y) + sign * ny).round() as i32)
            };
            let quad = [corner(x0, y0, 1.0), corner(x1, y1, 1.0), corner(x1, y1, -1.0), corner(x0, y0, -1.0)];
            self.fill_polygon(quad, style)?;
        }
        for &point in points.iter().skip(1).rev().skip(1) {
            self.draw_circle(point, half as u32, style, true)?;
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, vertices: I, style: &S) -> Done {
        let points: Vec<(f64, f64)> = vertices.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).collect();
        let (Some(last), rows) = (points.last().copied(), self.rows()) else { return Ok(()) };
        let top = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min).max(f64::from(rows.start)) as i32;
        let bottom = points.iter().map(|point| point.1).fold(0.0, f64::max).min(f64::from(rows.end)) as i32;
        let mut crossings: Vec<f64> = Vec::new();
        for row in top..bottom {
            // Rows are sampled at their middle, where no vertex can lie.
            let y = f64::from(row) + 0.5;
            crossings.clear();
            let mut from = last;
            for &to in &points {
                if (from.1 < y) != (to.1 < y) {
                    crossings.push(from.0 + (y - from.1) / (to.1 - from.1) * (to.0 - from.0));
                }
                from = to;
            }
            crossings.sort_by(f64::total_cmp);
            for span in crossings.chunks_exact(2) {
                let (start, end) = (span[0].round() as i32, span[1].round() as i32);
                self.draw_rect((start, row), (end, row + 1), style, true)?;
            }
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, (x, y): BackendCoord, radius: u32, style: &S, _fill: bool) -> Done {
        let radius = f64::from(radius);
        for row in -(radius as i32)..radius as i32 {
            let half = (radius * radius - (f64::from(row) + 0.5).powi(2)).max(0.0).sqrt().round() as i32;
            self.draw_rect((x - half, y + row), (x + half, y + row + 1), style, true)?;
        }
        Ok(())
    }
}
