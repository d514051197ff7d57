//! Which workers may run a clip's units.

use rushes_core::graph::Registry;
use rushes_core::plan::{Tree, Unit};

use super::Spread;

/// The resource classes of a clip, the first one preferred; `unit` is one of its units.
pub(super) fn classes(unit: &Unit, registry: &Registry, spread: &Spread) -> Vec<String> {
    let decodes_here = Tree::make(&unit.tree, registry).map_or(true, |t| t.source().decodes_here(&unit.clip));
    if !decodes_here {
        return vec!["filmlight".into()];
    }
    let cpu = if unit.bytes_per_frame > spread.himem { "cpu-himem" } else { "cpu" };
    let gpu = spread.gpu.then(|| "gpu".to_owned());
    gpu.into_iter().chain([cpu.to_owned()]).collect()
}
