use rushes::Decode;
use rushes::core::graph::Flow;
use rushes::stages::color::InputTransform;
use rushes::stages::ingest::Ingest;

fn main() {
    let mut flow = Flow::new("forgot-the-debayer");
    let clips = flow.then(flow.card(), Ingest::default());
    let mosaic = flow.then(clips, Decode {});
    flow.then(mosaic, InputTransform::default());
}
