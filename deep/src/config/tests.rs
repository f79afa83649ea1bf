//! What is written becomes variants with their own numbers, defaults filled in.

use super::{
    Config, Factors, Iterative, Method, Optimizer, Penalty, Prune, Rate, RateShape, Rewind,
    Settings, Source,
};
use crate::{
    data::Set,
    method::{Multiplicative, Shape},
};

const REST: &str = "[data]\nset = \"digits\"\n[network]\nname = \"mlp-small\"\n\
    [train]\nepochs = 4\nbatch = 100\n";

fn settings(rest: &str) -> Result<Settings, String> {
    let config = Config::parse(&format!("{REST}{rest}"))?;
    Settings::of(&config).map_err(|e| e.to_string())
}

fn method(text: &str) -> Settings {
    settings(&format!("[optimizer]\nrate = 0.1\n[method]\n{text}")).unwrap()
}

#[test]
fn methods_have_their_own_numbers() {
    let first = |first| Penalty::First(first, Shape::Constant);
    let feedback = |delta| Shape::Feedback { delta, floor: 0.0 };
    for (text, expected) in [
        ("name = \"dense\"", Method::Dense),
        ("name = \"l1\"\nstrength = 1", Method::L1 { penalty: first(1.0) }),
        ("name = \"l1-mask\"\nstrength = 1", Method::L1Mask { beta: 1.0, penalty: first(1.0) }),
        ("name = \"spred\"\nstrength = 1", Method::Spred { beta: 0.0, penalty: first(1.0) }),
        (
            "name = \"pilot\"\ntotal = 2\ndelta = 1.5\nbeta = 0.5",
            Method::Pilot { beta: 0.5, penalty: Penalty::Total(2.0, feedback(1.5)) },
        ),
        (
            "name = \"pilot\"\ntarget = 0.9\nstrength = 3",
            Method::Pilot {
                beta: 1.0,
                penalty: Penalty::Target { share: 0.9, first: Some(3.0), then: feedback(1.01) },
            },
        ),
        ("name = \"sign-in\"\nbeta = 2", Method::SignIn { beta: 2.0 }),
        (
            "name = \"str\"\nstrength = 1\nschedule = \"geometric\"\nham = {}",
            Method::Str {
                start: -5.0,
                penalty: Penalty::First(1.0, Shape::Geometric(0.95)),
                ham: Some(Multiplicative { gradient: 200.0, decay: Some(1e-3) }),
            },
        ),
        ("name = \"powerprop\"", Method::Powerprop { power: 2.0, ham: None }),
        (
            "name = \"continuous\"\nstrength = 1",
            Method::Continuous { start: 0.05, last: 200.0, penalty: first(1.0), ham: None },
        ),
        ("name = \"ham\"", Method::Ham { gradient: 200.0, penalty: first(1e-3) }),
    ] {
        let found = method(text);
        assert_eq!(found.method, expected, "{text}");
        let name = text.split('"').nth(1);
        assert_eq!(Some(found.method.name()), name);
        assert_eq!(found.factors, None);
    }
    let found = method("name = \"l1\"\nstrength = 1\nfactors = { strength = 2 }");
    let penalty = Penalty::First(2.0, feedback(1.01));
    assert_eq!(found.factors, Some(Factors { beta: 1.0, penalty }));
}

#[test]
fn several_runs_are_for_a_target_alone() {
    assert_eq!(method("name = \"dense\"").runs, 1);
    assert_eq!(method("name = \"l1\"\ntarget = 0.9").runs, 10);
    assert_eq!(method("name = \"powerprop\"\nfactors = { target = 0.9 }\nruns = 3").runs, 3);
}

#[test]
fn optimizers_rates_and_pruning_are_variants() {
    let dense = "[method]\nname = \"dense\"\n";
    let with = |text: &str| settings(&format!("{text}\n{dense}"));
    let sgd = with("[optimizer]\nrate = 0.1\nmomentum = 0.9\nnesterov = true").unwrap();
    assert_eq!(sgd.optimizer, Optimizer::Sgd { momentum: 0.9, nesterov: true });
    assert_eq!(sgd.prune, Prune::default());
    assert_eq!(sgd.data.source, Source::Set(Set::Digits, None));
    let adam =
        with("[optimizer]\nkind = \"adamw\"\nrate = 0.1\nschedule = \"step\"\nmilestones = [2]");
    let adam = adam.unwrap();
    let shape = RateShape::Step { milestones: vec![2.0], factor: 0.1 };
    assert_eq!(adam.optimizer, Optimizer::AdamW);
    assert_eq!(adam.rate, Rate::new(0.1, 0.0, 4, shape).unwrap());
    let rewound = with(
        "[optimizer]\nrate = 1\n[prune]\ncycles = 3\nkeep = 0.5\nrewind = \"weights\"\nrewind_epoch = 2",
    );
    let rewound = rewound.unwrap();
    let rewind = Rewind::Weights { epoch: 2 };
    let expected = Prune { keep: 0.5, levels: 0, iterative: Some(Iterative { cycles: 3, rewind }) };
    assert_eq!(rewound.prune, expected);
    assert_eq!(rewound.all_epochs(), 3 * 4 - 2 * 2);
    // What nothing would heed is no setting.
    for (text, key) in [
        ("[optimizer]\nrate = 1\nkind = \"adam\"\nmomentum = 0.9", "optimizer.momentum"),
        ("[optimizer]\nrate = 1\nfactor = 0.5", "optimizer.factor"),
        ("[optimizer]\nrate = 1\n[prune]\nkeep = 0.5", "prune.keep"),
    ] {
        assert!(with(text).is_err_and(|e| e.contains(key)), "{text}");
    }
}
