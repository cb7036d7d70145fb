//! Answers held against docs/api/openapi.yaml.

use serde_json::Value;

/// What the file says of an answer, word for word: every field that is there is documented, and none is missing.
pub fn fits(api: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        return fits(api, api.pointer(&name[1..]).unwrap_or_else(|| panic!("{name}")), value, place);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let at = usize::from(value.is_null());
        return fits(api, &any[at], value, place);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = &schema["type"];
    let fits_kind = kinds == kind || kinds.as_array().is_some_and(|all| all.iter().any(|k| k == kind));
    assert!(fits_kind, "{place} is {kind}, and documented as {kinds}");
    if let (Some(all), Value::String(_)) = (schema["enum"].as_array(), value) {
        assert!(all.contains(value), "{place}: {value} is none of {all:?}");
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(api, &schema["items"], item, &format!("{place}[{at}]"));
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(object.contains_key(name.as_str().unwrap()), "{place} has no {name}");
        }
        for (name, inner) in object {
            let known = schema["properties"]
                .get(name)
                .unwrap_or_else(|| panic!("{place}.{name} is documented nowhere"));
            fits(api, known, inner, &format!("{place}.{name}"));
        }
    }
}
