#[test]
fn a_mosaic_cannot_be_wired_into_color() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
