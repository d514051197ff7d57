//! `frame`: one frame at one point of the chain.

use rushes::Result;
use rushes::frame_at::{FrameAt, Point};

use super::{Ended, job};
use crate::args::{At, Frame};

pub(crate) async fn run(a: &Frame) -> Result<Ended> {
    let at = match a.at {
        At::Mosaic => Point::Mosaic,
        At::Linear => Point::Linear,
        At::CameraRgb => Point::CameraRgb,
        At::Aces2065_1 => Point::Aces2065_1,
        At::Display => Point::Display,
    };
    let request = FrameAt { path: a.path.clone(), frame: a.frame, at, picture: job::recipe(&a.picture)? };
    let written = request.write(&a.out, a.overwrite).await?;
    crate::progress::tell(format_args!("{}: {written}", a.out.display()));
    Ok(Ended::Done)
}
