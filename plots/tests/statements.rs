//! The data obey the statements of the captions: all experiments at the quick size, which runs as long in the time
//! of the flow as the full one. And each statement can come out the other way, on data that are not so.

use std::sync::OnceLock;

use mirrorflow::experiment::{Curve, Data, Lab, Size, all};
use mirrorflow_plots::{Column, Source, Statement, find};

/// The paper's statements that do not hold, by figure and place: no C saves the printed bound; and L1 on x ends lower with
/// the harmonic schedule than with a constant, since its bias goes with α.
const FAIL: [(&str, usize); 3] = [("fig1b", 3), ("fig4", 1), ("bound", 0)];

/// The data of all experiments, simulated once.
fn simulated() -> &'static [Data] {
    static DATA: OnceLock<Vec<Data>> = OnceLock::new();
    DATA.get_or_init(|| {
        let lab = Lab::new(Size::Quick, 0);
        all().iter().map(|e| lab.run(e).expect(e.name)).collect()
    })
}

fn statements(data: &Data) -> Vec<Statement> {
    let figure = find(&data.figure).expect("a figure for each experiment");
    figure.picture(data, None).expect("drawn").statements
}

#[test]
fn every_statement_comes_out_as_known() {
    let mut wrong = Vec::new();
    for data in simulated() {
        let statements = statements(data);
        assert!(statements.len() > 1, "{}", data.figure);
        for (k, s) in statements.iter().enumerate() {
            let fails = FAIL.contains(&(data.figure.as_str(), k));
            assert!(!s.measured.is_empty(), "{}: {}", data.figure, s.says);
            if s.holds == fails || fails && s.source != Source::Paper {
                wrong.push(format!("{}: {} {:?}", data.figure, s.says, s.measured));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ways for data to be otherwise, none made for one statement.
fn spoilt(data: &Data) -> Vec<Data> {
    let each = |change: &dyn Fn(usize, &mut Curve)| {
        let mut data = data.clone();
        data.curves.iter_mut().enumerate().for_each(|(k, c)| change(k, c));
        data
    };
    let renamed = |from: &str, to: &str| {
        each(&|_, c: &mut Curve| {
            for name in [&mut c.series, &mut c.panel] {
                *name = name.replace(from, "\0").replace(to, from).replace('\0', to);
            }
        })
    };
    let signs = |parity: usize| {
        each(&|k, c: &mut Curve| {
            if k % 2 == parity {
                c.y.iter_mut().for_each(|y| *y = -*y);
            }
        })
    };
    let by = |k: usize| 1.0 + 0.1 * (k + 1) as f64;
    let mut all = vec![
        // Run backwards, with the other sign, all of it and in part.
        each(&|_, c| c.y.reverse()),
        each(&|_, c| c.y.iter_mut().for_each(|y| *y = -*y)),
        signs(0),
        signs(1),
        // Higher and lower, each curve by more than the one before; a hundredth off at every other point.
        each(&|k, c| c.y.iter_mut().for_each(|y| *y *= by(k))),
        each(&|k, c| c.y.iter_mut().for_each(|y| *y /= by(k))),
        each(&|_, c| c.y.iter_mut().step_by(2).for_each(|y| *y *= 1.01)),
        // Standing still at the end.
        each(&|_, c| {
            let last = c.last();
            c.y.fill(last);
        }),
        // One taken for the other.
        renamed("PILoT", "spred"),
        renamed("PILoT", "L1 on x"),
        renamed("L1 on m", "L1 on x"),
        renamed("constant", "harmonic"),
        renamed("none", "decay"),
    ];
    // One number, one curve at a time.
    for name in data.numbers.keys() {
        for factor in [0.5, 2.0, 1e9] {
            let mut other = data.clone();
            other.numbers.entry(name.clone()).and_modify(|v| *v *= factor);
            all.push(other);
        }
    }
    for k in 0..data.curves.len() {
        // A logarithmic axis has no 0.
        for y in [0.0, 1e-30, 1e30] {
            let mut other = data.clone();
            other.curves[k].y.fill(y);
            all.push(other);
        }
    }
    all
}

#[test]
fn every_statement_can_come_out_otherwise() {
    let mut deaf = Vec::new();
    for data in simulated() {
        let truth = statements(data);
        let figure = find(&data.figure).expect("a figure");
        let others: Vec<Vec<Statement>> = spoilt(data)
            .iter()
            .filter_map(|d| figure.picture(d, None).ok())
            .map(|p| p.statements)
            .collect();
        for (k, s) in truth.iter().enumerate() {
            if others.iter().all(|o| o[k].holds == s.holds) {
                deaf.push(format!("{} {k}: {}", data.figure, s.says));
            }
        }
    }
    assert!(deaf.is_empty(), "whatever the data:\n{}", deaf.join("\n"));
}

#[test]
fn statements_of_data_files_can_come_out_otherwise() {
    let data = |figure: &str, first: &[f64], second: &[f64]| {
        let mut data = Data::new(figure, None, serde_json::Value::Null);
        let x = vec![0.2, 0.8];
        for (name, y) in [("a", first), ("b", second)] {
            data.curves.push(Curve::new(name, x.clone(), y.to_vec()));
        }
        data
    };
    assert!(statements(&data("sparsity", &[91.0, 70.0], &[90.0, 80.0]))[0].holds);
    assert!(!statements(&data("sparsity", &[1.0, 70.0], &[2.0, 70.0]))[0].holds);
    assert!(statements(&data("scaling", &[1.0, 70.0], &[2.0, 4.0]))[0].holds);
    assert!(!statements(&data("scaling", &[3.0, 2.0], &[2.0, 4.0]))[0].holds);
    // A line that breaks is not the highest, and a strength without an accuracy not the best.
    assert!(
        statements(&data("sparsity", &[91.0, 70.0], &[90.0, f64::NAN]))[0]
            .says
            .contains("20.00 % sparsity")
    );
    let broken = statements(&data("strength", &[91.0, f64::NAN], &[90.0, 80.0]));
    assert!(broken[0].measured == [("strength".into(), 0.2), ("accuracy in %".into(), 91.0)]);
    let work = statements(&data("work-precision", &[1.0, 2.0], &[3.0, 4.0]));
    // The same errors, different times.
    assert!(!work[0].holds && work[1].holds);
}

/// Methods whose points are at other sparsities are compared where both have got that far.
#[test]
fn a_sparser_network_is_not_beaten_by_one_less_sparse() {
    let mut data = Data::new("sparsity", None, serde_json::Value::Null);
    data.curves.push(Curve::new("a", vec![0.5, 0.9], vec![90.0, 80.0]));
    data.curves.push(Curve::new("b", vec![0.5, 0.89, 0.99], vec![91.0, 85.0, 60.0]));
    let found = statements(&data);
    assert!(
        found[0].holds && found[0].says.contains("90.00 % sparsity, or the first beyond, a is")
    );
}

/// What a log axis cannot show is refused, at once.
#[test]
fn places_that_no_axis_has_are_refused() {
    for (figure, x) in [
        ("strength", 0.0),
        ("strength", -1.0),
        ("scaling", 0.0),
        ("work-precision", -1e-9),
        ("sparsity", 1.0),
    ] {
        let mut data = Data::new(figure, None, serde_json::Value::Null);
        data.curves.push(Curve::new("a", vec![0.5, x], vec![1.0, 2.0]));
        let why = find(figure).expect(figure).picture(&data, None).expect_err(figure).to_string();
        assert!(why.contains(&format!("x[1] of a in the data of {figure}")), "{why}");
    }
}

/// Captions count what the data hold, not what the full size would.
#[test]
fn captions_count_what_was_run() {
    for (figure, says) in [("fig1b", "Mean over two starts"), ("fig5", "two starts with two seeds")]
    {
        let data = simulated().iter().find(|d| d.figure == figure).expect(figure);
        let caption = find(figure).expect(figure).picture(data, None).expect("drawn").caption;
        assert!(caption.contains(says) && !caption.contains("five"), "{caption}");
    }
}

#[test]
fn both_widths_have_their_width() {
    let data = simulated().iter().find(|d| d.figure == "fig1c").expect("fig1c");
    for (column, width) in [(Column::One, "width=\"234pt\""), (Column::Two, "width=\"486pt\"")] {
        let picture = find("fig1c").expect("fig1c").picture(data, Some(column)).expect("drawn");
        assert!(picture.drawing.svg().contains(width));
    }
}

#[test]
fn data_cut_short_are_drawn_or_refused() {
    let keep = |data: &Data, change: &dyn Fn(&mut Curve)| {
        let mut data = data.clone();
        data.curves.iter_mut().for_each(change);
        data
    };
    let cut = |points: usize| {
        move |c: &mut Curve| {
            c.x.truncate(points);
            c.y.truncate(points);
            if let Some((low, high)) = &mut c.band {
                low.truncate(points);
                high.truncate(points);
            }
        }
    };
    for data in simulated() {
        let figure = find(&data.figure).expect("a figure");
        for points in 0..4 {
            let _ = figure.picture(&keep(data, &cut(points)), None);
        }
        // One place for all points, and one value.
        let _ = figure.picture(&keep(data, &|c| c.x.fill(1.0)), Some(Column::One));
        let _ = figure.picture(&keep(data, &|c| c.y.fill(0.0)), Some(Column::One));
        let nan = keep(data, &|c| c.y.iter_mut().for_each(|y| *y = f64::NAN));
        let why = figure.picture(&nan, None).expect_err(&data.figure).to_string();
        assert!(why.contains("y of curve"), "{why}");
        for k in 0..data.curves.len() {
            let mut fewer = data.clone();
            fewer.curves.remove(k);
            let _ = figure.picture(&fewer, None);
        }
        let empty = Data { curves: Vec::new(), ..data.clone() };
        assert!(figure.picture(&empty, None).is_err(), "{}", data.figure);
    }
}
