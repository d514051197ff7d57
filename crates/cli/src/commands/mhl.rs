//! `mhl`: the ASC MHL history of a folder.

use rushes::Result;
use rushes::core::error::Plain;
use rushes::custody::mhl::{Author, Create, Flatten, Histories, Verify};

use super::Ended;
use super::verify::told;
use crate::args::{Mhl, MhlCommand, MhlCreate, MhlDiff, MhlFlatten, MhlInfo, People};
use crate::progress::{self, Reading};

pub(crate) async fn run(a: Mhl) -> Result<Ended> {
    match a.command {
        MhlCommand::Create(a) => create(a).await,
        MhlCommand::Diff(a) => diff(a).await,
        MhlCommand::Flatten(a) => super::blocking(move || flatten(&a)).await,
        MhlCommand::Info(a) => super::blocking(move || info(&a)).await,
    }
}

async fn create(a: MhlCreate) -> Result<Ended> {
    let cancel = super::ended_by_signal();
    let json = a.json;
    let created = super::blocking(move || {
        let reading = Reading::begin();
        let read = |n| reading.more(n);
        let create = Create {
            algorithms: a.hashes,
            ignore: a.ignore,
            authors: authors(&a.people),
            location: a.people.location,
            comment: a.people.comment,
            read: &read,
            cancel,
            ..Create::default()
        };
        create.run(&a.folder)
    })
    .await?;
    told(&created.verdict, json)?;
    for manifest in &created.manifests {
        progress::tell(format_args!("wrote {}", Plain(&manifest.to_string_lossy())));
    }
    Ok(if created.verdict.keeps() { Ended::Done } else { Ended::Differs })
}

async fn diff(a: MhlDiff) -> Result<Ended> {
    let cancel = super::ended_by_signal();
    let json = a.json;
    let verdict =
        super::blocking(move || Verify { ignore: a.ignore, cancel, ..Verify::default() }.names(&a.folder)).await?;
    told(&verdict, json)?;
    Ok(if verdict.agrees() { Ended::Done } else { Ended::Differs })
}

fn flatten(a: &MhlFlatten) -> Result<Ended> {
    let flatten =
        Flatten { authors: authors(&a.people), location: a.people.location.clone(), comment: a.people.comment.clone() };
    let written = flatten.run(&a.folder, &a.out)?;
    println!("{}", written.display());
    Ok(Ended::Done)
}

fn info(a: &MhlInfo) -> Result<Ended> {
    let histories = Histories::open(&a.folder)?;
    for finding in &histories.findings {
        progress::tell(finding);
    }
    for history in &histories.all {
        for g in &history.generations {
            let c = &g.manifest.creator;
            let of = history.folder().map_or_else(String::new, |f| format!("{}: ", Plain(&f.to_string_lossy())));
            println!(
                "{of}{:04} {} {} {}, {} on {}: {} files",
                g.number,
                g.manifest.process.name(),
                Plain(&c.date),
                Plain(&c.tool),
                Plain(c.tool_version.as_deref().unwrap_or("")),
                Plain(&c.host),
                g.manifest.files().count()
            );
        }
    }
    if !histories.exists() {
        progress::tell("there is no history");
        return Ok(Ended::NotDone);
    }
    Ok(if histories.findings.is_empty() { Ended::Done } else { Ended::Differs })
}

fn authors(people: &People) -> Vec<Author> {
    let author =
        people.author.iter().map(|name| Author { name: name.clone(), role: people.role.clone(), ..Author::default() });
    author.collect()
}
