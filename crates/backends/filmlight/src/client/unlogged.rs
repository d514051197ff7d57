//! The message that has a token or a password in it. tungstenite writes every frame it sends into its log, at the level
//! `trace`, and so may whoever collects the logs of a program. So this one does not go through it.

use std::hash::{BuildHasher as _, RandomState};

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

/// Sends `text` in one frame. Nothing may wait to be sent on the socket that `stream` is of.
///
/// # Errors
/// Those of the stream.
pub(crate) async fn send(stream: &mut (impl AsyncWrite + Unpin), text: &str) -> std::io::Result<()> {
    // Masks are there for proxies between (RFC 6455, 5.3): nobody who sends through us may foresee them. The keys of
    // std's hash come from the operating system.
    let [a, b, c, d, ..] = RandomState::new().hash_one(text.len()).to_ne_bytes();
    let opcode = OpCode::Data(Data::Text);
    let header = FrameHeader { opcode, mask: Some([a, b, c, d]), ..FrameHeader::default() };
    let mut bytes = Vec::with_capacity(text.len() + 14);
    Frame::from_payload(header, text.to_owned().into()).format(&mut bytes).map_err(std::io::Error::other)?;
    stream.write_all(&bytes).await?;
    stream.flush().await
}
