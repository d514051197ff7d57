//! What a worker tells those who watch it: Prometheus, and the probes of a cluster.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rushes_core::run::UnitReport;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Whether units are taken.
    pub(crate) ready: AtomicBool,
    pub(crate) running: AtomicU64,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    units: BTreeMap<&'static str, u64>,
    frames: u64,
    bytes: u64,
    unit_seconds: f64,
    stage_seconds: BTreeMap<String, f64>,
}

/// Connections at a time.
const MOST: usize = 32;

/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

impl Watch {
    /// Counts an attempt at a unit, and the work that it was; there is none of what left no report, and of what was found made.
    pub(crate) fn count(&self, outcome: &'static str, work: Option<&UnitReport>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.units.entry(outcome).or_default() += 1;
        let Some(report) = work else { return };
        counts.frames += report.frames;
        counts.bytes += report.outputs.iter().map(|o| o.bytes).sum::<u64>();
        counts.unit_seconds += report.wall_ms / 1e3;
        for (stage, ms) in &report.stage_ms {
            *counts.stage_seconds.entry(stage.clone()).or_default() += ms / 1e3;
        }
    }

    /// In the text format of Prometheus, version 0.0.4.
    fn text(&self) -> String {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        let head = |text: &mut String, name: &str, kind: &str, help: &str| {
            let _ = writeln!(text, "# HELP rushes_{name} {help}\n# TYPE rushes_{name} {kind}");
        };
        head(&mut text, "units_total", "counter", "Attempts at units, by how they ended.");
        for (outcome, n) in &counts.units {
            let _ = writeln!(text, "rushes_units_total{{outcome=\"{outcome}\"}} {n}");
        }
        head(&mut text, "units_running", "gauge", "Units in work.");
        let _ = writeln!(text, "rushes_units_running {}", self.running.load(Ordering::Relaxed));
        head(&mut text, "frames_total", "counter", "Frames made.");
        let _ = writeln!(text, "rushes_frames_total {}", counts.frames);
        head(&mut text, "output_bytes_total", "counter", "Bytes of outputs.");
        let _ = writeln!(text, "rushes_output_bytes_total {}", counts.bytes);
        head(&mut text, "unit_seconds_total", "counter", "Seconds from start to end of units.");
        let _ = writeln!(text, "rushes_unit_seconds_total {}", counts.unit_seconds);
        head(&mut text, "stage_seconds_total", "counter", "Seconds of work by stage, summed over threads.");
        for (stage, seconds) in &counts.stage_seconds {
            let stage = stage.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = writeln!(text, "rushes_stage_seconds_total{{stage=\"{stage}\"}} {seconds}");
        }
        text
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<String> {
        let (status, text) = match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, self.text()),
            (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::OK, "alive\n".into()),
            (&Method::GET | &Method::HEAD, "/readyz") if self.ready.load(Ordering::Relaxed) => {
                (StatusCode::OK, "ready\n".into())
            }
            (&Method::GET | &Method::HEAD, "/readyz") => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".into()),
            _ => (StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz\n".into()),
        };
        let mut response = Response::new(text);
        *response.status_mut() = status;
        let kind = hyper::header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
        response
    }
}

/// Answers until it is dropped.
pub(crate) async fn serve(listener: TcpListener, watch: Arc<Watch>) {
    let room = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // No file descriptors: later there may be.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let watch = Arc::clone(&watch);
        tokio::spawn(async move {
            let _permit = permit;
            let answer = service_fn(|request| {
                let response = watch.answer(&request);
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), answer);
            // Who hangs up has had enough.
            let _ = connection.await;
        });
    }
}
