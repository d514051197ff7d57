//! One card with clips that this machine decodes and clips that only a server does.

use flapid_sim::Faults;
use rushes::core::graph::AnyStage;
use rushes::core::media::ClipFormat;
use rushes::core::run::{Orders as _, RunContext, UnitRef};
use rushes::order::Spread;
use rushes::recipes::Dailies;
use rushes::{Done, Job};
use rushes_filmlight::{Pool, Server};
use rushes_testcard::{Card, CardSpec};
use serde_json::json;

use crate::support::{Shoot, deaf, launch, options, plates, pool, settings, sim};

/// An MXF header by ARRI, as far as our own recognition looks.
fn arri_mxf() -> Vec<u8> {
    let klv = |key: [u8; 16], body: &[u8]| [&key[..], &[0x84], &(body.len() as u32).to_be_bytes(), body].concat();
    let set = |kind: u8, id: u8, (tag, value): (u16, Vec<u8>)| {
        let items = [(0x3c0a_u16, vec![id; 16]), (tag, value)];
        let items = items.map(|(tag, v)| [&tag.to_be_bytes()[..], &(v.len() as u16).to_be_bytes(), &v].concat());
        klv([6, 14, 43, 52, 2, 0x53, 1, 1, 13, 1, 1, 1, 1, 1, kind, 0], &items.concat())
    };
    let maker: Vec<u8> = "ARRI".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let coding = [6, 14, 43, 52, 4, 1, 1, 13, 14, 0x17, 0, 0, 0, 0, 0, 0].to_vec();
    let partition = klv([6, 14, 43, 52, 2, 5, 1, 1, 13, 1, 2, 1, 1, 2, 4, 0], &[0; 88]);
    // Who wrote it, a source package, and the descriptor that it names.
    let sets = [set(0x30, 1, (0x3c01, maker)), set(0x37, 6, (0x4701, vec![9; 16])), set(0x28, 9, (0x3201, coding))];
    [partition, sets.concat()].concat()
}

/// The synthetic camera's clip, and beside it REDCODE and ARRI's MXF, which the simulator plays with the same frames.
fn mixed(shoot: &Shoot) {
    let card = shoot.dir.path().join("card");
    for (name, codec, bytes) in
        [("R001_C001.R3D", "R3D", b"\0\0\x04\x88RED2 and no picture".to_vec()), ("M001C001.mxf", "ARRIRAW", arri_mxf())]
    {
        std::fs::write(card.join(name), bytes).unwrap();
        let note = json!({ "codec": codec, "frames": shoot.clip.folder });
        std::fs::write(card.join(format!("{name}.flapid-sim")), note.to_string()).unwrap();
    }
}

fn recipe() -> Dailies {
    Dailies { ask_filmlight: true, ..plates() }
}

fn job(shoot: &Shoot, out: &str, pool: &Pool) -> Job {
    shoot.job(&recipe(), out).filmlight(pool, settings()).unwrap()
}

fn ran_on(done: &Done) -> Vec<(&str, &str)> {
    done.report.units.iter().map(|u| (u.clip.as_str(), u.ran_on.split(' ').next().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_three_kinds_of_clips_is_one_job_with_one_manifest() {
    let (shoot, sim) = (Shoot::new(), sim(Faults::default()).await);
    mixed(&shoot);
    let done = job(&shoot, "out", &pool(&sim)).run().await.unwrap();
    assert!(done.report.is_complete(), "{:#?}", done.report.findings);
    let clip = shoot.clip.name.as_str();
    let mut where_to = ran_on(&done);
    where_to.sort_unstable();
    let mut want = [(clip, "local"), ("R001_C001", "filmlight"), ("M001C001", "filmlight")];
    want.sort_unstable();
    assert_eq!(where_to, want);
    let formats: Vec<ClipFormat> = done.manifest.clips.iter().map(|c| c.format).collect();
    for format in [ClipFormat::CinemaDng, ClipFormat::R3d, ClipFormat::ArriMxf] {
        assert!(formats.contains(&format), "{format:?} in {formats:?}");
    }
    // The simulator plays all of them with the same frames and Rushes' stages: the pictures are equal.
    let pixels = |clip: &str, frame: usize| {
        let path = shoot.out("out").join(format!("plates/{clip}/{clip}.{frame:07}.exr"));
        let image = exr::prelude::read_first_flat_layer_from_file(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        image.layer_data.channel_data.list.iter().map(|c| format!("{:?}", c.sample_data)).collect::<Vec<_>>()
    };
    let first = |clip: &str| {
        let unit = done.report.units.iter().find(|u| u.clip == clip).unwrap();
        unit.outputs.iter().map(|o| o.frames.first).min().unwrap() as usize
    };
    for other in ["R001_C001", "M001C001"] {
        assert_eq!(pixels(clip, first(clip)), pixels(other, first(other)), "{other}");
    }
    let told: Vec<&str> = done
        .report
        .findings
        .iter()
        .filter(|f| f.code == "executor-fallback")
        .filter_map(|f| f.clip.as_deref())
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");

    // Once more: nothing is made again, wherever it was made.
    let again = job(&shoot, "out", &pool(&sim)).run().await.unwrap();
    assert!(ran_on(&again).iter().all(|(_, on)| *on == "cache"), "{:?}", ran_on(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_made_by_workers_with_a_server_and_finished_by_one_without() {
    let (shoot, sim) = (Shoot::new(), sim(Faults::default()).await);
    mixed(&shoot);
    let pool = pool(&sim);
    let order = job(&shoot, "out", &pool).order(Spread::default()).await.unwrap();
    let name = order.folder().to_str().unwrap();
    let worker = shoot.job(&recipe(), "nowhere").filmlight(&pool, settings()).unwrap().desk();
    let orchestrator = shoot.job(&recipe(), "nowhere").filmlight_elsewhere().unwrap().desk();
    let mut classes = Vec::new();
    for clip in 0..orchestrator.head(name).await.unwrap().clips {
        let head = orchestrator.clip(name, clip).await.unwrap();
        for unit in 0..head.units {
            let unit = UnitRef { clip, generation: 0, unit };
            let report = worker.run(name, unit, &RunContext::plain()).await.unwrap();
            assert!(report.is_done(), "{report:?}");
        }
        assert_eq!(orchestrator.settle(name, clip, 0).await.unwrap(), None);
        classes.extend(head.classes);
    }
    classes.sort();
    assert_eq!(classes, ["cpu", "filmlight", "filmlight"]);
    assert!(orchestrator.finish(name).await.unwrap());
    assert!(shoot.out("out").join("manifest.json").is_file());
    let hidden = std::fs::read_dir(shoot.out("out")).unwrap().map(|e| e.unwrap().file_name());
    assert!(hidden.filter(|n| n.to_string_lossy().ends_with("rushes-filmlight")).count() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_servers_are_started_for_what_needs_them() {
    let shoot = Shoot::new();
    mixed(&shoot);
    let pool = Pool::new(Server::Private(Box::new(launch(&Faults::default()))), 2);
    let done = job(&shoot, "out", &pool).run().await.unwrap();
    assert!(done.report.is_complete(), "{:#?}", done.report.findings);
    assert_eq!(done.report.units.len(), 3);
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_what_is_decoded_here_is_made_and_the_rest_is_told() {
    let shoot = Shoot::new();
    mixed(&shoot);
    let (_socket, port) = deaf();
    let options = rushes_filmlight::Options { port, ..options(&sim(Faults::default()).await) };
    let pool = Pool::new(Server::Running(Box::new(options)), 1);
    let done = job(&shoot, "out", &pool).run().await.unwrap();
    assert!(!done.report.is_complete());
    assert_eq!(ran_on(&done), [(shoot.clip.name.as_str(), "local")]);
    let told = done.report.findings.iter().filter(|f| f.code == "clip-skipped").count();
    assert_eq!(told, 2, "{:?}", done.report.findings);
}

/// Set for a process that has no FFmpeg: the `PATH` of the servers it starts.
const SERVERS_PATH: &str = "RUSHES_TEST_SERVERS_PATH";

/// Runs itself in a process whose `PATH` has nothing in it, while the servers have all of it.
#[tokio::test(flavor = "multi_thread")]
async fn without_ffmpeg_here_a_server_makes_the_dnxhr_movies_of_its_clips_and_the_others_are_told() {
    let proxy_codec = "ffmpeg:dnxhd -profile:v dnxhr_lb".into();
    let recipe = Dailies { proxy_codec, proxies: true, ..recipe() };
    let Some(path) = std::env::var_os(SERVERS_PATH) else {
        return in_a_process_without_programs();
    };
    // DNxHR has no smaller pictures than 256x120.
    let (dir, spec) = (tempfile::tempdir().unwrap(), CardSpec { width: 320, height: 180, ..CardSpec::tiny() });
    let clip = Card::write_clean(&dir.path().join("card"), spec).unwrap();
    let shoot = Shoot { dir, clip };
    mixed(&shoot);
    let mut launch = launch(&Faults::default());
    launch.env.push(("PATH".into(), path));
    let pool = Pool::new(Server::Private(Box::new(launch)), 2);
    let done = shoot.job(&recipe, "out").filmlight(&pool, settings()).unwrap().run().await.unwrap();
    pool.close().await;
    assert!(done.report.units.iter().all(|u| u.is_done()), "{:#?}", done.report.units);

    let here = shoot.clip.name.as_str();
    let movies_of = |clip: &str| {
        let unit = done.report.units.iter().filter(|u| u.clip == clip).flat_map(|u| &u.outputs);
        unit.filter(|o| o.role == "proxy").map(|o| o.path.as_str()).collect::<Vec<_>>()
    };
    for clip in ["R001_C001", "M001C001"] {
        let [movie] = movies_of(clip)[..] else { panic!("{clip}: {:?}", movies_of(clip)) };
        let bytes = std::fs::read(shoot.out("out").join(movie)).unwrap();
        // The codec's four letters in the sample description.
        assert!(bytes.windows(4).any(|w| w == b"AVdh"), "{movie} is no DNxHR");
    }
    assert!(movies_of(here).is_empty());
    assert!(ran_on(&done).contains(&(here, "local")), "{:?}", ran_on(&done));
    let left_out = done.plan.findings.iter().filter(|f| f.code == "output-left-out").collect::<Vec<_>>();
    assert_eq!(left_out.iter().map(|f| f.clip.as_deref()).collect::<Vec<_>>(), [Some(here)]);
    assert!(left_out[0].text.contains("no program `ffmpeg`"), "{}", left_out[0].text);
}

fn in_a_process_without_programs() {
    let movie = json!({ "codec": { "ffmpeg": "dnxhd", "args": ["-profile:v", "dnxhr_lb"] } });
    let AnyStage::Sink(movie) = rushes::registry().make("movie", movie).unwrap() else { panic!("it is no sink") };
    if let Err(e) = movie.check_here() {
        eprintln!("SKIPPED: {e}");
        return;
    }
    let nothing = tempfile::tempdir().unwrap();
    let name = "mixed::without_ffmpeg_here_a_server_makes_the_dnxhr_movies_of_its_clips_and_the_others_are_told";
    let again = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(SERVERS_PATH, std::env::var_os("PATH").unwrap())
        .env("PATH", nothing.path())
        .output()
        .unwrap();
    let said = [again.stdout, again.stderr].map(|s| String::from_utf8_lossy(&s).into_owned()).concat();
    assert!(again.status.success() && said.contains("1 passed"), "{said}");
}
