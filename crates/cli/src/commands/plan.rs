//! `plan`: what would be done.

use std::path::Path;

use rushes::core::graph::WorkflowFile;
use rushes::recipes::Dailies;
use rushes::{Error, ErrorKind, Result};

use super::{Ended, job};
use crate::args::{Plan, PlanFormat};

pub(crate) async fn run(a: &Plan) -> Result<Ended> {
    let ask_filmlight = a.job.elsewhere.asks_filmlight();
    let recipe = || job::recipe(&a.picture).map(|r| Dailies { ask_filmlight, ..r });
    let workflow = match a.workflow.as_str() {
        "dailies" => recipe()?.workflow(),
        "plates" => recipe()?.plates_only().workflow(),
        "proxies" => recipe()?.proxies_only().workflow(),
        path => WorkflowFile::read(Path::new(path))
            .map_err(|e| e.advice("write dailies, plates, proxies or the path of a workflow file"))?,
    };
    let job = job::job(workflow, &a.path, &a.job)?;
    if a.why {
        let (plan, told) = job.why().await?;
        for finding in &told {
            println!("{finding}");
        }
        if told.is_empty() {
            println!("nothing was made before in {}: {} frames to make", a.job.out.display(), plan.frames());
        }
        return Ok(Ended::Done);
    }
    let (understood, plan) = job.plan().await?;
    match a.format {
        PlanFormat::Text => print!("{}", plan.to_text()),
        PlanFormat::Json => {
            let text =
                serde_json::to_string_pretty(&plan).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
            println!("{text}");
        }
        PlanFormat::Dot => print!("{}", plan.to_dot()),
        PlanFormat::Mermaid => print!("{}", plan.to_mermaid()),
        PlanFormat::Workflow => print!("{}", WorkflowFile::of(&understood.graph).to_toml()?),
    }
    if let Some(folder) = &a.units {
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e).doing("writing units"))?;
        for unit in plan.units() {
            let path = folder.join(format!("{}.json", unit.id));
            std::fs::write(&path, unit.to_json()?).map_err(|e| Error::io(&path, e).doing("writing a unit"))?;
        }
    }
    for finding in &understood.last().findings {
        crate::progress::tell(finding);
    }
    Ok(if plan.units().next().is_some() { Ended::Done } else { Ended::NotDone })
}
