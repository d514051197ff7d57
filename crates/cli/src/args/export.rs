//! Commands for work that others spread: units, orders, and templates of them.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use rushes::core::media::FrameRange;

use super::{Elsewhere, JobArgs, Picture, Show, bytes};

#[derive(Debug, ClapArgs)]
pub(crate) struct RunUnit {
    /// The unit's file, or `-` for standard input.
    #[arg(required_unless_present = "order", conflicts_with = "order")]
    pub(crate) unit: Option<PathBuf>,
    /// A part of the order in this folder instead.
    #[arg(long, value_name = "DIR", requires = "clip")]
    pub(crate) order: Option<PathBuf>,
    /// The clip of the order, counted from 0; or several, as `rushes export` writes them: 0-40,42.
    #[arg(long, value_name = "N", requires = "order")]
    pub(crate) clip: Option<String>,
    /// The frames, numbered as in the clip (those of several clips through from 0, with a number left out after each clip,
    /// and one number for a clip that is made whole); all if not given.
    #[arg(long, value_name = "A-B", requires = "order", value_parser = frames, allow_hyphen_values = true)]
    pub(crate) frames: Option<FrameRange>,
    /// Tell a render farm how it goes, in the lines of Open Job Description, instead of printing reports.
    #[arg(long, requires = "order")]
    pub(crate) openjd: bool,
    /// For a program that watches: the unit is the first line of standard input, whose end cancels it, and events are printed
    /// as JSON lines, the last of them with the report.
    #[arg(long, conflicts_with = "order")]
    pub(crate) attended: bool,
    #[command(flatten)]
    pub(crate) host: Host,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Finish {
    /// The order's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) order: PathBuf,
    /// Make nothing: the manifest of what stands, with the rest told as cancelled.
    #[arg(long)]
    pub(crate) make_nothing: bool,
    /// Tell a render farm how it goes, in the lines of Open Job Description.
    #[arg(long, conflicts_with = "events")]
    pub(crate) openjd: bool,
    #[command(flatten)]
    pub(crate) host: Host,
    #[command(flatten)]
    pub(crate) show: Show,
}

/// What a host gives to work that it was given.
#[derive(Debug, ClapArgs)]
pub(crate) struct Host {
    /// Most memory that frames in flight may take, such as 4GiB; half of what this process may have if not given.
    #[arg(long, value_parser = bytes)]
    pub(crate) memory: Option<u64>,
    /// Threads; one a core if not given.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) elsewhere: Elsewhere,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Export {
    #[command(subcommand)]
    pub(crate) to: ExportTo,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExportTo {
    /// An Open Job Description job template, for render farms: a step a clip, in chunks of frames.
    Openjd(Openjd),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Openjd {
    /// `dailies`, `plates`, `proxies` or the path of a workflow file.
    pub(crate) workflow: String,
    /// A card, folder or file.
    pub(crate) path: PathBuf,
    /// The template to write: .json or .yaml. In the output folder, it knows where the order is.
    #[arg(long, value_name = "FILE")]
    pub(crate) template: PathBuf,
    #[command(flatten)]
    pub(crate) picture: Picture,
    #[command(flatten)]
    pub(crate) job: JobArgs,
}

/// `12`, `0-239`, `-5--1`.
fn frames(text: &str) -> Result<FrameRange, String> {
    let text = text.trim();
    // A minus at the beginning belongs to the number.
    let dash = text.char_indices().skip(1).find(|(_, c)| *c == '-').map(|(at, _)| at);
    let (first, last) = dash.map_or((text, text), |at| (&text[..at], &text[at + 1..]));
    let number = |n: &str| n.trim().parse().map_err(|_| format!("`{text}` is no range of frames: write 12, or 0-239"));
    FrameRange::new(number(first)?, number(last)?).ok_or_else(|| format!("the range {text} runs backwards"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_written_as_farms_do() {
        for (text, first, last) in
            [("12", 12, 12), ("0-239", 0, 239), ("-5--1", -5, -1), ("-5-3", -5, 3), ("-7", -7, -7)]
        {
            assert_eq!(frames(text), Ok(FrameRange { first, last }), "{text}");
        }
        assert!(frames("1 - 4").is_ok());
        for bad in ["", "-", "a-b", "9-3", "1-2-3", "1,5", "1-9:2", "99999999999999999999"] {
            assert!(frames(bad).is_err(), "{bad}");
        }
    }
}
