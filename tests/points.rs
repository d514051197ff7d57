use rushes::backends::local::Preview;
use rushes::core::media::{ClipFormat, ClipMedia, WhitePoint};
use rushes::core::stage::ClipRef;
use rushes::frame_at::{FrameAt, Point};
use rushes::recipes::Dailies;
use rushes_testcard::{CHART, Scene};

use crate::support::Bench;

fn at(bench: &Bench, clip: usize, frame: i64, at: Point, debayer: &str) -> FrameAt {
    let path = bench.card.clips[clip].path(frame);
    FrameAt { path, frame: None, at, picture: Dailies { debayer: debayer.into(), ..Dailies::default() } }
}

#[tokio::test]
async fn the_mosaic_is_what_was_stored() {
    let bench = Bench::new();
    for clip in [0, 1] {
        let taken = at(&bench, clip, 3, Point::Mosaic, "bilinear").take().await.unwrap();
        let want: Vec<f32> = bench.card.clips[clip].samples(bench.spec, 3).into_iter().map(f32::from).collect();
        assert_eq!(taken.samples.as_slice().unwrap(), want);
    }
}

#[tokio::test]
async fn linear_is_levels_and_active_area() {
    let bench = Bench::new();
    let clip = &bench.card.clips[1];
    let taken = at(&bench, 1, 3, Point::Linear, "bilinear").take().await.unwrap();
    let (b, width) = (clip.border, bench.spec.width + 2 * clip.border);
    let samples = clip.samples(bench.spec, 3);
    assert_eq!(taken.samples.dim(), (1, bench.spec.height, bench.spec.width));
    let largest = clip.camera.black.iter().copied().fold(0.0, f64::max);
    for ((_, r, c), v) in taken.samples.indexed_iter() {
        let code = f64::from(samples[(r + b) * width + c + b]);
        let want = (code - clip.camera.black[r % 2 * 2 + c % 2]) / (f64::from(clip.camera.white) - largest);
        assert!((f64::from(*v) - want).abs() < 1e-6, "row {r}, column {c}: {v}, not {want}");
    }
}

#[tokio::test]
async fn patches_of_the_chart_have_their_aces_values() {
    let bench = Bench::new();
    for clip in [0, 1] {
        let truth = &bench.card.clips[clip];
        assert!(matches!(truth.camera.color.as_shot, Some(WhitePoint::Neutral(_))));
        let taken = at(&bench, clip, 4, Point::Aces2065_1, "rcd").take().await.unwrap();
        let scene = truth.scene(bench.spec, 4);
        for (i, want) in CHART.iter().enumerate() {
            let (x, y, w, h) = scene.patch(i);
            for (c, want) in want.iter().enumerate() {
                let patch = taken.samples.slice(ndarray::s![c, y..y + h, x..x + w]);
                let mean = patch.mean().unwrap();
                // Shot noise over the few pixels of a small picture.
                let tolerance = 0.02 * want + 0.012;
                assert!((mean - want).abs() < tolerance, "clip {clip}, patch {i}, channel {c}: {mean}, not {want}");
            }
        }
    }
}

#[tokio::test]
async fn the_frame_counter_reads_the_frame() {
    let bench = Bench::new();
    let taken = at(&bench, 0, 5, Point::Display, "malvar").take().await.unwrap();
    let (_, h, w) = taken.samples.dim();
    assert_eq!(Scene::read_counter(w, h, |r, c| taken.samples[[1, r, c]] - 0.3), 5);
}

#[tokio::test]
async fn files_of_a_point_are_what_they_say() {
    let bench = Bench::new();
    let request = at(&bench, 0, 0, Point::Mosaic, "rcd");
    let out = bench.path("mosaic.npy");
    request.write(&out, false).await.unwrap();
    let bytes = std::fs::read(&out).unwrap();
    let header = String::from_utf8_lossy(&bytes[10..100]).into_owned();
    assert!(
        bytes.starts_with(b"\x93NUMPY\x01\x00") && header.contains("'<u2'") && header.contains("(90, 160)"),
        "{header}"
    );
    let e = request.write(&out, false).await.unwrap_err();
    assert!(e.to_string().contains("exists"), "{e}");
    let e = request.write(&bench.path("mosaic.tiff"), false).await.unwrap_err();
    assert!(e.to_string().contains(".npy, .exr or .png"), "{e}");
}

#[tokio::test]
async fn a_preview_is_the_picture_at_the_display() {
    let bench = Bench::new();
    for clip in [0, 1] {
        let request = at(&bench, clip, 3, Point::Display, "rcd");
        let taken = request.take().await.unwrap();
        let reference = ClipRef {
            name: "A".into(),
            format: ClipFormat::Dng,
            media: ClipMedia::Files(vec![request.path.clone()]),
            range: None,
            metadata: std::sync::Arc::default(),
            substitutes: Vec::new(),
        };
        // Smaller than the proxy's box, so nothing is scaled.
        let preview = Preview::open(&rushes::registry(), &reference, &request.picture.picture()).unwrap();
        for threads in [1, 3] {
            let preview = Preview::open(&rushes::registry(), &reference, &request.picture.picture()).unwrap();
            let (format, picture) = preview.threads(threads).frame(0).unwrap();
            assert_eq!(picture, taken.samples, "clip {clip}, {threads} threads");
            assert_eq!((format.width, format.height), (bench.spec.width, bench.spec.height));
        }
        let e = preview.frame(7).unwrap_err().to_string();
        assert!(e.contains("frame 7") && e.contains("1 frames"), "{e}");
    }
}
