//! `worker`, `submit`, `status`, `cancel`: orders on many machines.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rushes::core::run::{Budget, Executors, Outcome};
use rushes::order::{Desk, Order, Spread};
use rushes::recipes::Dailies;
use rushes::{Error, ErrorKind, Job, Result};
use rushes_temporal::{Ended as OrderEnded, Pace, Run, Server, State, Status, Submission, Worker};

use super::{Ended, job};
use crate::args::{CancelArgs, ServerArgs, StatusArgs, Submit, WorkerArgs};
use crate::progress;

impl ServerArgs {
    fn server(&self) -> Result<Server> {
        let mut server = Server::from_env()?;
        if let Some(address) = &self.server {
            server = server.at(address)?;
        }
        Ok(match &self.namespace {
            Some(namespace) => server.namespace(namespace),
            None => server,
        })
    }
}

pub(crate) async fn worker(a: &WorkerArgs) -> Result<Ended> {
    a.queues.iter().try_for_each(|class| a.elsewhere.serves(class))?;
    super::clear_scratch().await;
    let desk = desk(a)?;
    let mut worker = Worker::new(Arc::new(desk))
        .units_at_once(a.units_at_once)
        .grace(a.grace())
        .budget(Budget::new(a.memory.unwrap_or_else(rushes::job::half_of_memory)));
    for class in &a.queues {
        worker = worker.queue(class);
    }
    if let Some(at) = a.metrics {
        worker = worker.metrics(at);
    }
    if let Some(at) = a.sdk_metrics {
        worker = worker.sdk_metrics(at);
    }
    worker.run(&a.server.server()?, super::cancelled_by_signal()).await?;
    Ok(Ended::Done)
}

/// What runs the units of a worker.
fn desk(a: &WorkerArgs) -> Result<Desk> {
    if !a.apart {
        // The workflow and the paths are the orders', and the engine tries again.
        let nothing = Dailies::default().workflow();
        let job = Job::new(nothing, "", "").attempts(1).executors(a.elsewhere.here(a.threads)?);
        return Ok(a.elsewhere.join_or_know(job)?.desk());
    }
    if !a.elsewhere.flags().is_empty() {
        return Err(Error::new(ErrorKind::Unsupported, "units that run apart run on this machine's CPUs")
            .doing("reading the command line")
            .advice("leave out --apart, or the GPU and the FilmLight server"));
    }
    let program = std::env::current_exe()
        .map_err(|e| Error::new(ErrorKind::Io, e.to_string()).doing("finding this program to run units apart"))?;
    let mut args = vec!["run-unit".to_owned(), "-".to_owned(), "--attended".to_owned()];
    args.extend(a.threads.map(|n| format!("--threads={n}")));
    // As many processes at a time share what there is.
    let processes = a.units_at_once.max(1) * a.queues.iter().filter(|q| *q != "orchestrate").count().max(1);
    let memory = a.memory.unwrap_or_else(rushes::job::half_of_memory);
    let local = rushes::backends::local::LocalExecutor::new(rushes::registry());
    let apart = rushes::backends::local::Apart::new(Arc::new(local), program, args).memory(memory, processes);
    let job = Job::new(Dailies::default().workflow(), "", "").attempts(1);
    Ok(a.elsewhere.join_or_know(job.executors(Executors::new().prefer(Arc::new(apart)).by_preference()))?.desk())
}

pub(crate) async fn submit(a: &Submit) -> Result<Ended> {
    let server = a.server.server()?;
    let job = job::job(job::named(&a.workflow, &a.picture, &a.job)?, &a.path, &a.job)?;
    let order = job.order(Spread { pending: a.pending, gpu: a.on_gpu, ..Spread::default() }).await?;
    if order.head().clips == 0 {
        return Err(Error::new(ErrorKind::NotFound, "there is nothing to make")
            .doing("submitting an order")
            .advice("`rushes inspect` says what is there and what it needs"));
    }
    let folder = order.folder().to_str().ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "the path of the output folder is not Unicode").path(order.folder())
    })?;
    let heartbeat_ms = (a.heartbeat.clamp(0.1, 86_400.0) * 1e3) as u64;
    let run = Submission::new(order.id(), folder)
        .priority(a.priority)
        .show(&a.show_name, a.weight)
        .pace(Pace { heartbeat_ms, ..Pace::default() })
        .start(&server)
        .await?;
    println!("{}", order.id());
    if a.detach {
        return Ok(Ended::Done);
    }
    let stop = super::cancelled_by_signal();
    let ended = loop {
        tokio::select! {
            ended = run.wait() => break ended?,
            () = stop.cancelled() => {
                // Somebody else waits for one that ran already.
                if !run.began_here() {
                    progress::tell(format!("{} goes on; `rushes cancel {}` ends it", order.id(), order.id()));
                    return Ok(Ended::Cancelled);
                }
                // It may have ended in this moment: then that is what came of it.
                let cancelled = run.cancel("interrupted").await;
                break match run.status().await {
                    Ok(status) if matches!(status.state, State::Running | State::Finishing) => {
                        cancelled?;
                        run.wait().await?
                    }
                    _ => run.wait().await?,
                };
            }
            () = tokio::time::sleep(Duration::from_secs(5)) => {
                if let Ok(status) = run.status().await {
                    progress::tell(line(&status));
                    status.waiting_for.iter().for_each(|why| progress::tell(format!("  waiting for {why}")));
                }
            }
        }
    };
    tell(&order, &ended, &a.job.out)
}

/// What came of it, as `rushes run` says it.
fn tell(order: &Order, ended: &OrderEnded, out: &Path) -> Result<Ended> {
    if let OrderEnded::Failed(why) = ended {
        return Err(Error::new(ErrorKind::Io, why.clone())
            .doing(format!("waiting for the order {}", order.id()))
            .advice("see the log of the workers, and submit it again: what stands is not made again"));
    }
    let Some(report) = order.report()? else {
        return Err(Error::new(ErrorKind::NotFound, "it has ended without a report").path(order.folder()));
    };
    progress::summary(&report, out);
    Ok(match ended {
        OrderEnded::Cancelled => Ended::Cancelled,
        _ if report.units.iter().any(|u| u.outcome == Outcome::Cancelled) => Ended::Cancelled,
        _ if report.is_complete() => Ended::Done,
        _ => Ended::NotDone,
    })
}

pub(crate) async fn status(a: &StatusArgs) -> Result<Ended> {
    let status = Run::find(&a.server.server()?, &a.order).await?.status().await?;
    if a.json {
        println!(
            "{}",
            serde_json::json!({
                "order": a.order, "state": word(status.state), "clips": status.clips, "clips_waiting": status.clips_waiting,
                "clips_running": status.clips_running, "units_done": status.tally.done, "units_failed": status.tally.failed,
                "units_cancelled": status.tally.cancelled, "frames": status.tally.frames, "troubles": status.troubles,
                "waiting_for": status.waiting_for,
            })
        );
    } else {
        println!("{}", line(&status));
        for trouble in &status.troubles {
            println!("  {trouble}");
        }
        for why in &status.waiting_for {
            println!("  waiting for {why}");
        }
    }
    Ok(match status.state {
        State::Failed => Ended::NotDone,
        _ => Ended::Done,
    })
}

pub(crate) async fn cancel(a: &CancelArgs) -> Result<Ended> {
    Run::find(&a.server.server()?, &a.order).await?.cancel(&a.reason).await?;
    println!("{} is being cancelled", a.order);
    Ok(Ended::Done)
}

fn word(state: State) -> &'static str {
    match state {
        State::Running => "running",
        State::Finishing => "finishing",
        State::Done => "done",
        State::Cancelled => "cancelled",
        State::Failed => "failed",
    }
}

fn line(status: &Status) -> String {
    let t = &status.tally;
    let begun = status.clips - status.clips_waiting - status.clips_running;
    format!(
        "{}: {begun} of {} clips, {} in work; {} frames, {} units done, {} failed, {} cancelled",
        word(status.state),
        status.clips,
        status.clips_running,
        t.frames,
        t.done,
        t.failed,
        t.cancelled
    )
}
