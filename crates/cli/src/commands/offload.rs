//! `offload`: a card copied so that it is known to have arrived.

use rushes::Result;
use rushes::core::error::Plain;
use rushes::core::media::{Finding, Severity};
use rushes::custody::mhl::Create;
use rushes::custody::offload::{Copied, Evidence, Offload, OffloadEvents, Portability, State};

use super::Ended;
use crate::args::{EvidenceArg, NamesArg, Offload as Args};
use crate::progress;

pub(crate) async fn run(a: Args) -> Result<Ended> {
    let cancel = super::cancelled_by_signal();
    let mut offload = Offload::new(&a.card)
        .algorithms(&a.hashes)
        .evidence(match a.verify {
            EvidenceArg::Streamed => Evidence::Streamed,
            EvidenceArg::SourceReread => Evidence::SourceReread,
            EvidenceArg::ReadBack => Evidence::ReadBack,
        })
        .recheck(a.recheck)
        .portability(match a.names {
            NamesArg::Ignore => Portability::Ignore,
            NamesArg::Warn => Portability::Warn,
            NamesArg::Refuse => Portability::Refuse,
        });
    if a.reread {
        offload = offload.reread_source(true);
    }
    if let Some(name) = &a.name {
        offload = offload.named(name);
    }
    for to in &a.to {
        offload = offload.to(to);
    }
    if a.dry_run {
        return super::blocking(move || dry_run(&offload)).await;
    }
    let (events, no_mhl) = (a.show.events, a.no_mhl);
    let copied = super::blocking(move || {
        let hear = if events { as_lines() } else { progress::offloading() };
        offload.run(&hear, &cancel)
    })
    .await?;
    let mut findings: Vec<Finding> = copied.findings.clone();
    if copied.state != State::Cancelled && !no_mhl {
        let copies = copied.clone();
        findings.extend(super::blocking(move || Ok(histories(&copies))).await?);
    }
    if !events {
        summary(&copied, &findings);
    }
    Ok(match copied.state {
        State::Complete if findings.iter().all(|f| f.severity < Severity::Error) => Ended::Done,
        State::Cancelled => Ended::Cancelled,
        _ => Ended::NotDone,
    })
}

/// A generation in every copy, of the digests of the copying.
fn histories(copied: &Copied) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, destination) in copied.destinations.iter().enumerate() {
        // A copy that misses something gets its history when it is whole.
        let whole = copied.files.iter().all(|f| f.at.get(number).is_some_and(Option::is_some));
        // A file that stood there already was recorded by the offload that brought it.
        let brought = copied.files.iter().any(|f| f.at.get(number).copied().flatten().is_some_and(|d| !d.reused));
        let recorded = destination.root.join(rushes::custody::mhl::FOLDER).is_dir();
        if !whole || destination.failed.is_some() || (recorded && !brought) {
            continue;
        }
        match Create::of_copy(copied, number).run(&destination.root) {
            Ok(created) => findings.extend(created.verdict.findings),
            Err(e) => findings.push(Finding::error("history-failed", e.to_string()).path(&destination.root)),
        }
    }
    findings
}

fn dry_run(offload: &Offload) -> Result<Ended> {
    let would = offload.preflight()?;
    for finding in &would.findings {
        println!("{finding}");
    }
    let mb = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "{} files and {} folders, {:.1} MB; {:.1} MB to read",
        would.files,
        would.folders,
        mb(would.bytes),
        mb(would.to_read)
    );
    for (number, bytes) in would.to_write.iter().enumerate() {
        println!("destination {}: {:.1} MB to write", number + 1, mb(*bytes));
    }
    Ok(if would.refusals().next().is_some() { Ended::NotDone } else { Ended::Done })
}

fn as_lines() -> OffloadEvents {
    OffloadEvents::to(|event| match serde_json::to_string(&event) {
        Ok(line) => println!("{line}"),
        Err(e) => eprintln!("rushes: an event cannot be written: {e}"),
    })
}

fn summary(copied: &Copied, findings: &[Finding]) {
    for finding in findings.iter().filter(|f| f.severity > Severity::Info) {
        progress::tell(finding);
    }
    let bytes: u64 = copied.files.iter().map(|f| f.bytes).sum();
    for (number, destination) in copied.destinations.iter().enumerate() {
        let there = copied.delivered(number).count();
        let lowest = copied.delivered(number).filter_map(|f| f.at[number].map(|d| d.evidence)).min();
        let by = lowest.map_or_else(String::new, |e| format!(", {e}"));
        println!("{}: {there} of {} files{by}", Plain(&destination.root.to_string_lossy()), copied.files.len());
    }
    let state = match copied.state {
        State::Complete => "complete",
        State::Incomplete => "INCOMPLETE: run it again, it goes on",
        State::Cancelled => "cancelled: run it again, it goes on",
    };
    println!("{} files, {:.1} MB: {state}", copied.files.len(), bytes as f64 / 1e6);
}
