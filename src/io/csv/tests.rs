use crate::problem::{Problem, ProblemFile};
use proptest::prelude::*;

fn file(text: impl AsRef<[u8]>) -> std::result::Result<ProblemFile, String> {
    ProblemFile::read_csv_from(text.as_ref(), "data.csv").map_err(|e| e.to_string())
}

fn read(text: impl AsRef<[u8]>) -> std::result::Result<Problem, String> {
    file(text).map(|f| f.problem)
}

/// Each text holds the samples (1, 2 | 3) and (4, 5 | 6).
fn same(texts: &[&str]) {
    for text in texts {
        let problem = read(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert_eq!(problem.z_rows(), [1.0, 2.0, 4.0, 5.0], "{text:?}");
        assert_eq!(problem.y(), [3.0, 6.0], "{text:?}");
    }
}

#[test]
fn a_header_comments_and_empty_lines_are_optional() {
    same(&[
        "1,2,3\n4,5,6\n",
        "a,b,y\n1,2,3\n4,5,6\n",
        "\u{feff}a,b,y\r\n1,2,3\r\n4,5,6",
        "# made by hand\n\n1, 2 ,3\n\n\"4\",5.0,6e0\n",
        "\u{feff}1,2,3\n+4,.5e1,6.\n",
        "a,b,\"the \"\"y\"\", in g/L\"\n1,2,3\n4,5,6\n",
        "#comment, with, commas\n1,2,3\n#7,8,9\n# 7,8,9\n##\n#\n4,5,6\n",
    ]);
}

#[test]
fn csv_cr_ends_a_line() {
    same(&["1,2,3\r4,5,6\r", "a,b,y\r\r1,2,3\r4,5,6", "a,b,y\r1,2,3\n4,5,6\r\n"]);
    // Numbers of lines are those of an editor.
    assert!(read("1,2\r3,4\r\n5,x\r").unwrap_err().contains("line 3, column 2"));
}

#[test]
fn csv_na_is_a_cell_and_no_comment() {
    for na in ["#N/A", "#n/a", "#DIV/0!", "#REF!", "#VALUE!", "#NUM!", "#NAME?", "#NA"] {
        let found = read(format!("a,b,y\n1,2,3\n{na},5,6\n")).unwrap_err();
        let why = format!("data.csv: line 3, column 1 (\"a\"): {na:?} is not a number (a missing");
        assert!(found.starts_with(&why), "{found}");
    }
    for text in ["#N/A,2,3\n4,5,6\n", "1,2,3\n#bad,5,6\n", "NA,2,3\n4,5,6\n", "NA,NA,NA\n4,5,6\n"] {
        let found = read(text).unwrap_err();
        assert!(found.contains("column 1: ") && found.contains("is not a number"), "{found}");
    }
    assert!(read("a,y\n1,2\nnan,3\n").unwrap_err().contains("line 3, column 1 (\"a\"): \"nan\""));
}

#[test]
fn csv_integer_header_is_a_header() {
    let found = file("0,1,2\n1,2,3\n4,5,6\n").unwrap();
    assert_eq!(found.problem.y(), [3.0, 6.0]);
    assert!(found.notes[0].contains("line 1 (\"0,1,2\") is taken for the header"));
    same(&["0,1,y\n1,2,3\n4,5,6\n", ",0,1,2\n0,1,2,3\n1,4,5,6\n", "0,1,target\n1,2,3\n4,5,6\n"]);
    // Two columns of words and numbers with fractions; a header of integers all the same.
    assert_eq!(read("0,1\n1.5,2\n").unwrap().y(), [2.0]);
    for text in ["0,1\n1,0\n", "0,1,2\n3,4,5\n6,7,8\n"] {
        let found = read(text).unwrap_err();
        assert!(found.contains("line 1") && found.contains("header or a sample"), "{found}");
    }
    // A sample that counts from elsewhere, a lone line, and written as no integer would be.
    assert_eq!(read("2,3,4\n1,2,3\n").unwrap().samples(), 2);
    assert_eq!(read("0,1,2\n").unwrap().samples(), 1);
    assert_eq!(read("0.0,1,2\n3,4,6\n").unwrap().samples(), 2);
}

#[test]
fn csv_pandas_index_is_left_out_and_said() {
    for text in [
        ",a,b,y\n0,1,2,3\n1,4,5,6\n",
        "\"\",a,b,y\n\"1\",1,2,3\n\"2\",4,5,6\n",
        "Unnamed: 0,a,b,y\n0,1,2,3\n1,4,5,6\n",
        "index,a,b,y\n0,1,2,3\n1,4,5,6\n",
        "\ta\tb\ty\n0\t1\t2\t3\n1\t4\t5\t6\n",
    ] {
        let found = file(text).unwrap();
        assert_eq!(found.problem.z_rows(), [1.0, 2.0, 4.0, 5.0], "{text:?}");
        assert!(found.notes[0].contains("an index, left out"), "{:?}", found.notes);
    }
    for (text, why) in [
        (",a,y\n5,1,2\n3,4,5\n", "column 1 has no name in line 1: give it a name, or leave it out"),
        (",a,y\nx,1,2\nz,4,5\n", "column 1 has no name"),
        ("a,y,\n1,2,\n4,5,\n", "column 3 has no name"),
        ("a,b,\n1,2,3\n", "the last column, the target, has no name"),
        (",y\n0,1\n1,2\n", "has no features"),
        ("a,y\nr1,1,2\nr2,4,5\n", "line 2 has 3 columns, expected 2 as in line 1; names of rows"),
    ] {
        let found = read(text).unwrap_err();
        assert!(found.contains(why), "{text:?}: {found}");
    }
}

#[test]
fn the_column_called_y_is_the_target_wherever_it_stands() {
    for text in [
        "y,a,b\n3,1,2\n6,4,5\n",
        "a,y,b\n1,3,2\n4,6,5\n",
        "a,Y,b\n1,3,2\n4,6,5\n",
        "# y,a,b\n3,1,2\n6,4,5\n",
    ] {
        let found = file(text).unwrap();
        assert_eq!(found.problem.y(), [3.0, 6.0], "{text:?}");
        assert_eq!(found.problem.z_rows(), [1.0, 2.0, 4.0, 5.0], "{text:?}");
        assert!(found.notes[0].contains("is the target"), "{:?}", found.notes);
    }
    // Exactly y goes before Y.
    assert_eq!(read("y,Y\n1,2\n").unwrap().y(), [1.0]);
    assert!(read("y,a,y\n1,2,3\n").unwrap_err().contains("columns 1 and 3 are both called y"));
}

#[test]
fn csv_utf16_and_other_strangers_are_named() {
    let wide = |mark: &[u8], text: &str, big: bool| -> Vec<u8> {
        let units = text.encode_utf16();
        let bytes = units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() });
        mark.iter().copied().chain(bytes).collect()
    };
    for (bytes, name) in [
        (wide(&[0xff, 0xfe], "1,2\n", false), "is UTF-16 text"),
        (wide(&[0xfe, 0xff], "1,2\n", true), "is UTF-16 text"),
        (wide(&[], "1,2\n3,4\n", false), "is UTF-16LE text"),
        (wide(&[], "1,2\n3,4\n", true), "is UTF-16BE text"),
        (wide(&[], "名,y\n1,2\n3,4\n", false), "is UTF-16LE text"),
        (vec![0xff, 0xfe, 0, 0, b'1', 0, 0, 0], "is UTF-32 text"),
        ("1,2\n".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(), "is UTF-32LE text"),
        ("1,2\n".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(), "is UTF-32BE text"),
        (b"1,2\n3,4\0\n".to_vec(), "line 2 has a zero byte"),
        (vec![0; 9], "line 1 has a zero byte"),
        (b"PK\x03\x04".to_vec(), "is a zip archive"),
    ] {
        let found = read(&bytes).unwrap_err();
        assert!(found.contains(name), "{found}");
        assert!(!name.contains("UTF") || found.contains("iconv -f UTF-"), "{found}");
    }
}

#[test]
fn semicolons_and_tabs_separate_and_other_delimiters_come_with_the_conversion() {
    same(&[
        "1;2;3\n4;5;6\n",
        "a;b;y\n1,0;2,0;3,0\n4,0;5,0;6,0\n",
        "1\t2\t3\n4\t5\t6\n",
        "a\tb, in mm\ty\n1\t2\t3\n4\t5\t6\n",
        "sep=;\na;b;y\n1;2;3\n4;5;6\n",
        "1,0;2;3\n4;5;6\n",
    ]);
    assert!(file("1,5;2\n").unwrap().notes[0].contains("decimal points"));
    assert_eq!(read("1,5;2\n-0,25;4\n").unwrap().z_rows(), [1.5, -0.25]);
    for (text, why) in [
        ("1 2 3\n4 5 6\n", "line 1 is separated by spaces, expected commas, semicolons or tabs"),
        ("1|2\n3|4\n", "convert it: tr '|' ',' < \"data.csv\" > OUT.csv"),
        ("1,5;2.5\n", "a comma cannot be a decimal point beside points"),
        ("1,234;2\n5,678;3\n", "line 1: \"1,234\" may have a decimal comma or one that groups"),
        ("\"1,5\",2\n", "\"1,5\" is not a number (write decimals with a point)"),
    ] {
        let found = read(text).unwrap_err();
        assert!(found.contains(why), "{text:?}: {found}");
    }
}

#[test]
fn csv_quoted_cells_hold_line_ends() {
    same(&[
        "\"a\nfirst\",b,y\n1,2,3\n4,5,6\n",
        "\"a\r\nfirst\", \"b, \"\"or\"\"\rc\" ,y\r\n1,2,3\r\n4,5,6\r\n",
        "\"a\";\"b\n\";y\n\"1\n\";2;3\n4;5;6\n",
        "# he said, \"no end\n1,2,3\n4,5,6\n",
    ]);
    // Lines count as an editor counts them.
    let found = read("\"a\n\n\",b,y\n1,2,3\n4,x,6\n").unwrap_err();
    assert!(found.contains("line 5, column 2"), "{found}");
    let found = read("a,b,y\n1,2,3\n4,\"5,6\n").unwrap_err();
    assert!(found.contains("line 3 has a quote that does not end"), "{found}");
}

/// A first line of numbers in another spelling is no header: no sample goes unread.
#[test]
fn csv_numbers_of_other_spellings_are_refused_in_any_line() {
    for (cell, right) in [
        ("1D3", "1000"),
        ("-2.5d-1", "-0.25"),
        ("\"1,000\"", "without a comma"),
        ("\"1,000.5\"", "1000.5"),
        ("1 000", "1000"),
        ("1'000'000", "1000000"),
        ("1_000", "1000"),
        ("\u{a0}7", "7"),
        ("−1", "-1"),
        ("１２", "12"),
        ("$5", "5"),
        ("5 %", "5"),
        ("1.5f", "1.5"),
        ("0x1F", "31"),
        ("'1'", "1"),
    ] {
        let first = format!("{cell},{cell},{cell}\n4,5,6\n7,8,9\n");
        let later = format!("a,b,y\n4,5,6\n{cell},8,9\n");
        for (text, at) in [(first, "line 1, column 1"), (later, "line 3, column 1 (\"a\")")] {
            let found = read(&text).unwrap_err();
            assert!(found.contains(at) && found.contains(right), "{text:?}: {found}");
        }
    }
    // Words with digits are names all the same.
    same(&[
        "1st,2nd,3rd\n1,2,3\n4,5,6\n",
        "5%,95%,y\n1,2,3\n4,5,6\n",
        "2020-01,x 1,1 2\n1,2,3\n4,5,6\n",
    ]);
}

#[test]
fn columns_that_hold_no_numbers_are_named() {
    let found = read("a,city,y\n1,Ulm,2\n3,Bonn,4\n").unwrap_err();
    let why = "line 2, column 2 (\"city\"): \"Ulm\" is not a number, and no cell of this column is";
    assert!(found.contains(why), "{found}");
    let found = read("a,b,y\n1,,2\n3,,4\n").unwrap_err();
    assert!(found.contains("(\"b\"): \"\" is not a number, and no cell of this"), "{found}");
    let found = read("a,on,y\n1,True,2\n3,False,4\n").unwrap_err();
    assert!(found.contains("(\"on\"): \"True\"") && found.contains("as 1 and 0"), "{found}");
}

#[test]
fn errors_give_line_and_column() {
    for (text, why) in [
        ("1,2\n3,x\n", "data.csv: line 2, column 2: \"x\" is not a number"),
        ("a,b\n1,nan\n", "data.csv: line 2, column 2 (\"b\"): \"nan\" is not finite"),
        ("a,b\n1,1e999\n", "data.csv: line 2, column 2 (\"b\"): \"1e999\" is not finite"),
        ("1,2\n3,\n", "data.csv: line 2, column 2: \"\" is not a number"),
        ("1,b\n3,4\n", "line 1, column 2: \"b\" is not a number (a header must hold no numbers)"),
        ("1,2\n\n3,4,5\n", "data.csv: line 3 has 3 columns, expected 2 as in line 1"),
        ("#\n\n1,2\n3,4,5\n", "data.csv: line 4 has 3 columns, expected 2 as in line 3"),
        ("1\n2\n", "data.csv: line 1 has one column, expected features and the target y"),
        ("1,2\n3,\"4\n", "data.csv: line 2 has a quote that does not end"),
        ("", "data.csv: holds no lines of data"),
        ("a,b\n", "data.csv: holds no lines of data"),
        ("# nothing\n", "data.csv: holds no lines of data"),
    ] {
        let found = read(text).unwrap_err();
        assert!(found.contains(why), "{text:?}: {found}");
    }
    let not_text = read(b"1,2\n3,\xff\xfe\n").unwrap_err();
    assert!(not_text.contains("line 2, column 2"), "{not_text}");
}

proptest! {
    /// What is written with any delimiter, line end, order of columns and index reads back.
    #[test]
    fn every_spelling_of_a_table_reads_back(
        rows in proptest::collection::vec(proptest::collection::vec(-1e9..1e9f64, 3), 1..6),
        delimiter in 0usize..3, ending in 0usize..3, target in 0usize..3, index in any::<bool>(),
    ) {
        let (delimiter, ending) = ([",", ";", "\t"][delimiter], ["\n", "\r\n", "\r"][ending]);
        let mut names = ["p", "q", "r"];
        names[target] = "y";
        let lead = |k: String| if index { vec![k] } else { vec![] };
        let mut lines = vec![[lead(String::new()), names.iter().map(|n| n.to_string()).collect()].concat()];
        for (k, row) in rows.iter().enumerate() {
            lines.push([lead(k.to_string()), row.iter().map(f64::to_string).collect()].concat());
        }
        let text: String = lines.iter().map(|l| l.join(delimiter) + ending).collect();
        let problem = read(&text).map_err(TestCaseError::fail)?;
        for (k, row) in rows.iter().enumerate() {
            prop_assert_eq!(problem.y()[k], row[target]);
            let z: Vec<f64> = (0..3).filter(|j| *j != target).map(|j| row[j]).collect();
            prop_assert_eq!(problem.z().row(k).to_vec(), z);
        }
    }
}
