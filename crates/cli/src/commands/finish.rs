//! `finish`: an order whose tasks have ended.

use std::path::Path;

use rushes::core::run::{Budget, Events, RunContext};
use rushes::order::{Desk, Order};
use rushes::{Error, ErrorKind, Result};

use super::{Ended, openjd};
use crate::args::{Finish, Host};
use crate::progress;

pub(crate) async fn run(a: &Finish) -> Result<Ended> {
    let ended = finish(a).await;
    if a.openjd
        && let Err(e) = &ended
    {
        openjd::fail(e);
    }
    ended
}

async fn finish(a: &Finish) -> Result<Ended> {
    let (order, desk) = desk(&a.order, &a.host).await?;
    let events = match a.openjd {
        true => openjd::events(order.frames()?),
        false => progress::events(a.show.events),
    };
    let complete = desk.complete(name(&a.order)?, !a.make_nothing, &a.host.context(events)).await?;
    let report = order.report()?.unwrap_or_default();
    if a.openjd {
        let done = report.units.iter().filter(|u| u.is_done()).count();
        openjd::status(format_args!("{done} of {} units done: {} frames", report.units.len(), report.frames()));
        if complete {
            openjd::progress(100);
        } else {
            openjd::fail(format_args!("not all was made: {} says what", order.out().join("manifest.json").display()));
        }
    }
    if !a.show.events {
        progress::summary(&report, order.out());
    }
    Ok(if complete { Ended::Done } else { Ended::NotDone })
}

/// The order in a folder, and a desk to work on it with what the host has.
pub(super) async fn desk(folder: &Path, host: &Host) -> Result<(Order, Desk)> {
    let at = folder.to_owned();
    let order = super::blocking(move || Order::open(&at)).await?;
    let job = order.job().executors(host.elsewhere.here(host.threads)?);
    let desk = host.elsewhere.join_or_know(job)?.desk();
    Ok((order, desk))
}

/// The name of the order in a folder.
pub(super) fn name(folder: &Path) -> Result<&str> {
    folder
        .to_str()
        .ok_or_else(|| Error::new(ErrorKind::Invalid, "its path is not Unicode").doing("opening an order").path(folder))
}

impl Host {
    pub(super) fn context(&self, events: Events) -> RunContext {
        RunContext {
            cancel: super::cancelled_by_signal(),
            events,
            budget: Budget::new(self.memory.unwrap_or_else(rushes::job::half_of_memory)),
        }
    }
}
