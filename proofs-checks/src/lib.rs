//! # Claims about reparameterized gradient flow
//!
//! Each claim of "Mask in the Mirror" (arXiv 2408.09966, v1) stands here twice: as printed and as
//! it holds. A claim is one file in [`claims`]; [`registry`] lists them; [`run`] checks a
//! selection and returns a [`Report`]. A statement that fails as printed is a finding, kept with
//! its counterexample; the report is in order when every statement has the outcome that is
//! expected of it.
//!
//! ```
//! use mirrorflow_proofs_checks::{Budget, Effort, run, select};
//!
//! let claims = select(&["lemma-a.1".to_owned()])?;
//! let report = run(&claims, Budget { effort: Effort::Quick, seed: 1 }, &mut |_| {});
//! assert!(report.in_order());
//! # Ok::<(), mirrorflow::Error>(())
//! ```

mod case;
mod check;
mod claim;
pub mod claims;
mod context;
mod domain;
mod engine;
mod falsify;
mod finding;
mod geometry;
mod gradient_integral;
mod instance;
mod lifted;
mod mirror_of;
mod proof;
mod property;
pub mod questions;
pub mod report;
mod samples;
mod theory;
mod validated;

pub use case::Case;
pub use claim::Claim;
pub use claims::{registry, select};
pub use context::{Budget, Context, Effort};
pub use domain::{Domain, Draw, Numbers};
pub use engine::{Event, run};
pub use finding::{
    Check, Control, Counterexample, Finding, Form, Gap, Grade, Measured, Outcome, Relation, Search,
    Statement, Table, Tally,
};
pub use gradient_integral::WithGradientIntegral;
pub use instance::{Instance, Origin};
pub use mirror_of::{MirrorPoint, mirror_of};
pub use proof::Proof;
pub use property::expect;
pub use report::{Illustration, Illustrations, Report};
pub use theory::{Law, Prepared, Theory};
