//! What the documents show is what the command line prints.

#[test]
fn the_command_line_does_what_its_document_shows() {
    // The document's paths are those of the workspace.
    std::env::set_current_dir(crate::tidy::root()).expect("the workspace");
    trycmd::TestCases::new()
        .register_bin("partita", std::path::Path::new(env!("CARGO_BIN_EXE_partita-tested")))
        .env("NO_COLOR", "1")
        .case("docs/cli.md");
}
