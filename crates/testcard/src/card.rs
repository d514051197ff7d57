//! The card: folders, clips, sidecars and faults.

use std::fs;
use std::path::{Path, PathBuf};

use rushes_core::media::{Cfa, Rate, Rect, Timecode};
use rushes_core::{Error, Result};

use crate::camera::{Camera, DAYLIGHT, TUNGSTEN};
use crate::dng::{Coding, DngFrame, write_dng};
use crate::scene::{Scene, hash_bits};

/// What card to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardSpec {
    /// Columns of the pictures.
    pub width: usize,
    /// Rows of the pictures.
    pub height: usize,
    /// Frames of each clip; at least 6.
    pub frames: i64,
    /// How samples are stored.
    pub coding: Coding,
}

impl Default for CardSpec {
    /// Two clips of 16 frames, 1280x720.
    fn default() -> Self {
        Self { width: 1280, height: 720, frames: 16, coding: Coding::Packed }
    }
}

impl CardSpec {
    /// Small enough for tests: 160x90, 8 frames.
    pub fn tiny() -> Self {
        Self { width: 160, height: 90, frames: 8, coding: Coding::Packed }
    }
}

/// A card that was written, and what is on it.
#[derive(Debug, Clone)]
pub struct Card {
    /// The folder.
    pub root: PathBuf,
    /// The clips: the clean one, then the damaged one.
    pub clips: Vec<ClipTruth>,
    /// The file that belongs to no clip.
    pub stray: PathBuf,
}

/// The truth about a clip.
#[derive(Debug, Clone)]
pub struct ClipTruth {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its reel.
    pub reel: String,
    /// Timecode of frame 0.
    pub start: Timecode,
    /// Frames from 0, the missing ones counted.
    pub frames: i64,
    /// Frames without a file.
    pub missing: Vec<i64>,
    /// Frames whose file ends early.
    pub truncated: Vec<i64>,
    /// The camera.
    pub camera: Camera,
    /// Turns the wall's colour.
    pub hue: f32,
    /// Dark rows and columns around the active area.
    pub border: usize,
    /// The file beside the frames, if there is one.
    pub sidecar: Option<PathBuf>,
}

impl Card {
    /// Writes the card into `root`, which must not hold anything yet.
    ///
    /// # Errors
    /// When a file cannot be written, or the folder is not empty.
    pub fn write(root: &Path, spec: CardSpec) -> Result<Self> {
        let doing = "making the synthetic card";
        refuse_full(root).map_err(|e| e.doing(doing))?;
        let clips = [clean(root, spec)?, damaged(root, spec)?];
        for clip in &clips {
            write_clip(clip, spec).map_err(|e| e.doing(doing).clip(&clip.name))?;
        }
        if let Some(path) = &clips[0].sidecar {
            put(path, CDL.as_bytes())?;
        }
        let stray = root.join("NOTES.TXT");
        put(&stray, b"Camera A on sticks, camera B on the slider. Battery changed after B002C003.\n")?;
        Ok(Self { root: root.to_owned(), clips: clips.to_vec(), stray })
    }

    /// Writes the clean clip alone.
    ///
    /// # Errors
    /// As [`Card::write`].
    pub fn write_clean(root: &Path, spec: CardSpec) -> Result<ClipTruth> {
        let doing = "making the synthetic card";
        refuse_full(root).map_err(|e| e.doing(doing))?;
        let clip = clean(root, spec)?;
        write_clip(&clip, spec).map_err(|e| e.doing(doing).clip(&clip.name))?;
        Ok(clip)
    }
}

fn refuse_full(root: &Path) -> Result<()> {
    if fs::read_dir(root).is_ok_and(|mut d| d.next().is_some()) {
        return Err(Error::new(rushes_core::ErrorKind::AlreadyExists, "the folder is not empty")
            .path(root)
            .advice("choose another folder, or remove this one"));
    }
    Ok(())
}

fn clean(root: &Path, spec: CardSpec) -> Result<ClipTruth> {
    let name = "A001C001_261123_R1AB";
    let folder = root.join("A001_R1AB").join(name);
    Ok(ClipTruth {
        sidecar: Some(folder.join(format!("{name}.cdl"))),
        folder,
        name: name.into(),
        reel: "A001".into(),
        // The label crosses a minute in the clip.
        start: Timecode::parse("10:11:59:18", Rate::FPS_23_976)?,
        frames: spec.frames,
        missing: Vec::new(),
        truncated: Vec::new(),
        camera: Camera::new(Cfa::Rggb, [256.0; 4], DAYLIGHT)?,
        hue: 0.4,
        border: 0,
    })
}

fn damaged(root: &Path, spec: CardSpec) -> Result<ClipTruth> {
    let name = "B002C003_261123_R2CD";
    Ok(ClipTruth {
        folder: root.join("B002_R2CD").join(name),
        name: name.into(),
        reel: "B002".into(),
        start: Timecode::parse("01:00:00:00", Rate::FPS_25)?,
        frames: spec.frames,
        missing: vec![spec.frames / 3],
        truncated: vec![spec.frames * 2 / 3],
        camera: Camera::new(Cfa::Gbrg, [255.5, 256.0, 256.25, 256.75], TUNGSTEN)?,
        hue: 2.6,
        border: 8,
        sidecar: None,
    })
}

impl ClipTruth {
    /// The path of a frame.
    pub fn path(&self, frame: i64) -> PathBuf {
        self.folder.join(format!("{}_{frame:06}.dng", self.name))
    }

    /// The scene of a frame.
    pub fn scene(&self, spec: CardSpec, frame: i64) -> Scene {
        Scene::new(spec.width, spec.height, frame, self.hue)
    }

    /// The stored samples of a frame, border included, row by row.
    pub fn samples(&self, spec: CardSpec, frame: i64) -> Vec<u16> {
        let scene = self.scene(spec, frame);
        let (b, width) = (self.border, spec.width + 2 * self.border);
        let mut samples = vec![0u16; width * (spec.height + 2 * b)];
        for (r, row) in samples.chunks_mut(width).enumerate() {
            for (c, v) in row.iter_mut().enumerate() {
                // The sum of four uniform numbers is as good a normal one as a sensor needs.
                let four = (0..2).map(|i| hash_bits(r as i32, c as i32, frame as u32 * 2 + i));
                let sum: u32 = four.map(|h| (h >> 12) + (h & 0xfff)).sum();
                let noise = (f64::from(sum) / 4096.0 - 2.0) * 3f64.sqrt();
                let lit = r.checked_sub(b).zip(c.checked_sub(b)).filter(|&(r, c)| r < spec.height && c < spec.width);
                let (light, r, c) = match lit {
                    Some((r, c)) => (scene.light(r, c), r, c),
                    // Eight dark photosites to each side keep the pattern's phase.
                    None => ([0.0; 3], r, c),
                };
                *v = self.camera.code(light, r, c, noise);
            }
        }
        samples
    }
}

fn write_clip(clip: &ClipTruth, spec: CardSpec) -> Result<()> {
    fs::create_dir_all(&clip.folder).map_err(|e| Error::io(&clip.folder, e))?;
    let frames: Vec<i64> = (0..clip.frames).filter(|f| !clip.missing.contains(f)).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|t| {
                let mine = frames.iter().skip(t).step_by(threads);
                scope.spawn(move || mine.copied().try_for_each(|frame| write_frame(clip, spec, frame)))
            })
            .collect();
        workers.into_iter().try_for_each(|w| {
            w.join().unwrap_or_else(|_| Err(Error::new(rushes_core::ErrorKind::Panicked, "rendering a frame panicked")))
        })
    })
}

fn write_frame(clip: &ClipTruth, spec: CardSpec, frame: i64) -> Result<()> {
    let b = clip.border;
    let (width, height) = (spec.width + 2 * b, spec.height + 2 * b);
    let samples = clip.samples(spec, frame);
    let mut file = write_dng(&DngFrame {
        width,
        height,
        active_area: (b > 0).then_some(Rect { x: b, y: b, width: spec.width, height: spec.height }),
        cfa: clip.camera.cfa,
        black: clip.camera.black,
        white: clip.camera.white,
        color: &clip.camera.color,
        model: "Testcard 12",
        serial: if b > 0 { "TC-0002" } else { "TC-0001" },
        reel: &clip.reel,
        label: &clip.reel[..1],
        lens: "Painted 35mm T2.8",
        focal_length: 35,
        t_stop_tenths: 28,
        iso: 800,
        exposure_time: (1, 48),
        timecode: clip.start.offset(frame),
        samples: &samples,
        coding: spec.coding,
    });
    if clip.truncated.contains(&frame) {
        file.truncate(file.len() * 3 / 5);
    }
    put(&clip.path(frame), &file)
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|e| Error::io(path, e))
}

/// What the colourist on set sent along with the first clip.
const CDL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ColorDecisionList xmlns="urn:ASC:CDL:v1.01">
  <ColorDecision>
    <ColorCorrection id="A001C001_261123_R1AB">
      <SOPNode>
        <Slope>1.04 1.00 0.97</Slope>
        <Offset>-0.004 0.000 0.006</Offset>
        <Power>1.02 1.00 0.99</Power>
      </SOPNode>
      <SatNode>
        <Saturation>1.05</Saturation>
      </SatNode>
    </ColorCorrection>
  </ColorDecision>
</ColorDecisionList>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_card_is_written_every_time() {
        let spec = CardSpec { width: 48, height: 32, frames: 6, ..CardSpec::default() };
        let read = || {
            let folder = tempfile::tempdir().unwrap();
            let card = Card::write(&folder.path().join("card"), spec).unwrap();
            let frames =
                card.clips.iter().flat_map(|c| (0..c.frames).map(|f| fs::read(c.path(f)).ok())).collect::<Vec<_>>();
            assert!(Card::write(&card.root, spec).is_err(), "a folder that is not empty is left alone");
            frames
        };
        let (a, b) = (read(), read());
        assert_eq!(a, b);
        assert_eq!(a.iter().filter(|f| f.is_none()).count(), 1);
    }
}
