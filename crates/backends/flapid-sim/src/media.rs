//! Media as Rushes reads it, under the names that FilmLight has for things.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rushes::core::media::{Clip, ClipMedia, FrameRange, Timecode};
use rushes::core::stage::ClipRef;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::object::{Sequence, lock};
use crate::rpc::{Fault, fault};

/// A clip, and what is shown of it.
#[derive(Debug)]
pub(crate) struct Media {
    pub(crate) clip: Clip,
    /// The codec's name.
    pub(crate) codec: String,
    /// The file the client named, for files of many frames.
    pub(crate) file: Option<PathBuf>,
}

/// The clips of the folders that were looked into.
#[derive(Debug, Default)]
pub(crate) struct Library(Mutex<BTreeMap<PathBuf, Vec<Arc<Media>>>>);

/// A file that is played by frames in another folder.
#[derive(Debug, Deserialize)]
struct Played {
    codec: String,
    frames: PathBuf,
}

impl Library {
    /// The clip in `file`: all of it, or the one frame that the file holds.
    pub(crate) async fn for_file(&self, file: &Path) -> Result<Sequence, Fault> {
        let unreadable = || Fault { code: -32000, message: format!("Unable to open {}", file.display()) };
        let note = PathBuf::from(format!("{}.flapid-sim", file.display()));
        if note.is_file() && file.is_file() {
            let text = std::fs::read_to_string(&note).map_err(|_| unreadable())?;
            let played: Played =
                serde_json::from_str(&text).map_err(|e| Fault { code: -32000, message: e.to_string() })?;
            let clips = self.folder(&played.frames).await?;
            let media = clips.first().ok_or_else(unreadable)?;
            let media = Media { clip: media.clip.clone(), codec: played.codec, file: Some(file.to_owned()) };
            let range = media.clip.range.ok_or_else(unreadable)?;
            return Ok(Sequence { media: Arc::new(media), range });
        }
        let folder = file.parent().unwrap_or(Path::new("/"));
        for media in self.folder(folder).await? {
            let range = match &media.clip.media {
                ClipMedia::Sequence(s) => {
                    let frame = s.frames().find(|f| s.path(*f) == file);
                    frame.map(|f| FrameRange { first: f, last: f })
                }
                ClipMedia::Files(files) => media.clip.range.filter(|_| files.iter().any(|f| f == file)),
            };
            if let Some(range) = range {
                return Ok(Sequence { media, range });
            }
        }
        Err(unreadable())
    }

    /// The clips whose files fit `template`, such as `/card/A001_%.7F.dng`.
    pub(crate) async fn for_template(
        &self,
        template: &str,
        of: (Option<i64>, Option<i64>),
    ) -> Result<Vec<Sequence>, Fault> {
        let Some((before, after)) = template.split_once("%.") else {
            return fault(format!("{template} has no frame number"));
        };
        let Some((digits, suffix)) = after.split_once('F') else {
            return fault(format!("{template} has no frame number"));
        };
        let folder = Path::new(before).parent().unwrap_or(Path::new("/"));
        let clips = self.folder(folder).await?;
        let fits = clips.into_iter().filter_map(|media| {
            let ClipMedia::Sequence(s) = &media.clip.media else { return None };
            let fits = s.folder.join(&s.prefix).to_string_lossy() == before
                && s.suffix == suffix
                && digits.parse().is_ok_and(|d: usize| d == s.padding.max(1));
            let whole = s.range()?;
            let first = of.0.map_or(whole.first, |f| f.max(whole.first));
            let range = FrameRange::new(first, of.1.map_or(whole.last, |l| l.min(whole.last)))?;
            fits.then(|| Sequence { media: Arc::clone(&media), range })
        });
        Ok(fits.collect())
    }

    /// The clips of a folder.
    pub(crate) async fn folder(&self, folder: &Path) -> Result<Vec<Arc<Media>>, Fault> {
        if let Some(known) = lock(&self.0).get(folder) {
            return Ok(known.clone());
        }
        if !folder.is_dir() {
            return fault(format!("No such directory: {}", folder.display()));
        }
        let job = rushes::Job::new(rushes::recipes::inspect(false), folder, folder.join("nowhere"));
        // The clip stages read files, and what they give cannot change threads.
        let runtime = tokio::runtime::Handle::current();
        let looking = tokio::task::spawn_blocking(move || runtime.block_on(job.understand()).map(|u| u.last()));
        let batch = looking.await.map_err(|e| Fault { code: -32000, message: e.to_string() })??;
        let media: Vec<Arc<Media>> = batch
            .clips
            .into_iter()
            .filter(|clip| clip.refused.is_none())
            .map(|clip| {
                let file = match &clip.media {
                    ClipMedia::Files(files) => files.first().cloned(),
                    ClipMedia::Sequence(_) => None,
                };
                Arc::new(Media { codec: format!("{:?}", clip.format), file, clip })
            })
            .collect();
        lock(&self.0).insert(folder.to_owned(), media.clone());
        Ok(media)
    }
}

impl Media {
    pub(crate) fn reference(&self) -> ClipRef {
        ClipRef::of(&self.clip)
    }

    /// Columns and rows of what a decode gives.
    pub(crate) fn size(&self) -> (i64, i64) {
        let m = &self.clip.metadata;
        let cropped = m.default_crop.as_ref().or(m.active_area.as_ref()).map(|r| (r.value.width, r.value.height));
        let (w, h) = cropped.or_else(|| m.stored_size.as_ref().map(|s| s.value)).unwrap_or_default();
        (w as i64, h as i64)
    }

    pub(crate) fn timecode(&self, frame: i64) -> Option<Timecode> {
        let start = self.clip.metadata.start_timecode.as_ref()?.value;
        Some(start.offset(frame - self.clip.range?.first))
    }

    /// Where the picture of a frame lies.
    pub(crate) fn path(&self, frame: i64) -> PathBuf {
        match (&self.file, &self.clip.media) {
            (Some(file), _) => file.clone(),
            (None, ClipMedia::Sequence(s)) => s.path(frame),
            (None, ClipMedia::Files(files)) => files.first().cloned().unwrap_or_default(),
        }
    }

    /// What the camera wrote, field by field.
    pub(crate) fn raw(&self) -> Value {
        let fields = &self.clip.verbatim.0;
        Value::Object(fields.iter().map(|f| (f.origin.tag.clone(), Value::String(f.value.clone()))).collect())
    }

    /// What is known, for people.
    pub(crate) fn described(&self) -> Value {
        let mut map = Map::new();
        let m = &self.clip.metadata;
        let mut put = |key: &str, value: Option<String>| {
            map.extend(value.map(|v| (key.to_owned(), Value::String(v))));
        };
        put("Camera", m.model.as_ref().map(|v| v.value.clone()));
        put("Camera Make", m.make.as_ref().map(|v| v.value.clone()));
        put("Camera Serial Number", m.serial_number.as_ref().map(|v| v.value.clone()));
        put("Reel", m.reel.as_ref().map(|v| v.value.clone()));
        put("ISO", m.iso.as_ref().map(|v| v.value.to_string()));
        put("Frame Rate", m.rate.as_ref().map(|v| v.value.to_string()));
        put("Codec", Some(self.codec.clone()));
        Value::Object(map)
    }
}

/// A timecode as it stands on the wire.
pub(crate) fn timecode(tc: Option<Timecode>) -> Value {
    let Some(tc) = tc else { return Value::Null };
    let (h, m, s, f) = tc.label();
    let fps = match (tc.is_drop(), tc.rate().nominal()) {
        (true, 30) => -30,
        (true, _) => -31,
        (false, n) => i64::from(n),
    };
    json!({ "_type": "timecode", "h": h, "m": m, "s": s, "f": f, "phase": 0, "fps": fps, "wrap": 24 })
}
