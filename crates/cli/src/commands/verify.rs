//! `verify`: files compared with whatever says which digests they should have.

use rushes::custody::mhl::{Verdict, Verify};
use rushes::verify::Against;
use rushes::{Error, ErrorKind, Result};

use super::Ended;
use crate::args::Verify as Args;
use crate::progress::{self, Reading};

pub(crate) async fn run(a: Args) -> Result<Ended> {
    let cancel = super::ended_by_signal();
    let against = Against::find(&a.path)?;
    let json = a.json;
    let verdict = super::blocking(move || {
        let reading = Reading::begin();
        let read = |n| reading.more(n);
        let how = Verify { algorithms: a.hashes, ignore: a.ignore, cancel, read: &read, ..Verify::default() };
        against.compare(&how, a.inputs)
    })
    .await?;
    told(&verdict, json)?;
    Ok(if verdict.agrees() { Ended::Done } else { Ended::Differs })
}

/// Says what came of it: all of it as JSON, or findings and a line for people.
pub(crate) fn told(verdict: &Verdict, json: bool) -> Result<()> {
    if json {
        let text = serde_json::to_string_pretty(verdict).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
        println!("{text}");
        return Ok(());
    }
    for finding in &verdict.findings {
        progress::tell(finding);
    }
    println!("{}", verdict.words());
    Ok(())
}
