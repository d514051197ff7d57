//! What the camera says about the take: timecode, rate, reel, exposure, lens.

use rushes_core::media::{Rate, Timecode};
use rushes_core::{Error, ErrorKind, Result};

use super::names::label;
use super::tiff::{Ifd, Tiff};

/// A fact and the tag that states it, `IFD0:ReelName (51081)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated<T> {
    /// The fact.
    pub value: T,
    /// The tag.
    pub tag: String,
}

/// Facts of the take. What the file does not say, or says as zero where zero means unknown, is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shot {
    /// Make.
    pub make: Option<Stated<String>>,
    /// Model, or UniqueCameraModel where there is none (Blackmagic).
    pub model: Option<Stated<String>>,
    /// CameraSerialNumber, or EXIF BodySerialNumber.
    pub serial_number: Option<Stated<String>>,
    /// Software: the camera's firmware, or the program that wrote the file.
    pub software: Option<Stated<String>>,
    /// CameraLabel of CinemaDNG.
    pub camera_label: Option<Stated<String>>,
    /// ReelName of CinemaDNG.
    pub reel: Option<Stated<String>>,
    /// The first of TimeCodes.
    pub time_code: Option<Stated<TimeCode>>,
    /// FrameRate.
    pub rate: Option<Stated<Rate>>,
    /// T-stop.
    pub t_stop: Option<Stated<f64>>,
    /// F-number.
    pub f_number: Option<Stated<f64>>,
    /// Exposure index.
    pub iso: Option<Stated<f64>>,
    /// Exposure time in seconds, as a fraction.
    pub exposure_time: Option<Stated<(u32, u32)>>,
    /// Focal length in millimetres.
    pub focal_length: Option<Stated<f64>>,
    /// Distance in metres.
    pub focus_distance: Option<Stated<f64>>,
    /// Lens maker.
    pub lens_make: Option<Stated<String>>,
    /// Lens model.
    pub lens_model: Option<Stated<String>>,
    /// Lens serial number.
    pub lens_serial_number: Option<Stated<String>>,
    /// Date and time of the take, `2013:10:19 03:33:36`, with subseconds and zone where stated.
    pub recorded_at: Option<Stated<String>>,
}

impl Shot {
    pub(super) fn read(tiff: &Tiff, raw: &Ifd) -> Self {
        // IFD0, then the picture's directory, then EXIF: each tag has its place, but writers err.
        let exif = tiff.ifds.iter().find(|i| i.name == "ExifIFD");
        let places: Vec<&Ifd> = [&tiff.ifds[0], raw].into_iter().chain(exif).collect();
        let find = |tag: u16| places.iter().find(|i| i.get(tag).is_some()).copied();
        let stated = |ifd: &Ifd, tag: u16| format!("{}:{}", ifd.name, label(tag));
        let text = |tags: &[u16]| {
            tags.iter().find_map(|&tag| {
                let ifd = find(tag)?;
                Some(Stated { value: ifd.text(tag)?, tag: stated(ifd, tag) })
            })
        };
        let positive = |tags: &[u16]| {
            tags.iter().find_map(|&tag| {
                let ifd = find(tag)?;
                let value = *ifd.numbers(tag).ok()??.first()?;
                (value.is_finite() && value > 0.0).then(|| Stated { value, tag: stated(ifd, tag) })
            })
        };
        let fraction = |tag: u16| {
            let ifd = find(tag)?;
            let (n, d) = *ifd.fractions(tag).ok()??.first()?;
            let (n, d) = (u32::try_from(n).ok()?, u32::try_from(d).ok()?);
            (n > 0 && d > 0).then(|| Stated { value: (n, d), tag: stated(ifd, tag) })
        };
        let time_code = || {
            let ifd = find(51043)?;
            let bytes = ifd.raw(51043).ok()??;
            let value = TimeCode::from_bytes(bytes.get(..8)?.try_into().ok()?)?;
            Some(Stated { value, tag: stated(ifd, 51043) })
        };
        let rate =
            fraction(51044).and_then(|s| Some(Stated { value: Rate::from_camera(s.value.0, s.value.1)?, tag: s.tag }));
        // EXIF 2.31: 65535 says that the value is in one of the newer tags.
        let iso = positive(&[34855]).filter(|s| s.value < 65535.0).or_else(|| positive(&[34867, 34866, 34865, 34855]));
        Self {
            make: text(&[271]),
            model: text(&[272, 50708]),
            serial_number: text(&[50735, 42033]),
            software: text(&[305]),
            camera_label: text(&[51105]),
            reel: text(&[51081]),
            time_code: time_code(),
            rate,
            t_stop: positive(&[51058]),
            f_number: positive(&[33437]),
            iso,
            exposure_time: fraction(33434),
            focal_length: positive(&[37386]),
            // EXIF: all bits set means infinity.
            focus_distance: positive(&[37382]).filter(|s| s.value < 4_294_967_295.0),
            lens_make: text(&[42035]),
            lens_model: text(&[42036]),
            lens_serial_number: text(&[42037]),
            recorded_at: recorded_at(&text),
        }
    }
}

fn recorded_at(text: &impl Fn(&[u16]) -> Option<Stated<String>>) -> Option<Stated<String>> {
    let digits = |s: &Stated<String>| s.value.bytes().any(|b| (b'1'..=b'9').contains(&b));
    // The date, its fraction of a second, its zone.
    [[36867, 37521, 36881], [36868, 37522, 36882], [306, 37520, 36880]].into_iter().find_map(|[date, sub, zone]| {
        let mut date = text(&[date]).filter(digits)?;
        if let Some(sub) = text(&[sub]) {
            date.value.push('.');
            date.value.push_str(&sub.value);
        }
        if let Some(zone) = text(&[zone]) {
            date.value.push_str(&zone.value);
        }
        Some(date)
    })
}

/// An eight-byte time code of CinemaDNG's TimeCodes: SMPTE ST 12-1 in the byte order of ST 331,
/// binary coded decimals with flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeCode {
    /// Hours.
    pub hours: u8,
    /// Minutes.
    pub minutes: u8,
    /// Seconds.
    pub seconds: u8,
    /// Frames, or pairs of frames above 30 frames/s.
    pub frames: u8,
    /// The drop-frame flag.
    pub drop_frame: bool,
    /// The field mark of 24 and 30 frame systems: the second frame of a pair.
    pub field_30: bool,
    /// The field mark of 25 frame systems.
    pub field_25: bool,
}

impl TimeCode {
    /// From the first four of the eight bytes: frames, seconds, minutes, hours; the rest are the user's.
    /// `None` when a digit is none.
    pub fn from_bytes(b: [u8; 8]) -> Option<Self> {
        let bcd = |v: u8, tens: u8| {
            let (t, u) = (v >> 4 & tens, v & 15);
            (u <= 9).then_some(t * 10 + u)
        };
        let (frames, seconds, minutes, hours) = (bcd(b[0], 3)?, bcd(b[1], 7)?, bcd(b[2], 7)?, bcd(b[3], 3)?);
        (seconds < 60 && minutes < 60 && hours < 24).then_some(Self {
            hours,
            minutes,
            seconds,
            frames,
            drop_frame: b[0] & 0x40 != 0,
            field_30: b[1] & 0x80 != 0,
            field_25: b[3] & 0x80 != 0,
        })
    }

    /// The label at `rate`. Above 30 frames/s the two digits count pairs and the field mark tells
    /// the frame of the pair (SMPTE ST 12-1, 12.1; the digits reach 39 only). A drop-frame flag
    /// where there are no drop-frame labels says nothing and is passed over.
    ///
    /// # Errors
    /// When the label does not exist at the rate, and above 60 frames/s, where digits and mark do
    /// not name a frame.
    pub fn at(&self, rate: Rate) -> Result<Timecode> {
        let nominal = rate.nominal();
        let frames = u32::from(self.frames);
        let frames = match nominal {
            0..=30 => frames,
            // Digits past half the rate can only count frames.
            31..=60 if frames * 2 >= nominal => frames,
            31..=60 if nominal.is_multiple_of(25) => frames * 2 + u32::from(self.field_25),
            31..=60 => frames * 2 + u32::from(self.field_30),
            _ => {
                return Err(Error::new(ErrorKind::Unsupported, format!("TimeCodes does not name frames at {rate}/s")));
            }
        };
        let drop = self.drop_frame && rate.can_drop();
        let (h, m, s) = (u32::from(self.hours), u32::from(self.minutes), u32::from(self.seconds));
        Timecode::from_label(h, m, s, frames, rate, drop)
    }
}

impl std::fmt::Display for TimeCode {
    /// As stored: `08:01:55:14`, or with a `;` where the drop-frame flag is set.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dot = if self.drop_frame { ';' } else { ':' };
        write!(f, "{:02}:{:02}:{:02}{dot}{:02}", self.hours, self.minutes, self.seconds, self.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_frames_seconds_minutes_hours_in_decimal_digits() {
        let tc = TimeCode::from_bytes([0x14, 0x55, 0x01, 0x08, 0, 0, 0, 0]).unwrap();
        assert_eq!(tc.to_string(), "08:01:55:14");
        assert_eq!(tc.at(Rate::FPS_24).unwrap().to_string(), "08:01:55:14");
        assert!(TimeCode::from_bytes([0x1A, 0, 0, 0, 0, 0, 0, 0]).is_none());
        assert!(TimeCode::from_bytes([0, 0x65, 0, 0, 0, 0, 0, 0]).is_none());
        assert!(TimeCode::from_bytes([0, 0, 0, 0x24, 0, 0, 0, 0]).is_none());
    }

    #[test]
    fn the_drop_flag_counts_where_drop_frame_labels_exist() {
        let tc = TimeCode::from_bytes([0x42, 0x00, 0x01, 0x01, 0, 0, 0, 0]).unwrap();
        assert_eq!(tc.at(Rate::FPS_29_97).unwrap().to_string(), "01:01:00;02");
        assert_eq!(tc.at(Rate::FPS_24).unwrap().to_string(), "01:01:00:02");
        let skipped = TimeCode::from_bytes([0x41, 0x00, 0x01, 0x01, 0, 0, 0, 0]).unwrap();
        assert!(skipped.at(Rate::FPS_29_97).is_err());
    }

    #[test]
    fn above_thirty_frames_the_field_mark_tells_the_frame_of_the_pair() {
        let second = TimeCode::from_bytes([0x14, 0xD5, 0x01, 0x08, 0, 0, 0, 0]).unwrap();
        assert_eq!(second.at(Rate::FPS_59_94).unwrap().to_string(), "08:01:55:29");
        assert_eq!(second.at(Rate::FPS_50).unwrap().to_string(), "08:01:55:28");
        let counted = TimeCode::from_bytes([0x39, 0x55, 0x01, 0x08, 0, 0, 0, 0]).unwrap();
        assert_eq!(counted.at(Rate::FPS_60).unwrap().to_string(), "08:01:55:39");
        assert!(counted.at(Rate::new(120, 1).unwrap()).is_err());
        assert!(counted.at(Rate::FPS_24).is_err());
    }
}
