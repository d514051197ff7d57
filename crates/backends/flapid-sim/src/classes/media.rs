//! SequenceDescriptor, ImageSearcher and Image.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rushes::core::media::ClipMedia;
use serde_json::{Value, json};

use super::target;
use crate::media::timecode;
use crate::object::{Object, Search, Sequence, Shared, lock};
use crate::rpc::{Answer, Call, Fault, fault, int};
use crate::session::Session;

pub(super) async fn call(session: &mut Session, class: &str, method: &str, call: &Call) -> Option<Answer> {
    match (class, method) {
        ("Image", "get_raw_metadata") => Some(raw(session, call).await),
        ("SequenceDescriptor", "get_for_file") => Some(for_file(session, call).await),
        ("SequenceDescriptor", "get_for_template") => Some(for_template(session, call).await),
        ("SequenceDescriptor", _) => match target(session, call) {
            Ok(Object::Sequence(s)) => of_sequence(&s.clone(), method, call),
            Ok(_) => Some(fault("The object is no SequenceDescriptor")),
            Err(e) => Some(Err(e)),
        },
        ("ImageSearcher", "create") => Some(Ok(session.hand_out(Object::Searcher(Arc::default())))),
        ("ImageSearcher", _) => match target(session, call) {
            Ok(Object::Searcher(s)) => {
                let search = Arc::clone(s);
                of_searcher(session, &search, method, call).await
            }
            Ok(_) => Some(fault("The object is no ImageSearcher")),
            Err(e) => Some(Err(e)),
        },
        _ => None,
    }
}

async fn raw(session: &Session, call: &Call) -> Answer {
    let sequence = session.shared.library.for_file(Path::new(call.params.text("filename")?)).await?;
    Ok(sequence.media.raw())
}

async fn for_file(session: &mut Session, call: &Call) -> Answer {
    let path = PathBuf::from(call.params.text("filepath")?);
    let sequence = session.shared.library.for_file(&path).await?;
    Ok(session.hand_out(Object::Sequence(sequence)))
}

async fn for_template(session: &mut Session, call: &Call) -> Answer {
    let of = (int(call.params.get("start")), int(call.params.get("end")));
    let all = session.shared.library.for_template(call.params.text("template")?, of).await?;
    if all.is_empty() {
        return fault("No sequences found for template");
    }
    Ok(all.into_iter().map(|s| session.hand_out(Object::Sequence(s))).collect())
}

fn of_sequence(s: &Sequence, method: &str, call: &Call) -> Option<Answer> {
    let index = || match call.params.int("index")? {
        0 => Ok(true),
        1 => Ok(false),
        other => fault(format!("There is no track {other}")),
    };
    let first_track = |value: Value| index().map(|first| if first { value } else { Value::Null });
    let frame = || call.params.int("frame");
    let (width, height) = s.media.size();
    let path = s.media.path(s.range.first);
    let parts = Parts::of(s, &path);
    Some(match method {
        "get_start_frame" => Ok(json!(s.range.first)),
        "get_end_frame" => Ok(json!(s.range.last)),
        "get_start_handle" => Ok(json!(s.range.first)),
        "get_end_handle" => Ok(json!(s.range.last)),
        "get_start_timecode" => first_track(timecode(s.media.timecode(s.range.first))),
        "get_end_timecode" => first_track(timecode(s.media.timecode(s.range.last))),
        "get_start_keycode" | "get_end_keycode" => Ok(Value::Null),
        "get_width" => Ok(json!(width)),
        "get_height" => Ok(json!(height)),
        "get_pixel_aspect_ratio" => {
            let squeeze = s.media.clip.metadata.squeeze.as_ref().map_or((1, 1), |q| q.value);
            Ok(json!(f64::from(squeeze.0) / f64::from(squeeze.1)))
        }
        "get_path" => Ok(json!(path.parent().map(Path::to_path_buf))),
        "get_name" => Ok(json!(s.media.clip.name)),
        "get_ext" => Ok(json!(path.extension().map(|e| format!(".{}", e.to_string_lossy())))),
        "get_prefix" => Ok(json!(parts.prefix)),
        "get_postfix" => Ok(json!("")),
        "get_format_len" => Ok(json!(parts.digits)),
        "get_base_filename_with_F" => Ok(json!(parts.name(&format!("%.{}F", parts.digits)))),
        "get_base_filename_with_d" => Ok(json!(parts.name(&format!("%0{}d", parts.digits)))),
        "get_base_filename" | "get_filename_for_frame" => {
            frame().map(|f| json!(s.media.path(f).file_name().map(|n| n.to_string_lossy().into_owned())))
        }
        "get_tape" => first_track(json!(s.media.clip.metadata.reel.as_ref().map(|r| r.value.clone()))),
        "get_metadata" => Ok(s.media.described()),
        "is_movie" => Ok(json!(i32::from(s.media.file.is_some()))),
        "has_blg"
        | "is_blg"
        | "has_audio"
        | "get_audio_channels"
        | "get_audio_sample_rate"
        | "get_audio_length_in_samples" => Ok(json!(0)),
        _ => return None,
    })
}

/// The parts of a file's name.
struct Parts {
    prefix: String,
    digits: usize,
    suffix: String,
}

impl Parts {
    fn of(s: &Sequence, path: &Path) -> Self {
        match &s.media.clip.media {
            ClipMedia::Sequence(f) if s.media.file.is_none() => {
                Self { prefix: f.prefix.clone(), digits: f.padding.max(1), suffix: f.suffix.clone() }
            }
            _ => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                Self { prefix: name, digits: 0, suffix: String::new() }
            }
        }
    }

    fn name(&self, number: &str) -> String {
        let number = if self.digits > 0 { number } else { "" };
        format!("{}{number}{}", self.prefix, self.suffix)
    }
}

async fn of_searcher(session: &mut Session, search: &Shared<Search>, method: &str, call: &Call) -> Option<Answer> {
    Some(match method {
        "add_root_directory" => add_root(search, call),
        "scan" => scan(session, search).await,
        "is_scan_in_progress" | "is_cancelled" => Ok(json!(0)),
        "cancel" => Ok(Value::Null),
        "get_num_images" | "get_num_movies" => Ok(json!(lock(search).found.len())),
        "get_sequences" => {
            let limit = call.params.int("limit").unwrap_or(i64::MAX).max(0);
            let found: Vec<Sequence> = lock(search).found.iter().take(limit as usize).cloned().collect();
            Ok(found.into_iter().map(|s| session.hand_out(Object::Sequence(s))).collect())
        }
        _ => return None,
    })
}

fn add_root(search: &Shared<Search>, call: &Call) -> Answer {
    let dir = PathBuf::from(call.params.text("dir")?);
    // Links are refused, as flapid refuses them.
    if dir.canonicalize().ok().as_ref() != Some(&dir) {
        return Ok(json!(0));
    }
    let recurse = int(call.params.get("recurse")).unwrap_or(0) != 0;
    let mut search = lock(search);
    let mut waiting = vec![dir];
    while let Some(folder) = waiting.pop() {
        if recurse {
            let below = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|e| e.path());
            waiting.extend(below.filter(|p| p.is_dir() && !p.is_symlink()));
        }
        search.roots.push(folder);
    }
    Ok(json!(1))
}

async fn scan(session: &Session, search: &Shared<Search>) -> Answer {
    let roots = lock(search).roots.clone();
    let mut found: Vec<Sequence> = Vec::new();
    for root in roots {
        for media in session.shared.library.folder(&root).await? {
            if media.path(media.clip.range.map_or(0, |r| r.first)).parent() != Some(&root) {
                continue;
            }
            let range =
                media.clip.range.ok_or_else(|| Fault { code: -32000, message: "a clip without frames".into() })?;
            found.push(Sequence { media, range });
        }
    }
    lock(search).found = found;
    Ok(json!(1))
}
