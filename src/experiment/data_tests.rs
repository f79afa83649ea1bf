use proptest::prelude::*;

use super::{Curve, Data};
use crate::Result;

fn sample() -> Data {
    let mut data = Data::new("a-figure", Some(3), serde_json::json!({ "d": 40, "eta": 1e-4 }));
    data.curves.push(Curve::new("constant, 0.1", vec![1.0, 2.0], vec![0.1, f64::MIN_POSITIVE]));
    data.curves.push(Curve {
        band: Some((vec![-1.0, 0.0], vec![1.0, 1e300])),
        ..Curve::new("say \"x\"", vec![0.1, 1.0 / 3.0], vec![2.0, 3.0]).in_panel("right")
    });
    data.numbers.insert("delta 1".into(), 0.1 + 0.2);
    data
}

#[test]
fn both_files_hold_the_same_to_the_bit() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let data = sample();
    data.write(folder.path())?;
    let from_npz = Data::read(folder.path(), "a-figure")?;
    std::fs::remove_file(folder.path().join("a-figure.npz")).expect("removed");
    let from_csv = Data::read(folder.path(), "a-figure")?;
    assert_eq!(from_npz, data);
    assert_eq!(from_csv, data);
    Ok(())
}

#[test]
fn a_table_from_elsewhere_needs_three_columns() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |text: &str| std::fs::write(folder.path().join("mine.csv"), text).expect("written");
    write("series,x,y\ndense,0.5,97\ndense,0.9,93\nours,0.5,98\n");
    let data = Data::read(folder.path(), "mine")?;
    assert_eq!(data.curve("", "dense")?.y, [97.0, 93.0]);
    assert_eq!(data.curves.len(), 2);
    assert!(data.curves.iter().all(|c| c.band.is_none()));
    Ok(())
}

#[test]
fn wrong_files_say_what_and_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let refuse = |text: Option<&str>, part: &str| {
        if let Some(text) = text {
            std::fs::write(folder.path().join("mine.csv"), text).expect("written");
        }
        let why = Data::read(folder.path(), "mine").expect_err(part).to_string();
        assert!(why.contains(part), "{why}");
    };
    refuse(None, "neither mine.npz nor mine.csv");
    refuse(Some("a,b\n1,2\n"), "line 1 has the columns a,b");
    refuse(Some("series,x,y\nours,1,2\nours,1,two\n"), "line 3 has \"two\" in the column y");
    refuse(Some("series,x,y\nours,1\n"), "line 2");
    refuse(Some("series,x,y\n"), "no points");
    refuse(Some("series,x,y\nours,1,2\n#2,1,3\n# done, it seems\n"), "line 3 begins with #");
    refuse(Some("series,x,y\nours,nan,1\n"), "x of curve /ours[0] is NaN");
    // The first line of a file of this toolkit, and its end.
    refuse(Some("# {\"figure\": \nseries,x,y\nours,1,2\n"), "line 1 is not the JSON");
    let whole = sample().csv(&sample().meta().expect("JSON"));
    refuse(Some(whole.trim_end()), "line 6 ends too early");
    refuse(Some("# a remark\nseries,x,y\nours,1,one\n"), "line 3");
    std::fs::write(folder.path().join("mine.npz"), b"PK no archive").expect("written");
    refuse(None, "mine.npz");
}

#[test]
fn curves_of_unequal_length_are_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut data = sample();
    data.curves[0].y.pop();
    assert!(data.write(folder.path()).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

proptest! {
    #[test]
    fn any_number_survives_the_table(y in proptest::num::f64::ANY, x in proptest::num::f64::NORMAL) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut data = sample();
        data.curves.push(Curve::new("odd", vec![x], vec![y]));
        data.curves.push(Curve::new("rest", vec![1.0], vec![2.0]).in_panel("# 1"));
        data.write(folder.path()).expect("written");
        std::fs::remove_file(folder.path().join("a-figure.npz")).expect("removed");
        let back = Data::read(folder.path(), "a-figure").expect("read");
        let value = back.curve("", "odd").expect("there").y[0];
        prop_assert!(value.to_bits() == y.to_bits() || value.is_nan() && y.is_nan());
    }
}
