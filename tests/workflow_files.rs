use rushes::core::graph::WorkflowFile;
use rushes::recipes::Dailies;

/// A chain of stages, each taking from the one before, with one line changed.
fn error_of(change: impl Fn(String) -> String) -> String {
    let text = change(Dailies::default().workflow().to_toml().unwrap());
    match WorkflowFile::from_toml(&text).and_then(|w| w.graph(&rushes::registry())) {
        Ok(_) => panic!("the workflow was accepted:\n{text}"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn the_recipes_survive_toml_and_json() {
    for recipe in [Dailies::default(), Dailies::default().plates_only()] {
        let file = recipe.workflow();
        assert_eq!(WorkflowFile::from_toml(&file.to_toml().unwrap()).unwrap(), file);
        let json = serde_json::to_string(&file).unwrap();
        assert_eq!(WorkflowFile::from_json(&json).unwrap(), file);
        let graph = file.graph(&rushes::registry()).unwrap();
        // Complete with defaults, it describes the same graph.
        let complete = WorkflowFile::of(&graph);
        let again = WorkflowFile::from_toml(&complete.to_toml().unwrap()).unwrap();
        assert_eq!(WorkflowFile::of(&again.graph(&rushes::registry()).unwrap()), complete);
    }
}

#[test]
fn a_mosaic_into_color_names_both_ends() {
    insta::assert_snapshot!(error_of(|t| t.replace("from = \"debayer\"", "from = \"decode\"")));
}

#[test]
fn a_circle_names_both_ends() {
    let text = r#"
        version = 1
        name = "circle"
        [[stage]]
        stage = "validate"
        from = "normalize"
        [[stage]]
        stage = "normalize"
        from = "validate"
    "#;
    let e = WorkflowFile::from_toml(text).unwrap().graph(&rushes::registry()).unwrap_err();
    insta::assert_snapshot!(e);
}

#[test]
fn a_misspelt_stage_is_told_with_the_right_one() {
    insta::assert_snapshot!(error_of(|t| t.replace("stage = \"debayer\"", "stage = \"debayr\"")));
}

#[test]
fn a_misspelt_parameter_is_told_with_those_there_are() {
    insta::assert_snapshot!(error_of(|t| t.replace("method =", "methd =")));
}

#[test]
fn an_input_that_does_not_exist_is_told() {
    insta::assert_snapshot!(error_of(|t| t.replace("from = \"linearize\"", "from = \"linearise\"")));
}

#[test]
fn a_misspelt_key_is_told_with_its_line() {
    let text = "version = 1\nname = \"x\"\n[[stage]]\nstag = \"ingest\"\n";
    insta::assert_snapshot!(WorkflowFile::from_toml(text).unwrap_err());
}

#[test]
fn another_format_version_is_refused() {
    let text = "version = 9\nname = \"x\"\n";
    insta::assert_snapshot!(WorkflowFile::from_toml(text).unwrap_err());
}

#[test]
fn stages_that_hang_in_the_air_are_told() {
    insta::assert_snapshot!(error_of(|t| t.replace("from = \"aces\"\n", "")));
}

#[test]
fn two_stages_of_one_id_are_told() {
    insta::assert_snapshot!(error_of(|t| format!("{t}\n[[stage]]\nstage = \"ingest\"\n")));
}

#[test]
fn the_dailies_graph_draws() {
    let graph = Dailies::default().workflow().graph(&rushes::registry()).unwrap();
    insta::assert_snapshot!(graph.to_mermaid());
    assert!(graph.to_dot().starts_with("digraph \"dailies\""));
}
