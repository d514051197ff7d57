//! A plan as text, DOT and Mermaid. Its JSON is its serde form.

use std::fmt::Write as _;

use super::{ClipPlan, Plan};
use crate::error::Plain;

impl Plan {
    /// The plan for people.
    pub fn to_text(&self) -> String {
        let mut s = format!(
            "workflow {}: {} clip{}, {} unit{}, {} frames\n",
            self.workflow,
            self.clips.len(),
            plural(self.clips.len()),
            self.units().count(),
            plural(self.units().count()),
            self.frames()
        );
        for clip in &self.clips {
            let range = clip.range.map_or_else(String::new, |r| format!(", frames {r}"));
            let _ = writeln!(s, "\nclip {}{range}", Plain(&clip.clip));
            if let Some(why) = &clip.skipped {
                let _ = writeln!(s, "  skipped: {}", Plain(why));
                continue;
            }
            for node in &clip.nodes {
                let depth = depth(clip, &node.id);
                let (state, w, h) = node.gives;
                let halo = if node.halo > 0 { format!(", {} rows around", node.halo) } else { String::new() };
                let name =
                    if node.id == node.stage { node.id.clone() } else { format!("{} ({})", node.id, node.stage) };
                let what = if node.bypassed { "nothing to do".into() } else { format!("{state} {w}x{h}{halo}") };
                let _ = writeln!(s, "  {:indent$}{name}: {what}", "", indent = depth * 2);
            }
            for unit in &clip.units {
                let _ = writeln!(s, "  unit {}: {} frames", Plain(&unit.id), unit.range.len());
            }
            for note in &clip.notes {
                let _ = writeln!(s, "  note: {}", Plain(note));
            }
        }
        for finding in &self.findings {
            let _ = writeln!(s, "\n{finding}");
        }
        s
    }

    /// The trees of all clips in Graphviz's DOT language, a cluster each.
    pub fn to_dot(&self) -> String {
        let mut s = String::from("digraph plan {\n  rankdir=LR;\n");
        for (c, clip) in self.clips.iter().enumerate() {
            let _ = writeln!(s, "  subgraph cluster_{c} {{\n    label=\"{}\";", plain(&clip.clip));
            for (i, node) in clip.nodes.iter().enumerate() {
                let (state, w, h) = node.gives;
                let _ = writeln!(s, "    c{c}n{i} [label=\"{}\\n{state} {w}x{h}\"];", plain(&node.id));
            }
            for (i, from) in edges(clip) {
                let _ = writeln!(s, "    c{c}n{from} -> c{c}n{i};");
            }
            s.push_str("  }\n");
        }
        s.push_str("}\n");
        s
    }

    /// The trees of all clips as a Mermaid flowchart, a subgraph each.
    pub fn to_mermaid(&self) -> String {
        let mut s = String::from("flowchart LR\n");
        for (c, clip) in self.clips.iter().enumerate() {
            let _ = writeln!(s, "  subgraph c{c} [\"{}\"]", plain(&clip.clip));
            for (i, node) in clip.nodes.iter().enumerate() {
                let (state, w, h) = node.gives;
                let _ = writeln!(s, "    c{c}n{i}[\"{}<br/>{state} {w}x{h}\"]", plain(&node.id));
            }
            for (i, from) in edges(clip) {
                let _ = writeln!(s, "    c{c}n{from} --> c{c}n{i}");
            }
            s.push_str("  end\n");
        }
        s
    }
}

fn edges(clip: &ClipPlan) -> impl Iterator<Item = (usize, usize)> + '_ {
    clip.nodes.iter().enumerate().filter_map(|(i, n)| {
        let from = n.from.as_ref()?;
        Some((i, clip.nodes.iter().position(|p| &p.id == from)?))
    })
}

fn depth(clip: &ClipPlan, id: &str) -> usize {
    let mut depth = 0;
    let mut at = id;
    while let Some(from) = clip.nodes.iter().find(|n| n.id == at).and_then(|n| n.from.as_deref()) {
        depth += 1;
        at = from;
    }
    depth
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

fn plain(s: &str) -> String {
    s.chars().map(|c| if c == '"' || c == '\\' || c.is_control() { '_' } else { c }).collect()
}
