//! HTTP on the same port: thumbnails, and whether a connection wants to become a WebSocket.

use std::path::Path;

use rushes::core::media::ColorSpace;
use rushes::stages::proxy::{PngEncoding, write_png_frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::Shared;

/// The most that the head of a request may have.
const HEAD: usize = 8192;

/// True when the request at the head of `stream` asks for a WebSocket. Nothing is taken from it.
pub(crate) async fn wants_socket(stream: &TcpStream) -> bool {
    let mut head = vec![0u8; HEAD];
    loop {
        let Ok(n) = stream.peek(&mut head).await else { return false };
        let text = String::from_utf8_lossy(&head[..n]).to_lowercase();
        if text.contains("\r\n\r\n") || n == 0 || n == HEAD {
            // The browser's client adds a query.
            let root = text.starts_with("get / ") || text.starts_with("get /?");
            return root && text.contains("upgrade: websocket");
        }
        // The rest of the head is on its way; peeking does not wait for it.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

/// Answers one request.
pub(crate) async fn answer(mut stream: TcpStream, shared: &Shared) {
    let mut head = vec![0u8; HEAD];
    let n = stream.read(&mut head).await.unwrap_or(0);
    let request = String::from_utf8_lossy(&head[..n]);
    let path = request.strip_prefix("GET ").and_then(|r| r.split(' ').next()).unwrap_or("");
    let (status, kind, body) = match path {
        "/reload-scripts" => ("200 OK", "text/plain", b"ok".to_vec()),
        p if p.starts_with("/thumbnail") => match thumbnail(p, shared).await {
            Some(png) => ("200 OK", "image/png", png),
            None => ("404 Not Found", "text/plain", b"no such thumbnail".to_vec()),
        },
        _ => ("404 Not Found", "text/plain", b"not found".to_vec()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // A client that has gone gets nothing.
    let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
    let _ = stream.shutdown().await;
}

/// The picture of `/thumbnail/FRAME/PATH`: the frame of the clip in the file, as Rushes renders it.
async fn thumbnail(uri: &str, shared: &Shared) -> Option<Vec<u8>> {
    let (frame, path) = uri.strip_prefix("/thumbnail/")?.split_once('/')?;
    let frame: i64 = frame.parse().ok()?;
    let sequence = shared.library.for_file(Path::new(&format!("/{path}"))).await.ok()?;
    let reference = sequence.media.reference();
    let recipe = rushes::recipes::Dailies { debayer: "superpixel".into(), proxy_size: (160, 90), ..Default::default() };
    let rendered = tokio::task::spawn_blocking(move || {
        let preview =
            rushes::backends::local::Preview::open(&rushes::registry(), &reference, &recipe.picture()).ok()?;
        let (_, rgb) = preview.frame(frame).ok()?;
        let folder = tempfile::tempdir().ok()?;
        let target = folder.path().join("thumbnail.png");
        write_png_frame(&target, rgb.view(), PngEncoding::Display(ColorSpace::Rec709Display), true).ok()?;
        std::fs::read(target).ok()
    });
    rendered.await.ok()?
}
