use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use rushes::backends::local::LocalExecutor;
use rushes::core::deliver::write_whole;
use rushes::core::run::{Event, Events, Orders as _, Outcome, RunContext, UnitRef};
use rushes::core::storage::{Body, Entry, Memory, Put, Stat, Storage, When, read_whole, register};
use rushes::ledger::Lineage;
use rushes::order::Spread;
use rushes::recipes::Dailies;
use rushes::{Error, ErrorKind, Job, Result};

use crate::orders::{desk, work};
use crate::support::{Bench, recipe};

fn plates() -> Dailies {
    recipe().plates_only()
}

/// Does `what` once the first frame is done, and before the others are.
fn once_begun(job: Job, what: impl Fn() + Send + Sync + 'static) -> Job {
    let once = Once::new();
    let events = Events::to(move |e| {
        if matches!(e, Event::FrameDone { .. }) {
            once.call_once(&what);
        }
    });
    job.executor(Arc::new(LocalExecutor::new(rushes::registry()).threads(1))).events(events)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_put_into_a_folder_meanwhile_stays() {
    let bench = Bench::new();
    register("at-uri", Arc::new(Memory::new()));
    let out = PathBuf::from("at-uri://bucket/out");
    let clip = bench.card.clips[0].name.clone();
    let foreign = out.join(format!("plates/{clip}/{clip}.0000006.exr"));
    let job = || Job::new(plates().workflow(), &bench.card.clips[0].folder, &out);
    let theirs = foreign.clone();
    let done = once_begun(job(), move || drop(write_whole(&theirs, false, b"theirs").unwrap())).run().await.unwrap();
    let Outcome::Failed(why) = &done.report.units[0].outcome else { panic!("{:?}", done.report) };
    assert_eq!(why.kind, ErrorKind::AlreadyExists);
    assert_eq!(read_whole(&foreign, 100).unwrap(), b"theirs");
    // It is nobody's that the folder knows, so it stays the next time, too.
    assert!(!job().run().await.unwrap().report.is_complete());
    assert_eq!(read_whole(&foreign, 100).unwrap(), b"theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lineage_of_a_folder_has_what_others_made_meanwhile() {
    let bench = Bench::new();
    register("at-uri-lineage", Arc::new(Memory::new()));
    let out = PathBuf::from("at-uri-lineage://bucket/out");
    let job = |clip: usize| Job::new(plates().workflow(), &bench.card.clips[clip].folder, &out);
    let other = bench.card.clips[1].folder.clone();
    let first = once_begun(job(0), move || {
        let other = other.clone();
        // Of a process of its own, which has its own scratch: here only the folder is shared.
        let lineage = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let elsewhere = tempfile::tempdir().unwrap();
            let here = Job::new(plates().workflow(), &other, elsewhere.path());
            runtime.block_on(here.run()).unwrap();
            Lineage::read(elsewhere.path()).unwrap().unwrap()
        });
        lineage.join().unwrap().write(std::path::Path::new("at-uri-lineage://bucket/out")).unwrap();
    });
    first.run().await.unwrap();
    let lineage = Lineage::read(&out).unwrap().unwrap();
    for clip in &bench.card.clips[..2] {
        assert_eq!(lineage.outputs.iter().filter(|r| r.clip == clip.name).count(), 8, "{}", clip.name);
    }
}

/// Cannot say anything about some files, for a while.
#[derive(Debug, Default)]
struct Flaky {
    files: Memory,
    away: AtomicBool,
    /// Of one of them nothing, and everything of the others.
    but_one: AtomicBool,
}

impl Flaky {
    fn ask(&self, uri: &str) -> Result<()> {
        let away = self.away.load(Ordering::Relaxed) && (uri.ends_with(".exr") || uri.ends_with("lineage.json"));
        match away || self.but_one.load(Ordering::Relaxed) && uri.ends_with("0000003.exr") {
            true => Err(Error::new(ErrorKind::Io, "the service does not answer").path(uri).retryable()),
            false => Ok(()),
        }
    }
}

impl Storage for Flaky {
    fn stat(&self, uri: &str) -> Result<Stat> {
        self.ask(uri).and_then(|()| self.files.stat(uri))
    }
    fn list(&self, folder: &str, most: usize) -> Result<Vec<Entry>> {
        self.files.list(folder, most)
    }
    fn read(&self, uri: &str, range: Range<u64>, version: Option<&str>) -> Result<(Stat, Vec<u8>)> {
        self.ask(uri).and_then(|()| self.files.read(uri, range, version))
    }
    fn put(&self, uri: &str, body: Body<'_>, when: When) -> Result<Put> {
        self.files.put(uri, body, when)
    }
    fn remove(&self, uri: &str) -> Result<()> {
        self.files.remove(uri)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_for_is_not_taken_for_gone() {
    let bench = Bench::new();
    let storage = Arc::new(Flaky::default());
    register("at-uri-flaky", Arc::clone(&storage) as _);
    let out = PathBuf::from("at-uri-flaky://bucket/out");
    let job = || Job::new(plates().workflow(), &bench.card.root, &out);
    let order = job().order(Spread::default()).await.unwrap();
    let (desk, name) = (desk(rushes::registry()), order.folder().to_str().unwrap());
    assert!(work(&desk, &order).await);
    storage.away.store(true, Ordering::Relaxed);
    let unit = UnitRef { clip: 0, generation: 0, unit: 0 };
    for e in [desk.run(name, unit, &RunContext::plain()).await.unwrap_err(), desk.finish(name).await.unwrap_err()] {
        assert!(e.is_retryable() && e.to_string().contains("does not answer"), "{e}");
    }
    // A lineage that cannot be read is not written over.
    assert!(job().run().await.unwrap_err().to_string().contains("does not answer"));
    storage.away.store(false, Ordering::Relaxed);
    assert!(desk.finish(name).await.unwrap());
    assert_eq!(Lineage::read(&out).unwrap().unwrap().outputs.len(), 16);
    // A single one is told of, takes nothing away, and keeps nobody from the end.
    storage.but_one.store(true, Ordering::Relaxed);
    desk.lost(name, unit, Error::new(ErrorKind::Panicked, "no worker came to its end")).await.unwrap();
    assert!(!desk.finish(name).await.unwrap());
    assert!(!desk.complete(name, true, &RunContext::plain()).await.unwrap());
    let report = order.report().unwrap().unwrap();
    let told = |o: &Outcome| matches!(o, Outcome::Failed(f) if f.message.contains("does not answer"));
    assert!(report.units.iter().any(|u| told(&u.outcome)), "{report:?}");
    storage.but_one.store(false, Ordering::Relaxed);
    assert!(desk.finish(name).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_others_made_again_meanwhile_the_lineage_says_what_they_say() {
    let bench = Bench::new();
    register("at-uri-again", Arc::new(Memory::new()));
    let out = PathBuf::from("at-uri-again://bucket/out");
    let job = |clip: usize, recipe: Dailies| Job::new(recipe.workflow(), &bench.card.clips[clip].folder, &out);
    job(1, plates()).run().await.unwrap();
    // What another machine writes down when it has made the second clip again: its digests are not those of before.
    let again = bench.job(&Dailies { exposure: 1.0, ..plates() }, "again");
    again.run().await.unwrap();
    let mut theirs = Lineage::read(&bench.path("again")).unwrap().unwrap();
    theirs.outputs.retain(|r| r.clip == bench.card.clips[1].name);
    let (written, to) = (theirs.clone(), out.clone());
    once_begun(job(0, plates()), move || written.write(&to).unwrap()).run().await.unwrap();
    let lineage = Lineage::read(&out).unwrap().unwrap();
    assert_eq!(lineage.outputs.len(), 16);
    for record in &theirs.outputs {
        assert!(lineage.outputs.contains(record), "{}", record.output.path);
    }
}
