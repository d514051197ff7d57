//! A stand-in for Azure's blobs on loopback, for what differs there: an upload has no condition, so it goes aside and is
//! copied, and a copy may be under way when it is answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rushes_core::ErrorKind;
use rushes_core::storage::{Body, Put, Storage as _, When};
use rushes_storage::{Cloud, Limits};

use crate::bytes;

#[derive(Default)]
struct Container {
    blobs: BTreeMap<String, Blob>,
    /// By blob and identity: a block list takes some and drops the rest.
    blocks: BTreeMap<String, BTreeMap<String, Bytes>>,
    versions: u64,
    /// How many looks at a copy see it empty.
    pending: u32,
    /// Whether the next block list is not answered, and whether it is heard.
    lost: Option<bool>,
}

#[derive(Default, Clone)]
struct Blob {
    bytes: Bytes,
    version: u64,
    /// Where its bytes come from, after so many looks.
    from: Option<(String, u32)>,
}

#[derive(Clone)]
struct Azure {
    endpoint: String,
    container: Arc<Mutex<Container>>,
}

type Answer = Response<Full<Bytes>>;

impl Azure {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let azure = Self { endpoint, container: Arc::default() };
        let way = azure.clone();
        // It ends with the process.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(way.serve(listener));
        });
        azure
    }

    async fn serve(self, listener: std::net::TcpListener) {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((socket, _)) = listener.accept().await {
            let way = self.clone();
            tokio::spawn(async move {
                let answer = service_fn(move |request| {
                    let way = way.clone();
                    async move { way.answer(request).await }
                });
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), answer).await;
            });
        }
    }

    fn cloud(&self, total: Duration) -> Cloud {
        let vars = [
            ("AZURE_ENDPOINT", self.endpoint.as_str()),
            ("AZURE_STORAGE_ACCOUNT_NAME", "reels"),
            ("AZURE_SKIP_SIGNATURE", "true"),
        ];
        let vars = vars.map(|(k, v)| (k.to_owned(), v.to_owned()));
        Cloud::with(vars).limits(Limits { total, idle: Duration::from_secs(5) })
    }

    fn names(&self) -> Vec<String> {
        self.container.lock().unwrap().blobs.keys().cloned().collect()
    }

    fn bytes(&self, name: &str) -> Bytes {
        self.container.lock().unwrap().blobs[name].bytes.clone()
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Answer, std::io::Error> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        let name = head.uri.path().trim_start_matches("/c/").to_owned();
        let query: BTreeMap<_, _> =
            head.uri.query().unwrap_or("").split('&').filter_map(|p| p.split_once('=')).collect();
        let header = |name: &str| head.headers.get(name).map(|v| v.to_str().unwrap().to_owned());
        let mut held = self.container.lock().unwrap();
        Ok(match (head.method, query.get("comp").copied()) {
            (Method::PUT, Some("block")) => {
                held.blocks.entry(name).or_default().insert(query["blockid"].replace("%3D", "="), body);
                answer(201, "")
            }
            (Method::PUT, Some("blocklist")) => {
                let lost = held.lost.take();
                if lost != Some(false) && !held.commit(&name, &String::from_utf8_lossy(&body)) {
                    return Ok(answer(400, "<Error><Code>InvalidBlockList</Code></Error>"));
                }
                if lost == Some(false) {
                    held.blocks.clear();
                }
                if lost.is_some() {
                    return Err(std::io::ErrorKind::ConnectionReset.into());
                }
                answer(201, "")
            }
            (Method::PUT, None) if header("x-ms-copy-source").is_some() => {
                if held.blobs.contains_key(&name) {
                    return Ok(answer(409, "<Error><Code>BlobAlreadyExists</Code></Error>"));
                }
                let from = header("x-ms-copy-source").unwrap().rsplit_once("/c/").unwrap().1.to_owned();
                held.versions += 1;
                let (version, pending) = (held.versions, held.pending);
                held.blobs.insert(name.clone(), Blob { bytes: Bytes::new(), version, from: Some((from, pending)) });
                if pending == 0 {
                    held.look(&name);
                }
                answer(202, "")
            }
            (Method::HEAD, None) => match held.look(&name) {
                None => answer(404, ""),
                Some(blob) => {
                    described(&blob, 200).header("content-length", blob.bytes.len()).body(Full::default()).unwrap()
                }
            },
            (Method::POST, Some("batch")) => {
                let text = String::from_utf8_lossy(&body).into_owned();
                let name = text.split_once("DELETE /c/").unwrap().1.split_once([' ', '?']).unwrap().0;
                let status = if held.blobs.remove(name).is_some() { "202 Accepted" } else { "404 Not Found" };
                let part = format!(
                    "--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nHTTP/1.1 {status}\r\n\r\n\r\n--b--\r\n"
                );
                let answer = Response::builder().status(202).header("content-type", "multipart/mixed; boundary=b");
                answer.body(part.into()).unwrap()
            }
            other => panic!("{other:?} {name}"),
        })
    }
}

impl Container {
    /// Makes a blob of its blocks, unless one of them is not there.
    fn commit(&mut self, name: &str, list: &str) -> bool {
        let blocks = self.blocks.remove(name).unwrap_or_default();
        let mut whole = Vec::new();
        for id in list.split("<Uncommitted>").skip(1) {
            let Some(block) = blocks.get(id.split_once('<').unwrap().0) else { return false };
            whole.extend_from_slice(block);
        }
        self.versions += 1;
        self.blobs.insert(name.to_owned(), Blob { bytes: whole.into(), version: self.versions, from: None });
        true
    }

    /// The blob, whose bytes come while it is looked at, as long as their source is there.
    fn look(&mut self, name: &str) -> Option<Blob> {
        let from = self.blobs.get(name)?.from.clone();
        if let Some((from, left)) = from {
            let bytes = self.blobs.get(&from).map(|b| b.bytes.clone()).unwrap_or_default();
            let blob = self.blobs.get_mut(name)?;
            match left {
                0 => (blob.bytes, blob.from) = (bytes, None),
                _ => blob.from = Some((from, left - 1)),
            }
        }
        self.blobs.get(name).cloned()
    }
}

fn described(blob: &Blob, status: u16) -> hyper::http::response::Builder {
    Response::builder()
        .status(status)
        .header("etag", format!("\"{}\"", blob.version))
        .header("last-modified", "Wed, 01 Jul 2026 10:00:00 GMT")
}

fn answer(status: u16, body: &'static str) -> Answer {
    described(&Blob::default(), status).body(body.into()).unwrap()
}

const LONG: Duration = Duration::from_secs(20);

fn put(cloud: &Cloud, bytes: &[u8], when: When) -> Result<Put, rushes_core::Error> {
    cloud.put("az://c/x", Body::Bytes(bytes), when)
}

#[test]
fn an_upload_without_a_condition_goes_aside_and_its_copy_is_waited_for() {
    let azure = Azure::start();
    azure.container.lock().unwrap().pending = 3;
    let (cloud, data) = (azure.cloud(LONG), bytes(17 << 20, 1));
    assert_eq!(put(&cloud, &data, When::Absent).unwrap(), Put::Done);
    assert!(azure.bytes("x") == data);
    assert_eq!(azure.names(), ["x"]);
    assert_eq!(put(&cloud, &data, When::Absent).unwrap(), Put::Stands);
    assert_eq!(azure.names(), ["x"]);
}

#[test]
fn a_copy_that_does_not_come_is_told_and_its_source_stays() {
    let azure = Azure::start();
    azure.container.lock().unwrap().pending = u32::MAX;
    let e = put(&azure.cloud(Duration::from_secs(2)), &bytes(17 << 20, 1), When::Absent).unwrap_err();
    assert!(e.is_retryable() && e.to_string().contains("has not copied all of it"), "{e}");
    let names = azure.names();
    assert!(names.len() == 2 && names[1].starts_with("x.") && names[1].ends_with(".rushes-part"), "{names:?}");
}

#[test]
fn two_uploads_without_a_condition_do_not_meet() {
    let azure = Azure::start();
    let (cloud, barrier) = (Arc::new(azure.cloud(LONG)), Arc::new(Barrier::new(2)));
    let writers = [1, 2].map(|seed| {
        let (cloud, barrier) = (Arc::clone(&cloud), Arc::clone(&barrier));
        std::thread::spawn(move || {
            barrier.wait();
            put(&cloud, &bytes(17 << 20, seed), When::Absent).unwrap()
        })
    });
    let came = writers.map(|w| w.join().unwrap());
    assert!(came.contains(&Put::Done) && came.contains(&Put::Stands), "{came:?}");
    let first = if came[0] == Put::Done { 1 } else { 2 };
    assert!(azure.bytes("x") == bytes(17 << 20, first), "it is what the first of them wrote");
    assert_eq!(azure.names(), ["x"]);
}

/// The list of blocks is refused when it comes again: they are no longer uncommitted.
#[test]
fn an_end_whose_answer_is_lost_is_known_by_what_stands() {
    let azure = Azure::start();
    let cloud = azure.cloud(LONG);
    let mut data = Vec::new();
    for (seed, when) in [(1, When::Absent), (2, When::Always), (3, When::Always)] {
        azure.container.lock().unwrap().lost = Some(true);
        data = bytes(17 << 20, seed);
        assert_eq!(put(&cloud, &data, when).unwrap(), Put::Done, "{seed}");
        assert!(azure.bytes("x") == data, "{seed}");
    }
    azure.container.lock().unwrap().lost = Some(false);
    let e = put(&cloud, &bytes(17 << 20, 4), When::Always).unwrap_err();
    assert!(e.is_retryable() && e.kind() == ErrorKind::Io, "as large as the old one, and not it: {e}");
    assert!(azure.bytes("x") == data);
    assert_eq!(azure.names(), ["x"]);
}
