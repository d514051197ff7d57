//! The program: flapid's arguments, and the simulator behind them.

use std::path::PathBuf;
use std::process::ExitCode;

use flapid_sim::{Faults, Settings, Sim};

/// What the command line says.
#[derive(Debug, Default)]
struct Arguments {
    slave: bool,
    fifo: Option<PathBuf>,
    port: Option<u16>,
    user: Option<(String, String)>,
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(e) => return failed(&e.to_string()),
    };
    match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => match runtime.block_on(run(arguments)) {
            // Renders that are under way are not waited for.
            Ok(()) => std::process::exit(0),
            Err(e) => failed(&e),
        },
        Err(e) => failed(&e),
    }
}

fn failed(why: &str) -> ExitCode {
    eprintln!("flapid-sim: {why}");
    ExitCode::FAILURE
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let faults: Faults = match std::env::var("FLAPID_SIM_FAULTS") {
        Ok(text) => serde_json::from_str(&text).map_err(|e| format!("FLAPID_SIM_FAULTS: {e}"))?,
        Err(_) => Faults::default(),
    };
    if let Some(why) = faults.ends_at_start {
        return Err(why);
    }
    let (hangs, silent) = (faults.hangs, faults.never_starts);
    // Before anybody knows of it: whoever reads the port may ask for the end at once.
    let mut asked = Asked::listen().map_err(|e| format!("cannot listen to signals: {e}"))?;
    let port = arguments.port.unwrap_or(if arguments.slave { 0 } else { 1984 });
    let settings = Settings { port, user: arguments.user, slave: arguments.slave, process: true, faults };
    let sim = Sim::start(settings).await.map_err(|e| format!("cannot listen on {port}: {e}"))?;
    if let Some(fifo) = arguments.fifo.filter(|_| !silent) {
        let line = format!("{}\n", sim.port());
        let written = tokio::task::spawn_blocking(move || std::fs::write(&fifo, line).map_err(|e| e.to_string()));
        written.await.map_err(|e| e.to_string())?.map_err(|e| format!("cannot tell the port: {e}"))?;
    }
    let ends = async {
        if arguments.slave {
            sim.until_left().await;
        } else {
            std::future::pending().await
        }
    };
    tokio::select! {
        () = ends => {}
        () = asked.heard() => {}
    }
    if hangs {
        // It is asked again and again, and does not hear.
        loop {
            asked.heard().await;
        }
    }
    Ok(())
}

/// Listens to those who ask for the end.
#[cfg(unix)]
struct Asked(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl Asked {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
    }

    async fn heard(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Asked;

#[cfg(not(unix))]
impl Asked {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn heard(&mut self) {
        // Without a signal there is nothing to hear.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut read = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--slave" => read.slave = true,
                // What flapid has besides.
                "--flmon" | "--quiet" => {}
                "--fifo" => read.fifo = Some(value()?.into()),
                "--port" => read.port = Some(value()?.parse().map_err(|e| format!("--port: {e}"))?),
                "--token" => {
                    let both = value()?;
                    let (user, token) = both.split_once(':').ok_or("--token takes USER:TOKEN")?;
                    read.user = Some((user.to_owned(), token.to_owned()));
                }
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(read)
    }
}
