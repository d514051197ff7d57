//! Pictures to packets.

use rushes_core::Result;
use rushes_core::media::Rate;
use rushes_core::simd::Level;

use super::prores;
use super::ycbcr::Picture422;

/// Makes packets of pictures, each on its own: no state goes from one picture to the next, so
/// frames may be encoded side by side.
pub(super) trait VideoEncoder: Send + Sync {
    /// One picture's packet.
    fn encode(&self, picture: Picture422) -> Result<Vec<u8>>;

    /// Bytes it holds while it encodes, the picture and the packet included.
    fn bytes_needed(&self, width: usize, height: usize) -> u64;
}

/// SMPTE RDD 36, profile 422 Proxy, progressive.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProresProxy {
    /// Goes into the frame header where RDD 36 has a code for it.
    pub(super) rate: Rate,
}

impl VideoEncoder for ProresProxy {
    fn encode(&self, picture: Picture422) -> Result<Vec<u8>> {
        prores::encode(&picture, self.rate, Level::current())
    }

    fn bytes_needed(&self, width: usize, height: usize) -> u64 {
        // Four bytes a pixel of codes, and the packet: at the finest scale noise takes two bytes a pixel, in a vector
        // that may have doubled, and the next attempt begins when the last is gone.
        width as u64 * height as u64 * (4 + 4)
    }
}

/// No codec: the planes as FFmpeg's yuv422p10le.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawPlanes;

impl VideoEncoder for RawPlanes {
    fn encode(&self, picture: Picture422) -> Result<Vec<u8>> {
        Ok(picture.into_le_bytes())
    }

    fn bytes_needed(&self, width: usize, height: usize) -> u64 {
        width as u64 * height as u64 * (4 + 4)
    }
}
