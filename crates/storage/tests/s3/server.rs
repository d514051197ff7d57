//! A server of S3 on loopback, and what may happen on the way to it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rushes_storage::{Cloud, Limits};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is answered with a status, and goes no further.
    Status(u16),
    /// The same, with a code of S3's.
    Code(u16, &'static str),
    /// The connection breaks before it is heard.
    Unheard,
    /// The connection breaks after it was heard and done.
    Forgotten,
    /// The connection breaks in the middle of the answer.
    Half,
    /// Its body is taken little by little, with a rest after each.
    Steady(Duration),
    /// It is answered late.
    Slow(Duration),
}

type Rule = Box<dyn FnMut(&str, &str) -> Option<Fault> + Send>;

/// The server, with one bucket, `reels`.
pub(crate) struct Server {
    pub(crate) endpoint: String,
    pub(crate) root: PathBuf,
    rule: Arc<Mutex<Rule>>,
    heard: Arc<Mutex<Vec<(String, String)>>>,
    _folder: tempfile::TempDir,
}

const KEY: &str = "AKIDTEST";
const SECRET: &str = "the-secret-of-the-test";
/// Where a role's credentials are given out.
const CREDENTIALS: &str = "/credentials";

impl Server {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        std::fs::create_dir(root.join("reels")).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(&root).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let rule: Arc<Mutex<Rule>> = Arc::new(Mutex::new(Box::new(|_, _| None)));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (tell, told) = std::sync::mpsc::channel();
        let way = Way { service, rule: Arc::clone(&rule), heard: Arc::clone(&heard), one: Arc::default() };
        // It ends with the process.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(way.serve(&tell));
        });
        let address: SocketAddr = told.recv().unwrap();
        Self { endpoint: format!("http://{address}"), root: root.join("reels"), rule, heard, _folder: folder }
    }

    /// What an environment would say of it.
    pub(crate) fn vars(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_REGION", "us-east-1"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .to_vec()
    }

    /// The same, with a role in place of keys: its credentials are asked for.
    pub(crate) fn vars_of_a_role(&self) -> Vec<(String, String)> {
        let token = self.root.parent().unwrap().join("token");
        std::fs::write(&token, "token").unwrap();
        let mut vars = self.vars();
        vars.retain(|(k, _)| !k.contains("KEY"));
        vars.push(("AWS_CONTAINER_CREDENTIALS_FULL_URI".into(), format!("{}{CREDENTIALS}", self.endpoint)));
        vars.push(("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE".into(), token.display().to_string()));
        vars
    }

    /// A client that does not wait long.
    pub(crate) fn cloud(&self) -> Cloud {
        let limits = Limits { total: Duration::from_secs(20), idle: Duration::from_secs(1) };
        Cloud::with(self.vars()).limits(limits)
    }

    /// From now on `rule` says of each request, by method and path with query, what happens to it.
    pub(crate) fn rule(&self, rule: impl FnMut(&str, &str) -> Option<Fault> + Send + 'static) {
        *self.rule.lock().unwrap() = Box::new(rule);
    }

    /// The next `times` requests that `which` is true of meet with `fault`.
    pub(crate) fn next(&self, mut times: usize, fault: Fault, which: impl Fn(&str, &str) -> bool + Send + 'static) {
        self.rule(move |method, path| {
            let meets = times > 0 && which(method, path);
            times -= usize::from(meets);
            meets.then_some(fault)
        });
    }

    /// Requests since it was asked last.
    pub(crate) fn heard(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

#[derive(Clone)]
struct Way {
    service: S3Service,
    rule: Arc<Mutex<Rule>>,
    heard: Arc<Mutex<Vec<(String, String)>>>,
    /// S3 decides about a condition and writes in one step, and this server does not.
    one: Arc<tokio::sync::Mutex<()>>,
}

impl Way {
    async fn serve(self, tell: &std::sync::mpsc::Sender<SocketAddr>) {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        tell.send(listener.local_addr().unwrap()).unwrap();
        while let Ok((socket, _)) = listener.accept().await {
            let way = self.clone();
            tokio::spawn(async move {
                let answer = service_fn(move |request| {
                    let way = way.clone();
                    async move { way.answer(request).await }
                });
                // A connection that breaks is what is tested.
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), answer).await;
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Broken>, std::io::Error> {
        let (method, path) = (request.method().to_string(), request.uri().to_string());
        self.heard.lock().unwrap().push((method.clone(), path.clone()));
        let fault = (self.rule.lock().unwrap())(&method, &path);
        match fault {
            Some(Fault::Unheard) => return Err(std::io::ErrorKind::ConnectionReset.into()),
            Some(Fault::Status(status)) => return refuse(request, status, "Fault").await,
            Some(Fault::Code(status, code)) => return refuse(request, status, code).await,
            Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
            _ => {}
        }
        if path == CREDENTIALS {
            // Its own header is the one that decides for an upload, and no business of this one.
            let status = if request.headers().contains_key("if-none-match") { 412 } else { 200 };
            let body = format!(
                "{{\"AccessKeyId\":\"{KEY}\",\"SecretAccessKey\":\"{SECRET}\",\"Token\":\"t\",\
                 \"Expiration\":\"2999-01-01T00:00:00Z\"}}"
            );
            let answer = Response::builder().status(status).body(Broken::whole(body.into()));
            return answer.map_err(std::io::Error::other);
        }
        let request = match fault {
            Some(Fault::Steady(rest)) => {
                let (head, mut body) = request.into_parts();
                let (mut taken, mut rested) = (Vec::new(), 0);
                while let Some(frame) = body.frame().await {
                    let frame = frame.map_err(std::io::Error::other)?;
                    taken.extend_from_slice(frame.data_ref().map_or(&[], |d| d));
                    while rested + (256 << 10) <= taken.len() {
                        rested += 256 << 10;
                        tokio::time::sleep(rest).await;
                    }
                }
                Request::from_parts(head, s3s::Body::from(Bytes::from(taken)))
            }
            _ => request.map(s3s::Body::from),
        };
        let writes = method != "GET" && method != "HEAD" && !path.contains("partNumber");
        let one = if writes { Some(self.one.lock().await) } else { None };
        let answer = self.service.call(request).await.map_err(|e| std::io::Error::other(format!("{e:?}")))?;
        drop(one);
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.map_err(|e| std::io::Error::other(format!("{e:?}")))?.to_bytes();
        match fault {
            Some(Fault::Forgotten) => Err(std::io::ErrorKind::ConnectionReset.into()),
            Some(Fault::Half) => Ok(Response::from_parts(parts, Broken::half(bytes))),
            _ => Ok(Response::from_parts(parts, Broken::whole(bytes))),
        }
    }
}

async fn refuse(request: Request<Incoming>, status: u16, code: &str) -> Result<Response<Broken>, std::io::Error> {
    // A server reads a request to its end before it answers on the same connection.
    let _ = request.into_body().collect().await;
    let body = format!("<Error><Code>{code}</Code><Message>as the test asked</Message></Error>");
    let answer = Response::builder().status(status).body(Broken::whole(body.into()));
    answer.map_err(std::io::Error::other)
}

/// A body, or the first half of one.
struct Broken {
    bytes: Full<Bytes>,
    breaks: bool,
}

impl Broken {
    fn whole(bytes: Bytes) -> Self {
        Self { bytes: Full::new(bytes), breaks: false }
    }

    fn half(bytes: Bytes) -> Self {
        Self { bytes: Full::new(bytes.slice(..bytes.len() / 2)), breaks: true }
    }
}

impl Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let next: Poll<Option<Result<Frame<Bytes>, Infallible>>> = Pin::new(&mut self.bytes).poll_frame(cx);
        match next {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(_) if self.breaks => Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into()))),
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}
