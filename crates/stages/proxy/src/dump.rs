//! One frame as one file, for looking, debugging, benches and other people's tools.

use std::io::{BufWriter, Write};
use std::path::Path;

use ndarray::{ArrayView2, ArrayView3};
use rushes_core::media::{ColorSpace, Digest};
use rushes_core::{Error, ErrorKind, Result};

use crate::plate::{Attributes, ExrCompression, ExrEncoder, Sample};
use crate::still::{PngDepth, Tags, encode_png};
use rushes_core::deliver::{AtomicFile, write_whole};

/// How the values of a picture become the code values of a PNG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PngEncoding {
    /// As they are: to see raw numbers.
    AsIs,
    /// As they are, for pictures that are rendered for a display, and saying which.
    Display(ColorSpace),
    /// Through the sRGB curve (IEC 61966-2-1), so that linear light can be looked at. Primaries
    /// are not converted and highlights above 1 clip: this is not an output transform.
    Srgb,
}

/// Writes `view` (planes, rows, columns) as a NumPy file of little-endian `f32`
/// (NumPy enhancement proposal 1, format 1.0). Gives the file's size in bytes and its digest.
///
/// # Errors
/// When the file exists and `overwrite` is false, and whatever the operating system refuses.
pub fn write_npy_f32(path: &Path, view: ArrayView3<'_, f32>, overwrite: bool) -> Result<(u64, Digest)> {
    let (p, h, w) = view.dim();
    let rows = view.rows().into_iter().map(|row| row.iter().flat_map(|v| v.to_le_bytes()).collect());
    write_npy(path, overwrite, "<f4", &format!("({p}, {h}, {w})"), rows)
}

/// Writes `view` (rows, columns) as a NumPy file of little-endian `u16`. As [`write_npy_f32`].
///
/// # Errors
/// As [`write_npy_f32`].
pub fn write_npy_u16(path: &Path, view: ArrayView2<'_, u16>, overwrite: bool) -> Result<(u64, Digest)> {
    let (h, w) = view.dim();
    let rows = view.rows().into_iter().map(|row| row.iter().flat_map(|v| v.to_le_bytes()).collect());
    write_npy(path, overwrite, "<u2", &format!("({h}, {w})"), rows)
}

/// Writes `view` (planes, rows, columns) as an EXR of 32-bit floats, ZIP compressed: one plane as
/// channel `Y`, three as `R`, `G`, `B`. Where `space` is known the header says so.
///
/// # Errors
/// When there are neither one nor three planes, when the file exists and `overwrite` is false, and
/// whatever the operating system refuses.
pub fn write_exr_frame(
    path: &Path,
    view: ArrayView3<'_, f32>,
    space: Option<ColorSpace>,
    overwrite: bool,
) -> Result<(u64, Digest)> {
    let (planes, height, width) = view.dim();
    // The planes in the order of the file: channels sorted by name.
    let (names, order): (&[&str], &[usize]) = match planes {
        1 => (&["Y"], &[0]),
        3 => (&["B", "G", "R"], &[2, 1, 0]),
        _ => return Err(odd_planes(planes, path)),
    };
    let mut attributes = Attributes::default();
    if let Some(space) = space {
        attributes.chromaticities(space.chromaticities());
        match space {
            ColorSpace::Aces2065_1 => attributes.text("colorInteropID", "lin_ap0_scene"),
            ColorSpace::AcesCg => attributes.text("colorInteropID", "lin_ap1_scene"),
            _ => {}
        }
    }
    let mut encoder = ExrEncoder::new((width, height), names, Sample::Float, ExrCompression::Zip, attributes)?;
    for y in 0..height {
        encoder.line(|line| {
            for (&plane, dst) in order.iter().zip(line.chunks_exact_mut(4 * width)) {
                for (d, v) in dst.chunks_exact_mut(4).zip(view.slice(ndarray::s![plane, y, ..])) {
                    d.copy_from_slice(&v.to_ne_bytes());
                }
            }
        })?;
    }
    write_whole(path, overwrite, &encoder.finish()?)
}

/// Writes `view` (planes, rows, columns) as a 16-bit PNG, grey or RGB; values are clamped to 0..1.
/// Pictures for a display say so as the sink `still` does, others carry no colour tag.
///
/// # Errors
/// As [`write_exr_frame`].
pub fn write_png_frame(
    path: &Path,
    view: ArrayView3<'_, f32>,
    encoding: PngEncoding,
    overwrite: bool,
) -> Result<(u64, Digest)> {
    let (planes, height, width) = view.dim();
    if planes != 1 && planes != 3 {
        return Err(odd_planes(planes, path));
    }
    let mut pixels = Vec::with_capacity(view.len() * 2);
    for y in 0..height {
        for x in 0..width {
            for plane in 0..planes {
                let v = view[[plane, y, x]];
                let v = if encoding == PngEncoding::Srgb { srgb(v) } else { v };
                // NaN and negative values become 0, as `as` saturates.
                pixels.extend_from_slice(&((v * 65535.0 + 0.5) as u16).to_be_bytes());
            }
        }
    }
    let tags = match encoding {
        PngEncoding::Display(space) => Tags::upright(Some(space)),
        _ => Tags::default(),
    };
    write_whole(path, overwrite, &encode_png(&pixels, (width, height), planes, PngDepth::Sixteen, &tags)?)
}

/// Linear light to sRGB code value, 0 to 1 (IEC 61966-2-1:1999, 5.2).
fn srgb(v: f32) -> f32 {
    if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 }
}

fn odd_planes(planes: usize, path: &Path) -> Error {
    Error::new(ErrorKind::Unsupported, format!("a picture of {planes} planes is neither grey nor RGB"))
        .doing("writing a frame")
        .path(path)
        .advice("write it as .npy")
}

fn write_npy(
    path: &Path,
    overwrite: bool,
    descr: &str,
    shape: &str,
    rows: impl Iterator<Item = Vec<u8>>,
) -> Result<(u64, Digest)> {
    let io = |e| Error::io(path, e).doing("writing a frame");
    let mut dict = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version and length are 10 bytes; the data begins at a multiple of 64 (format 1.0).
    let length = (10 + dict.len() + 1).next_multiple_of(64) - 10;
    while dict.len() + 1 < length {
        dict.push(' ');
    }
    dict.push('\n');
    let mut file = BufWriter::with_capacity(1 << 20, AtomicFile::create(path, overwrite)?);
    file.write_all(b"\x93NUMPY\x01\x00").map_err(io)?;
    // A shape of three numbers stays far below 64 KiB.
    file.write_all(&(length as u16).to_le_bytes()).map_err(io)?;
    file.write_all(dict.as_bytes()).map_err(io)?;
    for row in rows {
        file.write_all(&row).map_err(io)?;
    }
    file.into_inner().map_err(|e| io(e.into_error()))?.persist()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Array3};

    #[test]
    fn numpy_files_are_byte_for_byte_those_of_numpy() {
        let dir = tempfile::tempdir().unwrap();
        // numpy 2.4.6: np.save of arange(12, dtype='<f4').reshape(3, 2, 2) - 0.5, and of
        // array([[1, 2, 3], [65535, 0, 256]], '<u2'); xxh64 of the files (Python xxhash 4.1.0).
        let f = Array3::from_shape_vec((3, 2, 2), (0..12).map(|v| v as f32 - 0.5).collect()).unwrap();
        let (bytes, digest) = write_npy_f32(&dir.path().join("f.npy"), f.view(), false).unwrap();
        assert_eq!((bytes, digest.to_string().as_str()), (176, "xxh64:3fbc52a9bec0fe44"));
        let u = Array2::from_shape_vec((2, 3), vec![1u16, 2, 3, 65535, 0, 256]).unwrap();
        let (bytes, digest) = write_npy_u16(&dir.path().join("u.npy"), u.view(), false).unwrap();
        assert_eq!((bytes, digest.to_string().as_str()), (140, "xxh64:4e9d71ea23598ea0"));
        // A view with another layout gives the same file as its copy.
        let (_, turned) = write_npy_f32(&dir.path().join("t.npy"), f.view().permuted_axes([2, 1, 0]), false).unwrap();
        let copy = f.view().permuted_axes([2, 1, 0]).as_standard_layout().into_owned();
        assert_eq!(turned, write_npy_f32(&dir.path().join("c.npy"), copy.view(), false).unwrap().1);
    }

    #[test]
    fn a_float_exr_keeps_every_bit() {
        use exr::prelude::{FlatSamples, ReadChannels, ReadLayers};
        let dir = tempfile::tempdir().unwrap();
        let f = Array3::from_shape_fn((3, 20, 9), |(p, y, x)| (p as f32 + 1.0) / (1.0 + x as f32) - y as f32 * 1e6);
        let path = dir.path().join("f.exr");
        write_exr_frame(&path, f.view(), Some(ColorSpace::AcesCg), false).unwrap();
        let image = exr::prelude::read()
            .no_deep_data()
            .largest_resolution_level()
            .all_channels()
            .first_valid_layer()
            .all_attributes()
            .non_parallel()
            .from_file(&path)
            .unwrap();
        for (plane, name) in ["R", "G", "B"].into_iter().enumerate() {
            let list = &image.layer_data.channel_data.list;
            let FlatSamples::F32(got) = &list.iter().find(|c| c.name == *name).unwrap().sample_data else { panic!() };
            assert!(got.iter().eq(f.slice(ndarray::s![plane, .., ..]).iter()), "{name}");
        }
        assert_eq!(image.attributes.chromaticities.unwrap().red.0, 0.713);
        let e = write_exr_frame(&dir.path().join("2.exr"), Array3::zeros((2, 2, 2)).view(), None, false).unwrap_err();
        assert!(e.to_string().contains("2 planes"), "{e}");
    }

    #[test]
    fn png_values_are_clamped_and_encoded_as_asked() {
        let dir = tempfile::tempdir().unwrap();
        let f = Array3::from_shape_vec((1, 1, 6), vec![-1.0, f32::NAN, 0.002, 0.18, 1.0, 7.0]).unwrap();
        for (name, encoding, want) in [
            ("a.png", PngEncoding::AsIs, [0, 0, 131, 11796, 65535, 65535]),
            // colour-science 0.4.7: colour.models.eotf_inverse_sRGB([0.002, 0.18]) * 65535 = 1693.4, 30235.0
            ("s.png", PngEncoding::Srgb, [0, 0, 1693, 30235, 65535, 65535]),
        ] {
            let path = dir.path().join(name);
            write_png_frame(&path, f.view(), encoding, false).unwrap();
            let mut reader =
                png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).unwrap())).read_info().unwrap();
            let mut data = vec![0; 12];
            reader.next_frame(&mut data).unwrap();
            let got: Vec<u16> = data.chunks(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect();
            assert_eq!(got, want, "{encoding:?}");
        }
    }
}
