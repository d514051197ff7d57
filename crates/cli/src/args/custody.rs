//! The arguments of the commands that copy, record and verify.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use rushes::custody::hash::Algorithm;

use super::Show;

#[derive(Debug, ClapArgs)]
pub(crate) struct Offload {
    /// The card's folder.
    pub(crate) card: PathBuf,
    /// A folder to copy to; give it once for each copy. The card becomes a folder in it.
    #[arg(long, value_name = "FOLDER", required = true)]
    pub(crate) to: Vec<PathBuf>,
    /// The name of the copies; the card's folder's own if not given.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Digests to compute, all from the one read: c4, md5, sha1, xxh128, xxh3, xxh64.
    #[arg(long = "hash", value_name = "ALGORITHM", value_delimiter = ',', default_value = "xxh128")]
    pub(crate) hashes: Vec<Algorithm>,
    /// What shall show that the copies equal the card.
    #[arg(long, value_enum, default_value_t = EvidenceArg::ReadBack)]
    pub(crate) verify: EvidenceArg,
    /// Read each file of the card a second time, too.
    #[arg(long)]
    pub(crate) reread: bool,
    /// Compare what stands at the destinations again, whatever earlier offloads proved.
    #[arg(long)]
    pub(crate) recheck: bool,
    /// What to do about names that other file systems do not take.
    #[arg(long, value_enum, default_value_t = NamesArg::Warn)]
    pub(crate) names: NamesArg,
    /// Write no ASC MHL history into the copies.
    #[arg(long)]
    pub(crate) no_mhl: bool,
    /// Say what would be copied and what is in the way, and copy nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) show: Show,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvidenceArg {
    /// The bytes that were read were handed to the file system, which reported them stored.
    Streamed,
    /// The card was read a second time, with the same digests.
    SourceReread,
    /// The copies were read back from their disks, with the same digests.
    ReadBack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NamesArg {
    Ignore,
    Warn,
    Refuse,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Verify {
    /// A folder with an `ascmhl` history, a .mhl file (1.0, 1.1 or 2.0), a run's output folder or
    /// manifest, or the manifest of an offload.
    pub(crate) path: PathBuf,
    /// Compare by these digests only: c4, md5, sha1, xxh128, xxh3, xxh64.
    #[arg(long = "hash", value_name = "ALGORITHM", value_delimiter = ',')]
    pub(crate) hashes: Vec<Algorithm>,
    /// Patterns of files to leave out, as in .gitignore.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) ignore: Vec<String>,
    /// Compare the camera files of a run, too.
    #[arg(long)]
    pub(crate) inputs: bool,
    /// Every file, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Mhl {
    #[command(subcommand)]
    pub(crate) command: MhlCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MhlCommand {
    /// Record a folder: the first generation of its history, or the next.
    Create(MhlCreate),
    /// Say what is missing, new or renamed by names alone; nothing is read.
    Diff(MhlDiff),
    /// Put all generations, and those of folders below, into one packing list.
    Flatten(MhlFlatten),
    /// Say which generations there are.
    Info(MhlInfo),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct MhlCreate {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// Digests to compute, all from one read: c4, md5, sha1, xxh128, xxh3, xxh64.
    #[arg(long = "hash", value_name = "ALGORITHM", value_delimiter = ',', default_value = "xxh64")]
    pub(crate) hashes: Vec<Algorithm>,
    /// Patterns of files that are not recorded from now on, as in .gitignore.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) ignore: Vec<String>,
    #[command(flatten)]
    pub(crate) people: People,
    /// Every file, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct MhlDiff {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// Patterns of files to leave out, as in .gitignore.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) ignore: Vec<String>,
    /// Every file, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct MhlFlatten {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The folder the packing list goes into.
    #[arg(long)]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) people: People,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct MhlInfo {
    /// The folder.
    pub(crate) folder: PathBuf,
}

/// Who records, and where.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct People {
    /// Who records.
    #[arg(long)]
    pub(crate) author: Option<String>,
    /// What they do: DIT.
    #[arg(long, requires = "author")]
    pub(crate) role: Option<String>,
    /// Where.
    #[arg(long)]
    pub(crate) location: Option<String>,
    /// Anything.
    #[arg(long)]
    pub(crate) comment: Option<String>,
}
