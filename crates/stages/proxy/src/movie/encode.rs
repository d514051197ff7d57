//! Pictures to packets.

use oxideav_core::{CodecId, CodecParameters, Frame, PixelFormat, Rational, VideoFrame, VideoPlane};
use oxideav_prores::encoder::{EncoderConfig, make_encoder_with_config};
use oxideav_prores::frame::{FrameMeta, Profile, frame_rate_code_from_rational};
use rushes_core::media::Rate;
use rushes_core::{Error, ErrorKind, Result};

use super::ycbcr::Picture422;

/// Makes packets of pictures, each on its own: no state goes from one picture to the next, so
/// frames may be encoded side by side.
pub(super) trait VideoEncoder: Send + Sync {
    /// One picture's packet.
    fn encode(&self, picture: Picture422) -> Result<Vec<u8>>;

    /// Bytes it holds while it encodes, the picture and the packet included.
    fn bytes_needed(&self, width: usize, height: usize) -> u64;
}

/// SMPTE RDD 36, profile 422 Proxy, progressive, constant quality.
///
/// The profile's own quantisation matrices go into every frame header, and so do the colour tags
/// BT.709 / BT.709 / BT.709 (RDD 36, 6.1.1: codes 1, 1, 1).
#[derive(Debug, Clone, Copy)]
pub(super) struct ProresProxy {
    /// Goes into the frame header where RDD 36 has a code for it.
    pub(super) rate: Rate,
}

impl VideoEncoder for ProresProxy {
    fn encode(&self, picture: Picture422) -> Result<Vec<u8>> {
        let (width, height) = (picture.width, picture.height);
        let size =
            |n: usize| u32::try_from(n).map_err(|_| Error::new(ErrorKind::Unsupported, "the picture is too large"));
        // A rate beyond i32 has no RDD 36 code either.
        let rate = Rational::new(i64::from(self.rate.num()), i64::from(self.rate.den()));
        let mut params = CodecParameters::video(CodecId::new(oxideav_prores::CODEC_ID_STR));
        params.width = Some(size(width)?);
        params.height = Some(size(height)?);
        params.pixel_format = Some(PixelFormat::Yuv422P10Le);
        let config =
            EncoderConfig::signature_for_profile(Profile::Proxy).with_profile(Profile::Proxy).with_meta(FrameMeta {
                aspect_ratio_information: 0,
                frame_rate_code: frame_rate_code_from_rational(rate),
                color_primaries: 1,
                transfer_characteristic: 1,
                matrix_coefficients: 1,
            });
        let Picture422 { y, cb, cr, .. } = picture;
        let plane = |samples: Vec<u16>, columns: usize| VideoPlane {
            stride: columns * 2,
            data: samples.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        let frame = VideoFrame { pts: None, planes: vec![plane(y, width), plane(cb, width / 2), plane(cr, width / 2)] };
        let refused = |e: oxideav_core::Error| {
            Error::new(ErrorKind::Unsupported, format!("the RDD 36 encoder refuses the picture: {e}"))
                .doing("encoding a movie frame")
        };
        let mut encoder = make_encoder_with_config(&params, config).map_err(refused)?;
        encoder.send_frame(&Frame::Video(frame)).map_err(refused)?;
        Ok(encoder.receive_packet().map_err(refused)?.data)
    }

    fn bytes_needed(&self, width: usize, height: usize) -> u64 {
        // Four bytes a pixel of codes, which become four of bytes plane by plane (six at most while
        // luma is copied), and the packet twice. Black and white noise, the worst there is, was
        // measured to take 6.0 bytes a pixel in all.
        width as u64 * height as u64 * (6 + 2)
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
