//! What is known about a clip, each fact with where it was found.

use std::path::Path;

use rushes_core::media::{Origin, Sourced, Timecode};

use crate::model::ClipSection;
use crate::words;

/// A line of a clip's facts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fact<'a> {
    pub(super) name: &'static str,
    /// Absent: the media does not say.
    pub(super) value: Option<String>,
    /// Where it was found, the first part of it if there are several.
    pub(super) origin: Option<&'a Origin>,
    /// How it was worked out, where it was not read.
    pub(super) derived: &'static str,
}

/// Timecode of the last frame, where first frame, rate and length are known.
pub(super) fn end_timecode(c: &ClipSection) -> Option<Timecode> {
    let start = c.metadata.start_timecode.as_ref()?.value;
    Some(start.offset(i64::try_from(c.range?.len() - 1).ok()?))
}

/// Length on the wall at the project rate.
pub(super) fn duration(c: &ClipSection) -> Option<String> {
    Some(words::duration(c.range?.len(), c.metadata.rate.as_ref()?.value))
}

/// `make model`, without the maker where the model begins with it.
fn named(make: &Option<Sourced<String>>, model: &Option<Sourced<String>>) -> Option<String> {
    match (make, model) {
        (Some(make), Some(model)) => {
            let (make, model) = (make.value.trim(), model.value.trim());
            let repeated = model.get(..make.len()).is_some_and(|head| head.eq_ignore_ascii_case(make));
            Some(if repeated { model.to_owned() } else { format!("{make} {model}") })
        }
        (Some(one), None) | (None, Some(one)) => Some(one.value.trim().to_owned()),
        (None, None) => None,
    }
}

/// Camera maker and model.
pub(super) fn camera(c: &ClipSection) -> Option<String> {
    named(&c.metadata.make, &c.metadata.model)
}

/// Lens and how it was set.
pub(super) fn lens(c: &ClipSection) -> Option<String> {
    let m = &c.metadata;
    let mut parts: Vec<String> = named(&m.lens_make, &m.lens_model).into_iter().collect();
    parts.extend(m.focal_length.as_ref().map(|v| format!("{} mm", words::number(v.value))));
    parts.extend(m.t_stop.as_ref().map(|v| format!("T{}", words::number(v.value))));
    parts.extend(m.f_stop.as_ref().map(|v| format!("f/{}", words::number(v.value))));
    parts.extend(m.focus_distance.as_ref().map(|v| format!("focus {} m", words::number(v.value))));
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn shutter(c: &ClipSection) -> Option<String> {
    let m = &c.metadata;
    let angle = m.shutter_angle.as_ref().map(|v| format!("{}\u{b0}", words::number(v.value)));
    let time = m.exposure_time.as_ref().map(|v| match v.value {
        (1, d) => format!("1/{d} s"),
        (n, d) if n > 0 && d > n => format!("1/{} s", words::number(f64::from(d) / f64::from(n))),
        (n, d) => format!("{n}/{d} s"),
    });
    let parts: Vec<_> = angle.into_iter().chain(time).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn white(c: &ClipSection) -> Option<String> {
    let m = &c.metadata;
    let mut parts: Vec<String> = Vec::new();
    parts.extend(m.white_balance_kelvin.as_ref().map(|v| format!("{} K", words::number(v.value))));
    parts.extend(m.white_balance_tint.as_ref().map(|v| format!("tint {:+}", v.value)));
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn rate(c: &ClipSection) -> Option<String> {
    let m = &c.metadata;
    let project = m.rate.as_ref().map(|r| words::rate(r.value));
    let sensor = m.capture_rate.as_ref().filter(|s| m.rate.as_ref().is_none_or(|r| r.value != s.value));
    let sensor = sensor.map(|s| format!("sensor {}", words::rate(s.value)));
    let parts: Vec<_> = project.into_iter().chain(sensor).collect();
    (!parts.is_empty()).then(|| parts.join(", ") + " fps")
}

fn picture(c: &ClipSection) -> Option<String> {
    let m = &c.metadata;
    let mut parts: Vec<String> = Vec::new();
    parts.extend(m.stored_size.as_ref().map(|s| format!("{}\u{d7}{}", s.value.0, s.value.1)));
    parts.extend(m.bits_per_sample.as_ref().map(|b| format!("{} bit", b.value)));
    parts.extend(m.compression.as_ref().map(|v| match v.value.as_str() {
        "none" => "uncompressed".to_owned(),
        other => other.to_owned(),
    }));
    let squeezed = m.squeeze.as_ref().filter(|s| s.value.0 != s.value.1 && s.value.1 > 0);
    parts.extend(
        squeezed.map(|s| format!("{}\u{d7} anamorphic", words::number(f64::from(s.value.0) / f64::from(s.value.1)))),
    );
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The facts of a clip. Those that every report is asked for come always, the others when known.
pub(super) fn of(c: &ClipSection) -> Vec<Fact<'_>> {
    fn origin<T>(fact: &Option<Sourced<T>>) -> Option<&Origin> {
        fact.as_ref().map(|f| &f.origin)
    }
    let m = &c.metadata;
    let text = |f: &Option<Sourced<String>>| f.as_ref().map(|f| f.value.clone());
    let fact = |name, value, origin| Fact { name, value, origin, derived: "" };
    let derived = |name, value, derived| Fact { name, value, origin: None, derived };

    let mut facts = vec![
        fact("Reel", text(&m.reel), origin(&m.reel)),
        fact("Start", m.start_timecode.as_ref().map(|t| t.value.to_string()), origin(&m.start_timecode)),
        derived("End", end_timecode(c).map(|t| t.to_string()), "last frame: start + frames"),
        fact("Rate", rate(c), origin(&m.rate).or(origin(&m.capture_rate))),
        derived("Frames", c.range.map(|r| format!("{} ({}\u{2013}{})", words::count(r.len()), r.first, r.last)), ""),
        derived("Duration", duration(c), "frames / rate"),
        derived(
            "Size",
            (c.files > 0).then(|| format!("{} in {}", words::bytes(c.bytes), words::counted(c.files, "file"))),
            "",
        ),
        fact("Camera", camera(c), origin(&m.model).or(origin(&m.make))),
        fact(
            "Lens",
            lens(c),
            origin(&m.lens_model)
                .or(origin(&m.lens_make))
                .or(origin(&m.focal_length))
                .or(origin(&m.t_stop))
                .or(origin(&m.f_stop))
                .or(origin(&m.focus_distance)),
        ),
        fact("EI", m.iso.as_ref().map(|v| words::number(v.value)), origin(&m.iso)),
        fact("Shutter", shutter(c), origin(&m.shutter_angle).or(origin(&m.exposure_time))),
        fact("White", white(c), origin(&m.white_balance_kelvin).or(origin(&m.white_balance_tint))),
    ];
    let more = [
        fact("Picture", picture(c), origin(&m.stored_size).or(origin(&m.bits_per_sample)).or(origin(&m.compression))),
        fact("Scene", text(&m.scene), origin(&m.scene)),
        fact("Take", text(&m.take), origin(&m.take)),
        fact("Recorded", text(&m.recorded_at), origin(&m.recorded_at)),
        fact("Camera no.", text(&m.serial_number), origin(&m.serial_number)),
        fact("Label", text(&m.camera_label), origin(&m.camera_label)),
    ];
    facts.extend(more.into_iter().filter(|f| f.value.is_some()));
    facts
}

/// The file most facts come from.
pub(super) fn main_file<'a>(facts: &[Fact<'a>]) -> Option<&'a Path> {
    let files = || facts.iter().filter_map(|f| f.origin).map(|o| o.file.as_path());
    // The first of those that occur most often.
    let mut best: Option<(&Path, usize)> = None;
    for file in files() {
        let n = files().filter(|f| *f == file).count();
        if best.is_none_or(|(_, most)| n > most) {
            best = Some((file, n));
        }
    }
    best.map(|(file, _)| file)
}
