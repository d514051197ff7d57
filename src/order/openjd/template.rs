//! What a job template says of an order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rushes_core::graph::Registry;
use rushes_core::media::FrameRange;
use rushes_core::{Error, ErrorKind, Result};

use super::names::{DESCRIPTION, JOB, legal, steps};
use super::numbering::{Numbering, facts, list};
use super::schema::{
    Action, Amount, Attribute, Cancelation, Chunks, Dependency, Frame, Hosts, Parameter, Script, Space, Step, Template,
};
use crate::order::{Desk, Order};

/// The host attribute, with the value `filmlight`, of hosts that reach a FilmLight server.
pub const FILMLIGHT: &str = "attr.rushes.server";

/// Steps that make clips, at most.
const STEPS: usize = 100;
/// Longest template that is written, in characters: what AWS Deadline Cloud takes.
const LONGEST: usize = 1_000_000;
/// Bytes that a task needs beside its frames.
const BESIDE_FRAMES: u64 = 256 << 20;
const FINISH: &str = "finish";

/// What a template says beside what the order says.
#[derive(Debug, Clone, Default)]
pub struct TemplateOptions {
    /// The folder the template is written to. The order folder is the default of its parameter where it lies below: defaults
    /// that lie elsewhere are refused by those who submit templates.
    pub folder: PathBuf,
    /// Options of every `rushes` command: `--gpu=best`, `--threads=8`.
    pub flags: Vec<String>,
    /// Bytes that frames in flight may take, where `flags` say so.
    pub memory: Option<u64>,
}

/// What is asked of a host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Needs {
    gpu: bool,
    filmlight: bool,
    /// Bytes of a frame in flight.
    frame: u64,
}

/// A clip, as far as templates need to know it.
struct Of {
    clip: u64,
    name: String,
    class: String,
    range: FrameRange,
    whole: bool,
    needs: Needs,
}

impl Order {
    /// The job template of the order: a step a clip (or several clips, where there are many), and `finish`. The desk's stages
    /// say which outputs need all frames of a clip.
    ///
    /// # Errors
    /// When the order cannot be read or makes nothing, an option cannot be written into a template, or the template would be
    /// longer than farms take.
    pub fn job_template(&self, desk: &Desk, options: &TemplateOptions) -> Result<Template> {
        let write = || {
            let clips = (0..self.head().clips).map(|clip| self.of(clip, &desk.registry)).collect::<Result<Vec<_>>>()?;
            if clips.is_empty() {
                return Err(Error::new(ErrorKind::NotFound, "the order makes nothing")
                    .advice("`rushes plan` says what is there and why nothing is made of it"));
            }
            if let Some(flag) = options.flags.iter().find(|f| f.contains("{{") || f.chars().any(char::is_control)) {
                return Err(Error::new(ErrorKind::Invalid, format!("`{flag}` means something else in a job template"))
                    .advice("leave it out, or write it into the template by hand"));
            }
            let template = self.template_of(&clips, STEPS, options)?;
            let length = template.to_json()?.chars().count();
            if length > LONGEST {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("the job template would have {length} characters, and farms take {LONGEST}"),
                )
                .advice("make several orders of it: one a folder of the card"));
            }
            Ok(template)
        };
        write().map_err(|e: Error| e.doing("writing a job template").path(self.folder()))
    }

    fn of(&self, clip: u64, registry: &Registry) -> Result<Of> {
        let file = self.clip_file(clip, 0)?;
        let (range, whole) = facts(&file, registry)?;
        let class = file.classes.first().cloned().unwrap_or_else(|| "cpu".into());
        let frame = file.plan.units.iter().map(|u| u.bytes_per_frame).max().unwrap_or_default();
        let needs = Needs { gpu: class == "gpu", filmlight: class == "filmlight", frame };
        Ok(Of { clip, name: file.clip.name, class, range, whole, needs })
    }

    fn template_of(&self, clips: &[Of], most: usize, options: &TemplateOptions) -> Result<Template> {
        let groups = groups(clips, most);
        let titles: Vec<String> = groups
            .iter()
            .enumerate()
            .map(
                |(n, g)| {
                    if g.len() == 1 { g[0].name.clone() } else { format!("{} clips, {} ({n})", g.len(), g[0].class) }
                },
            )
            .collect();
        let names = steps(titles.iter().map(String::as_str), FINISH);
        let mut made = Vec::with_capacity(groups.len() + 1);
        for (name, group) in names.into_iter().zip(&groups) {
            made.push(self.step(name, group, options)?);
        }
        let extensions = made.iter().any(|s| s.parameter_space.is_some()).then_some("TASK_CHUNKING");
        let dependencies = made.iter().map(|s| Dependency { depends_on: s.name.clone() }).collect();
        made.push(Step {
            name: FINISH.into(),
            description: "What stands in for damaged frames, the manifest, the lineage and the page.".into(),
            dependencies,
            host_requirements: needs(clips.iter(), options),
            parameter_space: None,
            script: script("finish", Vec::new(), options),
        });
        let card = self.terms.input.file_name().unwrap_or_default().to_string_lossy();
        Ok(Template {
            specification_version: "jobtemplate-2023-09",
            extensions: extensions.into_iter().collect(),
            name: legal(&format!("{} of {card}", self.terms.workflow.name), JOB),
            description: legal(
                &format!(
                    "Order {}: {} clips of {} to {}",
                    self.id(),
                    clips.len(),
                    self.terms.input.display(),
                    self.terms.out.display()
                ),
                DESCRIPTION,
            ),
            parameter_definitions: self.parameters(&options.folder),
            steps: made,
        })
    }

    fn parameters(&self, folder: &Path) -> Vec<Parameter> {
        let below = self.folder().strip_prefix(folder).ok().and_then(Path::to_str).filter(|p| !p.is_empty());
        // Neither is copied to hosts: all of them see the folder, and have the program.
        let path = |name, object_type, default: Option<&str>, description: &str| Parameter {
            name,
            kind: "PATH",
            object_type,
            data_flow: "NONE",
            default: default.map(str::to_owned),
            description: description.into(),
        };
        vec![
            path("Order", "DIRECTORY", below, "The order folder, as the farm's hosts see it."),
            path("Rushes", "FILE", None, "The program `rushes` on the farm's hosts."),
        ]
    }

    fn step(&self, name: String, group: &[&Of], options: &TemplateOptions) -> Result<Step> {
        let numbering = Numbering::number(group.iter().map(|c| (c.clip, c.range, c.whole)).collect())?;
        let alone_and_whole = matches!(group, [one] if one.whole);
        let clips: Vec<u64> = group.iter().map(|c| c.clip).collect();
        let mut args = vec!["--clip".to_owned(), list(&clips)];
        let mut space = None;
        if !alone_and_whole {
            // As one argument: frames may be negative.
            args.push("--frames={{Task.Param.Frame}}".into());
            space = Some(Space {
                task_parameter_definitions: vec![Frame {
                    name: "Frame",
                    kind: "CHUNK[INT]",
                    range: numbering.to_range(),
                    chunks: Chunks {
                        default_task_count: self.frames_per_unit().max(1),
                        range_constraint: "CONTIGUOUS",
                    },
                }],
            });
        }
        let description = match group {
            [one] => format!("Clip {}, frames {}", one.name, one.range),
            [first, .., last] => format!("{} clips from {} to {}", group.len(), first.name, last.name),
            [] => String::new(),
        };
        Ok(Step {
            name,
            description: legal(&description, DESCRIPTION),
            dependencies: Vec::new(),
            host_requirements: needs(group.iter().copied(), options),
            parameter_space: space,
            script: script("run-unit", args, options),
        })
    }
}

/// The clips of each step: one, or as many of a class as it takes for at most `most` steps.
fn groups(clips: &[Of], most: usize) -> Vec<Vec<&Of>> {
    let mut classes: Vec<&str> = Vec::new();
    for clip in clips {
        if !classes.contains(&clip.class.as_str()) {
            classes.push(&clip.class);
        }
    }
    // Each class may leave one step that is not full.
    let full = most.saturating_sub(classes.len()).max(1);
    let size = if clips.len() <= most { 1 } else { clips.len().div_ceil(full) };
    let mut groups: Vec<Vec<&Of>> = Vec::new();
    for class in classes {
        let of_class: Vec<&Of> = clips.iter().filter(|c| c.class == class).collect();
        groups.extend(of_class.chunks(size).map(<[_]>::to_vec));
    }
    groups.sort_by_key(|g| g.first().map(|c| c.clip));
    groups
}

fn needs<'a>(clips: impl Iterator<Item = &'a Of>, options: &TemplateOptions) -> Hosts {
    let all = clips.map(|c| c.needs).fold(Needs::default(), |a, b| Needs {
        gpu: a.gpu || b.gpu,
        filmlight: a.filmlight || b.filmlight,
        frame: a.frame.max(b.frame),
    });
    // Frames in flight get half of the memory where nothing else is said.
    let frames = options.memory.unwrap_or_default().max(all.frame.saturating_mul(2));
    let mut amounts =
        vec![Amount { name: "amount.worker.memory", min: frames.saturating_add(BESIDE_FRAMES).div_ceil(1 << 20) }];
    amounts.extend(all.gpu.then_some(Amount { name: "amount.worker.gpu", min: 1 }));
    let filmlight = all.filmlight.then(|| Attribute { name: FILMLIGHT, any_of: vec!["filmlight"] });
    Hosts { amounts, attributes: filmlight.into_iter().collect() }
}

fn script(command: &str, args: Vec<String>, options: &TemplateOptions) -> Script {
    let first = [command, "--openjd", "--order", "{{Param.Order}}"].map(str::to_owned);
    let args = first.into_iter().chain(args).chain(options.flags.iter().cloned()).collect();
    // Frames in work are finished, which takes seconds, and the rest of a movie is given up.
    let cancelation = Cancelation { mode: "NOTIFY_THEN_TERMINATE", notify_period_in_seconds: 60 };
    Script { actions: BTreeMap::from([("onRun", Action { command: "{{Param.Rushes}}", args, cancelation })]) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(clip: u64, class: &str) -> Of {
        let range = FrameRange { first: 0, last: 9 };
        let needs = Needs { gpu: class == "gpu", filmlight: class == "filmlight", frame: 1 << 30 };
        Of { clip, name: format!("C{clip}"), class: class.into(), range, whole: false, needs }
    }

    proptest! {
        #[test]
        fn every_clip_has_one_step_and_there_are_never_too_many(
            classes in proptest::collection::vec(0usize..4, 1..600), most in 5usize..120
        ) {
            let named = ["cpu", "cpu-himem", "gpu", "filmlight"];
            let clips: Vec<Of> = (0u64..).zip(&classes).map(|(n, &c)| of(n, named[c])).collect();
            let groups = groups(&clips, most);
            prop_assert!(groups.len() <= most, "{}", groups.len());
            prop_assert!(clips.len() > most || groups.iter().all(|g| g.len() == 1));
            prop_assert!(groups.iter().all(|g| g.iter().all(|c| c.class == g[0].class)));
            let mut all: Vec<u64> = groups.iter().flatten().map(|c| c.clip).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..clips.len() as u64).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_host_has_what_the_largest_clip_of_a_step_needs() {
        let clips = [of(0, "cpu"), of(1, "gpu"), of(2, "filmlight")];
        let json = |hosts| serde_json::to_value::<Hosts>(hosts).unwrap();
        let none = TemplateOptions::default();
        assert_eq!(
            json(needs(clips[..1].iter(), &none)),
            serde_json::json!({ "amounts": [{ "name": "amount.worker.memory", "min": 2048 + 256 }] })
        );
        let memory = TemplateOptions { memory: Some(8 << 30), ..none };
        assert_eq!(
            json(needs(clips.iter(), &memory)),
            serde_json::json!({
                "amounts": [
                    { "name": "amount.worker.memory", "min": 8192 + 256 }, { "name": "amount.worker.gpu", "min": 1 }
                ],
                "attributes": [{ "name": "attr.rushes.server", "anyOf": ["filmlight"] }],
            })
        );
    }

    #[test]
    fn a_template_of_ten_thousand_clips_is_short_enough_for_farms() {
        use rushes_core::graph::WorkflowFile;
        use rushes_core::run::Fanout;

        use crate::order::Terms;

        let terms = Terms {
            format: 1,
            id: "1".into(),
            workflow: WorkflowFile { version: 1, name: "plates".into(), stages: Vec::new() },
            input: "/card".into(),
            out: "/out".into(),
            overwrite: false,
            frames_per_unit: 240,
            attempts: 3,
            page: true,
            gpu: false,
            himem: 0,
            fanout: Fanout::default(),
            clips: Vec::new(),
        };
        let order = Order { folder: "/out/.rushes/orders/1".into(), terms };
        let clips: Vec<Of> = (0..10_000)
            .map(|n| Of {
                range: FrameRange { first: 86_400, last: 86_400 + 2_000 },
                whole: n % 3 == 0,
                ..of(n, if n % 7 == 0 { "cpu-himem" } else { "cpu" })
            })
            .collect();
        let template = order.template_of(&clips, STEPS, &TemplateOptions::default()).unwrap();
        let (finish, steps) = template.steps.split_last().unwrap();
        assert!(steps.len() <= STEPS && finish.dependencies.len() == steps.len());
        let ranges = steps.iter().flat_map(|s| &s.parameter_space).flat_map(|s| &s.task_parameter_definitions);
        assert_eq!(ranges.map(|f| f.range.split(',').count()).sum::<usize>(), clips.len());
        let length = template.to_json().unwrap().len();
        assert!(length < LONGEST / 3, "{length}");
    }
}
