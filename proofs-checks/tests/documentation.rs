//! `docs/claims.md` is the registry. To write it anew: `MIRRORFLOW_WRITE_DOCS=1 cargo test -p
//! mirrorflow-proofs-checks --test documentation`.

use std::path::Path;

use mirrorflow_proofs_checks::{registry, report::markdown};

#[test]
fn the_page_of_claims_is_current() -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/claims.md");
    let text = markdown(registry());
    if std::env::var_os("MIRRORFLOW_WRITE_DOCS").is_some() {
        std::fs::write(&path, &text)?;
    }
    assert!(std::fs::read_to_string(&path)? == text, "docs/claims.md differs from the registry");
    Ok(())
}
