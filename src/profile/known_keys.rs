//! Unknown and missing keys, found by holding the YAML against the schema that the types make.

use super::locate::Step;
use serde_json::Value as Json;
use serde_yaml::Value as Yaml;

/// A key that does not fit the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyError {
    /// The place, the keys that are allowed there, and the nearest of those.
    Unknown { path: Vec<Step>, allowed: Vec<String>, nearest: Option<String> },
    /// The section and the key that it lacks; `mistyped` when an unknown key stands for it and says so.
    Missing { section: Vec<Step>, key: String, mistyped: bool },
}

/// Every unknown key in `yaml`, which are taken out of it, and every missing one.
pub fn check(schema: &Json, yaml: &mut Yaml) -> Vec<KeyError> {
    let mut errors = Vec::new();
    walk(schema, schema, yaml, &mut Vec::new(), &mut errors);
    errors
}

fn walk(root: &Json, schema: &Json, yaml: &mut Yaml, path: &mut Vec<Step>, errors: &mut Vec<KeyError>) {
    let schema = resolve(root, schema);
    let (Some(properties), Yaml::Mapping(mapping)) = (schema["properties"].as_object(), yaml) else { return };
    let keys: Vec<Yaml> = mapping.keys().cloned().collect();
    for key in keys {
        let name = key_text(&key);
        path.push(Step::Key(name.clone()));
        match properties.get(&name) {
            Some(inner) => {
                if let Some(value) = mapping.get_mut(&key) {
                    walk(root, inner, value, path, errors);
                }
            }
            None => {
                mapping.remove(&key);
                let allowed: Vec<String> = properties.keys().cloned().collect();
                let nearest = nearest(&name, &allowed);
                errors.push(KeyError::Unknown { path: path.clone(), allowed, nearest });
            }
        }
        path.pop();
    }
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        // A mistyped key says it already, with its place.
        let mistyped = errors.iter().any(|e| match e {
            KeyError::Unknown { path: at, nearest, .. } => {
                at[..at.len() - 1] == path[..] && nearest.as_deref() == Some(key)
            }
            KeyError::Missing { .. } => false,
        });
        if !mapping.contains_key(key) {
            errors.push(KeyError::Missing { section: path.clone(), key: key.to_owned(), mistyped });
        }
    }
}

/// A key as it was typed, also where YAML takes it for a number or a truth value.
fn key_text(key: &Yaml) -> String {
    match key {
        Yaml::String(text) => text.clone(),
        other => serde_yaml::to_string(other).unwrap_or_default().trim_end().to_owned(),
    }
}

/// Follows `$ref`, also one that stands beside a description or inside a lone `allOf`.
fn resolve<'a>(root: &'a Json, schema: &'a Json) -> &'a Json {
    match schema["$ref"].as_str().and_then(|r| r.strip_prefix("#")).and_then(|p| root.pointer(p)) {
        Some(target) => resolve(root, target),
        None => schema,
    }
}

/// The known key that a typing error would turn into `name`, if one is near.
fn nearest(name: &str, known: &[String]) -> Option<String> {
    known
        .iter()
        .map(|k| (distance(&name.to_lowercase(), k), k))
        .filter(|(d, k)| *d <= k.len().div_ceil(3))
        .min()
        .map(|(_, k)| k.clone())
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    // A key longer than any known one is near to none; this bounds the work on hostile input.
    for (i, x) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_keys() {
        let known: Vec<String> = ["channel", "band", "width"].map(String::from).into();
        assert_eq!(nearest("chanel", &known).as_deref(), Some("channel"));
        assert_eq!(nearest("Band", &known).as_deref(), Some("band"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
