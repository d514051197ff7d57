//! The arguments of `simulate`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Simulate {
    /// Workers, instead of as many as the scenario says; several numbers, separated by commas, are compared.
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub(crate) workers: Vec<usize>,
    /// The class of workers whose number that is; the scenario's first if not given.
    #[arg(long)]
    pub(crate) class: Option<String>,
    /// What work costs: what `rushes bench --json` printed, or a profile of your own.
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    pub(crate) profile: Option<PathBuf>,
    /// Who asks for what and who makes it, TOML or JSON; a production of 200 TB with a turnover of 5,000 shots if not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// Frames to a unit, instead of as many as the scenario says.
    #[arg(long)]
    pub(crate) frames_per_unit: Option<u64>,
    /// Units of a job that wait or run at most, instead of as many as the scenario says.
    #[arg(long)]
    pub(crate) pending: Option<usize>,
    /// What comes by chance comes otherwise.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Print the scenario that is simulated if none is given, to start your own from.
    #[arg(long)]
    pub(crate) example: bool,
    /// Everything, as JSON: the profile, the scenario, and what came of each number of workers.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a chart of the times by the number of workers, as SVG.
    #[arg(long, value_name = "FILE")]
    pub(crate) chart: Option<PathBuf>,
}
