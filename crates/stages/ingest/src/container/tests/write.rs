//! Writes the smallest QuickTime, MXF and DPX headers that say what a test needs.

/// An atom around `body`.
pub(crate) fn atom(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32 + 8).to_be_bytes().to_vec();
    out.extend(kind);
    out.extend(body);
    out
}

fn full(kind: &[u8; 4], words: &[u32]) -> Vec<u8> {
    atom(kind, &words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>())
}

fn track(handler: &[u8; 4], scale: u32, entry: &[u8], samples: u32, duration: u32, chunk: u32) -> Vec<u8> {
    let stsd = atom(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], entry].concat());
    let stbl = [stsd, full(b"stts", &[0, 1, samples, duration]), full(b"stco", &[0, 1, chunk])].concat();
    let hdlr = atom(b"hdlr", &[&[0; 8], &handler[..], &[0; 13]].concat());
    let mdia = [full(b"mdhd", &[0, 0, 0, scale, samples, 0]), hdlr, atom(b"minf", &atom(b"stbl", &stbl))].concat();
    atom(b"trak", &atom(b"mdia", &mdia))
}

/// A picture track of `code`, 640x360, `frames` frames of 1001/24000 s.
pub(crate) fn picture(code: &[u8; 4], frames: u32) -> Vec<u8> {
    let mut entry = vec![0; 86];
    entry[3] = 86;
    entry[4..8].copy_from_slice(code);
    entry[32..36].copy_from_slice(&[2, 128, 1, 104]);
    track(b"vide", 24000, &entry, frames, 1001, 0)
}

/// A movie with `tracks`, its data before the header as cameras write it. The timecode track, if
/// asked for, has reel `A001` and starts at `start`, 30000/1001 with the given flags.
pub(crate) fn movie(tracks: &[Vec<u8>], timecode: Option<(i32, u32)>) -> Vec<u8> {
    let mut out = atom(b"ftyp", b"qt  \0\0\0\0qt  ");
    let at = out.len() as u32 + 8;
    out.extend(atom(b"mdat", &timecode.map_or(0, |t| t.0).to_be_bytes()));
    let mut body = tracks.concat();
    if let Some((_, flags)) = timecode {
        let mut entry = vec![0; 34];
        entry[4..8].copy_from_slice(b"tmcd");
        entry[20..24].copy_from_slice(&flags.to_be_bytes());
        entry[24..28].copy_from_slice(&30000u32.to_be_bytes());
        entry[28..32].copy_from_slice(&1001u32.to_be_bytes());
        entry[32] = 30;
        entry.extend(atom(b"name", b"\0\x04\0\0A001"));
        entry[3] = entry.len() as u8;
        body.extend(track(b"tmcd", 30000, &entry, 1, 1001, at));
    }
    out.extend(atom(b"moov", &body));
    out
}

/// A key, a long-form length and a value.
pub(crate) fn klv(key: [u8; 16], value: &[u8]) -> Vec<u8> {
    let mut out = key.to_vec();
    out.push(0x84);
    out.extend((value.len() as u32).to_be_bytes());
    out.extend(value);
    out
}

/// The key of a header set, or of a pack when `pack`.
pub(crate) fn key(kind: u8) -> [u8; 16] {
    [6, 14, 43, 52, 2, 0x53, 1, 1, 13, 1, 1, 1, 1, 1, kind, 0]
}

fn id(n: u8) -> [u8; 16] {
    [n; 16]
}

/// A set with InstanceUID `n` and items.
pub(crate) fn set(kind: u8, n: u8, items: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (tag, value) in [(0x3c0a, id(n).to_vec())].iter().chain(items) {
        body.extend(tag.to_be_bytes());
        body.extend((value.len() as u16).to_be_bytes());
        body.extend(value);
    }
    klv(key(kind), &body)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn refs(ids: &[u8]) -> Vec<u8> {
    let mut out = (ids.len() as u32).to_be_bytes().to_vec();
    out.extend(16u32.to_be_bytes());
    ids.iter().for_each(|&n| out.extend(id(n)));
    out
}

/// An OP1a header by `company` with a picture of 1920x(540 by field), 25 frames/s, start
/// 10:00:00:00, whose coding label has the bytes `coding`.
pub(crate) fn mxf(company: &str, coding: [u8; 8]) -> Vec<u8> {
    let label = |tail: [u8; 8]| [&[6, 14, 43, 52, 4, 1, 1, 13], &tail[..]].concat();
    let rate = [25u32.to_be_bytes(), 1u32.to_be_bytes()].concat();
    let partition = [6, 14, 43, 52, 2, 5, 1, 1, 13, 1, 2, 1, 1, 2, 4, 0];
    let start = 900_000u64.to_be_bytes().to_vec();
    let tc = vec![(0x1501, start), (0x1502, vec![0, 25]), (0x1503, vec![0])];
    [
        klv(partition, &[0; 88]),
        set(0x30, 1, &[(0x3c01, utf16(company)), (0x3c02, utf16("Camera"))]),
        set(0x36, 2, &[(0x4403, refs(&[3]))]),
        set(0x3b, 3, &[(0x4b01, rate.clone()), (0x4803, id(4).to_vec())]),
        set(0x0f, 4, &[(0x1001, refs(&[5]))]),
        set(0x14, 5, &tc),
        set(0x37, 6, &[(0x4403, refs(&[7])), (0x4701, id(9).to_vec())]),
        set(0x3b, 7, &[(0x4b01, rate), (0x4803, id(8).to_vec())]),
        set(0x0f, 8, &[(0x0201, label([1, 3, 2, 2, 1, 0, 0, 0])), (0x0202, 50u64.to_be_bytes().to_vec())]),
        set(
            0x28,
            9,
            &[
                (0x3201, label(coding)),
                (0x3203, 1920u32.to_be_bytes().to_vec()),
                (0x3202, 540u32.to_be_bytes().to_vec()),
                (0x320c, vec![1]),
            ],
        ),
    ]
    .concat()
}

/// A DPX of `width` x `height`, three samples of 10 bits a word, with all its pixels.
pub(crate) fn dpx(width: u32, height: u32, timecode: u32) -> Vec<u8> {
    let mut b = vec![0xff; 2048];
    b[..4].copy_from_slice(b"SDPX");
    let mut put = |at: usize, v: &[u8]| b[at..at + v.len()].copy_from_slice(v);
    put(4, &2048u32.to_be_bytes());
    put(770, &[0, 1]);
    put(772, &width.to_be_bytes());
    put(776, &height.to_be_bytes());
    put(800, &[50]);
    put(803, &[10, 0, 1, 0, 0]);
    put(808, &2048u32.to_be_bytes());
    put(1920, &timecode.to_be_bytes());
    put(1940, &24f32.to_be_bytes());
    b.resize(2048 + (width * height * 4) as usize, 0);
    b
}
