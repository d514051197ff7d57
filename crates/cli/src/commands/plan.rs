//! `plan`: what would be done.

use rushes::core::graph::WorkflowFile;
use rushes::core::storage;
use rushes::{Error, ErrorKind, Result};

use super::{Ended, job};
use crate::args::{Plan, PlanFormat};

pub(crate) async fn run(a: &Plan) -> Result<Ended> {
    let (mut path, mut args) = (a.path.clone(), a.job.clone());
    if a.units.is_some() {
        // Units are run elsewhere, where another folder is the one that the process is in.
        path = storage::absolute(&path)?;
        args.out = storage::absolute(&args.out)?;
    }
    let job = job::job(job::named(&a.workflow, &a.picture, &args)?, &path, &args)?.elsewhere(a.units.is_some());
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
