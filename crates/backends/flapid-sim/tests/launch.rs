//! Private servers. The program is launched as FilmLight's own clients launch flapid.

use std::time::Duration;

use flapid_sim::{CallFault, Does, Faults, RenderDoes, RenderFault};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use rushes_filmlight::{Connection, Ended, Error, Options, Patience, Pool, Server, User};
use serde_json::json;

use crate::support::{launch, on, options, sim, soon};

fn exists(pid: u32) -> bool {
    kill(Pid::from_raw(pid as i32), None).is_ok()
}

async fn until_gone(pid: u32) {
    let gone = async {
        while exists(pid) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone)
        .await
        .unwrap_or_else(|_| panic!("{pid} lives on, or as a zombie"));
}

#[tokio::test]
async fn a_private_server_serves_without_a_word_about_the_user_and_ends_with_its_connection() {
    let flapid = launch(&Faults::default()).start().await.unwrap();
    assert_eq!(flapid.connection().application().await.unwrap().product, "Simulated");
    let pid = flapid.pid().unwrap();
    assert!(matches!(flapid.close().await, Ended::ByItself(s) if s.success()));
    assert!(!exists(pid));
}

#[tokio::test]
async fn a_dropped_server_is_gone_and_no_zombie() {
    for hangs in [false, true] {
        let mut launch = launch(&Faults { hangs, ..Faults::default() });
        launch.patience.asked = Duration::from_millis(50);
        let flapid = launch.start().await.unwrap();
        let pid = flapid.pid().unwrap();
        drop(flapid);
        until_gone(pid).await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_asked_and_then_killed() {
    let mut launch = launch(&Faults { hangs: true, ..Faults::default() });
    launch.patience = Patience { closed: Duration::from_millis(50), asked: Duration::from_millis(50) };
    let flapid = launch.start().await.unwrap();
    let pid = flapid.pid().unwrap();
    assert!(matches!(flapid.close().await, Ended::Killed(_)));
    assert!(!exists(pid));
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut ends = launch(&Faults { ends_at_start: Some("No licence for flapid".into()), ..Faults::default() });
    ends.log = Some(dir.path().join("log"));
    let e = ends.start().await.unwrap_err();
    assert!(matches!(e, Error::Launch { .. }) && e.to_string().contains("licence"), "{e}");
    assert!(std::fs::read_to_string(dir.path().join("log")).unwrap().contains("No licence for flapid"));

    let mut silent = launch(&Faults { never_starts: true, ..Faults::default() });
    silent.starting = Duration::from_millis(100);
    silent.patience.asked = Duration::from_millis(50);
    let e = silent.start().await.unwrap_err();
    assert!(e.to_string().contains("did not say its port"), "{e}");
}

#[tokio::test]
async fn several_are_launched_side_by_side() {
    let (a, b) = (launch(&Faults::default()), launch(&Faults::default()));
    let (a, b) = tokio::join!(a.start(), b.start());
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_ne!(a.connection().address(), b.connection().address());
    tokio::join!(a.close(), b.close());
}

#[tokio::test]
async fn a_server_that_dies_fails_its_calls_and_is_waited_for() {
    let render = RenderFault { after: 0, does: RenderDoes::Die };
    let flapid =
        launch(&Faults { renders: vec![Some(render)], ..on("get_username", Does::Drop) }).start().await.unwrap();
    let pid = flapid.pid().unwrap();
    let lost = flapid.connection().call("get_username", None, json!({})).await;
    assert!(matches!(lost, Err(Error::Disconnected { .. })));
    assert!(matches!(flapid.close().await, Ended::ByItself(_)), "a slave ends with its connection");
    assert!(!exists(pid));
}

#[tokio::test]
async fn a_pool_keeps_one_server_to_look_and_takes_a_fresh_one_for_each_render() {
    let pool = Pool::new(Server::Private(Box::new(launch(&on("get_username", Does::Drop)))), 1);
    let first = inspector(&pool).await;
    assert_eq!(inspector(&pool).await.address(), first.address());
    let one = pool.render().await.unwrap();
    let address = one.connection().address().to_owned();
    assert_ne!(address, first.address());
    // There is one seat.
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.render().await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    one.close().await;
    let two = waiting.await.unwrap().unwrap();
    assert_ne!(two.connection().address(), address);
    two.close().await;
    // The one that stays is replaced when it is lost. This one always loses the first call, so the second time is lost, too.
    let lost = pool.inspect(async |flapi| flapi.call("get_username", None, json!({})).await).await;
    assert!(matches!(lost, Err(Error::Disconnected { .. })));
    let info = pool.inspect(async |flapi| flapi.application().await).await.unwrap();
    assert_eq!(info.name, "flapi");
    assert_ne!(inspector(&pool).await.address(), first.address());
    pool.close().await;
}

/// The connection to the server for looking at media.
async fn inspector(pool: &Pool) -> Connection {
    pool.inspect(async |flapi| Ok::<_, Error>(flapi)).await.unwrap()
}

#[tokio::test]
async fn a_server_that_does_not_answer_any_more_is_replaced_and_one_that_is_slow_is_not() {
    let on = |method: &str, does| CallFault { method: method.into(), nth: 0, does };
    let calls = vec![on("get_username", Does::Silence), on("get_permissions", Does::Late(2000))];
    let faults = Faults { calls, ..Faults::default() };
    let mut launch = launch(&faults);
    launch.timeouts.call = Duration::from_secs(20);
    launch.timeouts.methods.insert("get_username".into(), Duration::from_millis(50));
    let pool = Pool::new(Server::Private(Box::new(launch)), 1);
    let first = inspector(&pool).await;
    let slow = pool.inspect(async |flapi| {
        let e = flapi.call("get_username", None, json!({})).await;
        assert!(matches!(e, Err(Error::Timeout { .. })), "{e:?}");
        flapi.application().await
    });
    assert_eq!(slow.await.unwrap().name, "flapi");
    assert_eq!(inspector(&pool).await.address(), first.address(), "it answers, and is thrown away");
    // Somebody else waits for the same server, which is lost to him; he is served by the next.
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { pool.inspect(async |flapi| flapi.call("get_permissions", None, json!({})).await).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let wedged = pool.inspect(async |flapi| flapi.call("get_username", None, json!({})).await).await;
    assert!(matches!(wedged, Err(Error::Timeout { .. })), "{wedged:?}");
    soon(first.until_ended()).await;
    assert_ne!(inspector(&pool).await.address(), first.address());
    soon(waits).await.unwrap().unwrap();
    pool.close().await;
}

#[tokio::test]
async fn a_running_server_is_asked_whether_it_or_the_clip_is_to_blame() {
    let mute = |method: &str| CallFault { method: method.into(), nth: 0, does: Does::Silence };
    for (calls, told) in [
        (vec![mute("get_username")], "no reply within"),
        (vec![mute("get_username"), mute("Application.get_application_info")], "asked again in"),
    ] {
        let sim = sim(Faults { calls, ..Faults::default() }).await;
        let mut options = options(&sim);
        options.timeouts.call = Duration::from_millis(50);
        let pool = Pool::new(Server::Running(Box::new(options)), 1);
        let work = async |flapi: Connection| flapi.call("get_username", None, json!({})).await;
        assert!(matches!(pool.inspect(work).await, Err(Error::Timeout { .. })));
        let again = pool.inspect(work).await.unwrap_err();
        assert!(again.to_string().contains(told), "{again}");
    }
}

/// Processes that have `mark` in their environment.
#[cfg(target_os = "linux")]
fn running(mark: &str) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let environments = all.filter_map(|e| std::fs::read(e.path().join("environ")).ok());
    environments.filter(|e| e.windows(mark.len()).any(|w| w == mark.as_bytes())).count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn there_are_never_more_servers_than_seats_however_slowly_they_end() {
    let mut launch = launch(&Faults { hangs: true, ..Faults::default() });
    launch.patience = Patience { closed: Duration::from_millis(50), asked: Duration::from_millis(300) };
    let mark = format!("one-seat-{}", std::process::id());
    launch.env.push(("FLAPID_SIM_MARK".into(), mark.clone().into()));
    let pool = Pool::new(Server::Private(Box::new(launch)), 1);
    for closes in [false, true, false] {
        let lease = soon(pool.render()).await.unwrap();
        assert_eq!(running(&mark), 1);
        if closes {
            // Nobody waits for the end.
            drop(tokio::time::timeout(Duration::from_millis(10), lease.close()).await);
        } else {
            drop(lease);
        }
    }
}

/// What a program does that is started with `arguments` and a pipe: the port it tells, and itself.
fn spawn(arguments: &[&str], pipe: &std::path::Path) -> (std::process::Child, u16) {
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_flapid-sim")).args(arguments).arg(pipe).spawn().unwrap();
    // Opening waits for the writer, reading for the whole of what it writes; on a thread, for there may be none.
    let (tell, told) = std::sync::mpsc::channel();
    let pipe = pipe.to_owned();
    std::thread::spawn(move || tell.send(std::fs::read_to_string(pipe)));
    let told = told.recv_timeout(Duration::from_secs(120)).expect("it does not say its port").unwrap();
    assert!(told.ends_with('\n') && told.trim().bytes().all(|b| b.is_ascii_digit()), "{told:?}");
    (child, told.trim().parse().unwrap())
}

#[tokio::test]
async fn the_program_is_launched_as_python_and_java_launch_flapid() {
    let dir = tempfile::tempdir().unwrap();
    for (n, arguments) in [&["--slave", "--flmon", "--fifo"][..], &["--slave", "--fifo"]].into_iter().enumerate() {
        let (mut child, port) = spawn(arguments, &dir.path().join(n.to_string()));
        let mut raw = crate::support::Raw::open(port).await;
        // No word about the user comes first.
        let reply = raw.ask(r#"{"method":"Application.get_application_info","id":1,"jsonrpc":"2.0"}"#).await;
        assert_eq!(reply["Major"], "5");
        drop(raw);
        let status = soon(async {
            loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break status;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(status.await.success(), "it did not end with its connection");
    }
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_flapid-sim")).arg("--nonsense").output().unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("--nonsense"));
}

/// Everything that is logged, by whatever crate, on the threads of tests that want to know.
struct Heard;

thread_local! {
    static HEARD: std::cell::RefCell<Option<String>> = const { std::cell::RefCell::new(None) };
}

impl log::Log for Heard {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        HEARD.with_borrow_mut(|heard| {
            if let Some(heard) = heard {
                heard.push_str(&format!("{} {}\n", record.target(), record.args()));
            }
        });
    }

    fn flush(&self) {}
}

/// On one thread, with the server in a process of its own: what is heard is the client's.
#[tokio::test]
async fn a_token_is_in_no_log_at_any_level() {
    let token = "a-token-that-nobody-else-has";
    let dir = tempfile::tempdir().unwrap();
    let (mut child, port) =
        spawn(&["--port", "0", "--token", &format!("filmlight:{token}"), "--fifo"], &dir.path().join("port"));
    log::set_logger(&Heard).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    HEARD.set(Some(String::new()));
    let user = |token: &str| User::Token { name: "filmlight".into(), token: token.into() };
    let at_port = |user| Options { user, ..Options::at("localhost", port) };
    let client = Connection::open(&at_port(user(token))).await.unwrap();
    client.application().await.unwrap();
    let refused = Connection::open(&at_port(user("another"))).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
    let heard = HEARD.take().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let hex: String = token.bytes().map(|b| format!("{b:02x}")).collect();
    assert!(
        heard.contains("get_application_info"),
        "what is sent is heard, if it goes through the log at all: {heard}"
    );
    let shown = heard.lines().find(|line| line.contains(token) || line.contains(&hex));
    assert_eq!(shown, None);
}
