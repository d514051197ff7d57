//! Drawings of a graph, for documentation and for people.

use std::fmt::Write as _;

use super::{AnyStage, Graph};

impl Graph {
    /// The graph in Graphviz's DOT language.
    pub fn to_dot(&self) -> String {
        let mut s =
            format!("digraph \"{}\" {{\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n", plain(self.name()));
        for id in self.nodes() {
            let node = self.node(id);
            let shape = match node.stage {
                AnyStage::Clip(_) => "box",
                AnyStage::Source(_) => "cds",
                AnyStage::Frame(_) => "ellipse",
                AnyStage::Sink(_) => "note",
            };
            let _ = writeln!(s, "  \"{}\" [shape={shape}, label=\"{}\"];", plain(&node.id), plain(&label(node)));
        }
        for id in self.nodes() {
            if let Some(from) = self.input(id) {
                let from = self.node(from);
                let _ = writeln!(
                    s,
                    "  \"{}\" -> \"{}\" [label=\"{}\"];",
                    plain(&from.id),
                    plain(&self.node(id).id),
                    from.stage.gives()
                );
            }
        }
        s.push_str("}\n");
        s
    }

    /// The graph as a Mermaid flowchart.
    pub fn to_mermaid(&self) -> String {
        let mut s = String::from("flowchart LR\n");
        let index = |id| self.nodes().position(|n| n == id).unwrap_or(0);
        for id in self.nodes() {
            let node = self.node(id);
            let (open, close) = match node.stage {
                AnyStage::Clip(_) => ("[", "]"),
                AnyStage::Source(_) => ("[/", "/]"),
                AnyStage::Frame(_) => ("(", ")"),
                AnyStage::Sink(_) => ("[[", "]]"),
            };
            let _ = writeln!(s, "  n{}{open}\"{}\"{close}", index(id), plain(&label(node)));
        }
        for id in self.nodes() {
            if let Some(from) = self.input(id) {
                let _ = writeln!(s, "  n{} -- {} --> n{}", index(from), self.node(from).stage.gives(), index(id));
            }
        }
        s
    }
}

fn label(node: &super::Node) -> String {
    let name = node.stage.info().name();
    if node.id == name { name.to_owned() } else { format!("{} ({name})", node.id) }
}

/// Keeps quotes and line ends of an id from ending the string they stand in.
fn plain(s: &str) -> String {
    s.chars().map(|c| if c == '"' || c == '\\' || c.is_control() { '_' } else { c }).collect()
}
