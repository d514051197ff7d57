//! From the folder a server rendered into to the names that files get.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use rushes_core::deliver::file_stem;
use rushes_core::media::{Digest, Finding, FrameRange};
use rushes_core::plan::Unit;
use rushes_core::stage::OutputFile;
use rushes_core::{Error, ErrorKind, Result};

use super::opens::opens;
use super::recipe::Output;

/// A hidden folder below the output folder, on the same file system, that vanishes with this.
#[derive(Debug)]
pub(crate) struct Work {
    root: PathBuf,
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
        let root = out.join(format!(".{}.rushes-filmlight", file_stem(&unit.id)));
        let io = |e| Error::io(&root, e).doing("making the folder that the server renders into");
        fs::create_dir_all(&root).map_err(io)?;
        let lock = File::create(root.join("lock")).map_err(io)?;
        // A file system without locks only loses the warning about two runs.
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(Error::new(ErrorKind::InUse, "another run is rendering this unit now").path(&root));
        }
        for entry in fs::read_dir(&root).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.is_dir() {
                fs::remove_dir_all(&path).map_err(io)?;
            }
        }
        Ok(Self { root, _lock: lock })
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
        let _ = fs::remove_dir_all(&self.root);
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

/// Looks into every file of a render; when all of all outputs are well, gives them their names. Where one is missing
/// or broken, none gets its name.
pub(crate) fn place(unit: &Unit, made: &[Made]) -> Placed {
    let mut placed = Placed { files: Vec::new(), findings: Vec::new(), ended: Ok(()) };
    let looked = made.iter().try_for_each(|m| look(unit, m, &mut placed.findings));
    placed.ended = looked.and_then(|()| made.iter().try_for_each(|m| name(unit, m, &mut placed.files)));
    placed
}

/// Looks into every file of an output.
fn look(unit: &Unit, made: &Made, findings: &mut Vec<Finding>) -> Result<()> {
    let Made { output, files, names } = made;
    if files.len() != names.len() {
        let what = format!("{} files were rendered and {} are wanted", files.len(), names.len());
        return Err(Error::new(ErrorKind::Invalid, what));
    }
    for (path, (_, frames)) in files.iter().zip(names) {
        let found = opens(path, &output.kind).map_err(|e| e.frame(frames.first))?;
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

/// Gives every file of an output its name; those that have theirs are in `named`, whatever comes after.
fn name(unit: &Unit, made: &Made, named: &mut Vec<OutputFile>) -> Result<()> {
    let role = made.output.kind.role();
    for (path, (name, frames)) in made.files.iter().zip(&made.names) {
        let (digest, bytes) = Digest::xxh64_of_file(path)?;
        rename(path, &unit.out.join(name), unit.overwrite).map_err(|e| e.doing("giving a rendered file its name"))?;
        named.push(OutputFile { role: role.into(), path: name.clone(), bytes, digest, frames: *frames });
    }
    Ok(())
}

/// Brings the file to the disk and moves it, never over another one that may not be replaced.
fn rename(from: &Path, to: &Path, overwrite: bool) -> Result<()> {
    File::open(from).and_then(|f| f.sync_all()).map_err(|e| Error::io(from, e))?;
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    }
    let linked = if overwrite { Err(io::ErrorKind::Unsupported.into()) } else { fs::hard_link(from, to) };
    match linked {
        Ok(()) => {
            // The file stands; its other name goes with the folder.
            let _ = fs::remove_file(from);
            Ok(())
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(Error::io(to, e)),
        // File systems without links, and files that may be replaced.
        Err(_) if !overwrite && to.symlink_metadata().is_ok() => {
            Err(Error::new(ErrorKind::AlreadyExists, "the output file exists already").path(to))
        }
        Err(_) => fs::rename(from, to).map_err(|e| Error::io(to, e)),
    }
}
