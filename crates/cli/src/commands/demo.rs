//! `demo`: a synthetic card, and the whole pipeline on it.

use rushes::recipes::Dailies;
use rushes::{Error, Result};
use rushes_testcard::{Card, CardSpec};

use super::{Ended, job};
use crate::args::{Demo, JobArgs};

pub(crate) async fn run(a: &Demo) -> Result<Ended> {
    let (card, dailies) = (a.out.join("card"), a.out.join("dailies"));
    // The demo's folder is the demo's: an earlier card and its dailies are made anew.
    let mark = a.out.join(MARK);
    for folder in [&card, &dailies] {
        if mark.exists() && folder.exists() {
            std::fs::remove_dir_all(folder).map_err(|e| Error::io(folder, e).doing("removing the earlier demo"))?;
        }
    }
    crate::progress::tell(format_args!("making a card in {}", card.display()));
    std::fs::create_dir_all(&a.out).map_err(|e| Error::io(&a.out, e).doing("making the demo's folder"))?;
    let to = card.clone();
    tokio::task::spawn_blocking(move || Card::write(&to, CardSpec::default()))
        .await
        .unwrap_or_else(|e| Err(Error::new(rushes::ErrorKind::Panicked, e.to_string())))?;
    std::fs::write(&mark, b"").map_err(|e| Error::io(&mark, e))?;

    let recipe = Dailies { exr: "piz".into(), on_bad_frame: "hold".into(), ..Dailies::default() };
    let args = JobArgs {
        out: dailies.clone(),
        overwrite: false,
        memory: None,
        threads: None,
        frames_per_unit: 240,
        attempts: 1,
        elsewhere: Default::default(),
        show: a.show.clone(),
    };
    crate::progress::tell(format_args!(
        "rushes dailies {} --out {} --exr piz --on-bad-frame hold",
        card.display(),
        dailies.display()
    ));
    let ended = job::run_job(job::job(recipe.workflow(), &card, &args)?, &args).await?;
    crate::progress::tell(format_args!(
        "look at: {0}/stills, {0}/proxies, {0}/plates, {0}/report/index.html",
        dailies.display()
    ));
    Ok(ended)
}

/// Marks a folder of the demo's, so that nobody else's card is ever removed.
const MARK: &str = ".rushes-demo";
