//! # Claims about reparameterized gradient flow
//!
//! Each claim of "Mask in the Mirror" (arXiv 2408.09966, v1) stands here twice: as printed and as
//! it holds. A claim is one file in [`claims`]; [`registry`] lists them; [`run`] checks a
//! selection and returns a [`Report`]. A statement that fails as printed is a finding, kept with
//! its counterexample; the report is in order when every statement has the outcome that is
//! expected of it.
//!
//! ```
//! use mirrorflow_proofs_checks::{Budget, run, select};
//!
//! let claims = select(&["lemma-a.1".to_owned()])?;
//! let report = run(&claims, Budget { quick: true, seed: 1 }, &mut |_| {});
//! assert!(report.in_order());
//! # Ok::<(), mirrorflow::Error>(())
//! ```

pub mod claims;
mod context;
mod engine;
mod finding;
mod gradient_integral;
mod instance;
pub mod report;
mod samples;

pub use claims::{registry, select};
pub use context::{Budget, Context};
pub use engine::{Event, run};
pub use finding::{
    Check, Control, Counterexample, Finding, Form, Grade, Measured, Outcome, Statement, Table,
    Tally,
};
pub use gradient_integral::WithGradientIntegral;
pub use instance::{Instance, Origin};
pub use report::Report;

/// One claim: statements that stand or fall together on the same instances.
pub struct Claim {
    /// Short name, as `mirrorflow verify ID` takes it.
    pub id: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// Where it is printed, with the version.
    pub source: &'static str,
    /// What an instance must satisfy to count.
    pub assumptions: &'static [&'static str],
    /// The statements, as printed first.
    pub statements: &'static [Statement],
    /// Checks the statements, one [`Finding`] each, in their order.
    pub check: fn(&Context) -> Check,
}
