//! `trace`: from an output back to the card.

use rushes::core::error::Plain;
use rushes::ledger::{Checked, trace};
use rushes::{Error, ErrorKind, Result};

use super::Ended;
use crate::args::Trace;

pub(crate) fn run(a: &Trace) -> Result<Ended> {
    let found = trace(&a.output)?;
    let whole = found.now == Checked::Same && found.from.iter().all(|f| f.now == Checked::Same);
    if a.json {
        let text = serde_json::to_string_pretty(&found).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
        println!("{text}");
        return Ok(if whole { Ended::Done } else { Ended::Differs });
    }
    let record = &found.record;
    println!(
        "{}  {}  {}",
        Plain(&found.folder.join(&record.output.path).to_string_lossy()),
        record.output.digest,
        word(found.now)
    );
    println!("  {} of clip {}, frames {}", record.output.role, Plain(&record.clip), record.output.frames);
    for stage in &found.recipe.stages {
        println!("  {} version {} {}", stage.stage, stage.version, stage.params);
    }
    for (frames, with) in &record.stand_ins {
        match with {
            rushes::core::media::StandIn::Black => println!("  black stands in for {frames}"),
            rushes::core::media::StandIn::Hold(from) => println!("  frame {from} stands in for {frames}"),
        }
    }
    println!("  made of {} camera file{}:", found.from.len(), if found.from.len() == 1 { "" } else { "s" });
    for from in &found.from {
        println!("    {}  {}  {}", Plain(&from.file.path.to_string_lossy()), from.file.digest, word(from.now));
    }
    Ok(if whole { Ended::Done } else { Ended::Differs })
}

fn word(checked: Checked) -> &'static str {
    match checked {
        Checked::Same => "as written",
        Checked::Altered => "ALTERED",
        Checked::Missing => "MISSING",
    }
}
