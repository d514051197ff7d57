//! What a still says about its colours and its direction.

use rushes_core::media::Orientation;

/// An ICC profile (ICC.1:2001-04, version 2.4) of a Rec.709 display with a power of 2.4 (ITU-R
/// BT.709-6 for the primaries, BT.1886 with black at 0 for the power): without it every viewer
/// takes a picture for sRGB and shows its shadows too light.
pub(super) fn rec709_profile() -> Vec<u8> {
    let xyz = |v: [f64; 3]| {
        let numbers = v.iter().flat_map(|v| ((v * 65536.0).round() as i32).to_be_bytes());
        b"XYZ \0\0\0\0".iter().copied().chain(numbers).collect::<Vec<u8>>()
    };
    let name = b"Rec.709, power 2.4\0";
    let mut description = b"desc\0\0\0\0".to_vec();
    description.extend((name.len() as u32).to_be_bytes());
    description.extend(name);
    // No Unicode name, no Macintosh name.
    description.resize(description.len() + 4 + 4 + 2 + 1 + 67, 0);
    let mut copyright = b"text\0\0\0\0".to_vec();
    copyright.extend(b"No copyright, use freely\0");
    let mut curve = b"curv\0\0\0\0".to_vec();
    curve.extend(1u32.to_be_bytes());
    curve.extend(((2.4f64 * 256.0).round() as u16).to_be_bytes());
    // The primaries and the white of BT.709, adapted to D50 by Bradford (ICC.1:2010, annex E).
    let tags: [(&[u8; 4], Vec<u8>); 9] = [
        (b"desc", description),
        (b"cprt", copyright),
        (b"wtpt", xyz(D50)),
        (b"rXYZ", xyz([0.436_066, 0.222_488, 0.013_916])),
        (b"gXYZ", xyz([0.385_147, 0.716_873, 0.097_076])),
        (b"bXYZ", xyz([0.143_066, 0.060_608, 0.714_096])),
        (b"rTRC", curve.clone()),
        (b"gTRC", curve.clone()),
        (b"bTRC", curve),
    ];

    let mut table = (tags.len() as u32).to_be_bytes().to_vec();
    let mut data = Vec::new();
    let data_at = 128 + 4 + 12 * tags.len();
    for (name, bytes) in &tags {
        table.extend(*name);
        table.extend(((data_at + data.len()) as u32).to_be_bytes());
        table.extend((bytes.len() as u32).to_be_bytes());
        data.extend(bytes);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    let mut profile = ((data_at + data.len()) as u32).to_be_bytes().to_vec();
    profile.extend(b"\0\0\0\0\x02\x40\0\0mntrRGB XYZ ");
    // The date is the same in every file: 1 January 2000.
    profile.extend([2000u16, 1, 1, 0, 0, 0].iter().flat_map(|v| v.to_be_bytes()));
    profile.extend(b"acsp");
    profile.resize(68, 0);
    profile.extend(&xyz(D50)[8..]);
    profile.resize(128, 0);
    profile.extend(table);
    profile.extend(data);
    profile
}

/// Exif with nothing but the direction (Exif 2.32, Orientation); `None` for a picture that stands
/// upright.
pub(super) fn exif(orientation: Orientation) -> Option<Vec<u8>> {
    let mut exif = b"MM\0*\0\0\0\x08\0\x01".to_vec();
    exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation.to_tiff(), 0, 0]);
    exif.extend([0; 4]);
    (orientation != Orientation::Normal).then_some(exif)
}

const D50: [f64; 3] = [0.964_2, 1.0, 0.824_9];
