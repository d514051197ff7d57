//! The command line.

mod custody;
mod export;
#[cfg(feature = "temporal")]
mod fleet;
mod simulate;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub(crate) use custody::{
    EvidenceArg, Mhl, MhlCommand, MhlCreate, MhlDiff, MhlFlatten, MhlInfo, NamesArg, Offload, People, Verify,
};
pub(crate) use export::{Export, ExportTo, Finish, Host, Openjd, RunUnit};

#[cfg(feature = "temporal")]
pub(crate) use fleet::{CancelArgs, ServerArgs, StatusArgs, Submit, WorkerArgs};
pub(crate) use simulate::Simulate;

/// Camera cards to ACES plates and editorial proxies.
#[derive(Debug, Parser)]
#[command(name = "rushes", version, arg_required_else_help = true)]
pub(crate) struct Args {
    /// Log lines on standard error, for people or for machines. `RUSHES_LOG=debug` says how much:
    /// errors for people and everything from `info` up for machines if not said.
    #[arg(long, global = true, value_enum, default_value_t = Log::Text)]
    pub(crate) log: Log,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a synthetic card and run the whole pipeline on it.
    Demo(Demo),
    /// Copy a card to one or more places so that it is known to have arrived.
    Offload(Offload),
    /// Compare files with what says which digests they should have; exit code 3 where they differ.
    Verify(Verify),
    /// The ASC MHL history of a folder.
    Mhl(Mhl),
    /// Say what is on a card or in a file: clips, facts with their origins, findings.
    Inspect(Inspect),
    /// Plates, proxies and stills of everything on a card or in a folder.
    Dailies(Recipe),
    /// Plates only.
    Plates(Recipe),
    /// Proxies and stills only.
    Proxies(Recipe),
    /// Say what `dailies`, `plates`, `proxies` or a workflow file would do, and do none of it.
    Plan(Plan),
    /// Run a workflow file on a card or folder.
    Run(Run),
    /// Run one unit from a file (or `-`), or some frames of an order, and print the report as JSON.
    RunUnit(RunUnit),
    /// Finish an order: make what is left of it, and write the manifest.
    Finish(Finish),
    /// Leave an order in the output folder, and write what another system needs to work on it.
    Export(Export),
    /// Print the JSON Schema of clips, workflow files or units.
    Schema(Schema),
    /// Walk from an output back to the camera files it was made of, and check both ends.
    Trace(Trace),
    /// Write one frame as it is at one point of the chain.
    Frame(Frame),
    /// Time this machine: its ceilings, each kernel beside them, the engine, and dailies from card to report.
    Bench(Bench),
    /// Work on orders that are submitted to a Temporal server, until it is stopped.
    #[cfg(feature = "temporal")]
    Worker(WorkerArgs),
    /// Plan a workflow for a card and have workers run it.
    #[cfg(feature = "temporal")]
    Submit(Submit),
    /// Say how far an order is.
    #[cfg(feature = "temporal")]
    Status(StatusArgs),
    /// Cancel an order; what was made stays.
    #[cfg(feature = "temporal")]
    Cancel(CancelArgs),
    /// Say how long a production's clips would take, on how many workers, and where it would jam.
    Simulate(Simulate),
    /// The GPUs of this machine, and the stages that have programs for them.
    Devices,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Bench {
    /// For machines.
    #[arg(long)]
    pub(crate) json: bool,
    /// Frames of the 4096x2304 clip that is developed, at least 6; 0 leaves it out. One takes a second to make
    /// and 72 MB in the folder.
    #[arg(long, default_value_t = 24)]
    pub(crate) frames: i64,
    /// The folder for what is made on the way, best in memory; nothing stays.
    #[arg(long)]
    pub(crate) scratch: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Demo {
    /// Where the card and the outputs go.
    #[arg(long, default_value = "rushes-demo")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) show: Show,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Inspect {
    /// A card, folder or file.
    pub(crate) path: PathBuf,
    /// Everything, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) elsewhere: Elsewhere,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Recipe {
    /// A card, folder or file.
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) picture: Picture,
    #[command(flatten)]
    pub(crate) job: JobArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Plan {
    /// `dailies`, `plates`, `proxies` or the path of a workflow file.
    pub(crate) workflow: String,
    /// A card, folder or file.
    pub(crate) path: PathBuf,
    /// How the plan is written.
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    pub(crate) format: PlanFormat,
    /// Say what in the output folder stands already, and why the rest would be made again.
    #[arg(long)]
    pub(crate) why: bool,
    /// Write each unit as `DIR/<unit>.json`, for `rushes run-unit`.
    #[arg(long, value_name = "DIR")]
    pub(crate) units: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) picture: Picture,
    #[command(flatten)]
    pub(crate) job: JobArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    Text,
    Json,
    Dot,
    Mermaid,
    /// The workflow itself, as a file to start your own from.
    Workflow,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Run {
    /// The workflow file, TOML or JSON.
    pub(crate) workflow: PathBuf,
    /// A card, folder or file.
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) job: JobArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Schema {
    /// What of.
    #[arg(value_enum, default_value_t = SchemaOf::Clip)]
    pub(crate) of: SchemaOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    Clip,
    Workflow,
    Unit,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Trace {
    /// A file that a run made, where the run put it.
    pub(crate) output: PathBuf,
    /// Everything, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Frame {
    /// A camera file, or a folder with one clip.
    pub(crate) path: PathBuf,
    /// The point of the chain.
    #[arg(long, value_enum)]
    pub(crate) at: At,
    /// The file to write: .npy, .exr or .png.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// The frame, numbered as in the clip; the first one if not given.
    #[arg(long)]
    pub(crate) frame: Option<i64>,
    #[command(flatten)]
    pub(crate) picture: Picture,
    /// Replace the file if it exists.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum At {
    /// The stored area as u16, after the linearization table, before black subtraction.
    Mosaic,
    /// Black at 0, white at 1, one plane, the active area.
    Linear,
    /// Debayered, in the camera's own colours.
    CameraRgb,
    /// ACES2065-1, scene-linear.
    #[value(name = "aces2065-1")]
    Aces2065_1,
    /// Rendered for the display.
    Display,
}

/// What the picture should be.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Picture")]
pub(crate) struct Picture {
    /// How missing colours are found.
    #[arg(long, value_parser = ["superpixel", "bilinear", "malvar", "rcd", "gbtf"], default_value = "gbtf")]
    pub(crate) debayer: String,
    /// White balance for clips that do not state one (or instead of it): `neutral=R,G,B`, `xy=X,Y` or `kelvin=K`.
    #[arg(long, value_name = "WHITE")]
    pub(crate) white: Option<String>,
    /// Exposure in stops.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) exposure: f64,
    /// Keep highlights beyond the first clipped channel as they are, whatever their hue.
    #[arg(long)]
    pub(crate) keep_highlights: bool,
    /// Frame rate of clips that do not state one: 24, 25, 24000/1001.
    #[arg(long)]
    pub(crate) rate: Option<String>,
    /// Reel of clips that do not state one.
    #[arg(long)]
    pub(crate) reel: Option<String>,
    /// Timecode of the first frame of clips that do not state one: 10:00:00:00.
    #[arg(long)]
    pub(crate) timecode: Option<String>,
    /// ASC CDL (.cc, .ccc, .cdl) for proxies and stills.
    #[arg(long, value_name = "FILE")]
    pub(crate) cdl: Option<PathBuf>,
    /// A .cube look for proxies and stills.
    #[arg(long, value_name = "FILE")]
    pub(crate) lut: Option<PathBuf>,
    /// The space the CDL and the look were made in: ACEScct, or a camera's log encoding with its gamut.
    #[arg(long, value_name = "SPACE", value_parser = [
        "ACEScct", "ACEScg", "ACES2065-1", "LogC3-EI800/AWG3", "LogC4/AWG4", "S-Log3/S-Gamut3", "S-Log3/S-Gamut3.Cine",
        "V-Log/V-Gamut", "Log3G10/REDWideGamutRGB", "BlackmagicFilm-Gen5/BWG", "DaVinciIntermediate/DWG",
    ], default_value = "ACEScct")]
    pub(crate) look_space: String,
    /// Display of proxies and stills: Rec.709 at 100 nits, or Rec.2100 (PQ, HLG) at the nits named, colours
    /// limited to P3-D65 or to Rec.2020.
    #[arg(long, value_parser = [
        "rec709",
        "rec2100-pq-500", "rec2100-pq-1000", "rec2100-pq-2000", "rec2100-pq-4000",
        "rec2100-pq-500-rec2020", "rec2100-pq-1000-rec2020", "rec2100-pq-2000-rec2020", "rec2100-pq-4000-rec2020",
        "rec2100-hlg-1000",
    ], default_value = "rec709")]
    pub(crate) display: String,
    /// Compression of the plates; `strict` is an uncompressed SMPTE ST 2065-4 file.
    #[arg(long, value_parser = ["strict", "none", "rle", "zips", "zip", "piz", "dwaa", "dwab"], default_value = "strict")]
    pub(crate) exr: String,
    /// Size of the proxy: fits into it, keeps its aspect, is never enlarged.
    #[arg(long, value_name = "WxH", default_value = "1920x1080")]
    pub(crate) proxy_size: String,
    /// Scale before the look and the output transform, which then see a quarter of the pixels of a 4K clip;
    /// the pictures differ by a code value here and there.
    #[arg(long)]
    pub(crate) scale_first: bool,
    /// Codec of the proxy: `prores-proxy`, or FFmpeg's: `ffmpeg:dnxhd -profile:v dnxhr_lb`.
    #[arg(long, default_value = "prores-proxy")]
    pub(crate) proxy_codec: String,
    /// What to do about missing frames and frames that cannot be read.
    #[arg(long, value_parser = ["refuse", "hold", "black"], default_value = "refuse")]
    pub(crate) on_bad_frame: String,
}

/// How the job runs.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Job")]
pub(crate) struct JobArgs {
    /// The folder outputs go to.
    #[arg(long, default_value = "rushes-out")]
    pub(crate) out: PathBuf,
    /// Replace outputs that exist.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Most memory that frames in flight may take, such as 4GiB; half of what this process may have if not given.
    #[arg(long, value_parser = bytes)]
    pub(crate) memory: Option<u64>,
    /// Threads; one a core if not given.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Frames to a unit where outputs allow parts.
    #[arg(long, default_value_t = 240)]
    pub(crate) frames_per_unit: u64,
    /// Attempts at a unit that fails in a way that may pass.
    #[arg(long, default_value_t = 3)]
    pub(crate) attempts: u32,
    #[command(flatten)]
    pub(crate) elsewhere: Elsewhere,
    #[command(flatten)]
    pub(crate) show: Show,
}

/// What runs elsewhere than on this machine's CPUs.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Executors")]
pub(crate) struct Elsewhere {
    /// Compute on a GPU what it has programs for (`rushes devices`): the best one, or that of a number or a part of a name.
    #[cfg(feature = "gpu")]
    #[arg(long, value_name = "GPU", num_args = 0..=1, require_equals = true, default_missing_value = "best")]
    pub(crate) gpu: Option<String>,
    /// Leave formats that only camera makers' libraries decode (R3D, BRAW, ARRIRAW, X-OCN ...) to a FilmLight server: one that
    /// runs (HOST or HOST:PORT), or without a name a private one for each render, started from $FLAPI_PATH or where
    /// Baselight and Daylight put it.
    #[cfg(feature = "filmlight")]
    #[arg(long, value_name = "SERVER", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) filmlight: Option<String>,
    /// Renders on private FilmLight servers at a time; each takes a seat of the licence.
    #[cfg(feature = "filmlight")]
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) filmlight_renders: usize,
}

/// What is shown while it runs.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Show {
    /// Print events as JSON lines instead of progress bars.
    #[arg(long)]
    pub(crate) events: bool,
}

/// `4GiB`, `512M`, `1000000`.
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit.trim().to_ascii_lowercase().trim_end_matches("ib").trim_end_matches('b') {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        _ => return Err(format!("`{unit}` is not a unit of memory: write K, M, G or GiB")),
    };
    let number: u64 = number.parse().map_err(|_| format!("`{text}` is not an amount of memory"))?;
    number.checked_mul(scale).ok_or_else(|| format!("{text} is more than any machine has"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn memory_is_written_as_people_do() {
        assert_eq!(bytes("4GiB"), Ok(4 << 30));
        assert_eq!(bytes("512M"), Ok(512 << 20));
        assert_eq!(bytes("100 kb"), Ok(100 << 10));
        assert_eq!(bytes("7"), Ok(7));
        assert!(bytes("GiB").is_err() && bytes("3 apples").is_err() && bytes("99999999T").is_err());
    }
}
