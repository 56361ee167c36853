use super::*;
use alloc::string::ToString;
use alloc::vec;
use proptest::prelude::*;

#[test]
fn what_kms_sends() {
    let text = br#" {"KeyId" : "arn:x", "Truncated":false, "Grants":[{"GrantId":"a","Created":1.5E9}, {}], "N":null} "#;
    let json = Json::parse(text).unwrap();
    assert_eq!(json.required("KeyId").unwrap().string().unwrap(), "arn:x");
    assert!(!json.required("Truncated").unwrap().boolean().unwrap());
    assert!(json.required("N").unwrap().is_null());
    assert_eq!(json.member("Plaintext"), Ok(None));
    assert_eq!(json.required("Plaintext"), Err(MALFORMED));
    let grants = json.required("Grants").unwrap().items().unwrap();
    assert_eq!(
        grants.iter().map(|grant| grant.text()).collect::<Vec<_>>(),
        [r#"{"GrantId":"a","Created":1.5E9}"#, "{}"]
    );
    assert_eq!(json.string(), Err(MALFORMED));
    assert_eq!(json.items(), Err(MALFORMED));
    assert_eq!(json.boolean(), Err(MALFORMED));
    assert_eq!(grants[0].items(), Err(MALFORMED));
}

#[test]
fn strings() {
    let text = r#""\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00""#;
    let string = Json::parse(text.as_bytes()).unwrap().string().unwrap();
    assert_eq!(string, "\"\\/\x08\x0c\n\r\t\u{e9}\u{e9}\u{1f600}");
}

#[test]
fn a_name_that_is_there_twice() {
    for twice in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":1}"#, r#"[{"x":{"b":1,"a":2,"b":3}}]"#] {
        assert_eq!(Json::parse(twice.as_bytes()), Err(MALFORMED));
    }
}

#[test]
fn what_is_not_json() {
    let cases = [
        "",
        " ",
        "{",
        "}",
        "[",
        "[1,]",
        "[,1]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "-",
        "--1",
        "0x1",
        "NaN",
        "nul",
        "nulll",
        "True",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u+123\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\n\"",
        "\"\t\"",
        "1 1",
        "{}{}",
        "[]]",
        "// x",
        "\u{feff}1",
        "\"\\u\u{e9}\u{e9}\"",
    ];
    for text in cases {
        assert_eq!(Json::parse(text.as_bytes()), Err(MALFORMED), "{text}");
    }
    assert_eq!(Json::parse(b"\"\xff\""), Err(MALFORMED));
    assert!(
        Json::parse("[".repeat(16).as_bytes().iter().chain(&[b']'; 16]).copied().collect::<Vec<_>>().as_slice())
            .is_ok()
    );
    assert_eq!(Json::parse(&[vec![b'['; 17], vec![b']'; 17]].concat()), Err(MALFORMED));
    assert_eq!(Json::parse(&vec![b'['; 1 << 20]), Err(MALFORMED));
}

/// The values that serde_json and this have to agree on.
fn values() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |float| serde_json::Number::from_f64(float).map(Value::from)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn serde_json_agrees(value in values()) {
        let text = value.to_string();
        let json = Json::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(json.text(), text.as_str());
        if let Some(members) = value.as_object() {
            for (name, member) in members {
                prop_assert_eq!(json.required(name).unwrap().text(), member.to_string());
            }
        }
        if let Some(string) = value.as_str() {
            prop_assert_eq!(json.string().unwrap(), string);
            prop_assert_eq!(Json::parse(quoted(string).as_bytes()).unwrap().string().unwrap(), string);
        }
    }

    #[test]
    fn what_is_accepted_is_accepted_by_serde_json(bytes in "[\\[\\]{}:,\"\\\\a0-9.eE+ tfn\\-u]{0,24}") {
        if Json::parse(bytes.as_bytes()).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&bytes).is_ok());
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = Json::parse(&bytes);
    }
}
