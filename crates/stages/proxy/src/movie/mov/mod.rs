//! A QuickTime movie of one video track and, when there is a label, one timecode track.
//!
//! Written from Apple's QuickTime File Format Specification (2016-09-13); the page names in the
//! comments are its. The bytes depend on the facts and the packets alone: every creation time is
//! 0, and there is no name of a program or host in them.
//!
//! ```text
//! ftyp            brand 'qt  '
//! wide            room for the 64-bit size of mdat
//! mdat            the timecode sample, then the packets in frame order
//! moov
//!  ├ mvhd
//!  ├ trak         video: tkhd, edts, tref → 2, mdia (mdhd, hdlr, minf (vmhd, hdlr, dinf, stbl))
//!  ├ trak         timecode: one sample that holds the first frame's number
//!  ├ udta         clip name, maker, model
//!  └ meta         the same and the reel, as QuickTime metadata keys
//! ```

mod boxes;
mod moov;
mod read;
mod sample_entry;
mod write;

pub(super) use read::{Found, read};
pub(super) use write::MovWriter;

#[cfg(test)]
mod tests;
