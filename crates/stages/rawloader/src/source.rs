//! The source `decode-stills`.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use ndarray::Array3;
use rawloader::{Orientation as Turned, RawImage, RawImageData};
use rushes_core::frame::{Frame, FrameFacts, FrameFormat, ImageState, Mosaic};
use rushes_core::media::{
    CalibratedIlluminant, CameraColor, Cfa, ClipFormat, ClipMedia, Levels, Orientation, Rect, WhitePoint,
};
use rushes_core::stage::{ClipReader, ClipRef, Source, SourceFrame, StageInfo};
use rushes_core::{Error, ErrorKind, Result, storage};
use rushes_ingest::recognise;
use serde::{Deserialize, Serialize};

use crate::declared::most_pixels;
use crate::extent::{beyond_end, is_dng};
use crate::guard::guarded;

/// Decodes single raw stills of the cameras that rawloader 0.37 knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawloaderSource {}

/// The largest file that is read: medium-format raws have 200 MB.
const MOST_BYTES: u64 = 512 << 20;
/// The largest picture: no stills camera has more photosites.
const MOST_PIXELS: u64 = 250_000_000;
/// Pixels that a byte of file can hold at most: no raw comes to less than a bit a pixel.
const PIXELS_A_BYTE: u64 = 8;
/// Bytes in which files are told apart.
const HEAD: usize = 64 << 10;

impl StageInfo for RawloaderSource {
    fn name(&self) -> &'static str {
        "decode-stills"
    }

    fn version(&self) -> u32 {
        1
    }

    fn params(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}

impl Source for RawloaderSource {
    fn accepts(&self, clip: &ClipRef) -> Result<()> {
        if cfg!(panic = "abort") {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this program ends at the first panic, and rawloader panics",
            )
            .advice("build it with panic = \"unwind\", or convert the stills to DNG"));
        }
        match clip.format {
            ClipFormat::StillRaw => Ok(()),
            other => Err(Error::new(ErrorKind::Unsupported, format!("it decodes raw stills, not {other:?}"))),
        }
    }

    fn open(&self, clip: &ClipRef) -> Result<Box<dyn ClipReader>> {
        Ok(Box::new(Reader { media: clip.media.clone() }))
    }
}

struct Reader {
    media: ClipMedia,
}

impl Reader {
    fn path(&self, frame: i64) -> Result<PathBuf> {
        match &self.media {
            ClipMedia::Sequence(s) => Ok(s.path(frame)),
            ClipMedia::Files(files) => usize::try_from(frame)
                .ok()
                .and_then(|i| files.get(i).cloned())
                .ok_or_else(|| Error::new(ErrorKind::NotFound, "the clip has no such frame").frame(frame)),
        }
    }

    /// The file's bytes and what rawloader says of it without decoding.
    fn header(&self, frame: i64) -> Result<(PathBuf, Vec<u8>, RawImage)> {
        let path = self.path(frame)?;
        let about = |e: Error| e.path(&path).doing("reading a still");
        let len = storage::stat(&path).map_err(about)?.bytes;
        if len == 0 || len > MOST_BYTES {
            return Err(about(Error::new(ErrorKind::BadMedia, format!("a file of {len} bytes is no raw still"))));
        }
        let bytes = storage::read_whole(&path, MOST_BYTES).map_err(about)?;
        if let Some((offset, count)) = beyond_end(&bytes) {
            return Err(about(
                Error::new(
                    ErrorKind::BadMedia,
                    format!("it ends at byte {len}, and {count} bytes of picture should lie at {offset}"),
                )
                .advice("it was cut short: copy it again from the card"),
            ));
        }
        known(&bytes, &path).map_err(about)?;
        let image = described(&bytes).map_err(about)?;
        let pixels = image.width.checked_mul(image.height).filter(|p| fits(*p as u64, bytes.len())).unwrap_or(0);
        if pixels == 0 {
            return Err(about(too_large(&format!("{}x{}", image.width, image.height), len)));
        }
        if image.cpp != 1 || pixels < 4 {
            return Err(about(Error::new(
                ErrorKind::Unsupported,
                format!("{} values to a pixel: it is no mosaic", image.cpp),
            )));
        }
        Ok((path, bytes, image))
    }
}

impl ClipReader for Reader {
    fn format(&self, frame: i64) -> Result<FrameFormat> {
        let (path, _, image) = self.header(frame)?;
        format_of(&image, frame).map_err(|e| e.path(path))
    }

    fn bytes_needed(&self, frame: i64) -> Result<u64> {
        let (_, bytes, image) = self.header(frame)?;
        // The file twice (rawloader copies it), the decoded u16 and our f32. Where the header can
        // only be read by decoding, that picture is used and no second is made.
        Ok(2 * bytes.len() as u64 + (image.width * image.height * 6) as u64)
    }

    fn decode(&self, frame: i64) -> Result<Box<dyn SourceFrame>> {
        let (path, bytes, image) = self.header(frame)?;
        let about = |e: Error| e.path(&path).doing("decoding a still");
        let image = if decoded(&image) {
            image
        } else {
            guarded(|| rawloader::decode(&mut Cursor::new(&bytes)).map_err(unknown)).map_err(about)?
        };
        drop(bytes);
        let format = format_of(&image, frame).map_err(about)?;
        let samples: Vec<f32> = match image.data {
            RawImageData::Integer(v) => v.into_iter().map(f32::from).collect(),
            RawImageData::Float(v) => v,
        };
        let planes = Array3::from_shape_vec((1, format.height, format.width), samples).map_err(|_| {
            about(Error::new(ErrorKind::BadMedia, "the decoder gave fewer samples than the picture has"))
        })?;
        Ok(Box::new(Frame::<Mosaic>::new(planes, format.facts).map_err(about)?))
    }
}

/// Refuses what rawloader must not see: DNG, which it mis-reads; files it would take for a camera's
/// by nothing but their length; headers that speak of more than the file can hold.
fn known(bytes: &[u8], path: &Path) -> Result<()> {
    if is_dng(bytes) {
        return Err(Error::new(ErrorKind::Unsupported, "it is a DNG, which rawloader does not read rightly")
            .advice("leave it to the decode stage"));
    }
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let found = recognise(&bytes[..bytes.len().min(HEAD)], bytes.len() as u64, &name);
    match found {
        Some(f) if f.format == ClipFormat::StillRaw && f.detail.contains("CR3") => {
            Err(Error::new(ErrorKind::Unsupported, "it is a CR3, newer than rawloader knows")
                .advice("convert it with Adobe DNG Converter to DNG"))
        }
        Some(f) if f.format == ClipFormat::StillRaw => Ok(()),
        Some(f) => Err(Error::new(ErrorKind::Unsupported, format!("its content is {}, no raw still", f.detail))),
        None => Err(Error::new(ErrorKind::BadMedia, "its content is no raw still known here")),
    }?;
    match most_pixels(bytes) {
        Some(p) if !fits(p, bytes.len()) => Err(too_large(&p.to_string(), bytes.len() as u64)),
        _ => Ok(()),
    }
}

/// True for pictures of a size that exists and that a file of `len` bytes can hold.
fn fits(pixels: u64, len: usize) -> bool {
    pixels > 0 && pixels <= MOST_PIXELS && pixels / PIXELS_A_BYTE <= len as u64
}

fn too_large(pixels: &str, len: u64) -> Error {
    Error::new(ErrorKind::BadMedia, format!("its header speaks of {pixels} pixels, which {len} bytes cannot hold"))
        .advice("it is damaged or was cut short: copy it again from the card")
}

/// What rawloader says of a file. Of cameras whose black it measures in the picture it can say
/// it only by decoding; that is done where the size of the picture is known to be sane.
fn described(bytes: &[u8]) -> Result<RawImage> {
    let quick = guarded(|| rawloader::decode_dummy(&mut Cursor::new(bytes)).map_err(unknown));
    match quick {
        Err(_) if most_pixels(bytes).is_some_and(|p| fits(p, bytes.len())) => {
            guarded(|| rawloader::decode(&mut Cursor::new(bytes)).map_err(unknown))
        }
        quick => quick,
    }
}

/// True when the picture is there, not only what is known of it.
fn decoded(image: &RawImage) -> bool {
    let samples = match &image.data {
        RawImageData::Integer(v) => v.len(),
        RawImageData::Float(v) => v.len(),
    };
    image.width.checked_mul(image.height).is_some_and(|p| p > 1 && p == samples)
}

fn unknown(e: rawloader::RawLoaderError) -> Error {
    let why = e.to_string();
    // Of its own panics, which it catches itself, it says that they are bugs; here they are damage.
    if why.contains("panic") {
        return Error::new(ErrorKind::BadMedia, "the decoder gave up on the file")
            .advice("it is damaged, or of a kind the decoder does not know: copy it again from the card");
    }
    // What follows the first line is a request to send the file to its author.
    let why = why.lines().next().unwrap_or_default().trim_start_matches("RawLoaderError: ").trim_matches('"');
    Error::new(ErrorKind::Unsupported, format!("rawloader cannot read it ({why})"))
        .advice("the file is damaged, or of a camera that rawloader does not know")
}

fn format_of(image: &RawImage, frame: i64) -> Result<FrameFormat> {
    let [top, right, bottom, left] = image.crops;
    let area = (|| {
        Some(Rect {
            x: left,
            y: top,
            width: image.width.checked_sub(left)?.checked_sub(right)?,
            height: image.height.checked_sub(top)?.checked_sub(bottom)?,
        })
    })()
    .filter(|a| a.fits(image.width, image.height))
    .unwrap_or(Rect::whole(image.width, image.height));
    let cfa = Cfa::ALL.into_iter().find(|cfa| {
        image.cfa.width == 2
            && image.cfa.height == 2
            && (0..2).all(|r| (0..2).all(|c| image.cfa.color_at(area.y + r, area.x + c) == cfa.color_at(r, c)))
    });
    let cfa = cfa.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, format!("the colour filter `{}` is not a Bayer pattern", image.cfa.name))
    })?;
    // Levels come by colour (red, green, blue, second green); the pattern wants them by photosite.
    let by_site = |v: &[u16; 4]| {
        (0..4).map(|i| f64::from(v[image.cfa.color_at(area.y + i / 2, area.x + i % 2).min(3)])).collect::<Vec<_>>()
    };
    let white = f64::from(image.whitelevels[1]);
    let levels = (white > 0.0).then(|| Levels {
        repeat: (2, 2),
        black: by_site(&image.blacklevels),
        delta_h: Vec::new(),
        delta_v: Vec::new(),
        white,
    });
    let facts = FrameFacts {
        frame,
        cfa: Some(cfa),
        levels,
        active_area: Some(area),
        camera_color: color(image),
        orientation: orientation(image.orientation),
        ..FrameFacts::default()
    };
    Ok(FrameFormat { state: ImageState::Mosaic, width: image.width, height: image.height, facts })
}

/// The camera's matrix, for D65 as rawloader's tables have it (in ten-thousandths, as dcraw's), and
/// the white of the take.
/// `None` rather than rawloader's stand-ins where there is no matrix.
fn color(image: &RawImage) -> Option<CameraColor> {
    let m: Vec<[f64; 3]> = image.xyz_to_cam.iter().take(3).map(|row| row.map(|v| f64::from(v) / 10_000.0)).collect();
    let color_matrix: [[f64; 3]; 3] = m.try_into().ok()?;
    if color_matrix.iter().any(|row| row.iter().all(|v| *v == 0.0)) {
        return None;
    }
    let gains = [image.wb_coeffs[0], image.wb_coeffs[1], image.wb_coeffs[2]].map(f64::from);
    let as_shot =
        gains.iter().all(|g| g.is_finite() && *g > 0.0).then(|| WhitePoint::Neutral(gains.map(|g| gains[1] / g)));
    Some(CameraColor {
        calibrations: vec![CalibratedIlluminant {
            light_source: 21,
            color_matrix,
            forward_matrix: None,
            camera_calibration: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        }],
        analog_balance: [1.0; 3],
        baseline_exposure: 0.0,
        as_shot,
    })
}

fn orientation(turned: Turned) -> Orientation {
    match turned {
        Turned::Normal | Turned::Unknown => Orientation::Normal,
        Turned::HorizontalFlip => Orientation::MirrorX,
        Turned::Rotate180 => Orientation::Rotate180,
        Turned::VerticalFlip => Orientation::MirrorY,
        Turned::Transpose => Orientation::Transpose,
        Turned::Rotate90 => Orientation::Rotate90,
        Turned::Transverse => Orientation::Transverse,
        Turned::Rotate270 => Orientation::Rotate270,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn open(path: PathBuf) -> Box<dyn ClipReader> {
        let clip = ClipRef {
            name: "still".into(),
            format: ClipFormat::StillRaw,
            media: ClipMedia::Files(vec![path]),
            range: None,
            metadata: std::sync::Arc::default(),
            substitutes: Vec::new(),
        };
        RawloaderSource {}.accepts(&clip).unwrap();
        RawloaderSource {}.open(&clip).unwrap()
    }

    #[test]
    fn files_that_are_no_stills_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.cr2");
        let dng = b"II*\0\x08\0\0\0\x01\0\x12\xc6\x01\0\x04\0\0\0\x01\x04\0\0\0\0\0\0";
        // A make and a raw compression, and 60,000 x 60,000 pixels.
        let lying = b"II*\0\x08\0\0\0\x03\0\0\x01\x04\0\x01\0\0\0\x60\xea\0\0\x01\x01\x04\0\x01\0\0\0\x60\xea\0\0\
            \x03\x01\x03\0\x01\0\0\0\x99\x87\0\0\0\0\0\0";
        // A camera firmware's dump of exactly this length is what rawloader would take it for.
        let naked = vec![0x55; 31_342_080];
        for (bytes, says) in [
            (&b""[..], "0 bytes"),
            (b"II", "no raw still"),
            (b"ARRI", "no raw still"),
            (b"ARRI\x12\x34\x56\x78", "ARRIRAW"),
            (b"II*\0\x08\0\0\0\xff\xff", "a.cr2"),
            (&[0xff; 5000], "no raw still"),
            (dng, "it is a DNG"),
            (lying, "speaks of 3600000000 pixels"),
            (&naked, "no raw still"),
        ] {
            fs::write(&path, bytes).unwrap();
            for e in [open(path.clone()).format(0).unwrap_err(), open(path.clone()).decode(0).unwrap_err()] {
                let e = e.to_string();
                assert!(e.contains("a.cr2") && e.contains(says) && !e.contains("panic"), "{e}");
            }
        }
        assert!(open(path).format(1).is_err());
    }

    #[test]
    fn a_real_still_decodes_and_a_cut_one_does_not() {
        let footage = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/footage/raw");
        let still = PathBuf::from(footage).join("genuine/Canon_EOS_D30.crw");
        if !still.exists() {
            eprintln!("SKIPPED: {} is not there", still.display());
            return;
        }
        let format = open(still.clone()).format(0).unwrap();
        let frame = open(still.clone()).decode(0).unwrap();
        assert_eq!((format.width, format.height), (2224, 1456));
        assert_eq!(format, frame.format());
        let planes = frame.planes();
        // LibRaw 0.22.2: means by CFA position of the whole area, levels, margins, white balance.
        let mean = |r: usize, c: usize| {
            let sites = planes.slice(ndarray::s![0, r..;2, c..;2]);
            sites.iter().map(|v| f64::from(*v)).sum::<f64>() / sites.len() as f64
        };
        for (r, c, want) in [(0, 0, 567.1644), (0, 1, 489.073), (1, 0, 493.9007), (1, 1, 290.1706)] {
            assert!((mean(r, c) - want).abs() < 1e-3, "{} at {r},{c}", mean(r, c));
        }
        let facts = &format.facts;
        assert_eq!(facts.active_area, Some(Rect { x: 48, y: 6, width: 2176, height: 1448 }));
        assert_eq!(facts.cfa, Some(Cfa::Rggb));
        let levels = facts.levels.as_ref().unwrap();
        assert_eq!((levels.white, &levels.black), (4095.0, &vec![127.0, 128.0, 128.0, 128.0]));
        let color = facts.camera_color.as_ref().unwrap();
        // rawloader's table; LibRaw's, of a newer Adobe version, begins with 0.99.
        assert!((color.calibrations[0].color_matrix[0][0] - 0.9805).abs() < 1e-6);
        let Some(WhitePoint::Neutral(n)) = color.as_shot else { panic!("no white") };
        let want = [0.976_168 / 2.133_333, 1.0, 0.976_168 / 1.006_883];
        assert!(n.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-5), "{n:?}");
        // The directory of a CRW is at its end: nothing is left of one that was cut.
        let bytes = fs::read(&still).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let cut = folder.path().join("cut.crw");
        for n in [100, 5000, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&cut, &bytes[..n]).unwrap();
            let e = open(cut.clone()).decode(0).unwrap_err();
            assert!(!e.to_string().contains("panic"), "{e}");
        }
        for head in ["CanonRaw.cr2", "Nikon.nef", "Panasonic.rw2"] {
            let path = PathBuf::from(footage).join("truncated-heads").join(head);
            assert!(open(path).decode(0).is_err(), "{head} has no picture");
        }
    }
}
