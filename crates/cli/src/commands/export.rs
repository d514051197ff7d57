//! `export`: orders for other systems.

use std::path::{Path, PathBuf};

use rushes::core::deliver::write_whole;
use rushes::order::openjd::TemplateOptions;
use rushes::order::{Order, Spread};
use rushes::{Error, ErrorKind, Result};

use super::{Ended, job};
use crate::args::{Export, ExportTo, Openjd};
use crate::progress::tell;

pub(crate) async fn run(a: &Export) -> Result<Ended> {
    match &a.to {
        ExportTo::Openjd(a) => openjd(a).await,
    }
}

async fn openjd(a: &Openjd) -> Result<Ended> {
    let as_yaml = match a.template.extension().and_then(|e| e.to_str()) {
        Some("json") => false,
        Some("yaml" | "yml") => true,
        _ => {
            return Err(bad("job templates are JSON or YAML")
                .path(&a.template)
                .advice("end its name in .json or .yaml"));
        }
    };
    let template = std::path::absolute(&a.template).map_err(|e| Error::io(&a.template, e))?;
    let folder = template.parent().map(PathBuf::from).unwrap_or_default();
    let real = |p: &Path| std::fs::canonicalize(p).unwrap_or_else(|_| p.to_owned());
    if a.path.is_dir() && real(&folder).starts_with(real(&a.path)) {
        return Err(bad("the template would lie on the card")
            .path(&a.template)
            .advice("choose a folder elsewhere: nothing is ever written to camera originals"));
    }
    let job = job::job(job::named(&a.workflow, &a.picture, &a.job)?, &a.path, &a.job)?.cancel(super::ended_by_signal());
    let spread = Spread { gpu: a.job.elsewhere.asks_gpu(), ..Spread::default() };
    let order = job.order(spread).await?;
    for finding in order.findings()? {
        tell(finding);
    }
    let mut flags = a.job.elsewhere.flags();
    flags.extend(a.job.threads.map(|n| format!("--threads={n}")));
    flags.extend(a.job.memory.map(|n| format!("--memory={n}")));
    let options = TemplateOptions { folder: folder.clone(), flags, memory: a.job.memory };
    let described = order.job_template(&job.desk(), &options)?;
    let text = if as_yaml {
        let yaml = serde_saphyr::to_string(&described);
        yaml.map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()).doing("writing a job template"))?
    } else {
        described.to_json()?
    };
    let path = template.clone();
    super::blocking(move || {
        std::fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
        write_whole(&path, true, text.as_bytes())
    })
    .await
    .map_err(|e| e.doing("writing a job template"))?;
    tell_how(&order, &template);
    Ok(Ended::Done)
}

fn tell_how(order: &Order, template: &Path) {
    let below = template.parent().is_some_and(|folder| order.folder().starts_with(folder));
    let given = if below { String::new() } else { format!(" -p Order={}", order.folder().display()) };
    tell(format_args!("order {}: {} clips", order.folder().display(), order.head().clips));
    tell(format_args!(
        "submit {} with the parameter{} Rushes, the program on the farm's hosts; to try it here: openjd run {}{given} -p Rushes=...",
        template.display(),
        if below { "" } else { "s Order, this folder, and" },
        template.display(),
    ));
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::Invalid, what).doing("reading the command line")
}
