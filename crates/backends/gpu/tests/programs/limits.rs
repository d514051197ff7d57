//! What programs ask of a GPU. No GPU is needed to see it.

use naga::valid::{Capabilities, ValidationFlags, Validator};
use rushes_gpu::{PRELUDE, Program, Programs};

/// The program as the runtime puts it together, validated.
fn module(program: &Program) -> naga::Module {
    let [x, y] = program.workgroup;
    let text = format!("const WG_X: u32 = {x}u;\nconst WG_Y: u32 = {y}u;\n{PRELUDE}\n{}", program.wgsl);
    let module = naga::front::wgsl::parse_str(&text).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&text)));
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    validator.validate(&module).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&text)));
    module
}

/// Bytes of a workgroup's memory.
fn memory(module: &naga::Module) -> u32 {
    let mut layouter = naga::proc::Layouter::default();
    layouter.update(module.to_ctx()).unwrap();
    let shared = module.global_variables.iter().filter(|(_, v)| v.space == naga::AddressSpace::WorkGroup);
    shared.map(|(_, v)| layouter[v.ty].to_stride()).sum()
}

#[test]
fn programs_ask_for_no_more_than_every_gpu_has() {
    // WebGPU, section 3.6.2: the limits that every adapter has.
    let stock = Programs::stock();
    for name in stock.names() {
        let program = stock.get(name).unwrap();
        let bytes = memory(&module(program));
        assert!(bytes <= 16_384, "{name}: {bytes} bytes of a workgroup's memory");
        assert!(program.workgroup.iter().product::<u32>() <= 256, "{name}: {:?}", program.workgroup);
    }
    let bytes = |name: &str| memory(&module(stock.get(name).unwrap()));
    assert_eq!(["debayer-rcd", "debayer-gbtf", "convert"].map(bytes), [15_952, 15_584, 0]);
}
