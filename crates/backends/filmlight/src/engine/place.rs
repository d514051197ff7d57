//! From the folder a server rendered into to the names that files get.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use rushes_core::deliver::file_stem;
use rushes_core::media::{Finding, FrameRange};
use rushes_core::plan::Unit;
use rushes_core::run::{CancellationToken, Event, Reading, RunContext};
use rushes_core::stage::OutputFile;
use rushes_core::{Error, ErrorKind, Result};

use super::names::{Claims, give};
use super::opens::opens;
use super::recipe::Output;

/// A hidden folder below the output folder, on the same file system, that vanishes with this; of a unit that others run, too,
/// it stays with what attempts at it have named, until [`forget`].
#[derive(Debug)]
pub(crate) struct Work {
    root: PathBuf,
    shared: bool,
    /// Held as long as the folder is in use: a killed run's folder is taken over, a living run's is not.
    _lock: File,
}

impl Work {
    /// The folder of `unit`, empty.
    ///
    /// # Errors
    /// When another run uses it, and whatever the operating system refuses.
    pub(crate) fn begin(unit: &Unit) -> Result<Self> {
        // Servers are given whole paths.
        let out = std::path::absolute(&unit.out).map_err(|e| Error::io(&unit.out, e))?;
        let root = out.join(format!(".{}{SUFFIX}", file_stem(&unit.id)));
        let io = |e| Error::io(&root, e).doing("making the folder that the server renders into");
        fs::create_dir_all(&root).map_err(io)?;
        let lock = File::create(root.join("lock")).map_err(io)?;
        // A file system without locks only loses the warning about two runs.
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(Error::new(ErrorKind::InUse, "another run is rendering this unit now").path(&root));
        }
        clear(&root).map_err(io)?;
        Ok(Self { root, shared: unit.shared, _lock: lock })
    }

    /// What attempts at the unit were about to name.
    pub(crate) fn claims(&self) -> Claims {
        Claims::of(&self.root)
    }

    /// A folder for the `n`th render.
    pub(crate) fn folder(&self, n: usize) -> Result<PathBuf> {
        let folder = self.root.join(n.to_string());
        fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
        Ok(folder)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What cannot be removed is removed by the next run of the unit.
        let _ = if self.shared { clear(&self.root) } else { fs::remove_dir_all(&self.root) };
    }
}

/// Ends the names of such folders.
const SUFFIX: &str = ".rushes-filmlight";

/// Removes what servers rendered into the folder.
fn clear(root: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// Removes what attempts at units that several run ([`Unit::shared`]) left for one another in the output folder `out`, once it is
/// written down elsewhere what they made. A unit that is in work keeps it, and so does one that cannot be looked at.
pub fn forget(out: &Path) {
    for path in fs::read_dir(out).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())) {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if !(name.starts_with('.') && name.ends_with(SUFFIX)) {
            continue;
        }
        let lock = File::options().read(true).write(true).open(path.join("lock"));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// What a server made for one output.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) output: Output,
    /// Where the files are.
    pub(crate) files: Vec<PathBuf>,
    /// The names they get, and the frames each holds.
    pub(crate) names: Vec<(String, FrameRange)>,
}

/// What became of the files of a render.
#[derive(Debug)]
pub(crate) struct Placed {
    /// Those that have their names, also where it ended badly.
    pub(crate) files: Vec<OutputFile>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) ended: Result<()>,
}

impl Placed {
    /// Nothing, for this reason.
    pub(crate) fn failed(why: Error) -> Self {
        Self { files: Vec::new(), findings: Vec::new(), ended: Err(why) }
    }
}

/// A file that is well and lies on the disk, whole.
struct Ready<'a> {
    from: &'a Path,
    output: OutputFile,
}

/// Looks into every file of a render; when all of all outputs are well, gives them their names, and tells of each.
/// Where one is missing or broken, none gets its name. Nor does one after a cancellation: it is looked for between
/// files, and between the pieces of a large one. What has its name by then is whole, and stays.
pub(crate) fn place(unit: &Unit, made: &[Made], claims: &Claims, cx: &RunContext) -> Placed {
    let mut placed = Placed { files: Vec::new(), findings: Vec::new(), ended: Ok(()) };
    placed.ended = placing(unit, made, claims, cx, &mut placed.files, &mut placed.findings);
    placed
}

fn placing(
    unit: &Unit,
    made: &[Made],
    claims: &Claims,
    cx: &RunContext,
    named: &mut Vec<OutputFile>,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let reading = Reading::of(unit, cx);
    let mut ready = Vec::new();
    for m in made {
        look(unit, m, &reading, &cx.cancel, findings)?;
    }
    // All that takes long comes before the first name: whoever cancels meanwhile finds nothing.
    for m in made {
        read(m, &reading, &cx.cancel, &mut ready)?;
    }
    if unit.shared {
        claims.add(ready.iter().map(|r| &r.output))?;
    }
    for Ready { from, output } in ready {
        go_on(&cx.cancel)?;
        give(from, &unit.out.join(&output.path), &output, unit.existing(), claims, &reading)
            .map_err(|e| e.doing("giving a rendered file its name"))?;
        cx.events.send(Event::OutputFinished { unit: unit.id.clone(), output: output.clone() });
        named.push(output);
    }
    Ok(())
}

fn go_on(cancel: &CancellationToken) -> Result<()> {
    if cancel.is_cancelled() { Err(Error::new(ErrorKind::Cancelled, "cancelled")) } else { Ok(()) }
}

/// Looks into every file of an output.
fn look(
    unit: &Unit,
    made: &Made,
    reading: &Reading,
    cancel: &CancellationToken,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let Made { output, files, names } = made;
    if files.len() != names.len() {
        let what = format!("{} files were rendered and {} are wanted", files.len(), names.len());
        return Err(Error::new(ErrorKind::Invalid, what));
    }
    for (path, (_, frames)) in files.iter().zip(names) {
        let found = opens(path, &output.kind, cancel).map_err(|e| e.frame(frames.first))?;
        reading.more(path, path.metadata().map_or(0, |m| m.len()));
        if let Some(has) = found.frames.filter(|n| *n != frames.len()) {
            let what = format!("the movie has {has} frames, and {} were asked for", frames.len());
            return Err(Error::new(ErrorKind::BadMedia, what)
                .path(path)
                .advice("if one frame is missing or too many, see `range_end` in the settings"));
        }
        if let Some((w, h)) = found.size.filter(|s| *s != output.size)
            && path == &files[0]
        {
            let (width, height) = output.size;
            let text = format!("the server rendered {w}x{h}, where {width}x{height} was planned");
            findings.push(Finding::warning("output-size", text).clip(&unit.clip.name).path(&names[0].0));
        }
    }
    Ok(())
}

/// Brings every file of an output to the disk, and computes its digest.
fn read<'a>(made: &'a Made, reading: &Reading, cancel: &CancellationToken, ready: &mut Vec<Ready<'a>>) -> Result<()> {
    for (from, (name, frames)) in made.files.iter().zip(&made.names) {
        go_on(cancel)?;
        let synced = File::open(from).and_then(|file| {
            file.sync_all()?;
            file.metadata()
        });
        let bytes = synced.map_err(|e| Error::io(from, e))?.len();
        let (digest, bytes) = reading.digest(from, bytes)?;
        let role = made.output.kind.role().into();
        let output = OutputFile { role, path: name.clone(), bytes, digest, frames: *frames };
        ready.push(Ready { from, output });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rushes_core::media::Digest;

    use super::super::recipe::{Kind, Space};
    use super::*;

    #[test]
    fn what_attempts_at_a_shared_unit_named_is_known_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let unit = |shared: bool| -> Unit {
            serde_json::from_value(serde_json::json!({
                "format": 1, "id": "A.0-0", "range": { "first": 0, "last": 0 }, "tree": [], "out": dir.path(),
                "overwrite": false, "shared": shared, "bytes_per_frame": 1,
                "clip": { "name": "A", "format": "r3d", "media": { "files": [] }, "range": null, "metadata": {},
                          "substitutes": [] },
            }))
            .unwrap()
        };
        let digest = Digest::xxh64(b"rendered");
        let frames = FrameRange { first: 0, last: 0 };
        let output =
            OutputFile { role: "plate".into(), path: "a.exr".into(), bytes: 8, digest: digest.clone(), frames };
        let left = || fs::read_dir(dir.path()).unwrap().count();
        for shared in [false, true] {
            let work = Work::begin(&unit(shared)).unwrap();
            let folder = work.folder(0).unwrap();
            work.claims().add([&output].into_iter()).unwrap();
            forget(dir.path());
            assert!(folder.is_dir(), "it is in work");
            drop(work);
            assert!(!folder.exists());
            assert_eq!(left(), usize::from(shared));
        }
        let again = Work::begin(&unit(true)).unwrap();
        assert!(again.claims().has("a.exr", &digest));
        drop(again);
        forget(dir.path());
        assert_eq!(left(), 0);
    }

    #[test]
    fn after_a_cancellation_no_file_is_ready() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("large.mov");
        std::fs::write(&file, vec![7; 3 << 20]).unwrap();
        let kind = Kind::Movie { codec: Vec::new(), timecode: true };
        let output = Output { node: 1, kind, space: Space::Rec709, graded: false, scaled: None, size: (1, 1) };
        let frames = FrameRange { first: 0, last: 0 };
        let made = Made { output, files: vec![file.clone()], names: vec![("movie.mov".into(), frames)] };
        let (cancel, mut ready) = (CancellationToken::new(), Vec::new());
        let reading = Reading::new("unit", rushes_core::run::Events::none(), cancel.clone());
        read(&made, &reading, &cancel, &mut ready).unwrap();
        assert_eq!((ready[0].output.bytes, &ready[0].output.digest), (3 << 20, &Digest::xxh64(&vec![7; 3 << 20])));
        cancel.cancel();
        let (mut ready, e) = (Vec::new(), |r: Result<()>| r.unwrap_err().kind());
        assert_eq!(e(read(&made, &reading, &cancel, &mut ready)), ErrorKind::Cancelled);
        assert!(ready.is_empty());
        let kind = opens(&file, &made.output.kind, &cancel).unwrap_err().kind();
        assert_eq!(kind, ErrorKind::Cancelled, "it is not said to be broken");
    }
}
