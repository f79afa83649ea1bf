use super::*;
use proptest::prelude::*;

/// A `.npy` file with the given header text (padded as the format asks) and data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn read(bytes: &[u8]) -> Result<Array, String> {
    let mut reader = bytes;
    let header = read_header(&mut reader)?;
    read_data(&mut reader, &header)
}

fn with(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Result<Array, String> {
    let order = if fortran { "True" } else { "False" };
    let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    read(&file(&text, data))
}

fn values(array: &Array) -> &[f64] {
    array.as_f64().unwrap()
}

#[test]
fn every_width_and_byte_order_of_numbers() {
    let wide: Vec<u8> = [1.5f64, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let wide_be: Vec<u8> = [1.5f64, -2.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    let narrow: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let narrow_be: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    for (descr, data) in [("<f8", wide), (">f8", wide_be), ("<f4", narrow), (">f4", narrow_be)] {
        let array = with(descr, false, "(2,)", &data).unwrap();
        assert_eq!(values(&array), [1.5, -2.0], "{descr}");
    }
    let ints = |descr, data: &[u8]| with(descr, false, "(2,)", data).unwrap();
    assert_eq!(ints("|i1", &[0xff, 5]).as_i64(), Some(&[-1, 5][..]));
    assert_eq!(ints("<i2", &[0, 0x80, 1, 0]).as_i64(), Some(&[-32768, 1][..]));
    assert_eq!(ints(">i2", &[0x80, 0, 0, 1]).as_i64(), Some(&[-32768, 1][..]));
    assert_eq!(ints("|u1", &[0xff, 5]).as_i64(), Some(&[255, 5][..]));
    assert_eq!(ints("|b1", &[0, 1]).as_bool(), Some(&[false, true][..]));
    let texts = ints("|S3", b"ab\0\xc3\xa9\0");
    assert_eq!(texts.as_text().unwrap(), ["ab", "é"]);
    let unicode: Vec<u8> = ['a', 'β'].iter().flat_map(|c| (*c as u32).to_le_bytes()).collect();
    assert_eq!(ints("<U1", &unicode).as_text().unwrap(), ["a", "β"]);
}

#[test]
fn half_floats_are_exact() {
    // Zero, the least, the largest below normal, the least normal, 1 and its successor, 65504, ∞.
    let bits = [0u16, 1, 0x3ff, 0x400, 0x3c00, 0x3c01, 0x7bff, 0x7c00, 0x8000, 0xc500];
    let unit = 2f64.powi(-24);
    let exact = [
        0.0,
        unit,
        1023.0 * unit,
        1024.0 * unit,
        1.0,
        1.0 + 2f64.powi(-10),
        65504.0,
        f64::INFINITY,
        -0.0,
        -5.0,
    ];
    for (descr, data) in [
        ("<f2", bits.iter().flat_map(|b| b.to_le_bytes()).collect::<Vec<u8>>()),
        (">f2", bits.iter().flat_map(|b| b.to_be_bytes()).collect()),
    ] {
        let array = with(descr, false, "(10,)", &data).unwrap();
        for (found, exact) in values(&array).iter().zip(exact) {
            assert_eq!(found.to_bits(), exact.to_bits(), "{descr}");
        }
    }
    assert!(values(&with("<f2", false, "()", &[1, 0x7c]).unwrap())[0].is_nan());
}

/// As numbers of a problem: exact, or refused with the number.
#[test]
fn every_numeric_type_as_float64() {
    let floats = |descr: &str, fortran: bool, shape: &str, data: &[u8]| {
        let order = if fortran { "True" } else { "False" };
        let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
        let bytes = file(&text, data);
        let mut reader = &bytes[..];
        let header = read_header(&mut reader)?;
        read_floats(&mut reader, &header)
    };
    assert_eq!(floats("|i1", false, "(2,)", &[0xff, 5]).unwrap(), [-1.0, 5.0]);
    assert_eq!(floats("|u1", false, "(2,)", &[0xff, 5]).unwrap(), [255.0, 5.0]);
    assert_eq!(floats("|b1", false, "(2,)", &[1, 0]).unwrap(), [1.0, 0.0]);
    assert_eq!(floats("<i2", true, "(1, 2)", &[0, 0x80, 1, 0]).unwrap(), [-32768.0, 1.0]);
    assert_eq!(floats("|u1", true, "(2, 2)", &[1, 3, 2, 4]).unwrap(), [1.0, 2.0, 3.0, 4.0]);
    for (value, exact) in
        [(1u64 << 53, true), ((1 << 53) + 1, false), (1 << 63, true), (u64::MAX, false)]
    {
        let found = floats("<u8", false, "()", &value.to_le_bytes());
        assert_eq!(found.is_ok(), exact, "{value}");
        assert!(
            found
                .map_or_else(|e| e.contains(&format!("integer {value},")), |v| v == [value as f64])
        );
    }
    for (value, exact) in [(i64::MIN, true), (i64::MAX, false), (-(1 << 53) - 1, false), (-7, true)]
    {
        assert_eq!(floats(">i8", false, "()", &value.to_be_bytes()).is_ok(), exact, "{value}");
    }
    assert!(floats("<U1", false, "()", &[0; 4]).is_err());
    assert!(floats("<f8", false, "(2,)", &[0; 15]).unwrap_err().contains("ends after 15 of 16"));
    assert!(floats("<f8", false, "(2,)", &[0; 17]).unwrap_err().contains("more data than"));
}

#[test]
fn fortran_order_is_turned_into_c_order() {
    let column_major: Vec<u8> =
        [1.0f64, 4.0, 2.0, 5.0, 3.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let array = with("<f8", true, "(2, 3)", &column_major).unwrap();
    assert_eq!(values(&array), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    // Three axes: entry (i,j,k) of shape (1,2,3) sits at i + j + 2k.
    let array = with("<f8", true, "(1, 2, 3)", &column_major).unwrap();
    assert_eq!(values(&array), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(with("<f8", true, "(0, 3)", &[]).unwrap().shape, [0, 3]);
}

#[test]
fn headers_that_lie_are_refused_without_allocating() {
    for (shape, why) in [
        ("(1000000000000, 8)", "more than the 2147483648 bytes"),
        ("(18446744073709551615, 18446744073709551615)", "more than the 2147483648 bytes"),
        ("(99999999999999999999999,)", "is no length of an axis"),
        ("(200000000,)", "ends after 8 of 1600000000 bytes"),
        ("(2,)", "ends after 8 of 16 bytes"),
        ("(0,)", "has more data than its shape (0,)"),
        ("(-1,)", "is no length of an axis"),
    ] {
        let found = with("<f8", false, shape, &[0; 8]).unwrap_err();
        assert!(found.contains(why), "{shape}: {found}");
    }
    assert!(with("|S1", false, "(2000000,)", &[0; 8]).unwrap_err().contains("2000000 texts"));
    let long = [&b"\x93NUMPY\x02\x00\xff\xff\xff\xff"[..], b"{}"].concat();
    assert!(read(&long).unwrap_err().contains("a header of 4294967295 bytes"));
}

#[test]
fn malformed_headers_say_what_is_wrong() {
    for (bytes, why) in [
        (b"PK".to_vec(), "ends after 2 of 8 bytes of its magic string"),
        (b"PKPKPKPKPK".to_vec(), "does not begin like a NumPy array"),
        (b"\x93NUMPY\x09\x00\x00\x00".to_vec(), ".npy version 9"),
        (file("", b""), "expected '{'"),
        (file("{'descr': '<f8'}", b""), "has no key 'fortran_order'"),
        (file("{'descr': '<f8', 'descr': '<f8'}", b""), "repeated key \"descr\""),
        (file("{'other': 1}", b""), "unknown or repeated key \"other\""),
        (file("{'descr': [('a', '<f8')]}", b""), "structured array"),
        (file("{'descr': '<f8", b""), "a string does not end"),
        (file("{'fortran_order': 0}", b""), "neither True nor False"),
        (file("{'shape': (1 2)}", b""), "expected ')'"),
        (
            file("{'descr': '\u{e9}8', 'fortran_order': True, 'shape': ()} x", b""),
            "after the closing",
        ),
    ] {
        let found = read(&bytes).unwrap_err();
        assert!(found.contains(why), "{:?}: {found}", String::from_utf8_lossy(&bytes));
    }
    for descr in [
        "<c16",
        "|O",
        "<f16",
        "<f3",
        "f8",
        "<M8[ns]",
        "",
        "<",
        "é8",
        "|S0",
        "<U99999999999999999999",
    ] {
        let found = with(descr, false, "()", &[0; 8]).unwrap_err();
        assert!(found.contains("has dtype"), "{descr}: {found}");
    }
    assert!(with("<U1", false, "()", &[0, 0xd8, 0, 0]).unwrap_err().contains("not Unicode"));
    assert!(with("|b1", false, "()", &[7]).unwrap_err().contains("the byte 7"));
    assert!(with("<u8", false, "()", &[0xff; 8]).unwrap_err().contains("beyond 2^63"));
}

#[test]
fn keys_in_any_order_and_python_2_shapes() {
    let data = 2.5f64.to_le_bytes();
    for header in [
        "{\"shape\":(1L,),'fortran_order':False,'descr':'<f8'}",
        " { 'fortran_order' : True , 'shape' : ( ) , 'descr' : '<f8' } \n",
    ] {
        assert_eq!(values(&read(&file(header, &data)).unwrap()), [2.5], "{header}");
    }
}

proptest! {
    #[test]
    fn own_headers_read_back(shape in proptest::collection::vec(0usize..5, 0..5)) {
        let bytes = header_bytes("<f8", &shape).unwrap();
        prop_assert_eq!(bytes.len() % 64, 0);
        let header = read_header(&mut &bytes[..]).unwrap();
        prop_assert_eq!(&header.shape, &shape);
        prop_assert_eq!((header.kind, header.width, header.fortran), (Kind::Float, 8, false));
    }
}
