//! What the words of a report mean: the same for the terminal, the page, the paper's table and the
//! documentation.

/// Where "as printed" is printed.
pub(super) const PAPER: &str = "https://arxiv.org/abs/2408.09966v1";

/// A column or a phrase, and its words with their meanings.
pub(super) type Entry = (&'static str, &'static [(&'static str, &'static str)]);

/// In the order of the columns, a line each; one without a name goes on with the one before.
pub(super) const LEGEND: [Entry; 6] = [
    (
        "form",
        &[
            ("as printed", "in arxiv.org/abs/2408.09966v1 or the work named as source"),
            ("as it holds", "corrected, or sharper"),
        ],
    ),
    (
        "",
        &[
            ("not in general", "what one might expect besides, and what fails"),
            ("cross-check", "two routes to one number"),
        ],
    ),
    (
        "outcome",
        &[
            ("fails", "refuted by a counterexample, as was derived: a result, no defect"),
            ("(!)", "another outcome than derived"),
        ],
    ),
    (
        "grade",
        &[
            ("certified", "proven by interval arithmetic"),
            ("numerical", "within a derived tolerance"),
            ("empirical", "sampled"),
        ],
    ),
    (
        "worst",
        &[
            ("value / tolerance", "the miss / what rounding may explain"),
            ("negative", "an inequality holds with this much room"),
        ],
    ),
    ("not counted", &[("", "instances on which nothing can be told, with the reason")]),
];
