//! A workflow file: read it, see what it would do, see what its mistakes look like.
#![allow(clippy::print_stdout, reason = "a program prints")]

use rushes::Job;
use rushes::core::graph::WorkflowFile;
use rushes::recipes::Dailies;

mod common;

#[tokio::main]
async fn main() -> rushes::Result<()> {
    let (card, out) = common::args("workflow-out");
    std::fs::create_dir_all(&out).map_err(|e| rushes::Error::io(&out, e))?;

    // Start from a recipe and change it as you like; any editor will do.
    let text =
        Dailies { debayer: "malvar".into(), on_bad_frame: "hold".into(), ..Dailies::default() }.workflow().to_toml()?;
    let path = out.join("dailies.toml");
    std::fs::write(&path, &text).map_err(|e| rushes::Error::io(&path, e))?;

    let workflow = WorkflowFile::read(&path)?;
    let job = Job::new(workflow, &card, out.join("made")).overwrite(true);
    let (understood, plan) = job.plan().await?;
    println!("{}", plan.to_text());
    println!("{}", understood.graph.to_mermaid());

    // A stage that does not exist, a parameter that does not exist, ends that do not fit.
    for (typo, right) in [("debayr", "\"debayer\""), ("methd", "method"), ("decode", "linearize")] {
        let wrong = match right {
            "linearize" => text.replace("from = \"linearize\"", "from = \"decode\""),
            "method" => text.replace("method =", "methd ="),
            right => text.replacen(&format!("stage = {right}"), "stage = \"debayr\"", 1),
        };
        let error = WorkflowFile::from_toml(&wrong).and_then(|w| w.graph(&rushes::registry())).err();
        println!("{typo}: {}", common::or_none(error));
    }

    let done = job.run().await?;
    println!("{} frames, {} files", done.report.frames(), done.report.outputs().count());
    Ok(())
}
